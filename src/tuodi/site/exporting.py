"""A county's settlements as exchange files, with the policy that answers for them, so that ``tuodi adjudicate`` computes them again.

What counts is written, as it is believed now: bills neither cancelled nor reversed, identities not withdrawn, the kept number of
whoever was merged. No name and no identity number; a person's number links the files. Memory does not grow with the county.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from django.db import transaction

from tuodi.apps.policies.queries import InForce, entered_values, plans_of
from tuodi.apps.settlement.circles import circles_of, is_of
from tuodi.apps.settlement.folding import E_NO_POLICY, answering, plans_for
from tuodi.apps.settlement.histories import CHUNK, PersonHistory, histories
from tuodi.base import audit, clock
from tuodi.base.system import system_user
from tuodi.batch.columns import IDENTITIES, INSTITUTIONS, SETTLEMENTS, Schema
from tuodi.core.errors import InputErrors, declare, fault
from tuodi.core.money import yuan
from tuodi.core.policy.local_values import plain_param
from tuodi.core.settlements import AMOUNT_FIELDS, Settlement

CUT = "有的户有成员在别处参保，其结算不在导出的文件里；按户累计的结果因此可能不同"
E_FOLDER = declare("E-EXPORT-FOLDER", "文件夹“{folder}”里已经有文件", "请换一个新的文件夹，或清空它")


@dataclass
class Exported:
    """What was written, and the command that computes it again; ``notes`` say where that cannot come out the same."""

    folder: Path
    people: int = 0
    bills: int = 0
    identities: int = 0
    institutions: dict[str, dict[str, str]] = field(default_factory=dict)
    command: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def export(area_code: str, folder: Path) -> Exported:
    """Write an area's history into an empty folder; the export is kept in the audit trail."""
    if folder.exists() and any(folder.iterdir()):
        raise InputErrors([fault(E_FOLDER, folder=folder)])
    plans = plans_of(area_code)
    if not plans:
        raise InputErrors([fault(E_NO_POLICY, area=area_code, day=clock.today())])
    folder.mkdir(parents=True, exist_ok=True)
    made = Exported(folder)
    _write_people(made, area_code, {held.installation.pk for held in plans})
    _write(folder / "institutions.csv", INSTITUTIONS, made.institutions.values())
    _write_policy(made, plans)
    with transaction.atomic():
        audit.record(
            actor=system_user(), verb="settlement:exported", subject="area", subject_id=area_code, area_code=area_code,
            data={"people": made.people, "bills": made.bills},
        )  # fmt: skip
    return made


def answered_by(held: PersonHistory, own: set[int]) -> list[Settlement]:
    """Return a person's settlements that some installations answer for: who moved has others that another area answers for."""
    if not held.person.insured_moves:
        return held.settlements
    plans = plans_for(held.person)
    return [s for s in held.settlements if answering(plans, s, person=held.person).installation.pk in own]


def _write_people(made: Exported, area_code: str, own: set[int]) -> None:
    with (
        (made.folder / "settlements.csv").open("w", encoding="utf-8", newline="") as bills,
        (made.folder / "identities.csv").open("w", encoding="utf-8", newline="") as identities,
    ):
        to_bills, to_identities = csv.DictWriter(bills, SETTLEMENTS.names), csv.DictWriter(identities, IDENTITIES.names)
        to_bills.writeheader()
        to_identities.writeheader()
        for held in _in_households(made, area_code):
            made.people += 1
            for settlement in answered_by(held, own):
                made.bills += 1
                to_bills.writerow(bill_row(settlement))
                _meet(made, settlement)
            for row in identity_rows(held):
                made.identities += 1
                to_identities.writerow(row)


def _in_households(made: Exported, area_code: str) -> Iterator[PersonHistory]:
    """Yield everybody's history, with their households where totals are a household's."""
    plans, after = cache(plans_of), ""
    while some := list(histories(area_code, after=after, limit=CHUNK)):
        after = some[-1].person.psn_no
        circles = circles_of([held.person for held in some], plans)
        homes = {key: own for circle in circles for key, own in (circle.homes or {}).items()}
        if any(not is_of(one, area_code) for circle in circles for one in circle.people) and CUT not in made.notes:
            made.notes.append(CUT)
        yield from (replace(held, homes=homes.get(held.person.pk, ())) for held in some)


def bill_row(s: Settlement) -> dict[str, str]:
    """Return a bill as a row of the exchange format."""
    amounts = {name: yuan(getattr(s, name)) for name in AMOUNT_FIELDS}
    return amounts | {
        "setl_id": s.setl_id, "psn_no": s.psn_no, "fixmedins_code": s.fixmedins_code, "med_type": s.med_type,
        "begndate": s.begndate.isoformat(), "enddate": s.enddate.isoformat(), "setl_time": f"{s.setl_time:%Y-%m-%d %H:%M:%S}",
        "diag_code": s.diag_code or "Z99.9", "disease_class": s.disease_class, "refer_stas": s.refer_stas,
        "out_prov": "1" if s.out_prov else "0", "cause": s.cause, "refd_setl_flag": "0", "brdy": s.birth.isoformat() if s.birth else "",
        "hosp_lv": s.hosp_lv, "standard_area": s.standard_area, "household": s.household,
    }  # fmt: skip


def identity_rows(held: PersonHistory) -> Iterable[dict[str, str]]:
    """Yield a person's certifications as rows of the exchange format; those of a merged record say under which number they are."""
    for row, record in zip(held.identities, held.records, strict=True):
        days = {
            "begin": record.first,
            "end": record.last,
            "certified_on": record.certified_on,
            "applied_on": record.applied_on,
        }
        said = {name: day.isoformat() if day else "" for name, day in days.items()}
        own = row.person.psn_no
        said["recorded_under"] = "" if own == record.psn_no else own
        yield said | {"psn_no": record.psn_no, "identity": record.identity, "issuer": record.issuer}


def _meet(made: Exported, s: Settlement) -> None:
    """Keep what the bill was told of its institution; the format says one thing for all of an institution's bills."""
    said = {
        "fixmedins_code": s.fixmedins_code, "insurance_designated": "0" if s.designated is False else "1",
        "assistance_designated": "0" if s.assistance_designated is False else "1", "hosp_lv": s.hosp_lv,
    }  # fmt: skip
    held = made.institutions.setdefault(s.fixmedins_code, said)
    flags = ("insurance_designated", "assistance_designated")
    if any(held[name] != said[name] for name in flags):
        note = f"机构 {s.fixmedins_code} 的定点在期间有变化，机构文件只能写一种（写的是第一笔当时的）"
        if note not in made.notes:
            made.notes.append(note)


def _write_policy(made: Exported, plans: list[InForce]) -> None:
    """Write the texts and values of every policy that answered, the file that says from which day, and the command."""
    said = [_write_one(made.folder, held, several=len(plans) > 1) for held in plans]
    made.command = ["tuodi", "adjudicate"]
    if len(said) == 1:
        (one,) = said
        made.command += [
            "--pack",
            str(made.folder / one["pack"]),
            "--delegated",
            str(made.folder / one["delegated"][0]),
        ]
        for reading in one["reading"]:
            made.command += ["--reading", reading]
    else:
        lines = [f"- {json.dumps(one, ensure_ascii=False)}\n" for one in said]
        (made.folder / "policies.yaml").write_text("".join(lines), "utf-8")
        made.command += ["--policies", str(made.folder / "policies.yaml")]
    for name in ("settlements", "identities", "institutions"):
        made.command += [f"--{name}", str(made.folder / f"{name}.csv")]
    made.command += ["--out", str(made.folder / "entries.csv")]


def _write_one(folder: Path, held: InForce, *, several: bool) -> dict[str, Any]:
    """Write the texts of an installation and the values that its pack asks for; return what a policies file says of it."""
    row, pack = held.installation, held.plan.pack
    mark = f"-{held.first:%Y%m%d}" if several else ""
    name = f"{row.pack}{mark}"
    (folder / name).mkdir()
    for file, text in type(row).objects.values_list("texts", flat=True).get(pk=row.pk).items():
        (folder / name / file).write_text(text, "utf-8")
    values = [
        {"param": v.param, "value": v.value, "source": v.source} | ({"from": v.first.isoformat()} if v.first else {})
        for v in entered_values(row.area_code) if plain_param(v.param) in pack.delegated
    ]  # fmt: skip
    lines = [f"- {json.dumps(value, ensure_ascii=False)}\n" for value in values]
    delegated = f"delegated{mark}.yaml"
    (folder / delegated).write_text("".join(lines) or "[]\n", "utf-8")
    readings = [f"{key}={choice}" for key, choice in sorted(row.readings.items())]
    return {"pack": name, "from": held.first.isoformat(), "delegated": [delegated], "reading": readings}


def _write(path: Path, schema: Schema, rows: Iterable[Mapping[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.DictWriter(file, schema.names)
        out.writeheader()
        out.writerows(rows)
