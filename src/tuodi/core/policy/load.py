"""From a pack's texts to a typed :class:`Pack`: every fault at once, with file, line and clause, in Chinese.

The JSON Schema generated from the model (``schema_json``) finds shape faults with their paths; editors use the same schema.
Readings are applied here: a choice is a list of ``path: value`` changes to the plain data, so that the engine never knows
that a reading exists.
"""

from __future__ import annotations

import copy
import csv
import io
from dataclasses import dataclass
from typing import Any

import jsonschema_rs
import msgspec

from tuodi.core.errors import Fault, PackErrors, declare, fault
from tuodi.core.policy.diagnoses import wrong_prefix
from tuodi.core.policy.model import Pack, Reading
from tuodi.core.policy.parse import Document, Path, parse_yaml

E_UNKNOWN = declare(
    "E-PACK-UNKNOWN-KEY", "“{where}”里没有名为“{key}”的键", "请检查拼写；可用的键见 docs/reference/pack.md"
)
E_LACKS = declare("E-PACK-LACKS", "“{where}”缺少必填的键“{key}”", "请补上；说明见 docs/reference/pack.md")
E_SHAPE = declare("E-PACK-SHAPE", "“{where}”写法不对：{why}", "请按 docs/reference/pack.md 的示例书写")
E_LIST = declare(
    "E-PACK-DISEASES", "病种清单第 {line_no} 行写法不对：{why}", "请按 list,disease,icd10,under_age,note 五列书写"
)
E_READING = declare("E-READING-UNKNOWN", "政策包没有释义 {reading} 的读法“{choice}”", "可用读法：{known}")
E_READING_PATH = declare("E-READING-PATH", "释义 {reading} 的读法“{choice}”要改的位置“{path}”不存在", "请检查路径")


@dataclass(frozen=True)
class PackSource:
    """The texts of a pack folder, and what they hold before readings are applied."""

    file: str
    document: Document
    diseases: list[dict[str, str]]

    @property
    def readings(self) -> dict[str, Reading]:
        """The readings that the pack lists."""
        return msgspec.convert(self.document.data.get("readings", {}), dict[str, Reading], strict=False)


def schema_json() -> dict[str, Any]:
    """Return the JSON Schema of a pack."""
    return msgspec.json.schema(Pack)


_VALIDATOR: list[Any] = []


def _validator() -> Any:
    if not _VALIDATOR:
        _VALIDATOR.append(jsonschema_rs.validator_for(schema_json(), validate_formats=True))
    return _VALIDATOR[0]


def read_source(policy_text: str, *, file: str, diseases_text: str = "") -> PackSource:
    """Return the parsed texts; ``PackErrors`` with all faults of shape."""
    document = parse_yaml(policy_text, file=file)
    faults = list(_shape_faults(document, document.data, file))
    diseases, disease_faults = _diseases(diseases_text, file)
    faults += disease_faults
    if faults:
        raise PackErrors(faults)
    return PackSource(file, document, diseases)


def load_pack(source: PackSource, *, readings: dict[str, str] | None = None) -> Pack:
    """Return the typed pack under the chosen readings (I-nn -> choice; others by default)."""
    data = copy.deepcopy(source.document.data)
    data["disease_lists"] = source.diseases
    faults: list[Fault] = []
    listed = source.readings
    chosen = readings or {}
    for name in chosen:
        if name not in listed:
            faults.append(
                fault(E_READING, file=source.file, reading=name, choice=chosen[name], known="（本政策包没有这一条）")
            )
    for name, reading in listed.items():
        choice = chosen.get(name, reading.default)
        if choice not in reading.choices:
            known = "、".join(reading.choices)
            line = source.document.line(("readings", name))
            faults.append(fault(E_READING, file=source.file, line=line, reading=name, choice=choice, known=known))
            continue
        for path, value in reading.choices[choice].set.items():
            if not _set(data, path, value):
                line = source.document.line(("readings", name))
                faults.append(
                    fault(E_READING_PATH, file=source.file, line=line, reading=name, choice=choice, path=path)
                )
        data["readings"][name]["default"] = choice
    if not faults:
        faults = list(_shape_faults(source.document, data, source.file))
    if faults:
        raise PackErrors(faults)
    return msgspec.convert(data, Pack, strict=False)


def _set(data: dict[str, Any], path: str, value: object) -> bool:
    """Change one place; ``layers[id].base.less`` finds a list item by its id, ``+`` appends an item (or a list of them), null removes.

    ``layers.order: [b, a]`` puts the named items first, in that order.
    """
    at: Any = data
    parts = path.replace("[", ".[").split(".")
    for i, part in enumerate(parts):
        last = i == len(parts) - 1
        if part.startswith("["):
            key = part[1:-1]
            if not isinstance(at, list):
                return False
            if key == "*":
                return all(
                    _set({"item": item}, ".".join(["item", *parts[i + 1 :]]), copy.deepcopy(value)) for item in at
                )
            index = next((n for n, item in enumerate(at) if _named(item, key, n)), None)
            if index is None:
                return False
            if last:
                if value is None:
                    del at[index]
                else:
                    at[index] = value
                return True
            at = at[index]
        elif part == "+":
            if not (last and isinstance(at, list)):
                return False
            at.extend(copy.deepcopy(value) if isinstance(value, list) else [copy.deepcopy(value)])
            return True
        elif part == "order" and last and isinstance(at, list) and isinstance(value, list):
            named = {item.get("id"): item for item in at if isinstance(item, dict)}
            if not set(value) <= set(named):
                return False
            at[:] = [
                *(named[key] for key in value),
                *(item for item in at if item not in [named[key] for key in value]),
            ]
            return True
        elif last:
            if not isinstance(at, dict):
                return False
            if value is None:
                at.pop(part, None)
            else:
                at[part] = value
            return True
        else:
            if not isinstance(at, dict):
                return False
            at = at.setdefault(part, {} if parts[i + 1] != "+" else [])
    return False


def _named(item: Any, key: str, index: int) -> bool:
    return (isinstance(item, dict) and item.get("id") == key) or key == str(index)


def _shape_faults(document: Document, data: dict[str, Any], file: str) -> list[Fault]:
    faults = []
    for error in _validator().iter_errors(data):
        faults.extend(_leaf_faults(error, document, file))
    unique = {(f.line, f.code, f.fields): f for f in faults}
    return sorted(unique.values(), key=lambda f: f.line)


def _leaf_faults(error: Any, document: Document, file: str) -> list[Fault]:
    path: Path = tuple(error.instance_path)
    kind = error.kind.name
    where = " › ".join(str(part) for part in path) or "政策包"
    if kind == "anyOf":
        inner = [e for branch in error.kind.context for e in branch if e.kind.name != "type"]
        deeper = [e for e in inner if len(e.instance_path) >= len(path)]
        if deeper and isinstance(error.instance, dict):
            return [found for e in deeper for found in _leaf_faults(e, document, file)]
        if any(e.kind.name == "format" for e in inner):
            kind = "format"
    if kind == "additionalProperties":
        return [
            fault(E_UNKNOWN, file=file, line=document.line((*path, key)), where=where, key=key)
            for key in error.kind.unexpected
        ]
    if kind == "required":
        return [fault(E_LACKS, file=file, line=document.line(path), where=where, key=str(error.kind.property))]
    value = str(error.instance)[:60]
    return [fault(E_SHAPE, file=file, line=document.line(path), where=where, why=_why(kind, error), value=value)]


def _why(kind: str, error: Any) -> str:
    if kind == "enum":
        return "只能是 " + "、".join(str(option) for option in error.kind.options)
    if kind == "pattern":
        return f"不符合格式 {error.kind.pattern}"
    return {
        "type": "类型不对（文字、整数、列表或键值表用错了）",
        "anyOf": "不是可用的写法之一",
        "format": "不是 yyyy-mm-dd 日期",
        "minLength": "不能为空",
    }.get(kind, kind)


def _disease_fault(row: dict[str, str]) -> str:
    """Return what is wrong with a row of diseases, nothing if it is right."""
    if None in row or None in row.values() or not row["list"] or not row["icd10"]:
        return "列数不对或清单、编码为空"
    wrong = wrong_prefix(row["icd10"])
    if wrong is not None:
        return f"“{wrong}”不是 ICD-10 编码（大写字母加数字，如 C34、N18.5；几个之间用半角分号）"
    under = row.get("under_age") or ""
    return "" if under == "" or (under.isascii() and under.isdigit()) else f"年龄“{under}”不是整数"


def _diseases(text: str, file: str) -> tuple[list[dict[str, str]], list[Fault]]:
    rows: list[dict[str, str]] = []
    faults: list[Fault] = []
    if not text:
        return rows, faults
    file = f"{file.rpartition('/')[0]}/diseases.csv".lstrip("/") if "/" in file else "diseases.csv"
    reader = csv.DictReader(io.StringIO(text))
    if not {"list", "disease", "icd10"} <= set(reader.fieldnames or []):
        return rows, [fault(E_LIST, file=file, line=1, line_no=1, why="第一行应是列名")]
    for row in reader:
        if why := _disease_fault(row):
            faults.append(fault(E_LIST, file=file, line=reader.line_num, line_no=reader.line_num, why=why))
            continue
        rows.append(
            {key: value for key, value in row.items() if key in ("list", "disease", "icd10", "under_age", "note")}
        )
    return rows, faults
