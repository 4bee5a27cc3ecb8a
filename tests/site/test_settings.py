"""Production refuses to start unsafe, and says what is missing."""

import os
import subprocess
import sys

import pytest

SAFE = {
    "TUODI_PRODUCTION": "1", "TUODI_HOSTS": "assistance.example", "TUODI_SECRET_KEY": "11" * 32, "TUODI_FIELD_KEY": "22" * 16,
    "TUODI_INDEX_KEY": "33" * 32, "TUODI_AUDIT_KEY": "44" * 32,
}  # fmt: skip
SHOW = "from tuodi.site import settings as s; print(s.SECURE_HSTS_SECONDS, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SECURE_SSL_REDIRECT, s.DEBUG)"


def start(tmp_path, **environment):
    given = {key: value for key, value in os.environ.items() if not key.startswith("TUODI_")}
    given |= {key: value for key, value in environment.items() if value}
    return subprocess.run(
        [sys.executable, "-c", SHOW], env={**given, "TUODI_HOME": str(tmp_path)}, capture_output=True, text=True
    )


def test_production_is_strict(tmp_path):
    assert start(tmp_path, **SAFE).stdout.split() == ["31536000", "True", "True", "True", "False"]


@pytest.mark.parametrize("left", ["", "ab", "not hexadecimal"])
def test_a_key_file_that_a_full_disk_or_a_kill_left_in_part_is_never_used(tmp_path, left):
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "tuodi_field_key").write_text(left)
    done = start(tmp_path)
    assert done.returncode != 0
    assert "tuodi_field_key 不完整" in done.stderr
    assert (tmp_path / "keys" / "tuodi_field_key").read_text() == left


def test_keys_are_made_once_whoever_starts_at_the_same_time(tmp_path):
    show = "from tuodi.site import settings as s; print(s.SECRET_KEY, s.TUODI_AUDIT_KEY.hex())"
    given = {key: value for key, value in os.environ.items() if not key.startswith("TUODI_")}
    begun = [
        subprocess.Popen(
            [sys.executable, "-c", show], env={**given, "TUODI_HOME": str(tmp_path)}, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    said = {one.communicate()[0] for one in begun}
    assert len(said) == 1
    assert len(said.pop().strip()) == 129
    assert len(list((tmp_path / "keys").iterdir())) == 4


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"TUODI_HOSTS": ""}, "TUODI_HOSTS"), ({"TUODI_HOSTS": "*"}, "TUODI_HOSTS"), ({"TUODI_SECRET_KEY": ""}, "TUODI_SECRET_KEY"),
        ({"TUODI_FIELD_KEY": ""}, "TUODI_FIELD_KEY"), ({"TUODI_INDEX_KEY": "33"}, "TUODI_INDEX_KEY"), ({"TUODI_AUDIT_KEY": ""}, "TUODI_AUDIT_KEY"),
        ({"TUODI_SECOND_FACTOR": "0"}, "TUODI_SECOND_FACTOR"), ({"TUODI_DEMONSTRATION": "1"}, "TUODI_DEMONSTRATION"),
    ],
)  # fmt: skip
def test_production_refuses_what_is_unsafe(tmp_path, change, says):
    done = start(tmp_path, **{**SAFE, **change})
    assert done.returncode != 0
    assert says in done.stderr


def test_everything_that_production_lacks_is_told_at_once(tmp_path):
    said = start(tmp_path, TUODI_PRODUCTION="1", TUODI_DATABASE="mysql://x", TUODI_FIELD_KEY="zz").stderr
    for name in (
        "TUODI_SECRET_KEY",
        "TUODI_FIELD_KEY",
        "TUODI_INDEX_KEY",
        "TUODI_AUDIT_KEY",
        "TUODI_HOSTS",
        "TUODI_DATABASE",
    ):
        assert name in said, name


@pytest.mark.parametrize(("proxy", "address"), [(0, "10.0.0.1"), (1, "172.16.5.9")])
def test_a_proxy_is_believed_only_where_there_is_one(rf, settings, proxy, address):
    from tuodi.site.accounts import client_address

    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxy
    forged = rf.get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="6.6.6.6, 172.16.5.9")
    assert client_address(forged) == address
    assert client_address(rf.get("/", REMOTE_ADDR="")) is None
