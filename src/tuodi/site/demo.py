"""A served county to try things in: every place on the shelf with its pack in force, invented people, hospitals and bills.

Everything goes through the same actions as in an office: two people for each policy, a registry clerk, bills settled one by one.
Values that a pack leaves to other documents are samples and say so; every page says that this is a demonstration.
"""

from __future__ import annotations

import secrets
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tuodi.apps.institutions.models import Institution
    from tuodi.apps.settlement.models import Bill
    from tuodi.base.models import User
    from tuodi.core.engine.plan import Plan
    from tuodi.core.policy.model import Pack

SEED = 7
#: Bills and people who act in one transaction while seeding: a commit each would wait for the disk.
AT_ONCE = 200
BILLS_A_PLACE = 500
#: Synthetic people drawn for each who is kept, so that two in three of those kept hold an identity, as an office's own do.
DRAWN_FOR_ONE = 8
ROLES = (
    "administrator", "policy_officer", "policy_approver", "registry_clerk", "county_clerk", "county_approver", "town_clerk",
    "village_clerk", "finance", "auditor", "hospital",
)  # fmt: skip


@dataclass
class Place:
    """One place of the demonstration while it is made."""

    pack: Pack
    users: dict[str, User]
    password: str
    plan: Plan | None = None
    counts: Counter[str] = field(default_factory=Counter)
    seen: set[str] = field(default_factory=set)


def make(people: int, *, packs: Sequence[str] = ()) -> list[Place]:
    """Make the places in an empty database, ``people`` in each: all on the shelf but the invented one, or those named."""
    from tuodi.base import audit
    from tuodi.batch.packs import pack_of, shelf
    from tuodi.site import commands

    wanted = [pack for pack in map(pack_of, packs or shelf()) if packs or not pack.example]
    password, made = secrets.token_urlsafe(9), []
    for number, pack in enumerate(wanted):
        print(f"  {pack.name}（{pack.area}）……", end="", flush=True)
        place = Place(pack, _accounts(pack.area, password), password)
        _install(place)
        _seed(place, people=people, seed=SEED + number)
        made.append(place)
        told = place.counts
        print(
            f"{told['people']} 人、{told['identities']} 项身份、{told['settled']} 笔结算"
            f"（撤销 {told['cancelled']}，不予联网 {told['refused']}）",
            flush=True,
        )
    commands.deliver()
    audit.seal()
    return made


def _accounts(area: str, password: str) -> dict[str, User]:
    """Make one account for each role in an area."""
    from django.contrib.auth.hashers import make_password

    from tuodi.base.access import ROLES as NAMES
    from tuodi.base.models import Area, User

    hashed = make_password(password)
    Area.objects.get_or_create(code=area, defaults={"name": "演示辖区"})
    return {
        role: User.objects.create(
            username=f"{area}-{role}", password=hashed, name=f"演示·{NAMES[role]}", role=role, area_code=area
        )
        for role in ROLES
    }


def _install(place: Place) -> None:
    """Put the pack and sample values in force, each proposed by one and approved by another."""
    from tuodi.apps.policies.actions import (
        ApproveInstallation,
        ApproveValue,
        ProposeInstallation,
        ProposeValue,
    )
    from tuodi.apps.policies.queries import Proposal, plans_of
    from tuodi.apps.settlement.impact import measure
    from tuodi.batch.packs import entered_values, folder_of

    officer, approver, area = place.users["policy_officer"], place.users["policy_approver"], place.pack.area
    first = place.pack.in_force.first
    own = folder_of(place.pack.pack) / "samples.yaml"
    samples = entered_values(own, place.pack) if own.exists() else []
    known = {value.param: value.value for value in samples}
    day = first if isinstance(first, date) else date.fromisoformat(known[str(first.delegated)])
    row = ProposeInstallation(actor=officer, area_code=area, pack=place.pack.pack, first=day, note="演示").run()
    for value in samples:
        made = ProposeValue(
            actor=officer,
            area_code=area,
            param=value.param,
            value=value.value,
            source=value.source,
            first=value.first,
            is_sample=True,
        ).run()
        ApproveValue(actor=approver, value=made).run()
    measure(officer, Proposal(installation=row))
    ApproveInstallation(actor=approver, installation=row).run()
    place.plan = plans_of(area)[-1].plan


def _seed(place: Place, *, people: int, seed: int) -> None:
    """Register synthetic people and institutions and settle their bills."""
    import pyarrow.csv as csv
    import pyarrow.parquet as parquet

    from tuodi.base import clock
    from tuodi.batch.synth import county
    from tuodi.batch.synth_tables import KINDS

    assert place.plan is not None
    last = min(place.plan.last, clock.today() - timedelta(days=1))
    first = max(place.plan.first, last - timedelta(days=364))
    named = {code for category in place.pack.categories for code in category.identities}
    with tempfile.TemporaryDirectory() as folder:
        county(
            out_dir=folder, people=people * DRAWN_FOR_ONE, seed=seed, identities=[code for code in KINDS if code in named], first=first, last=last,
            format="parquet", in_fen=True, area=place.pack.area,
        )  # fmt: skip
        where = Path(folder)
        read = csv.ConvertOptions(
            column_types=dict.fromkeys(("fixmedins_code", "hosp_lv", "admdvs", "sex", "insutype"), "string")
        )
        institutions = csv.read_csv(where / "institutions.csv", convert_options=read).to_pylist()
        everybody = csv.read_csv(where / "people.csv", convert_options=read).to_pylist()
        identities = parquet.read_table(where / "identities.parquet").to_pylist()
        bills = parquet.read_table(where / "settlements.parquet").to_pylist()
    holders = {row["psn_no"] for row in identities}
    held = [row for row in everybody if row["psn_no"] in holders][: people * 2 // 3]
    kept = held + [row for row in everybody if row["psn_no"] not in holders][: people - len(held)]
    numbers = {row["psn_no"] for row in kept}
    _institutions(place, institutions, first=first)
    _people(place, kept, [row for row in identities if row["psn_no"] in numbers])
    _bills(place, [row for row in bills if row["psn_no"] in numbers], holders)


def _number(place: Place, number: str) -> str:
    """Return a synthetic number as this place's own."""
    return number.replace("SYN", f"SYN{place.pack.area}", 1)


def _institutions(place: Place, rows: list[dict[str, Any]], *, first: date) -> None:
    from tuodi.apps.institutions.actions import MakeAgreement, RegisterInstitution, Suspend
    from tuodi.apps.institutions.models import Institution

    own_clerk, area = place.users["county_clerk"], place.pack.area
    begin = first.replace(month=1, day=1)
    for row in rows:
        code = row["fixmedins_code"]
        if Institution.objects.filter(code=code).exists():
            continue
        away, is_far = row["admdvs"] != area, row["admdvs"][:2] != area[:2]
        clerk = _neighbour(row["admdvs"]) if away and not is_far else own_clerk
        made: Institution = RegisterInstitution(
            actor=clerk, code=code, name=f"{row['fixmedins_name']}（虚构）", area_code=row["admdvs"], level=row["hosp_lv"],
            kind="1" if code.startswith("H") else "2", is_out_of_province=is_far,
        ).run()  # fmt: skip
        if is_far:
            continue
        for kind in ("insurance", "assistance"):
            if row[f"{kind}_designated"] in (1, "1", True):
                MakeAgreement(actor=clerk, institution=made, kind=kind, first=begin, number="演示").run()
        if row["suspended_from"]:
            Suspend(
                actor=place.users["county_approver"], institution=made, reason="演示：检查期间暂停", first=row["suspended_from"],
                last=row["suspended_to"],
            ).run()  # fmt: skip
    own = (
        Institution.objects.filter(area_code=area, agreements__kind="insurance", suspensions__isnull=True)
        .order_by("code")
        .first()
    )
    assert own is not None
    hospital = place.users["hospital"]
    hospital.institution_code = own.code
    hospital.save(update_fields=["institution_code"])


def _neighbour(area: str) -> User:
    """Return the clerk of a neighbouring area of the province, who registers its institutions and cannot log in."""
    from tuodi.base.models import Area, User

    Area.objects.get_or_create(code=area, defaults={"name": "演示辖区"})
    return User.objects.get_or_create(
        username=f"{area}-county_clerk",
        defaults={
            "password": "!",
            "name": "演示·外县经办岗",
            "role": "county_clerk",
            "area_code": area,
        },
    )[0]


def _people(place: Place, people: list[dict[str, Any]], identities: list[dict[str, Any]]) -> None:
    """Register everybody and keep the certifications; one that meets another is left out, as an office would refuse it."""
    from django.db import transaction

    from tuodi.apps.registry.actions.identities import CertifyIdentity
    from tuodi.apps.registry.actions.people import RegisterPerson
    from tuodi.core.errors import InputErrors

    clerk, area = place.users["registry_clerk"], place.pack.area
    for at in range(0, len(people), AT_ONCE):
        with transaction.atomic():
            for row in people[at : at + AT_ONCE]:
                RegisterPerson(
                    actor=clerk, psn_no=_number(place, row["psn_no"]), name=row["name"], insured_area=area, registered_area=area,
                    residence_area=area, birth=row["birth"], gend=str(row["sex"]), insutype=str(row["insutype"]),
                ).run()  # fmt: skip
                place.counts["people"] += 1
    for at in range(0, len(identities), AT_ONCE):
        with transaction.atomic():
            for row in identities[at : at + AT_ONCE]:
                try:
                    CertifyIdentity(
                        actor=clerk, psn_no=_number(place, row["psn_no"]), identity=row["identity"], first=row["begin"], last=row["end"],
                        certified_on=row["certified_on"], applied_on=row["applied_on"], issuer=row["issuer"],
                    ).run()  # fmt: skip
                    place.counts["identities"] += 1
                except InputErrors:
                    place.counts["identities left out"] += 1


def _bills(place: Place, rows: list[dict[str, Any]], holders: set[str]) -> None:
    """Settle stays first, those of people with an identity before others', each at its own time; then cancel what was cancelled."""
    from django.db import transaction

    chosen = sorted((row for row in rows if row["refd_setl_flag"] != "1"), key=lambda row: _rank(row, holders))
    chosen = sorted(chosen[:BILLS_A_PLACE], key=lambda row: (row["setl_time"], row["setl_id"]))
    ids = {row["setl_id"] for row in chosen}
    undone = [row for row in rows if row["refd_setl_flag"] == "1" and row["setl_id"] in ids]
    for work, some in ((_settle, chosen), (_cancel, undone)):
        for at in range(0, len(some), AT_ONCE):
            with transaction.atomic():
                for row in some[at : at + AT_ONCE]:
                    work(place, row)


def _rank(row: dict[str, Any], holders: set[str]) -> tuple[bool, bool, str]:
    return not row["med_type"].startswith("2"), row["psn_no"] not in holders, row["setl_id"]


def _settle(place: Place, row: dict[str, Any]) -> None:
    from tuodi.apps.settlement.actions import Settle
    from tuodi.base import clock
    from tuodi.core.errors import InputErrors

    made = _bill(place, row)
    try:
        with clock.set_to(made.setl_time):
            Settle(actor=place.users["county_clerk"], bill=made).run()
        place.counts["settled"] += 1
        place.seen.add(made.setl_id)
    except InputErrors:
        place.counts["refused"] += 1


def _cancel(place: Place, row: dict[str, Any]) -> None:
    from tuodi.apps.settlement.actions import CancelSettlement
    from tuodi.base import clock

    setl_id = _number(place, row["setl_id"])
    if setl_id in place.seen:
        with clock.set_to(clock.instant(_local(row["setl_time"]))):
            CancelSettlement(actor=place.users["county_clerk"], setl_id=setl_id, new_id=f"{setl_id}X").run()
        place.counts["cancelled"] += 1


def _local(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)


def _bill(place: Place, row: dict[str, Any]) -> Bill:
    """Return a synthetic row as a bill of this place."""
    from tuodi.apps.settlement.models import Bill
    from tuodi.base import clock
    from tuodi.core.settlements import AMOUNT_FIELDS

    amounts = {name: row[f"{name}_fen"] for name in AMOUNT_FIELDS if f"{name}_fen" in row}
    return Bill(
        setl_id=_number(place, row["setl_id"]), psn_no=_number(place, row["psn_no"]), fixmedins_code=row["fixmedins_code"],
        med_type=row["med_type"], begndate=row["begndate"], enddate=row["enddate"], setl_time=clock.instant(_local(row["setl_time"])),
        diag_code=row["diag_code"], disease_class=row["disease_class"] or "", refer_stas=row["refer_stas"],
        out_prov=row["out_prov"] == "1", cause=row["cause"] or "", hosp_lv=row["hosp_lv"] or "", insutype="390",
        clr_type="21" if row["med_type"].startswith("2") else "11", clr_optins=place.pack.area, **amounts,
    )  # fmt: skip
