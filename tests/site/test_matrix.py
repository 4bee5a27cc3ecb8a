"""Every address, every role (style E4): what is not in this table fails the build, and nobody gets further than it says.

A row says who may; everybody else of the area is told 403, and nobody not logged in gets past the login page. ``elsewhere`` is
a clerk with the same job in another county, ``other_hospital`` the counter of another hospital.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import pytest
from django.core.cache import cache
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.apps.cast import assemble, bill
from tests.site.entering import enter
from tuodi.apps.institutions.models import ApiKey, Suspension
from tuodi.apps.policies.models import DelegatedValue, Installation, Measurement
from tuodi.apps.reconciliation.actions import Reconcile
from tuodi.apps.reconciliation.models import Finding, Mend
from tuodi.apps.registry.actions.households import JoinHousehold
from tuodi.apps.registry.models import DeathCorrection, IdentityCode, InsuredPlace, NotTheSame
from tuodi.apps.settlement.actions import Settle
from tuodi.apps.settlement.counter import ticket_for
from tuodi.apps.settlement.importing import take_in
from tuodi.apps.settlement.models import Encounter, Notice
from tuodi.base import clock
from tuodi.base.access import ROLES
from tuodi.base.models import User

pytestmark = pytest.mark.django_db

WORKERS = frozenset(ROLES)
COUNTER, HOSPITAL = frozenset({"hospital", "county_clerk"}), frozenset({"hospital"})
SEES_SETTLEMENTS = frozenset({"hospital", "county_clerk", "county_approver", "finance", "auditor", "system"})
PEOPLE = ("anonymous", *ROLES, "elsewhere", "other_hospital")


@dataclass(frozen=True)
class Row:
    """Who may, how it is asked, what those not of the place are told (a list is empty to them: 200)."""

    may: frozenset[str] = WORKERS
    method: str = "get"
    is_public: bool = False
    elsewhere: int | None = None
    other_hospital: int | None = None
    ok: tuple[int, ...] = (200,)
    arguments: tuple[str, ...] = ()
    data: dict[str, str] = field(default_factory=dict)
    query: str = ""
    exceptions: dict[str, int] = field(default_factory=dict)


ACCOUNT = Row(ok=(200, 302))
PUBLIC = Row(is_public=True, ok=(200, 302))
SEES_PEOPLE = frozenset(
    {
        "registry_clerk",
        "county_clerk",
        "county_approver",
        "town_clerk",
        "village_clerk",
        "auditor",
        "hospital",
        "system",
    }
)
#: A hospital sees nobody's file: to it every file is unknown.
OWN_PERSON = {"arguments": ("person",), "elsewhere": 404, "other_hospital": 404, "exceptions": {"hospital": 404}}
OWN_IDENTITY = {**OWN_PERSON, "arguments": ("identity",)}
CERTIFIES = frozenset({"registry_clerk", "county_approver"})
OWN_BILL = {"arguments": ("pk",), "elsewhere": 404, "other_hospital": 404}
SEES_INSTITUTIONS = frozenset(
    {"administrator", "county_clerk", "county_approver", "finance", "auditor", "hospital", "system"}
)
CLERK, APPROVER, ADMINISTRATOR = (frozenset({role}) for role in ("county_clerk", "county_approver", "administrator"))


def institution(key: str) -> dict[str, object]:
    """One institution, or something of it: the cast's hospital; other counters and counties do not know it."""
    return {"arguments": (key,), "elsewhere": 404, "other_hospital": 404}


#: Accounts are seen by those who manage or oversee them; to everybody else each is unknown.
OWN_ACCOUNT = {
    "exceptions": dict.fromkeys(WORKERS - {"administrator", "auditor", "system"}, 404),
    "elsewhere": 404,
    "other_hospital": 404,
}
OFFICER, DECIDER = frozenset({"policy_officer"}), frozenset({"policy_approver"})
#: Those of the cast whose area is the whole city; the others see one of its counties.
IN_THE_CITY = frozenset({"policy_officer", "policy_approver", "auditor", "administrator", "system"})
MEASURES = frozenset({"policy_officer", "policy_approver", "system"})
#: The policy of the city that the cast lives in: another county does not know it, every hospital inside sees it.
POLICY, VALUE = ({"arguments": (key,), "elsewhere": 404} for key in ("policy", "value"))

RUNS = frozenset({"county_clerk", "finance", "system"})
#: One institution's day, or one difference of it.
RECONCILED = {"arguments": ("institution", "day"), "elsewhere": 404, "other_hospital": 404}

SEES_ROSTERS, REGISTRAR = frozenset({"registry_clerk", "county_approver", "auditor"}), frozenset({"registry_clerk"})
#: A roster of the cast's county: no hospital knows it, nor does another county.
ROSTER = {"arguments": ("roster",), "elsewhere": 404, "other_hospital": 404, "exceptions": {"hospital": 404}}


TABLE: dict[str, Row] = {
    "home": Row(),
    "account_login": PUBLIC, "account_logout": PUBLIC, "account_inactive": PUBLIC,
    "account_reauthenticate": ACCOUNT, "account_change_password": ACCOUNT, "mfa_index": ACCOUNT,
    "mfa_authenticate": PUBLIC, "mfa_reauthenticate": ACCOUNT, "mfa_activate_totp": ACCOUNT, "mfa_deactivate_totp": ACCOUNT,
    "mfa_view_recovery_codes": Row(ok=(200, 404)), "mfa_generate_recovery_codes": ACCOUNT, "mfa_download_recovery_codes": Row(ok=(200, 403, 404)),
    "counter": Row(COUNTER),
    "counter-bill": Row(COUNTER, arguments=("ticket",), elsewhere=404),
    "counter-try": Row(COUNTER, "post", arguments=("ticket",), elsewhere=404),
    "counter-settle": Row(COUNTER, "post", arguments=("ticket",), elsewhere=404, exceptions={"county_clerk": 403}),
    "counter-admit": Row(HOSPITAL, arguments=("ticket",), elsewhere=404),
    "counter-admit-cancel": Row(
        HOSPITAL, "post", ok=(302,), arguments=("ticket", "stay"), elsewhere=404, other_hospital=404
    ),
    "people": Row(SEES_PEOPLE - {"hospital"}),
    "person": Row(SEES_PEOPLE, **OWN_PERSON),
    "notices": Row(frozenset({"village_clerk", "town_clerk", "county_clerk", "county_approver", "auditor"})),
    "notice-answer": Row(
        frozenset({"village_clerk", "town_clerk", "county_clerk"}), "post", ok=(302,), arguments=("notice",), elsewhere=404, other_hospital=404,
        exceptions={"hospital": 404},
    ),
    "person-reveal": Row(frozenset({"registry_clerk", "county_clerk", "county_approver"}), "post", **OWN_PERSON),
    "person-new": Row(REGISTRAR), "person-change": Row(REGISTRAR, **OWN_PERSON), "person-death": Row(REGISTRAR | CLERK, **OWN_PERSON),
    "insured-move": Row(REGISTRAR, **OWN_PERSON), "insured-correct-origin": Row(REGISTRAR, **OWN_PERSON),
    "insured-correct": Row(REGISTRAR, **{**OWN_PERSON, "arguments": ("insured",)}),
    "insured-withdraw": Row(REGISTRAR, **{**OWN_PERSON, "arguments": ("insured",)}),
    "person-death-correct": Row(REGISTRAR | CLERK, **OWN_PERSON),
    "person-death-decide": Row(APPROVER, arguments=("death_correction",), elsewhere=404, other_hospital=404, exceptions={"hospital": 404}),
    "household-join": Row(REGISTRAR | CLERK, **OWN_PERSON), "household-leave": Row(REGISTRAR | CLERK, **OWN_PERSON),
    "household-move-member": Row(REGISTRAR | CLERK, **OWN_PERSON),
    "household": Row(SEES_PEOPLE, **{**OWN_PERSON, "arguments": ("household",)}),
    "household-split": Row(REGISTRAR | CLERK, **{**OWN_PERSON, "arguments": ("household",)}),
    "household-move": Row(REGISTRAR | CLERK, **{**OWN_PERSON, "arguments": ("household",)}),
    "households-moved": Row(REGISTRAR | CLERK),
    "household-move-correct": Row(REGISTRAR | CLERK, **{**OWN_PERSON, "arguments": ("place",)}),
    "membership-correct": Row(REGISTRAR | CLERK, **{**OWN_PERSON, "arguments": ("membership",)}),
    "person-certify": Row(CERTIFIES, **OWN_PERSON), "identity-end": Row(CERTIFIES, **OWN_IDENTITY),
    "identity-correct": Row(CERTIFIES, **OWN_IDENTITY), "identity-withdraw": Row(CERTIFIES, **OWN_IDENTITY),
    "rosters": Row(SEES_ROSTERS), "roster-new": Row(REGISTRAR), "roster": Row(SEES_ROSTERS, **ROSTER),
    "roster-wrong": Row(REGISTRAR, **ROSTER), "roster-impact": Row(REGISTRAR, **ROSTER),
    "roster-confirm": Row(REGISTRAR, "post", ok=(302,), **ROSTER), "roster-drop": Row(REGISTRAR, "post", ok=(302,), **ROSTER),
    "roster-again": Row(REGISTRAR, "post", ok=(302,), **ROSTER),
    "roster-undo": Row(REGISTRAR, ok=(302,), **ROSTER),
    "duplicates": Row(REGISTRAR), "merges": Row(REGISTRAR),
    "duplicates-apart": Row(REGISTRAR), "person-apart": Row(REGISTRAR, ok=(302,), **OWN_PERSON),
    "person-apart-undo": Row(REGISTRAR, "post", ok=(302,), **{**OWN_PERSON, "arguments": ("mark",)}),
    "person-merge": Row(REGISTRAR, ok=(302,), **OWN_PERSON),
    "person-unmerge": Row(REGISTRAR, ok=(302,), **OWN_PERSON),
    "settlements": Row(SEES_SETTLEMENTS),
    "settlements-find": Row(SEES_SETTLEMENTS, "post", ok=(302,)),
    "settlements-export": Row(SEES_SETTLEMENTS),
    "settlement": Row(SEES_SETTLEMENTS, **OWN_BILL),
    "settlement-statement": Row(SEES_SETTLEMENTS, **OWN_BILL),
    "settlement-cancel": Row(COUNTER, **OWN_BILL),
    "institutions": Row(SEES_INSTITUTIONS), "institutions-export": Row(SEES_INSTITUTIONS), "institution-new": Row(CLERK),
    "institution": Row(SEES_INSTITUTIONS, **institution("institution")),
    "institution-change": Row(CLERK, **institution("institution")),
    "institution-agreement": Row(CLERK, **institution("institution")),
    "institution-suspend": Row(APPROVER, **institution("institution")),
    "institution-key": Row(ADMINISTRATOR, **institution("institution")),
    "agreement-end": Row(CLERK, **institution("agreement")),
    "suspension-lift": Row(APPROVER, **institution("suspension")),
    "key-revoke": Row(ADMINISTRATOR, **institution("key")),
    "accounts": Row(frozenset({"administrator", "auditor", "system"})),
    "account-add": Row(frozenset({"administrator", "system"})),
    "areas": Row(ADMINISTRATOR),
    "account": Row(frozenset({"administrator", "auditor", "system"}), arguments=("account",), **OWN_ACCOUNT),
    "account-act": Row(frozenset({"administrator", "system"}), "post", ok=(302,), arguments=("account", "what"), **OWN_ACCOUNT),
    "trail": Row(frozenset({"auditor"})), "trail-export": Row(frozenset({"auditor"})), "trail-verify": Row(frozenset({"auditor", "system"}), "post", ok=(302,)),
    "identity-codes": Row(ADMINISTRATOR), "identity-codes-export": Row(ADMINISTRATOR), "identity-code-new": Row(ADMINISTRATOR),
    "identity-code-end": Row(ADMINISTRATOR, arguments=("identity_code",), elsewhere=404),
    "policies": Row(), "policies-export": Row(), "policy-propose": Row(OFFICER), "policy-submit": Row(OFFICER, ok=(302,)),
    "policy": Row(**POLICY), "policy-text": Row(**POLICY), "policy-cases": Row(**POLICY), "policy-compare": Row(**POLICY),
    "policy-measure": Row(MEASURES, "post", ok=(302,), **POLICY), "policy-decide": Row(DECIDER, **POLICY),
    "policy-switch": Row(OFFICER, **POLICY), "policy-value-enter": Row(OFFICER, query="?param=ak.tilt.rate", **POLICY),
    "policy-value": Row(**VALUE), "policy-value-measure": Row(MEASURES, "post", ok=(302,), **VALUE),
    "policy-value-decide": Row(DECIDER, **VALUE), "policy-value-withdraw": Row(OFFICER, **VALUE),
    "measurement": Row(
        MEASURES, arguments=("measurement",), elsewhere=404, exceptions=dict.fromkeys(set(ROLES) - IN_THE_CITY, 404)
    ),
    "books": Row(frozenset({"county_approver", "auditor", "system"})),
    "reconciliation": Row(SEES_SETTLEMENTS), "reconciliation-work": Row(SEES_SETTLEMENTS), "reconciliation-export": Row(SEES_SETTLEMENTS),
    "reconciliation-run-day": Row(RUNS, "post", ok=(302,), data={"day": "2023-03-01"}),
    "reconciliation-day": Row(SEES_SETTLEMENTS, **RECONCILED), "reconciliation-run": Row(RUNS, "post", ok=(302,), **RECONCILED),
    "reconciliation-upload": Row(frozenset({"hospital", "county_clerk", "finance", "system"}), "post", **RECONCILED),
    "reconciliation-mend": Row(
        frozenset({"county_clerk", "finance"}), arguments=("finding",), elsewhere=404, other_hospital=404
    ),
    "reconciliation-decide": Row(APPROVER, arguments=("mend",), elsewhere=404, other_hospital=404),
    "verify": PUBLIC, "verify-code": Row(is_public=True, arguments=("code",)),
}  # fmt: skip
#: The national interface has keys, not accounts: without a signature every answer is a refusal in its envelope.
INTERFACE = "fsi/api/"
#: The plain JSON interface has the same keys; only its document is for everybody.
API, API_DOCUMENT = "api/v1/", "api/v1/openapi.json"


def addresses(patterns=None, before="") -> list[tuple[str, str]]:
    """Return every address with its name."""
    found = []
    for one in get_resolver().url_patterns if patterns is None else patterns:
        path = before + str(one.pattern)
        if isinstance(one, URLResolver):
            found += addresses(one.url_patterns, path)
        else:
            assert isinstance(one, URLPattern)
            found.append((path, one.name or ""))
    return found


@pytest.fixture
def cast():
    cache.clear()
    return assemble()


@pytest.fixture
def people(cast):
    User.objects.update(password="none-fits")
    users = {user.role: user for user in cast.users.values() if user.username not in ("sun", "outsider")}
    for role in ROLES:
        if role not in users:
            users[role] = User.objects.create(
                username=role, password="none-fits", name=role, role=role, area_code="610902"
            )
    for user in cast.users.values():
        user.refresh_from_db()
    return {**users, "elsewhere": cast.outsider, "other_hospital": cast.sun}


@pytest.fixture
def settled(cast):
    return Settle(actor=cast.zhao, bill=bill("A", date(2023, 3, 1), 1000)).run().bill


@pytest.fixture
def things(cast):
    """What addresses name beside people and settlements, by the word that the table uses for it."""
    hospital, at = cast.hospital, clock.now()
    suspended = Suspension.objects.create(
        institution=hospital, first=date(2020, 1, 1), last=date(2020, 1, 2), reason="演示", recorded_at=at
    )
    key = ApiKey.objects.create(
        institution=hospital, name="his", token_sealed=b"", user=cast.zhao, first=at.date(), recorded_at=at
    )
    made = Installation.objects.get()
    code = IdentityCode.objects.create(
        region="610900", local_code="A1", label="低保", identity="dibao", first=date(2023, 1, 1)
    )
    value = DelegatedValue.objects.create(
        area_code="610900", param="ak.tilt.rate", value="50%", source="文件", proposed_by=cast.officer, proposed_at=at
    )
    run = Reconcile(actor=cast.chen, code=hospital.code, day=date(2023, 3, 1)).run()
    finding = Finding.objects.create(run=run, setl_id="X", kind="missing_here", signature="x")
    mend = Mend.objects.create(
        finding=finding, kind="cancel", reason="演示", proposed_by=cast.chen, proposed_at=at, state="waiting"
    )
    measuring = Measurement.objects.create(value=value, area_code="610900", basis="", by=cast.officer, asked_at=at)
    roster = take_in(
        actor=cast.registrar, content="人员编号,身份,起始日期\nP0002,低保,2024-01-01\n".encode(), filename="a.csv",
        kind="identities", issuer="民政局", area_code="610902",
    )  # fmt: skip
    correction = DeathCorrection.objects.create(
        person=cast.wang, reason="误报", touches_identities=True, state="waiting", proposed_by=cast.chen, proposed_at=at
    )
    one, other = sorted((cast.wang, cast.li), key=lambda person: person.pk)
    mark = NotTheSame.objects.create(one=one, other=other, reason="演示", by=cast.registrar, at=at)
    member = JoinHousehold(
        actor=cast.chen, psn_no="P0001", number="F1", new_area="610902", first=date(2023, 1, 1)
    ).run()
    stay = Encounter.objects.create(
        mdtrt_id="N1", psn_no="P0001", fixmedins_code=hospital.code, med_type="21", admitted=at, recorded_at=at
    )
    insured = InsuredPlace.objects.create(
        person=cast.wang, area_code="610902", first=date(2020, 1, 1), recorded_at=at
    )  # fmt: skip
    notice = Notice.objects.create(
        encounter=stay, told="village_contact", clause="QD-2.1", area_code="610902", at=at
    )  # fmt: skip
    return {
        "notice": notice.pk, "insured": insured.pk, "mark": mark.pk, "death_correction": correction.pk, "stay": stay.pk, "household": member.household_id, "place": member.household.places.get().pk, "membership": member.pk, "identity": cast.wang.identities.get().pk, "roster": roster.pk, "finding": finding.pk, "mend": mend.pk, "identity_code": code.pk, "policy": made.pk, "value": value.pk, "measurement": measuring.pk,
        "institution": hospital.pk, "agreement": hospital.agreements.first().pk, "suspension": suspended.pk, "key": key.pk,
    }  # fmt: skip


def test_every_address_has_a_row():
    named = {name for path, name in addresses() if not path.lstrip("^").startswith((INTERFACE, API))}
    assert named == set(TABLE)


def expected(row: Row, who: str) -> tuple[int, ...]:
    if who == "anonymous":
        return row.ok if row.is_public else (302,)
    if row.is_public:
        return row.ok
    role = {"elsewhere": "county_clerk", "other_hospital": "hospital"}.get(who, who)
    told = {"elsewhere": row.elsewhere, "other_hospital": row.other_hospital}.get(who)
    if told:
        return (told,) if role in row.may else (told, 403)
    if role not in row.may:
        return (row.exceptions.get(role, 403),)
    return (row.exceptions[role],) if role in row.exceptions else row.ok


@pytest.mark.parametrize("name", sorted(TABLE))
def test_nobody_gets_further_than_the_table_says(name, client, cast, people, settled, things):
    row, wrong = TABLE[name], []
    for who in PEOPLE:
        user = people.get(who)
        known = {
            "pk": settled.pk,
            "person": cast.wang.pk,
            "account": cast.zhou.pk,
            "what": "unlock",
            "day": "2023-03-01",
            "ticket": ticket_for(user, cast.wang) if user else "x",
            "code": "0-0-0000000000",
            **things,
        }
        client.logout()
        if user is not None:
            enter(client, user)
        named = {key if key in ("ticket", "code", "what", "day") else "pk": known[key] for key in row.arguments}
        answer = getattr(client, row.method)(reverse(name, kwargs=named) + row.query, row.data)
        if answer.status_code not in expected(row, who):
            wrong.append((who, answer.status_code, expected(row, who)))
        if who == "anonymous" and not row.is_public:
            assert answer["Location"].startswith("/accounts/login/"), (name, answer["Location"])
    assert not wrong


def test_the_interface_refuses_whoever_does_not_sign(client, people):
    for path, _ in addresses():
        if path.startswith(INTERFACE):
            for who in ("anonymous", "administrator", "hospital"):
                client.logout()
                if who != "anonymous":
                    enter(client, people[who])
                told = client.get(f"/{path}")
                assert (told.status_code, told.json()["infcode"]) == (405, -1)
                said = client.post(f"/{path}", b"{}", content_type="application/json").json()
                assert said["infcode"] == -1
                assert "E-SIGN-KEY" in said["err_msg"]


def test_the_json_interface_refuses_whoever_does_not_sign(client, people):
    operations = client.get(f"/{API_DOCUMENT}").json()["paths"]
    asked = {path for path, _ in addresses() if path.startswith(API) and path != API_DOCUMENT}
    assert {f"/{path}".replace("<", "{").replace(">", "}") for path in asked} == set(operations)
    for who in ("anonymous", "administrator", "hospital"):
        client.logout()
        if who != "anonymous":
            enter(client, people[who])
        for path, methods in operations.items():
            for method in methods:
                said = client.generic(
                    method.upper(), path.replace("{setl_id}", "T1"), b"{}", content_type="application/json"
                )
                assert (said.status_code, said.json()["errors"][0]["code"]) == (401, "E-SIGN-KEY"), (method, path)
        assert client.get(f"/{API}nothing").status_code == 404


def test_every_page_says_what_browsers_must_not_do(client, people, settled):
    enter(client, people["hospital"])
    for path in ("/", "/counter/", "/settlements/", f"/settlements/{settled.pk}/", "/verify/", "/nothing/"):
        answer = client.get(path)
        policy = answer["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert answer["X-Frame-Options"] == "DENY"
        assert answer["Cache-Control"] == "no-store"
        assert answer["X-Content-Type-Options"] == "nosniff"
        page = answer.content.decode()
        assert " style=" not in page
        assert "<style" not in page
        assert " onclick=" not in page
        assert "<script>" not in page


def test_no_title_and_no_address_names_a_person(client, cast, people, settled):
    enter(client, people["county_clerk"])
    found = client.post("/settlements/find/", {"text": "P0001"})
    assert "P0001" not in found["Location"]
    for path in (
        found["Location"],
        f"/settlements/{settled.pk}/",
        f"/counter/{ticket_for(people['county_clerk'], cast.wang)}/",
    ):
        page = client.get(path).content.decode()
        assert "王奶奶" in page
        title = page.split("<title>")[1].split("</title>")[0]
        assert "王" not in title
        assert "P0001" not in title


def test_a_ticket_is_no_use_to_somebody_else(client, cast, people):
    ticket = ticket_for(people["hospital"], cast.wang)
    enter(client, people["other_hospital"])
    assert client.get(f"/counter/{ticket}/").status_code == 404
