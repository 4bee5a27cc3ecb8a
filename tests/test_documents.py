"""What the hand-written documents name exists: links and their headings, files of the repository, commands with their options, targets of make.

Not here: whether a sentence is true. The generated pages are held by ``test_reference.py``, the hospital's guide by ``tests/guides``.
"""

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from tests.reference import load_everything
from tuodi.batch.columns import APPLICATIONS, ENTRIES, IDENTITIES, INSTITUTIONS, SETTLEMENTS
from tuodi.batch.registers import interpretations
from tuodi.cli import main
from tuodi.cli.parser import build_parser
from tuodi.core.errors import CATALOGUE

ROOT = Path(__file__).parent.parent
APPS = ROOT / "src" / "tuodi" / "apps"
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *APPS.glob("*/README.md")]
LINK = re.compile(r"\[[^\]]*\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)")
FENCE = re.compile(r"^```.*?^```", re.M | re.S)
CODE = re.compile(r"`([^`\n]+)`")
#: Folders that a path in a page may be written from: pages about the code leave out what all of it stands in.
FROM = ["", "src/tuodi", "src/tuodi/core", "src/tuodi/core/engine", "src/tuodi/apps", "tests", "docs"]
A_FILE = re.compile(
    r"(?:(?:[\w.-]+/)+(?:[\w.-]+\.(?:py|md|yaml|csv|json|css|js|html|toml|txt|sh))?|[\w-]+\.md)(?=$|:|\s|,)"
)
#: Written as an example of something that the reader makes.
INVENTED = ("我的县/", "demo/", "conf.d/")


def anchors(page: Path) -> set[str]:
    """The headings of a page as links name them."""
    text = FENCE.sub("", page.read_text("utf-8"))
    titles = re.findall(r"^#+ +(.+?) *$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    wrong = []
    for target, heading in LINK.findall(FENCE.sub("", page.read_text("utf-8"))):
        to = (page.parent / target).resolve() if target else page
        if not to.exists() or (heading and heading not in anchors(to)):
            wrong.append(f"{target}#{heading}")
    assert wrong == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_a_page_names_is_there(page):
    named = {m.group() for code in CODE.findall(FENCE.sub("", page.read_text("utf-8"))) if (m := A_FILE.match(code))}
    missing = [
        name
        for name in named
        if not name.startswith(INVENTED)
        and not any((folder / name).exists() for folder in [page.parent, *(ROOT / base for base in FROM)])
    ]
    assert sorted(missing) == []


def test_the_index_lists_every_document():
    index = ROOT / "docs" / "README.md"
    listed = {(index.parent / target).resolve() for target, _ in LINK.findall(index.read_text("utf-8"))}
    assert {path for path in (ROOT / "docs").rglob("*.md") if path != index} - listed == set()


def test_the_readme_counts_the_readings_that_are_registered():
    assert f"- {len(interpretations())} ambiguous sentences" in (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_the_first_commands_of_the_readme_run_as_they_stand(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    block = next(fence for fence in FENCE.findall((ROOT / page).read_text("utf-8")) if "tuodi synth" in fence)
    for line in block.splitlines()[1:-1]:
        assert main(shlex.split(line)[1:]) == 0, line
    assert "医疗救助说明" in capsys.readouterr().out
    assert (tmp_path / "bill.svg").exists()


def commands(page: Path) -> list[str]:
    """The lines of a page that begin with the command's name, continued lines joined."""
    text = page.read_text("utf-8").replace("\\\n", " ")
    lines = [
        line.strip().removeprefix("/opt/tuodi/bin/") for fence in FENCE.findall(text) for line in fence.splitlines()
    ]
    return [line for line in [*lines, *CODE.findall(FENCE.sub("", text))] if re.match(r"tuodi [a-z]", line)]


def faults_of(line: str) -> list[str]:
    parser = build_parser()
    words = shlex.split(line, comments=True)[1:]
    out = []
    while words and parser._subparsers is not None:
        choices = parser._subparsers._group_actions[0].choices
        if words[0] not in choices:
            return [] if words[0] in ("命令", "…") else [words[0]]
        parser = choices[words.pop(0)]
    known = set(parser._option_string_actions)
    for word in words:
        if word.startswith("-") and word not in known:
            out.append(word)
    return out


@pytest.mark.parametrize("page", [p for p in PAGES if commands(p)], ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_and_option_that_a_page_names_exists(page):
    wrong = {line: faults for line in commands(page) if (faults := faults_of(line))}
    assert wrong == {}


def test_every_target_of_make_that_a_page_names_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    named = {
        (str(page.relative_to(ROOT)), target)
        for page in PAGES
        for code in [
            *CODE.findall(page.read_text("utf-8")),
            *"\n".join(FENCE.findall(page.read_text("utf-8"))).splitlines(),
        ]
        for target in re.findall(r"^make ([a-z-]+)", code)
    }
    assert {pair for pair in named if pair[1] not in targets} == set()


def test_a_link_that_says_which_decision_leads_to_it():
    wrong = [
        f"{page.relative_to(ROOT)}: {said} -> {number}"
        for page in PAGES
        for said, number in re.findall(r"\[(?:决定|decision) ?(\d+)\]\([^)]*?decisions/(\d+)-", page.read_text("utf-8"))
        if int(said) != int(number)
    ]
    assert wrong == []


def test_every_error_code_that_a_page_names_is_declared():
    load_everything()
    named = {
        (str(page.relative_to(ROOT)), code)
        for page in PAGES
        for code in re.findall(r"`([EWN]-[A-Z0-9-]*[A-Z0-9])`", page.read_text("utf-8"))
    }
    assert {pair for pair in named if pair[1] not in CATALOGUE} == set()


def test_every_variable_of_the_environment_that_a_page_names_is_read():
    read = set(re.findall(r"TUODI_[A-Z_]+", "".join(path.read_text("utf-8") for path in (ROOT / "src").rglob("*.py"))))
    named = {name for page in PAGES for name in re.findall(r"TUODI_[A-Z_]+", page.read_text("utf-8"))}
    assert named - read == set()


def test_every_package_that_is_needed_has_its_reason():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    needed = [*project["project"]["dependencies"], *project["project"]["optional-dependencies"]["postgres"]]
    reasons = "".join(path.read_text("utf-8").lower() for path in (ROOT / "docs" / "decisions").glob("*.md"))
    names = {re.split(r"[\[~>=<]", line)[0] for line in needed}
    assert {name for name in names if name not in reasons} == set()


def test_the_map_of_the_largest_app_has_every_module():
    folder = APPS / "settlement"
    page = (folder / "README.md").read_text("utf-8")
    modules = {path.name for path in folder.glob("*.py")} - {"__init__.py", "apps.py"}
    assert {name for name in modules if f"`{name}`" not in page} == set()
    assert {name for name in re.findall(r"`(\w+\.py)`", page) if not (folder / name).exists()} == set()


@pytest.mark.parametrize(
    "schema", [SETTLEMENTS, IDENTITIES, APPLICATIONS, INSTITUTIONS, ENTRIES], ids=lambda one: one.name
)
def test_every_column_of_the_exchange_files_is_on_their_page(schema):
    page = (ROOT / "docs" / "reference" / "exchange.md").read_text("utf-8")
    assert [column.name for column in schema.columns if f"`{column.name}`" not in page] == []
