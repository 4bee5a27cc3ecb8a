"""The invented pack of the rules around the fold, under chosen readings and entered values."""

from pathlib import Path

from hypothesis import settings

from tuodi.core.engine.plan import make_plan
from tuodi.core.identities import IdentityRecord
from tuodi.core.policy.case_values import day_of, settlement_of
from tuodi.core.policy.figures import EnteredValue
from tuodi.core.policy.load import load_pack, read_source

settings.register_profile("around", deadline=None, max_examples=60)
settings.load_profile("around")
FILE = Path(__file__).parent.parent / "data" / "around-pack.yaml"
SOURCE = read_source(FILE.read_text("utf-8"), file=FILE.name)
SAMPLES = {
    "dibao_month": "660.00", "edge_month": "840.00", "property": "见文件", "high_cost": "10000.00", "premium.fixed": "190.00",
    "premium.supplementary": "100.00", "premium.tier_one": "180.00", "premium.who": "dibao;orphan", "premium.basic": "60.00",
    "warning.relapse": "5000.00", "notice_days": "5", "score_scale": "100", "pass_mark": "60",
}  # fmt: skip


def plan(readings=None, *, without=(), simulate=False, **values):
    """Return the plan; ``without`` takes entered values away, others are given by ``__`` for dots and ``AT`` for the at sign."""
    given = {key.replace("__", ".").replace("AT", "@"): value for key, value in values.items()}
    entered = [EnteredValue(p, v, "示例值") for p, v in {**SAMPLES, **given}.items() if p not in without]
    return make_plan(load_pack(SOURCE, readings=readings or {}), entered, simulate=simulate)


def held(identity, first="2017-01-01", last=None, person="甲", **more):
    """Return an identity record."""
    days = {key: day_of(value) for key, value in more.items()}
    return IdentityRecord(person, identity, day_of(first), day_of(last) if last else None, **days)


def bill(settled, burden="0 元", number=1, **more):
    """Return a settlement written as in a case."""
    return settlement_of({"settled": settled, "burden": burden, "id": f"{settled}-{number}", **more}, number)
