"""Write the generated pages of ``docs/reference`` again: ``make reference``. ``tests/test_reference.py`` holds them true."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import tempfile
from collections import defaultdict
from pathlib import Path

import tuodi
from tuodi.batch.packs import cases_of, shelf
from tuodi.batch.registers import clauses
from tuodi.cli.reference import reference_text
from tuodi.core.errors import CATALOGUE

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "docs" / "reference"
GENERATED = "<!-- 由 make reference 生成，不要手改 -->\n\n"
GROUPS = {
    "PACK": "政策包", "READING": "释义", "DELEGATED": "授权参数", "FILE": "文件", "CSV": "CSV", "PARQUET": "Parquet", "VALUE": "单元格", "ROW": "行",
    "SETL": "结算", "ID": "身份", "INST": "机构", "NATIONAL": "国家接口记录", "CONVERT": "转换",
}  # fmt: skip


def load_everything() -> None:
    """Import every module, so that every code is declared."""
    os.environ.setdefault("TUODI_HOME", tempfile.mkdtemp(prefix="tuodi-reference-"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tuodi.site.settings")
    import django

    django.setup()
    for found in pkgutil.walk_packages(tuodi.__path__, "tuodi."):
        if ".migrations" not in found.name and not found.name.endswith(("__main__", ".wsgi", ".served", ".urls")):
            importlib.import_module(found.name)


def errors_page() -> str:
    """Return the list of every code: what is wrong and what to do."""
    load_everything()
    groups: dict[str, list[str]] = defaultdict(list)
    for code in sorted(CATALOGUE):
        groups[code.split("-")[1]].append(code)
    parts = ["# 错误代码\n", GENERATED, "花括号里是实际的值。每条错误还带文件、行、列和值；所有错误一次报全。\n"]
    for group in sorted(groups, key=lambda g: (g not in GROUPS, g)):
        parts.append(f"\n## {GROUPS.get(group, group)}\n\n| 代码 | 错在哪里 | 怎么办 |\n|---|---|---|\n")
        for code in groups[group]:
            wrong, remedy = (text.replace("|", "\\|") for text in CATALOGUE[code])
            parts.append(f"| `{code}` | {wrong} | {remedy} |\n")
    return "".join(parts)


def coverage_page() -> str:
    """Return which clauses of the register have worked cases."""
    cited: dict[str, int] = defaultdict(int)
    for pack in shelf():
        for case in cases_of(pack):
            for clause in set(case.clauses):
                cited[clause] += 1
    rows = clauses()
    computed = [row for row in rows if "R" in row.kinds]
    without = [row.id for row in rows if not cited[row.id]]
    parts = [
        "# 条款与算例\n\n", GENERATED, "命令：`tuodi pack clauses --kind all`（列出没有算例的条款）。\n\n",
        f"登记的条款 {len(rows)} 条，其中可计算的（R）{len(computed)} 条；有算例的 {len(rows) - len(without)} 条"
        f"{'，没有的：' + '、'.join(without) if without else '，没有缺的'}。不计算的条款，算例引原文一句，写明政策包里应有什么（`kind: stated`）；"
        "系统怎样去做，看各应用的测试。\n\n| 条款 | 类别 | 算例 |\n|---|---|---|\n",
    ]  # fmt: skip
    parts += [f"| {row.id} | {' '.join(row.kinds)} | {cited[row.id] or '—'} |\n" for row in rows]
    return "".join(parts)


def openapi_document() -> str:
    """Return the document of the plain JSON interface."""
    load_everything()
    from tuodi.apps.interface.api import document

    return json.dumps(document(), ensure_ascii=False, indent=1) + "\n"


PAGES = {
    "errors.md": errors_page,
    "clauses.md": coverage_page,
    "cli.md": reference_text,
    "openapi.json": openapi_document,
}

if __name__ == "__main__":
    for name, make in PAGES.items():
        (REFERENCE / name).write_text(make(), "utf-8")
    for other in ("tests.generate_pack_reference",):
        page = importlib.import_module(other)
        for path, text in page.FILES.items():
            path.write_text(text(), "utf-8")
