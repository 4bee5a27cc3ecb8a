"""Keys are changed under a county that goes on: everything readable and found throughout, killed and taken up, nothing left."""

import json
import os
import subprocess
import sys

import pytest
from allauth.mfa.models import Authenticator
from cryptography.exceptions import InvalidTag
from django.core.cache import cache
from django.db import connection

from tests.apps.cast import assemble
from tests.apps.his import Hospital
from tests.site.entering import enter, give_password, log_in, phone, set_up_second_factor
from tuodi.apps.institutions.keys import IssueKey, token_of
from tuodi.apps.registry.actions.changing import ChangePerson
from tuodi.apps.registry.actions.people import RegisterPerson
from tuodi.apps.registry.comparing import preview_of
from tuodi.apps.registry.models import ImportRun, Person
from tuodi.apps.registry.previews import Lines
from tuodi.apps.registry.queries import certno_of, index_of, people_matching, person_by_certno
from tuodi.apps.settlement import importing
from tuodi.apps.settlement.models import Exchange
from tuodi.base import clock
from tuodi.base.models import AuditEvent
from tuodi.core.errors import InputErrors
from tuodi.site import rotation

pytestmark = pytest.mark.django_db
NUMBER, OTHER = "11010519491231002X", "110105199003070033"


@pytest.fixture
def cast(settings):
    cache.clear()
    settings.TUODI_FIELD_KEY, settings.TUODI_INDEX_KEY = b"a" * 16, b"a" * 32
    return assemble()


@pytest.fixture
def county(cast, client):
    """A county with something sealed in every place; returns the secret of a second factor."""
    RegisterPerson(actor=cast.registrar, psn_no="N1", name="张三", insured_area="610902", certno=NUMBER).run()
    person = Person.objects.get(psn_no="N1")
    facts = {
        "name": "张山", "certno": OTHER, "gend": "", "birth": person.birth, "registered_area": "",
        "residence_area": "", "insutype": "",
    }  # fmt: skip
    ChangePerson(actor=cast.registrar, psn_no="N1", **facts).run()
    RegisterPerson(actor=cast.registrar, psn_no="N2", name="李四", insured_area="610902", certno=NUMBER).run()
    token = IssueKey(actor=cast.admin, institution=cast.hospital, name="his-1", user=cast.zhao).run()
    importing.take_in(
        actor=cast.registrar, content="人员编号,身份,起始日期\nP0002,低保,2024-01-01\n".encode(), filename="a.csv", kind="identities",
        issuer="民政局", area_code="610902",
    )  # fmt: skip
    Exchange.objects.create(
        fixmedins_code="H1", msgid="M1", infno="2304", digest="0" * 64, at=clock.now(), state="done", refmsgid="R", answer={"psn_name": "王奶奶"}
    )  # fmt: skip
    give_password(cast.chen)
    log_in(client, cast.chen)
    secret = set_up_second_factor(client)
    client.post("/accounts/logout/")
    return secret, token


def begin(settings):
    settings.TUODI_FIELD_KEY_OLD, settings.TUODI_INDEX_KEY_OLD = settings.TUODI_FIELD_KEY, settings.TUODI_INDEX_KEY
    settings.TUODI_FIELD_KEY, settings.TUODI_INDEX_KEY = b"b" * 16, b"b" * 32


def retire(settings):
    assert rotation.left() == {}
    settings.TUODI_FIELD_KEY_OLD = settings.TUODI_INDEX_KEY_OLD = b""


def everything_reads(cast, secret, token, client):
    for psn_no, number in (("N1", OTHER), ("N2", NUMBER)):
        person = Person.objects.get(psn_no=psn_no)
        assert certno_of(person) == number
        assert person_by_certno(number) == person
        assert people_matching(cast.registrar, number) == [person]
    assert token_of("his-1", clock.today()).token == token
    assert Exchange.objects.get(msgid="M1").answer == {"psn_name": "王奶奶"}
    with pytest.raises(InputErrors, match="E-REG-NUMBER-HELD"):
        RegisterPerson(actor=cast.registrar, psn_no="N3", name="王五", insured_area="610902", certno=OTHER).run()
    cache.clear()
    log_in(client, cast.chen)
    assert client.post("/accounts/2fa/authenticate/", {"code": phone(secret)})["Location"] == "/"
    client.post("/accounts/logout/")


def test_everything_is_read_and_found_before_during_and_after(county, cast, client, settings):
    everything_reads(cast, *county, client)
    begin(settings)
    everything_reads(cast, *county, client)
    assert rotation.left() == dict.fromkeys(
        ("person", "person_change", "api_key", "roster_file", "roster_part", "second_factor", "exchange"), 1
    ) | {"person": 2, "second_factor": 2}
    list(rotation.rotate())
    everything_reads(cast, *county, client)
    retire(settings)
    everything_reads(cast, *county, client)
    run = ImportRun.objects.get()
    assert preview_of(run).plan.differences
    assert list(Lines(run, ["new"]))
    assert AuditEvent.objects.filter(verb="keys:rotate").exists()


def test_what_stopped_halfway_is_taken_up_again(county, cast, client, settings, monkeypatch):
    monkeypatch.setattr(rotation, "BATCH", 1)
    begin(settings)
    for _ in zip(range(3), rotation.rotate(), strict=False):
        pass
    assert 0 < sum(rotation.left().values()) < 9
    everything_reads(cast, *county, client)
    renewed = sum(done for _, _, done in rotation.rotate())
    assert 0 < renewed < 9
    assert sum(done for _, _, done in rotation.rotate()) == 0
    retire(settings)
    everything_reads(cast, *county, client)


def test_the_former_key_opens_nothing_once_all_is_done(county, settings):
    begin(settings)
    list(rotation.rotate())
    settings.TUODI_FIELD_KEY, settings.TUODI_FIELD_KEY_OLD = settings.TUODI_FIELD_KEY_OLD, b""
    with pytest.raises(InvalidTag):
        certno_of(Person.objects.get(psn_no="N1"))


def test_rosters_wait_while_numbers_stand_under_two_indexes(county, cast, settings):
    begin(settings)
    with pytest.raises(InputErrors, match="E-REG-KEYS"):
        index_of([NUMBER])


def test_a_second_factor_is_of_no_use_in_another_account_s_row(county, cast, client):
    """Who can write to the database puts a secret that they know into the row of somebody else."""
    give_password(cast.zhou)
    enter(client, cast.zhou)
    client.post("/accounts/logout/")
    known = Authenticator.objects.get(user=cast.chen, type="totp")
    Authenticator.objects.filter(user=cast.zhou, type="totp").update(data=known.data)
    cache.clear()
    log_in(client, cast.zhou)
    answer = client.post("/accounts/2fa/authenticate/", {"code": phone(county[0])})
    assert answer.status_code == 403
    assert client.get("/")["Location"].startswith("/accounts/login/")


def test_what_was_answered_to_a_hospital_is_sealed(cast, client):
    token = IssueKey(actor=cast.admin, institution=cast.hospital, name="his-1", user=cast.zhao).run()

    def post(path, body, headers):
        return client.post(path, body, content_type="application/json", headers=headers).content

    his = Hospital(post, code="H61090200001", paasid="his-1", token=token)
    asked = {
        "data": {
            "psn_no": "P0001", "insutype": "390", "begntime": "2023-03-01 08:00:00", "mdtrt_cert_type": "02", "med_type": "21", "ipt_no": "1",
        }
    }  # fmt: skip
    msgid = his.msgid()
    first = his.send("2401", asked, msgid=msgid)
    assert his.send("2401", asked, msgid=msgid)["output"] == first["output"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT answer_sealed FROM settlement_exchange")
        kept = bytes(cursor.fetchone()[0])
    assert json.dumps(first["output"], ensure_ascii=False, separators=(",", ":")).encode()[:20] not in kept
    row = Exchange.objects.get()
    row.msgid = row.msgid[:-1] + "X"
    with pytest.raises(InvalidTag):
        _ = row.answer


def test_the_commands_change_the_keys_of_a_county_of_files(tmp_path):
    home = tmp_path / "county"

    def tuodi(*words):
        told = {key: value for key, value in os.environ.items() if not key.startswith("TUODI_")}
        told |= {"TUODI_HOME": str(home), "TUODI_LOG": "ERROR"}
        done = subprocess.run([sys.executable, "-m", "tuodi.cli", *words], env=told, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    assert tuodi("migrate")[0] == 0
    keys = home / "keys"
    before = (keys / "tuodi_field_key").read_text()
    assert tuodi("keys", "rotate")[0] == 1
    assert tuodi("keys", "new")[0] == 0
    assert (keys / "tuodi_field_key_old").read_text() == before
    assert (fresh := (keys / "tuodi_field_key").read_text()) != before
    assert "早已换上" in tuodi("keys", "new")[1]
    assert (keys / "tuodi_field_key").read_text() == fresh
    assert tuodi("keys", "rotate")[0] == 0
    assert tuodi("keys", "retire")[0] == 0
    assert not (keys / "tuodi_field_key_old").exists()
    assert (keys / "tuodi_field_key").read_text() == fresh
    assert "没有旧钥" in tuodi("keys", "retire")[1]


BEFORE = """
import json, os
os.environ["DJANGO_SETTINGS_MODULE"] = "tuodi.site.settings"
import django
django.setup()
from django.core.management import call_command
from django.db import connection
call_command("migrate", verbosity=0)
call_command("migrate", "settlement", "0006", verbosity=0, fake=True)
call_command("migrate", "tuodi_site", "0001", verbosity=0, fake=True)
from allauth.mfa.models import Authenticator
from tuodi.apps.registry.previews import Lines
from tuodi.apps.settlement import importing
from tuodi.apps.settlement.models import Exchange
from tuodi.base import secrets
from tuodi.base.system import system_user
with connection.cursor() as cursor:
    cursor.execute("ALTER TABLE settlement_exchange DROP COLUMN answer_sealed")
    cursor.execute("ALTER TABLE settlement_exchange ADD COLUMN answer text NOT NULL DEFAULT '{}'")
    cursor.execute(
        "INSERT INTO settlement_exchange (fixmedins_code, msgid, infno, digest, at, state, subject, refmsgid, answer) "
        "VALUES ('H1', 'M1', '2304', '', '2024-01-01', 'done', '', 'R', %s)", [json.dumps({"psn_name": "王"})]
    )
user = system_user()
Authenticator.objects.create(
    user=user, type="totp", data={"secret": secrets.encrypt("ABC", bound_to="site.second-factor").hex()}
)
call_command("migrate", verbosity=0)
assert Exchange.objects.get().answer == {"psn_name": "王"}
kept = bytes.fromhex(Authenticator.objects.get().data["secret"])
assert secrets.decrypt(kept, bound_to=f"site.second-factor:{user.pk}") == "ABC"
print("whole")
"""


def test_what_was_kept_before_is_sealed_and_bound_by_the_upgrade(tmp_path):
    told = {key: value for key, value in os.environ.items() if not key.startswith("TUODI_")}
    told |= {"TUODI_HOME": str(tmp_path / "county"), "TUODI_LOG": "ERROR"}
    done = subprocess.run([sys.executable, "-c", BEFORE], env=told, capture_output=True, text=True)
    assert "whole" in done.stdout, done.stderr
