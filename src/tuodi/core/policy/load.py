"""From a pack's texts to a typed :class:`Pack`: every fault at once, with file, line and clause, in Chinese.

Readings are applied here: a choice is a list of ``path: value`` changes to the plain data, so that the engine never knows
that a reading exists. What shape the data must have is in :mod:`.schema`.
"""

from __future__ import annotations

import copy
import csv
import io
from dataclasses import dataclass
from typing import Any

import msgspec

from tuodi.core.errors import Fault, PackErrors, declare, fault
from tuodi.core.policy.diagnoses import wrong_prefix
from tuodi.core.policy.model import Pack, Reading
from tuodi.core.policy.parse import Document, parse_yaml
from tuodi.core.policy.schema import shape_faults

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


def read_source(policy_text: str, *, file: str, diseases_text: str = "") -> PackSource:
    """Return the parsed texts; ``PackErrors`` with all faults of shape."""
    document = parse_yaml(policy_text, file=file)
    faults = shape_faults(document, document.data, file)
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
        faults = shape_faults(source.document, data, source.file)
    if faults:
        raise PackErrors(faults)
    return msgspec.convert(data, Pack, strict=False)


def _set(data: dict[str, Any], path: str, value: object) -> bool:
    """Change one place of plain data and return whether it is there.

    ``layers[id].base.less`` finds a list item by its id (``[*]`` every item), ``+`` appends an item (or a list of them), None removes.
    ``layers.order: [b, a]`` puts the named items first, in that order.
    """
    return _set_at(data, path.replace("[", ".[").split("."), value)


def _set_at(at: Any, steps: list[str], value: object) -> bool:
    step, *rest = steps
    if step.startswith("["):
        return isinstance(at, list) and _set_item(at, step[1:-1], rest, value)
    if isinstance(at, list) and not rest:
        return (step == "+" and _append(at, value)) or (step == "order" and _put_first(at, value))
    if not isinstance(at, dict):
        return False
    if rest:
        return _set_at(at.setdefault(step, [] if rest[0] == "+" else {}), rest, value)
    if value is None:
        at.pop(step, None)
    else:
        at[step] = value
    return True


def _set_item(at: list[Any], key: str, rest: list[str], value: object) -> bool:
    if key == "*":
        return bool(rest) and all(_set_at(item, rest, copy.deepcopy(value)) for item in at)
    index = next((n for n, item in enumerate(at) if _named(item, key, n)), None)
    if index is None:
        return False
    if rest:
        return _set_at(at[index], rest, value)
    at[index : index + 1] = [] if value is None else [value]
    return True


def _append(at: list[Any], value: object) -> bool:
    at.extend(copy.deepcopy(value) if isinstance(value, list) else [copy.deepcopy(value)])
    return True


def _put_first(at: list[Any], ids: object) -> bool:
    named = {item.get("id"): item for item in at if isinstance(item, dict)}
    if not isinstance(ids, list) or not set(ids) <= set(named):
        return False
    first = [named[key] for key in ids]
    at[:] = [*first, *(item for item in at if item not in first)]
    return True


def _named(item: Any, key: str, index: int) -> bool:
    return (isinstance(item, dict) and item.get("id") == key) or key == str(index)


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
