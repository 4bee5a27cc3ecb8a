"""Help, usage, exit codes: in Chinese, within 80 columns, with examples that can be parsed."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tuodi import __version__
from tuodi.cli import exits
from tuodi.cli.output import width_of
from tuodi.cli.parser import build_parser, command_parsers
from tuodi.cli.usage import command_lines, filled_lines, in_chinese

PARSERS = command_parsers(build_parser())


def test_version_is_said_both_ways(tuodi):
    assert tuodi("--version") == (exits.DONE, f"tuodi {__version__}\n", "")
    answer = tuodi("version", "--json")
    assert answer.data["tuodi"] == __version__
    assert "999999-example" in answer.data["packs"]
    assert "sha256:" in tuodi("version").out


@pytest.mark.parametrize("parser", [build_parser(), *PARSERS], ids=lambda p: p.prog)
def test_help_is_chinese_and_fits_80_columns(tuodi, parser):
    answer = tuodi(*parser.prog.split()[1:], "--help")
    assert answer.code == exits.DONE
    assert answer.out.startswith(parser.summary[:10])
    assert [line for line in answer.out.splitlines() if width_of(line) > 80] == []
    assert "示例：" in answer.out
    assert "usage" not in answer.out
    for action in parser.visible():
        assert action.help or action.dest.endswith("command"), action


@pytest.mark.parametrize(("command", "says"), [example for p in PARSERS for example in p.examples])
def test_every_example_can_be_parsed(command, says):
    words = shlex.split(command.split(" > ")[0])[1:]
    if "…" not in words:
        assert build_parser().parse_args(words).run


def test_help_lists_every_exit_code(tuodi):
    said = "".join(tuodi("--help").out.split())
    for code, says in exits.MEANINGS.items():
        assert f"{code}{says}" in said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "没有写命令"),
        (["frob"], "不能是“frob”，可用的有"),
        (["explain", "S1"], "缺少必需的参数：--settlements, --identities"),
        (["pack", "show"], "缺少必需的参数：ID"),
        (["pack"], "缺少必需的参数"),
        (["version", "--frob"], "不认识的参数：--frob"),
        (["synth", "--pack", "999999-example", "--people", "many", "--out", "x"], "的值“many”写法不对"),
        (["synth", "--pack"], "后面要有值"),
        (["estimate", "--pack", "999999-example"], "缺少必需的参数：--total"),
        (
            ["adjudicate", "--threads", "0", "--settlements", "a", "--identities", "b", "--out", "c.csv"],
            "--threads 应在 1 到 256 之间",
        ),
        (
            ["replay", "--pack", "999999-example", "--settlements", "a", "--identities", "b", "--top", "-1"],
            "--top 应在 0 到 1000000 之间",
        ),
    ],
)
def test_a_wrong_command_is_told_in_chinese_with_code_2(tuodi, words, says):
    answer = tuodi(*words)
    assert answer.code == exits.USAGE
    assert says in answer.err
    assert answer.out == ""
    as_data = tuodi(*words, "--json") if words else None
    if as_data is not None:
        assert as_data.code == exits.USAGE
        assert as_data.data["errors"][0]["code"] == "E-USAGE"


def test_wrong_readings_are_a_wrong_command_and_are_told_all_at_once(tuodi):
    words = ["pack", "show", "999999-example", "--reading", "I-04", "--reading", "I-99=x", "--reading", "I-04=x"]
    answer = tuodi(*words)
    assert (answer.code, answer.out) == (exits.USAGE, "")
    for says in ("应写成 I-nn=读法", "没有释义 I-99；它列的释义：I-04", "没有读法“x”；可用的有：year（"):
        assert says in answer.err
    codes = [error["code"] for error in tuodi(*words, "--json").data["errors"]]
    assert codes == ["E-WORD-READING-SHAPE", "E-WORD-READING", "E-WORD-READING-CHOICE"]


def test_a_pack_that_is_not_there_is_told_with_those_that_are(tuodi):
    answer = tuodi("pack", "show", "nowhere")
    assert answer.code == exits.PACK
    assert "999999-example" in answer.err
    assert tuodi("pack", "show", "nowhere", "--json").data["errors"][0]["code"] == "E-PACK-NOT-FOUND"


def test_our_own_mistakes_are_not_dressed_as_somebody_elses(tuodi, monkeypatch):
    monkeypatch.setattr("tuodi.cli.packs.shelf", lambda: 1 // 0)
    answer = tuodi("pack", "list")
    assert answer.code == exits.CRASHED
    assert "ZeroDivisionError" in answer.err
    assert "E-CRASH" in answer.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_ends_plainly(tuodi, monkeypatch, request, number):
    if number == signal.SIGHUP:  # ignored, and rightly left so, where the suite itself runs under nohup
        request.addfinalizer(partial(signal.signal, number, signal.signal(number, signal.SIG_DFL)))
    monkeypatch.setattr("tuodi.cli.packs.shelf", lambda: signal.raise_signal(number))
    answer = tuodi("pack", "list")
    assert answer.code == exits.INTERRUPTED
    assert "没有写完的文件都已清除" in answer.err


def test_a_folder_where_a_file_should_be_is_an_input_error(tuodi, county):
    answer = tuodi(
        "explain", "--pack", "999999-example", "--settlements", county.folder, "--identities", county.identities, "S1"
    )
    assert answer.code == exits.INPUT
    assert "文件夹" in answer.err


def test_lines_are_broken_without_tearing_words():
    assert filled_lines("用 --reading-b 换一种释义", 0, wide=14) == ["用 --reading-b", "换一种释义"]
    assert command_lines("tuodi x " + "--word value " * 8)[0].endswith(" \\")
    assert in_chinese("something new") == "something new"


def test_an_unknown_argument_is_told_with_the_usage_of_its_command(tuodi):
    answer = tuodi("synth", "--pack", "999999-example", "--people", "1", "--out", "x", "--quick")
    assert answer.code == exits.USAGE
    assert "tuodi synth" in answer.err
    assert "不认识的参数：--quick" in answer.err


def test_a_full_disk_is_not_our_mistake():
    from tuodi.cli.files import unusable

    assert "磁盘满了" in str(unusable(OSError(28, "No space left on device", "/x/out.csv")))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no full device")
@pytest.mark.parametrize("more", [(), ("--json",)])
def test_what_is_printed_cannot_be_written(more):
    with Path("/dev/full").open("w") as full:
        command = [
            sys.executable,
            "-c",
            "import sys; from tuodi.cli import main; sys.exit(main())",
            "pack",
            "list",
            *more,
        ]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, encoding="utf-8", check=False)
    assert done.returncode == exits.INPUT
    assert "磁盘满了" in done.stderr
    assert "Traceback" not in done.stderr
