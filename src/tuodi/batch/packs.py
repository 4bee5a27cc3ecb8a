"""The shelf of packs: find one by id or folder, read its texts, and entered values from a file."""

from __future__ import annotations

from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Any

from tuodi.batch.registers import FOLDER
from tuodi.core.errors import Fault, InputErrors, PackErrors, declare, fault
from tuodi.core.policy.case_values import Case
from tuodi.core.policy.check_figures import value_fault
from tuodi.core.policy.figures import EnteredValue
from tuodi.core.policy.load import PackSource, load_pack, read_source
from tuodi.core.policy.local_values import plain_param
from tuodi.core.policy.model import Pack
from tuodi.core.policy.parse import Document, parse_yaml

E_NO_PACK = declare("E-PACK-NOT-FOUND", "没有名为“{pack}”的政策包，也没有这个文件夹", "可用的政策包：{known}")
E_VALUE = declare(
    "E-DELEGATED-SHAPE",
    "授权参数第 {number} 项写法不对：{why}",
    "每项应有 param、value、source，可加 from: yyyy-mm-dd",
)
E_PARAM = declare("E-DELEGATED-UNKNOWN", "政策包没有名为“{param}”的授权参数", "请核对参数名；可用的见 tuodi pack show")
E_AGAIN = declare(
    "E-DELEGATED-AGAIN",
    "授权参数“{param}”从同一天起录了两个值（前一个在第 {other} 行）",
    "请只留一个；标准有变的另写 from",
)
E_LIST = declare("E-LIST-SHAPE", "文件应是一个列表，一项以“- ”开头", "写法见随程序的文档")
E_TEXT = declare("E-TEXT-ENCODING", "文件不是 UTF-8 或 GB 18030 编码的文字", "请用文字编辑器另存为 UTF-8")
E_NO_FILE = declare("E-FILE-NOT-FOUND", "找不到文件“{path}”", "请检查路径")

SHELF = Path(str(resources.files("tuodi") / "packs"))
SAMPLES = FOLDER / "delegated-sample.yaml"


def text_of(path: Path) -> str:
    """Return a text that people write, in UTF-8 or, as older editors save Chinese, GB 18030."""
    raw = path.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        with suppress(UnicodeDecodeError):
            if "\0" not in (text := raw.decode(encoding)):
                return text
    raise InputErrors([fault(E_TEXT, file=str(path))])


def shelf() -> list[str]:
    """Return the ids of the packs that come with the program."""
    return sorted(path.name for path in SHELF.iterdir() if (path / "policy.yaml").exists())


def folder_of(pack: str | Path) -> Path:
    """Return the folder of a pack given by id or by path (of the folder or its policy.yaml)."""
    path = Path(pack)
    if path.name == "policy.yaml":
        path = path.parent
    for candidate in (SHELF / str(pack), path):
        if (candidate / "policy.yaml").exists():
            return candidate
    raise PackErrors([fault(E_NO_PACK, pack=pack, known="、".join(shelf()))])


def source_of(pack: str | Path) -> PackSource:
    """Return the texts of a pack, parsed; ``PackErrors`` with all faults."""
    folder = folder_of(pack)
    diseases = folder / "diseases.csv"
    return read_source(
        text_of(folder / "policy.yaml"),
        file=str(folder / "policy.yaml") if folder.parent != SHELF else f"{folder.name}/policy.yaml",
        diseases_text=text_of(diseases) if diseases.exists() else "",
    )


def pack_of(pack: str | Path, *, readings: dict[str, str] | None = None) -> Pack:
    """Return a pack under chosen readings."""
    return load_pack(source_of(pack), readings=readings)


def entered_values(path: str | Path, pack: Pack | None = None, *, only_own: bool = True) -> list[EnteredValue]:
    """Return the delegated values of a file; those of other packs are left out, unknown ones of this pack are faults."""
    path = Path(path)
    if not path.exists():
        raise InputErrors([fault(E_NO_FILE, path=path)])
    document = parse_yaml(text_of(path), file=str(path), under="values")
    faults: list[Fault] = []
    values: list[EnteredValue] = []
    seen: dict[tuple[str, object], int] = {}
    for number, item in enumerate(_listed(document, "values", str(path)), start=1):
        line = document.line(("values", number - 1))
        made = _value(item, number, faults, file=str(path), line=line)
        if made is None:
            continue
        if pack is not None and plain_param(made.param) not in pack.delegated:
            if _own_prefix(pack, made.param):
                faults.append(fault(E_PARAM, file=str(path), line=line, param=made.param))
            if only_own:
                continue
        elif pack is not None and (wrong := value_fault(made, pack, file=str(path), line=line)):
            faults.append(wrong)
        first = seen.setdefault((made.param, made.first), line)
        if first != line:
            faults.append(fault(E_AGAIN, file=str(path), line=line, param=made.param, other=first))
        values.append(made)
    if faults:
        raise InputErrors(faults)
    return values


def sample_values_of(pack: str | Path, made: Pack) -> list[EnteredValue]:
    """Return the samples under which a pack's worked cases are computed: its own, or those of the register."""
    own = folder_of(pack) / "values.yaml"
    return entered_values(own if own.exists() else SAMPLES, made)


def _listed(document: Document, key: str, file: str) -> list[Any]:
    items = document.data[key] or []
    if not isinstance(items, list):
        raise InputErrors([fault(E_LIST, file=file, line=1)])
    return items


def _own_prefix(pack: Pack, param: str) -> bool:
    return param.split(".")[0] in {known.split(".")[0] for known in pack.delegated}


def _value(item: Any, number: int, faults: list[Fault], *, file: str, line: int) -> EnteredValue | None:
    from datetime import date

    why = ""
    if not isinstance(item, dict) or any(item.get(key) in (None, "") for key in ("param", "value", "source")):
        why = "缺少 param、value 或 source"
    elif set(item) - {"param", "value", "source", "from"}:
        why = "有多余的键 " + "、".join(sorted(set(item) - {"param", "value", "source", "from"}))
    else:
        try:
            first = date.fromisoformat(str(item["from"])) if item.get("from") else None
            return EnteredValue(str(item["param"]), str(item["value"]), str(item.get("source") or ""), first)
        except ValueError:
            why = f"from 不是日期（{item['from']}）"
    faults.append(fault(E_VALUE, file=file, line=line, number=number, why=why))
    return None


def cases_of(pack: str | Path) -> list[Case]:
    """Return the worked cases beside a pack."""
    path = folder_of(pack) / "cases.yaml"
    if not path.exists():
        return []
    document = parse_yaml(text_of(path), file=str(path), under="cases")
    items = _listed(document, "cases", str(path))
    return [Case(item, f"{path.parent.name}/{path.name}", document.line(("cases", n))) for n, item in enumerate(items)]
