"""The policy officer's guide: what it quotes stands in packs that are run, and every wording of its table has a worked example."""

import re
from pathlib import Path

from tuodi.cli import main

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "guides" / "write-a-pack.md").read_text("utf-8")
EXAMPLES = [ROOT / "src" / "tuodi" / "packs" / "999999-example", *(ROOT / "tests" / "packs").iterdir()]
TEXTS = [path.read_text("utf-8") for folder in EXAMPLES for path in folder.glob("*.yaml")]
QUOTED = {line.strip() for text in TEXTS for line in text.splitlines()}


def test_every_line_that_the_guide_quotes_stands_in_a_pack():
    fences = re.findall(r"^```yaml\n(.*?)^```", GUIDE, re.M | re.S)
    assert len(fences) > 8
    lines = {line.strip() for fence in fences for line in fence.splitlines() if line.strip()}
    assert sorted(lines - QUOTED) == []


def test_every_wording_of_the_table_has_a_small_example():
    table = GUIDE[GUIDE.index("| 文件这样说 | 这样写 |") : GUIDE.index("每一种在 `tests/packs/`")]
    rows = [row.split("|")[2] for row in table.splitlines()[2:] if row.startswith("|")]
    assert len(rows) > 15
    packs = [path.read_text("utf-8") for path in (ROOT / "tests" / "packs").glob("*/policy.yaml")]
    for row in rows:
        written = " ".join(re.findall(r"`([^`]+)`", row))
        keys = {key for key in re.findall(r"([a-z_]+):", written) if key not in ("yearly", "each")}
        choices = {word for word in re.findall(r": ([a-z_]{4,})\b", written) if word not in ("delegated", "inpatient")}
        assert any(
            all(f"{key}:" in text for key in keys) and all(word in text for word in choices) for text in packs
        ), row


def test_the_new_pack_of_the_guide_is_sound(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    made = re.search(r"^tuodi (pack new .*)$", GUIDE, re.M)
    assert made
    assert main(made[1].split()) == 0
    for command in re.findall(r"^tuodi (pack (?:check|cases|show) \S+)$", GUIDE, re.M):
        assert main(command.split()) == 0, command
    assert "0 个错误" in capsys.readouterr().out
