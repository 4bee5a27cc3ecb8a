"""The reference page of the pack format and the schema that editors use: generated from the model and the table of its keys.

``docs/reference/pack.md`` is :func:`reference_page`, ``src/tuodi/packs/policy.schema.json`` is :func:`schema_text`; a test holds both
files against these functions.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from tuodi.core.engine import plan
from tuodi.core.engine.compile import AMOUNT_NAMES
from tuodi.core.errors import CATALOGUE
from tuodi.core.identities import IDENTITIES
from tuodi.core.policy import (
    check,
    check_cliffs,
    check_figures,
    check_ids,
    check_readings,
    check_rows,
    check_shape,
    load,
    parse,
    schema,
)
from tuodi.core.policy.check_figures import CALLED, UNITS
from tuodi.core.policy.check_ids import CALLED as NAMED
from tuodi.core.policy.check_ids import PAYERS, REFERS
from tuodi.core.policy.describe_fields import STRUCTURES, Field
from tuodi.core.policy.schema import schema_json
from tuodi.core.settlements import CAUSES, MED_TYPES

#: Where the sentences of a check stand.
SAYING = (
    parse,
    schema,
    load,
    check_ids,
    check_figures,
    check_shape,
    check_readings,
    check_rows,
    check_cliffs,
    check,
    plan,
)

INTRO = """# 政策包的写法

一个政策包是一个文件夹：`policy.yaml`（本页）、`cases.yaml`（案例，见 [cases.md](cases.md)）、需要时的 `diseases.csv`（病种清单）。
怎样一步一步写，见 [write-a-pack.md](../guides/write-a-pack.md)。本页由程序从数据模型生成，请勿手改。

- 金额写 `3000 元`、`1.5 万元`，比例写 `70%`，日期写 `2024-01-01`；没有单位的小数一律不收。
- 数可以分期：`[{first: 2024-01-01, value: 70%}, {first: 2025-01-01, value: 75%}]`。
- 数可以留给别的文件：`{delegated: 参数名}`；也可以由别的数得出：`{share: 10%, of: {delegated: 参数名}}`、`{times: 12, of: …}`、`{plus: 5%, of: …}`。
- 编号用小写英文字母、数字、点、横线；区划代码和医疗类别代码要加引号。
- 编辑器（如 VS Code 的 YAML 插件）在文件第一行写 `# yaml-language-server: $schema=../policy.schema.json`（新建的政策包里是 `policy.schema.json`）即有提示。
"""


def annotated_schema() -> dict[str, Any]:
    """Return the JSON Schema of a pack with what every key is called and means, for editors."""
    found = deepcopy(schema_json())
    for name, structure in STRUCTURES.items():
        definition = found["$defs"][name]
        definition["title"], definition["description"] = structure.label, structure.says
        for key, known in structure.fields.items():
            definition["properties"][key] = _annotated(definition["properties"][key], known)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


def _annotated(held: dict[str, Any], known: Field) -> dict[str, Any]:
    said = {"title": known.label, "description": f"{known.label}：{known.says}{_values(known)}"}
    return {"allOf": [held], **said} if "$ref" in held else {**held, **said}


def _values(known: Field) -> str:
    return "（" + "；".join(f"{value} {means}" for value, means in known.values.items()) + "）" if known.values else ""


def schema_text() -> str:
    """Return the annotated schema as the text of a file."""
    return json.dumps(annotated_schema(), ensure_ascii=False, indent=1, sort_keys=False) + "\n"


def reference_page() -> str:
    """Return the reference page."""
    definitions = schema_json()["$defs"]
    lines = [INTRO]
    for name, structure in STRUCTURES.items():
        definition = definitions[name]
        lines += [
            f"## {name} {structure.label}",
            "",
            f"{structure.says}。",
            "",
            "| 键 | 称呼 | 写什么 | 说明 |",
            "|---|---|---|---|",
        ]
        required = set(definition.get("required", []))
        for key, known in structure.fields.items():
            must = "（必填）" if key in required else ""
            lines.append(
                f"| `{key}` | {known.label}{must} | {_kind(name, key, definition['properties'][key])} | {known.says}{_values(known)} |"
            )
        lines.append("")
    lines += [*_codes(), *_findings()]
    return "\n".join(lines).rstrip() + "\n"


def _kind(name: str, key: str, schema: dict[str, Any]) -> str:
    """Return what is written for a key, in words."""
    figure = next((unit for (part, known), unit in UNITS.items() if part.__name__ == name and known == key), None)
    if figure is not None:
        return f"编号: {CALLED[figure]}" if name == "FigureRow" and key == "caps" else CALLED[figure]
    words = _type(schema)
    named = REFERS.get(key)
    return words.replace("编号", NAMED[named]) if named in NAMED and "编号" in words else words


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{STRUCTURES[name].label}](#{_anchor(name)})" if name in STRUCTURES else name
    if "anyOf" in schema:
        kinds = [_type(item) for item in schema["anyOf"] if item.get("type") != "null"]
        return " 或 ".join(dict.fromkeys(kinds))
    if "enum" in schema:
        return " / ".join(f"`{value}`" for value in schema["enum"] if value is not None)
    kind = schema.get("type")
    if kind == "array":
        return f"{_type(schema.get('items', {}))} 的列表"
    if kind == "object":
        inner = schema.get("additionalProperties")
        return f"编号: {_type(inner)}" if isinstance(inner, dict) and inner else "位置: 值"
    if kind == "string":
        return _string(schema)
    return {"boolean": "true 或 false", "integer": "整数", None: "任意"}.get(kind, str(kind))


def _string(schema: dict[str, Any]) -> str:
    pattern = schema.get("pattern", "")
    if schema.get("format") == "date":
        return "日期"
    if pattern.startswith("^[A-Z]"):
        return "条款号"
    if pattern.startswith("^(claim"):
        return "期间"
    return "编号" if pattern.startswith(("^[a-z", "^I-")) else "六位代码" if pattern else "文字"


def _anchor(name: str) -> str:
    return f"{name.lower()}-{STRUCTURES[name].label}"


def _codes() -> Iterator[str]:
    """Yield the closed lists of codes that packs use."""
    lists = (
        ("身份代码", IDENTITIES), ("医疗类别代码（国家字典，两位）", MED_TYPES), ("致伤原因", {k: v for k, v in CAUSES.items() if k}),
        ("支付方（less、pays）", {name: AMOUNT_NAMES[name] for name in PAYERS}),
    )  # fmt: skip
    for title, codes in lists:
        yield from ("", f"## {title}", "", "| 代码 | 意思 |", "|---|---|")
        yield from (f"| `{code}` | {means} |" for code, means in codes.items())


def _findings() -> Iterator[str]:
    """Yield what a check can say."""
    yield from (
        "",
        "## 检查会说什么",
        "",
        "E 开头是错误，政策包不能用；W 开头是提醒，看过可以接受（`accepted`）；N 开头是说明。",
    )
    yield from ("", "| 代码 | 说什么 | 怎么办 |", "|---|---|---|")
    codes = {
        value for module in SAYING for value in vars(module).values() if isinstance(value, str) and value in CATALOGUE
    }
    for code in sorted(codes):
        wrong, remedy = CATALOGUE[code]
        yield f"| `{code}` | {_bare(wrong)} | {_bare(remedy)} |"


def _bare(text: str) -> str:
    """Return a sentence with its fields as dots."""
    out, depth = "", 0
    for c in text:
        if c == "{":
            out, depth = out + "…", depth + 1
        elif c == "}":
            depth -= 1
        elif not depth:
            out += c
    return out.replace("|", "\\|")
