"""A county from the command line alone: what a first production start lacks, the first administrator, and every refusal's code."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tuodi.base import access
from tuodi.cli import environment, exits
from tuodi.cli.parser import build_parser
from tuodi.cli.parser_county import ROLES

SOURCE = Path(__file__).parents[2] / "src" / "tuodi"
KEYS = {
    "TUODI_SECRET_KEY": "11" * 32, "TUODI_FIELD_KEY": "22" * 16, "TUODI_INDEX_KEY": "33" * 32, "TUODI_AUDIT_KEY": "44" * 32,
}  # fmt: skip
READY = {"TUODI_PRODUCTION": "1", "TUODI_HOSTS": "assistance.example", "TUODI_HTTPS_ELSEWHERE": "1", **KEYS}


@pytest.fixture
def tuodi(tmp_path):
    """The command in a process of its own, on a county of its own."""

    def run(*words, typed="", **variables):
        given = {key: value for key, value in os.environ.items() if not key.startswith("TUODI_")}
        given |= {"TUODI_HOME": str(tmp_path / "county"), "TUODI_LOG": "ERROR", **variables}
        return subprocess.run(
            [sys.executable, "-m", "tuodi.cli", *words],
            env=given,
            input=typed,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


def test_a_first_production_start_needs_nothing_but_the_command_line(tuodi):
    lacking = tuodi("doctor", TUODI_PRODUCTION="1")
    assert lacking.returncode == exits.NOT_READY
    for name, _, needed in environment.VARIABLES:
        assert not needed or name in lacking.stderr, name
    assert tuodi("migrate", **READY).returncode == 0
    bare = tuodi("doctor", **READY)
    assert "tuodi user add" in bare.stdout
    add = ("user", "add", "wang", "--name", "王管理", "--role", "administrator", "--area", "999999")
    made = tuodi(*add, "--stdin", typed="a-first-password\n", **READY)
    assert (made.returncode, made.stderr) == (0, "")
    assert "a-first-password" not in made.stdout
    assert "首次登录须改密码" in made.stdout
    held = json.loads(tuodi("user", "list", "--json", **READY).stdout)["accounts"]
    assert [(u["username"], u["role"], u["area"]) for u in held] == [("wang", "administrator", "999999")]
    assert tuodi("doctor", **READY).returncode == 0
    assert json.loads(tuodi("audit", "verify", "--json", **READY).stdout)["holds"]


def test_an_account_is_looked_after_from_the_server(tuodi):
    assert tuodi("migrate").returncode == 0
    add = ("user", "add", "wang", "--name", "王管理", "--role", "administrator", "--area", "999999", "--generate")
    first = re.search(r"初始密码（只显示这一次）：(\S+)", tuodi(*add).stdout)[1]
    again = tuodi(*add)
    assert again.returncode == exits.INPUT
    assert "[E-ACCOUNT-TAKEN]" in again.stderr
    last = tuodi("user", "deactivate", "wang")
    assert last.returncode == exits.INPUT
    assert "最后一个系统管理员" in last.stderr
    reset = json.loads(tuodi("user", "reset-password", "wang", "--generate", "--json").stdout)
    assert reset["password"] != first
    weak = tuodi("user", "reset-password", "wang", "--stdin", "--json", typed="short\n")
    assert json.loads(weak.stdout)["errors"][0]["code"] == "E-ACCOUNT-PASSWORD"
    assert tuodi("user", "unlock", "wang").returncode == 0
    unknown = tuodi("user", "unlock", "tuodi-system")
    assert unknown.returncode == exits.USAGE
    nobody = tuodi("user", "reset-password", "wang")
    assert "--stdin" in nobody.stderr


def test_production_is_not_served_without_https(tuodi):
    refused = tuodi("serve", "--port", "1", **{**READY, "TUODI_HTTPS_ELSEWHERE": ""})
    assert refused.returncode == exits.NOT_READY
    assert tuodi("serve", "--cert", "x.pem").returncode == exits.USAGE
    free = tuodi("serve", "--port", "18431", **{**READY, "TUODI_HTTPS_ELSEWHERE": ""})
    assert (free.returncode, "--cert" in free.stderr) == (exits.NOT_READY, True)


def test_a_database_that_does_not_answer_is_said_plainly(tuodi):
    gone = tuodi("migrate", TUODI_DATABASE="postgresql://nobody:x@127.0.0.1:1/none")
    assert gone.returncode == exits.NOT_READY
    assert "数据库用不了" in gone.stderr
    assert "Traceback" not in gone.stderr
    bare = tuodi("user", "list")
    assert (bare.returncode, "tuodi migrate" in bare.stderr) == (exits.NOT_READY, True)


def test_a_backup_made_from_the_command_line_comes_back(tuodi, tmp_path):
    tuodi("migrate")
    tuodi("user", "add", "wang", "--name", "王", "--role", "auditor", "--area", "999999", "--generate")
    kept = str(tmp_path / "kept.zip")
    made = tuodi("backup", kept, "--with-keys", "--stdin", typed="a passphrase\n")
    assert made.returncode == 0, made.stderr
    elsewhere = {"TUODI_HOME": str(tmp_path / "other")}
    assert tuodi("restore", kept, **elsewhere).returncode == exits.FOUND
    back = tuodi("restore", kept, "--with-keys", "--stdin", typed="a passphrase\n", **elsewhere)
    assert (back.returncode, "恢复成功" in back.stdout) == (0, True), back.stderr
    assert "wang" in tuodi("user", "list", **elsewhere).stdout


def test_other_commands_do_not_load_the_service():
    code = "import sys; from tuodi.cli.main import main; main(['audit', '--help']); print('django' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert said.stdout.splitlines()[-1] == "False"


def test_the_lists_of_the_command_line_are_those_of_the_program():
    assert {**ROLES, "system": "系统任务"} == access.ROLES
    read = {
        name
        for path in SOURCE.rglob("*.py")
        if "TUODI_" in (text := path.read_text("utf-8"))
        for name in re.findall(r'(?:environ\.get\(|environ\[|_key\(|setdefault\()"(TUODI_[A-Z_]+)"', text)
    }
    assert read == {name for name, _, _ in environment.VARIABLES}
    assert build_parser().parse_args(["nightly", "--repair"]).run == "tuodi.cli.county:nightly"
