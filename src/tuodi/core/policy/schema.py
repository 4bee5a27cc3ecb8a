"""The shape that a pack's data must have: a JSON Schema generated from the model, and what is told of data that has another.

Editors use the same schema. All faults are found at once, each with its place and line, in words for people who write packs and
not programs. What a rightly shaped pack says wrongly is found by :mod:`.check`.
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from typing import Any

import jsonschema_rs
import msgspec

from tuodi.core.errors import Fault, declare, fault
from tuodi.core.policy.model import Pack
from tuodi.core.policy.parse import Document, Path

E_UNKNOWN = declare(
    "E-PACK-UNKNOWN-KEY", "“{where}”里没有名为“{key}”的键{hint}", "请检查拼写；可用的键见 docs/reference/pack.md"
)
E_LACKS = declare("E-PACK-LACKS", "“{where}”缺少必填的键“{key}”", "请补上；说明见 docs/reference/pack.md")
E_SHAPE = declare("E-PACK-SHAPE", "“{where}”写法不对：{why}", "请按 docs/reference/pack.md 的示例书写")

#: What the types of a schema are called by people who write packs.
TYPES = {
    "string": "文字（代码和数字要当作文字的，加引号）", "integer": "整数", "boolean": "true 或 false",
    "array": "列表，如 [甲, 乙]", "object": "键值表，如 {键: 值}", "null": "空",
}  # fmt: skip


@cache
def schema_json() -> dict[str, Any]:
    """Return the JSON Schema of a pack; not to be changed."""
    return msgspec.json.schema(Pack)


@cache
def _validator() -> Any:
    return jsonschema_rs.validator_for(schema_json(), validate_formats=True)


def shape_faults(document: Document, data: dict[str, Any], file: str) -> list[Fault]:
    """Return what is wrong with the shape of a pack's data, by line; lines are those of the document that the data came from."""
    found = [one for error in _validator().iter_errors(data) for one in _leaf_faults(error, document, file)]
    unique = {(one.line, one.code, one.fields): one for one in found}
    return sorted(unique.values(), key=lambda one: one.line)


def _leaf_faults(error: Any, document: Document, file: str) -> list[Fault]:
    path: Path = tuple(error.instance_path)
    kind = error.kind.name
    where = document.where(path)
    if kind == "anyOf":
        inner = [e for branch in error.kind.context for e in branch if e.kind.name != "type"]
        deeper = [e for e in inner if len(e.instance_path) >= len(path)]
        if deeper and isinstance(error.instance, dict):
            return [found for e in deeper for found in _leaf_faults(e, document, file)]
        if any(e.kind.name == "format" for e in inner):
            kind = "format"
    if kind == "additionalProperties":
        known = _at(error.schema_path[:-1]).get("properties", {})
        return [
            fault(
                E_UNKNOWN, file=file, line=document.line((*path, key)), where=where, key=key, hint=_nearest(key, known)
            )
            for key in error.kind.unexpected
        ]
    if kind == "required":
        return [fault(E_LACKS, file=file, line=document.line(path), where=where, key=str(error.kind.property))]
    value = str(error.instance)[:60]
    return [fault(E_SHAPE, file=file, line=document.line(path), where=where, why=_why(kind, error), value=value)]


def _at(steps: list[str | int]) -> Any:
    """Return the part of the schema that a path of it leads to."""
    found: Any = schema_json()
    for step in steps:
        found = found[step]
    return found


def _nearest(key: str, known: dict[str, Any]) -> str:
    near = get_close_matches(key, known, n=1)
    return f"，是不是“{near[0]}”" if near else ""


def _why(kind: str, error: Any) -> str:
    if kind == "enum":
        return "只能是 " + "、".join(str(option) for option in error.kind.options)
    if kind == "pattern":
        return "应是：" + str(_at(error.schema_path[:-1])["description"])
    if kind == "type":
        return "应是：" + "，或".join(TYPES.get(name, name) for name in error.kind.types)
    return {"anyOf": "不是可用的写法之一", "format": "不是 yyyy-mm-dd 日期", "minLength": "不能为空"}.get(kind, kind)
