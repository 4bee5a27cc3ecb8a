"""The standing cast (style H8): a city with one county, its offices, two hospitals and two people, all invented.

王奶奶 has dibao, 李叔 is on the edge and falls ill, 小陈 reviews, 老周 approves, 赵医生's hospital settles, 外人 must see nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from tuodi.apps.institutions.models import Agreement, Institution
from tuodi.apps.policies.models import Installation
from tuodi.apps.registry import words
from tuodi.apps.registry.models import Identity, Person
from tuodi.apps.settlement.models import Bill
from tuodi.base import clock
from tuodi.base.models import User
from tuodi.batch.packs import folder_of

PASSWORD = "a-long-enough-1"
NOW = datetime(2024, 1, 2, 9, 0)


@dataclass
class Cast:
    """Everybody, by name."""

    users: dict[str, User]
    wang: Person
    li: Person
    hospital: Institution
    other_hospital: Institution

    def __getattr__(self, name: str) -> User:
        return self.users[name]


def assemble(pack: str = "610900-ankang", *, first: date = date(2023, 1, 4)) -> Cast:
    """Return the cast, with a pack in force for the city."""
    jobs = {
        "chen": ("小陈", "county_clerk", "610902", ""), "zhou": ("老周", "county_approver", "610902", ""),
        "zhao": ("赵医生", "hospital", "610902", "H61090200001"), "sun": ("孙护士", "hospital", "610902", "H61090200002"),
        "outsider": ("外人", "county_clerk", "320902", ""), "officer": ("政策岗", "policy_officer", "610900", ""),
        "approver": ("审核岗", "policy_approver", "610900", ""), "registrar": ("身份岗", "registry_clerk", "610902", ""),
        "auditor": ("审计岗", "auditor", "610900", ""), "admin": ("管理员", "administrator", "610900", ""),
        "system": ("系统", "system", "610900", ""),
    }  # fmt: skip
    users = {
        key: User.objects.create(
            username=key, password="!", name=name, role=role, area_code=area, institution_code=code
        )
        for key, (name, role, area, code) in jobs.items()
    }
    at = clock.instant(NOW)
    hospitals = []
    for number, level in (("1", "05"), ("2", "02")):
        made = Institution.objects.create(
            code=f"H6109020000{number}", name=f"汉滨区第{number}医院（虚构）", level=level, area_code="610902"
        )
        for kind in ("insurance", "assistance"):
            Agreement.objects.create(institution=made, kind=kind, first=date(2020, 1, 1), recorded_at=at)
        hospitals.append(made)
    people = [
        Person.objects.create(
            psn_no=psn_no, name=name, initials=initials, insured_area="610902", registered_area="610902", recorded_at=at
        )
        for psn_no, name, initials in (("P0001", "王奶奶", " wnn "), ("P0002", "李叔", " ls "))
    ]
    words.index(people, fresh=True)
    for person, identity in zip(people, ("dibao", "dibao_edge"), strict=True):
        Identity.objects.create(
            person=person, identity=identity, first=date(2023, 1, 1), issuer="民政局", recorded_at=at
        )
    folder = folder_of(pack)
    texts = {
        path.name: path.read_text("utf-8") for path in folder.iterdir() if path.name in ("policy.yaml", "diseases.csv")
    }
    Installation.objects.create(
        area_code="610900", pack=pack, digest="0" * 64, texts=texts, first=first, proposed_by=users["officer"], proposed_at=at,
        approved_by=users["approver"], approved_at=at,
    )  # fmt: skip
    return Cast(users, people[0], people[1], *hospitals)


def bill(
    setl_id: str, day: date, yuan: int, *, person: str = "P0001", hospital: str = "H61090200001", **fields: object
) -> Bill:
    """Return an inpatient bill wholly within policy scope that nobody has paid anything of."""
    return Bill(
        **{
            "setl_id": setl_id,
            "psn_no": person,
            "fixmedins_code": hospital,
            "med_type": "21",
            "begndate": day,
            "enddate": day,
            "setl_time": clock.instant(datetime(day.year, day.month, day.day, 10)),
            "diag_code": "J18.9",
            "medfee_sumamt": yuan * 100,
            "inscp_scp_amt": yuan * 100,
            **fields,
        }
    )
