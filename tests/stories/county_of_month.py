"""The office's side of the month, run inside the served county's environment: who is registered, and what changes during stays.

Called in processes of its own (``python -c``), beside the running server, as clerks act beside the hospitals. Everything goes
through the same actions as the pages. What the hospital must know is written to files in a folder that both sides see.
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

MOST, AGAIN = 60, 12
#: Filled by the month: which role each of some chosen patients has in the story.
GAINED, LOST, CHANGED, GRANTED_BACK = "gained", "lost", "changed", "granted_back"


def fen(yuan: str) -> int:
    return int(yuan.replace(".", ""))


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def days_of(row: dict[str, str]) -> dict[str, Any]:
    dated = ("begin", "end", "certified_on", "applied_on")
    return row | {name: date.fromisoformat(row[name]) if row[name] else None for name in dated}


def prepare(pack_id: str, folder: str) -> None:
    """Make a county with one pack in force, a hospital and its patients; write ``month.json`` for the hospital."""
    from tuodi.apps.institutions.keys import IssueKey
    from tuodi.apps.institutions.models import Institution
    from tuodi.batch.packs import pack_of
    from tuodi.batch.synth import county
    from tuodi.batch.synth_tables import KINDS
    from tuodi.site import demo

    where, pack = Path(folder), pack_of(pack_id)
    place = demo.Place(pack, demo._accounts(pack.area, "-"), "-")
    demo._install(place)
    assert place.plan is not None
    year = max(place.plan.first.year, 2022) + 1
    first, last = date(year - 1, 12, 16), date(year, 1, 14)
    named = {code for category in pack.categories for code in category.identities}
    kinds = [code for code in KINDS if code in named]
    county(out_dir=where, people=30_000, seed=5, identities=kinds, first=first, last=last, area=pack.area)
    # Bills of those who come again may be settled a few days after the month.
    code, bills = _hospital_and_bills(where, pack.area)
    institutions = [row for row in rows_of(where / "institutions.csv") if row["fixmedins_code"] == code]
    demo._institutions(place, institutions, first=first)
    people = {row["psn_no"] for row in bills}
    held = [days_of(row) for row in rows_of(where / "identities.csv") if row["psn_no"] in people]
    roles, kept = cast_roles(bills, held, kinds)
    born = {row["psn_no"]: row for row in rows_of(where / "people.csv")}
    cards = _register(place, [born[number] for number in sorted(people)], kept)
    for row in bills:
        row["certno"] = cards[row["psn_no"]]
        row["psn_no"] = demo._number(place, row["psn_no"])
    token = IssueKey(
        actor=place.users["administrator"], institution=Institution.objects.get(code=code), name="his-1", user=place.users["hospital"]
    ).run()  # fmt: skip
    told = {
        "code": code, "area": pack.area, "token": token, "bills": bills, "first": str(first), "last": str(last + timedelta(days=9)), "changed_on": str(date(year, 1, 6)),
        "roles": [role | {"psn_no": demo._number(place, role["psn_no"])} for role in roles],
    }  # fmt: skip
    (where / "month.json").write_text(json.dumps(told, ensure_ascii=False, default=str), "utf-8")


def _hospital_and_bills(where: Path, area: str) -> tuple[str, list[dict[str, str]]]:
    """Return the area's hospital with the largest bills of people who hold an identity, and sixty of them: half are the
    largest, so that deductibles are passed and caps come near, and some patients of those come again."""
    designated = {
        row["fixmedins_code"]
        for row in rows_of(where / "institutions.csv")
        if row["insurance_designated"] == "1" and not row["suspended_from"] and row["admdvs"] == area
    }
    holders = {row["psn_no"] for row in rows_of(where / "identities.csv")}
    bills = [
        row for row in rows_of(where / "settlements.csv")
        if row["fixmedins_code"] in designated and row["refd_setl_flag"] != "1" and row["psn_no"] in holders
    ]  # fmt: skip
    weight: Counter[str] = Counter()
    for row in bills:
        weight[row["fixmedins_code"]] += fen(row["inscp_scp_amt"])
    code = weight.most_common(1)[0][0]
    bills = sorted((row for row in bills if row["fixmedins_code"] == code), key=lambda row: -fen(row["inscp_scp_amt"]))
    bills = bills[: MOST // 2] + bills[MOST // 2 :: max(1, len(bills) // MOST)][: MOST // 2]
    return code, bills + [come_again(row) for row in bills if row["med_type"].startswith("2")][:AGAIN]


def come_again(row: dict[str, str]) -> dict[str, str]:
    """Return the bill of the same patient who comes back the day after and stays two days."""
    first = date.fromisoformat(row["enddate"]) + timedelta(days=1)
    last = first + timedelta(days=2)
    again = {
        "setl_id": row["setl_id"].replace("SYN", "AGN"),
        "begndate": str(first),
        "enddate": str(last),
        "setl_time": f"{last} 10:00:00",
    }
    return row | again


def cast_roles(
    bills: list[dict[str, str]], held: list[dict[str, Any]], kinds: list[str]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Choose, among stays, whose identity will be gained, lost, changed or granted back; return them and what is registered now."""
    own: dict[str, list[dict[str, Any]]] = {}
    for row in held:
        own.setdefault(row["psn_no"], []).append(row)
    wanted = [GAINED, LOST, CHANGED, GRANTED_BACK]
    roles: list[dict[str, Any]] = []
    seen = set()
    for bill in bills:
        psn_no, first, last = bill["psn_no"], date.fromisoformat(bill["begndate"]), date.fromisoformat(bill["enddate"])
        records = own.get(psn_no, [])
        if not wanted or psn_no in seen or not is_stay_within(bill, records):
            continue
        seen.add(psn_no)
        other = next(kind for kind in [*kinds, ""] if kind != records[0]["identity"])
        during = first + (last - first) // 2
        roles.append(
            {
                "role": wanted.pop(0),
                "psn_no": psn_no,
                "during": during,
                "first": first,
                "identity": kinds[0],
                "other": other,
            }
        )
    later = {role["psn_no"] for role in roles if role["role"] in (GAINED, GRANTED_BACK)}
    return roles, [row for row in held if row["psn_no"] not in later]


def is_stay_within(bill: dict[str, str], records: list[dict[str, Any]]) -> bool:
    """Say whether a bill is a stay of some days, all within the one identity of its patient."""
    first, last = date.fromisoformat(bill["begndate"]), date.fromisoformat(bill["enddate"])
    if len(records) != 1 or last - first < timedelta(days=2) or not bill["med_type"].startswith("2"):
        return False
    return bool(records[0]["begin"] < first and (records[0]["end"] is None or records[0]["end"] > last))


def _register(place: Any, people: list[dict[str, str]], held: list[dict[str, Any]]) -> dict[str, str]:
    """Register everybody with an invented card; return the cards by synthetic number."""
    from tuodi.apps.registry.actions.people import RegisterPerson
    from tuodi.site import demo

    cards = {}
    for serial, row in enumerate(people):
        cards[row["psn_no"]] = card(row["birth"], serial)
        RegisterPerson(
            actor=place.users["registry_clerk"], psn_no=demo._number(place, row["psn_no"]), name=row["name"],
            insured_area=place.pack.area, registered_area=place.pack.area, residence_area=place.pack.area,
            birth=date.fromisoformat(row["birth"]), gend=row["sex"], insutype="390", certno=cards[row["psn_no"]],
        ).run()  # fmt: skip
    demo._people(place, [], held)
    return cards


def card(birth: str, serial: int) -> str:
    """Return an invented citizen's number of the form that holds."""
    digits = f"110105{birth.replace('-', '')}{serial % 1000:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return digits + "10X98765432"[sum(int(d) * w for d, w in zip(digits, weights, strict=True)) % 11]


def while_in_hospital(folder: str) -> None:
    """What the offices enter while the patients lie in hospital: identities gained, lost and changed; other figures from a day."""
    from tuodi.apps.registry.actions.identities import CertifyIdentity, EndIdentity
    from tuodi.apps.registry.models import Identity

    told = json.loads((Path(folder) / "month.json").read_text("utf-8"))
    users = _users(told["area"])
    for role in told["roles"]:
        during, psn_no = date.fromisoformat(role["during"]), role["psn_no"]
        held = Identity.objects.filter(person__psn_no=psn_no, withdrawn_at__isnull=True).first()
        given = {
            "actor": users["registry_clerk"],
            "psn_no": psn_no,
            "issuer": "民政部门",
            "first": during,
            "certified_on": during,
        }
        if role["role"] == GAINED:
            CertifyIdentity(identity=role["identity"], **given).run()
        if role["role"] in (LOST, CHANGED):
            assert held is not None
            EndIdentity(actor=users["registry_clerk"], identity_id=held.pk, last=during).run()
        if role["role"] == CHANGED and role["other"]:
            CertifyIdentity(identity=role["other"], **given).run()
    change_policy(told["area"], users, date.fromisoformat(told["changed_on"]))


def afterwards(folder: str) -> None:
    """What is learned after the settlements: an identity that had been granted before the stay."""
    from tuodi.apps.registry.actions.identities import CertifyIdentity

    told = json.loads((Path(folder) / "month.json").read_text("utf-8"))
    role = next((role for role in told["roles"] if role["role"] == GRANTED_BACK), None)
    if role is None:
        return
    first = date.fromisoformat(role["first"]) - timedelta(days=40)
    CertifyIdentity(
        actor=_users(told["area"])["registry_clerk"], psn_no=role["psn_no"], identity=role["identity"], first=first, certified_on=first,
        applied_on=first, issuer="民政部门",
    ).run()  # fmt: skip


def _users(area: str) -> dict[str, Any]:
    from tuodi.base.models import User

    return {user.role: user for user in User.objects.filter(area_code=area)}


def change_policy(area: str, users: dict[str, Any], day: date) -> None:
    """Put the same document in force again from a day: every rate five points higher, in its text and in the values entered."""
    from tuodi.apps.policies.actions import ApproveInstallation, ApproveValue, ProposeInstallation, ProposeValue
    from tuodi.apps.policies.models import DelegatedValue, Installation
    from tuodi.apps.policies.queries import Proposal
    from tuodi.apps.settlement.impact import measure

    officer, approver = users["policy_officer"], users["policy_approver"]
    held = Installation.objects.get(area_code=area)
    for value in DelegatedValue.objects.filter(area_code=area, param__contains="rate", value__endswith="%"):
        made = ProposeValue(
            actor=officer, area_code=area, param=value.param, value=raised(value.value), source="示例值：本月起提高", first=day,
            is_sample=True,
        ).run()  # fmt: skip
        measure(officer, Proposal(value=made))
        made.refresh_from_db()
        ApproveValue(actor=approver, value=made).run()
    texts = dict(held.texts)
    texts["policy.yaml"] = dated(texts["policy.yaml"], day)
    row = ProposeInstallation(
        actor=officer, area_code=area, pack=held.pack, first=day, texts=texts, note="提高比例"
    ).run()
    measure(officer, Proposal(installation=row))
    row.refresh_from_db()
    ApproveInstallation(actor=approver, installation=row).run()


def raised(rate: str) -> str:
    return f"{min(100, int(rate.removesuffix('%')) + 5)}%"


def dated(text: str, day: date) -> str:
    """Return a pack's text in which every plain rate of the assistance layers rises from a day."""
    head, mark, layers = text.partition("\nlayers:")

    def both(found: re.Match[str]) -> str:
        before = found[1]
        return f"rate: [{{first: 1990-01-01, value: {before}}}, {{first: {day}, value: {raised(before)}}}]"

    return head + mark + re.sub(r"rate: ([1-9][0-9]?%)", both, layers)
