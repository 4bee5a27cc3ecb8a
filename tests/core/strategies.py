"""What the laws and the evaluators are tried on: small policies nobody has seen, and histories near their thresholds.

``policies()`` makes plain data as an office would write it and loads it like any pack; ``World`` knows the days, amounts and
codes that matter to a plan, and ``histories(world)`` draws from them on purpose. Set ``TUODI_THOROUGH=1`` for a thousand
examples of each, drawn anew each time (a greater number: so many).
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import Phase, settings
from hypothesis import strategies as st

from tuodi.batch.packs import entered_values, pack_of, shelf
from tuodi.core.engine.fold import Application
from tuodi.core.engine.plan import Plan, make_plan
from tuodi.core.identities import IdentityRecord
from tuodi.core.policy.figures import EnteredValue, parse_amount
from tuodi.core.policy.load import PackSource, load_pack
from tuodi.core.policy.model import Pack
from tuodi.core.policy.parse import Document
from tuodi.core.settlements import AMOUNT_FIELDS, CAUSES, INSURER_FIELDS, REFERRALS, Settlement

settings.register_profile("modest", max_examples=25, derandomize=True, deadline=None, database=None)
#: For mutants: whether anything fails is all that is asked (``tests.mutation``).
settings.register_profile(
    "mutants", settings.get_profile("modest"), max_examples=4, phases=[Phase.explicit, Phase.generate]
)
MANY = int(os.environ.get("TUODI_THOROUGH", "0"))
settings.register_profile("thorough", max_examples=MANY if MANY > 1 else 1000, deadline=None)
settings.load_profile(os.environ.get("TUODI_EXAMPLES", "thorough" if MANY else "modest"))
#: For what is tried on every pack.
few = settings(max_examples=max(1, settings.default.max_examples // 3))

TESTS = Path(__file__).parent.parent
SAMPLE = TESTS / "data" / "delegated-sample.yaml"
#: What a delegated value is in tests when the samples do not have it.
STAND_INS = {
    "yuan": "1000.00", "percent": "50%", "day": "2022-01-01", "days": "5", "number": "100", "diagnoses": "E75;G71", "text": "-",
}  # fmt: skip


def values_of(pack: Pack) -> list[EnteredValue]:
    """Return a value for everything that a pack leaves to another document, optional days apart."""
    known = entered_values(SAMPLE, pack) if pack.delegated else []
    named = {value.param for value in known}
    return known + [
        EnteredValue(param, STAND_INS[asked.unit], "示例值")
        for param, asked in pack.delegated.items()
        if param not in named and not (asked.optional and asked.unit == "day")
    ]


def plan_of(pack: Pack, **options: bool) -> Plan:
    """Return the plan of a pack with every delegated value entered."""
    return make_plan(pack, values_of(pack), **options)


@cache
def shelf_plan(pack: str) -> Plan:
    """Return the plan of a pack of the shelf, or of a folder of test packs."""
    return plan_of(pack_of(pack))


SHELF = shelf()
TEST_PACKS = sorted(str(path.parent) for path in (TESTS / "packs").glob("*/policy.yaml"))


# --- histories -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class History:
    """What is known of a few people."""

    settlements: tuple[Settlement, ...]
    identities: tuple[IdentityRecord, ...]
    applications: tuple[Application, ...] = ()


@dataclass(frozen=True, repr=False)
class World:
    """The days, amounts and codes that matter to a plan."""

    plan: Plan = field(repr=False)
    days: tuple[date, ...] = field(repr=False)
    edges: tuple[int, ...] = field(repr=False)
    identities: tuple[str, ...] = field(repr=False)
    med_types: tuple[str, ...] = field(repr=False)
    diagnoses: tuple[str, ...] = field(repr=False)

    def __repr__(self) -> str:
        layers = "\n".join(msgspec.json.encode(layer).decode() for layer in self.plan.layers)
        return f"World({self.plan.pack.pack}, {self.plan.pack.year_of}, {self.plan.pack.rounding},\n{layers})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))

    @classmethod
    def of(cls, plan: Plan) -> World:
        pack = plan.pack
        marks = {plan.first, plan.last, *plan.boundaries}
        marks |= {date(plan.first.year + n, 1, 1) for n in range(4)}
        marks |= {date(plan.first.year + n, 2, 28) for n in range(3)} | {
            plan.first + timedelta(days=200 + 90 * n) for n in range(9)
        }
        near = {
            day + timedelta(days=n) for day in marks if 1990 < day.year < 2100 for n in (-1, 0, 1, 20)
            if day.year <= plan.first.year + 4
        }  # fmt: skip
        texts = _texts([msgspec.to_builtins(layer) for layer in plan.layers])
        edges = {parse_amount(text) for text in texts if text.endswith("元")}
        edges |= {parse_amount(v.value) for held in plan.entered.by_param.values() for v in held if _is_yuan(v.value)}
        spoken = {i for category in pack.categories for i in category.identities}
        spoken |= {i for window in pack.windows.values() for i in window.identities}
        spoken |= {layer.factor.state for layer in pack.layers if layer.factor}
        codes = [prefix for found in plan.disease_codes.values() for prefix, _ in found]
        return cls(
            plan=plan, days=tuple(sorted(near)), edges=tuple(sorted(e for e in edges if 0 < e < 10**10)) or (100_000,),
            identities=tuple(sorted(spoken)), med_types=(*pack.care.inpatient[:2], *pack.care.chronic_outpatient[:1], "11"),
            diagnoses=("J18.9", *(f"{code}.9" if len(code) == 3 else code for code in codes[:: max(1, len(codes) // 8)])),
        )  # fmt: skip

    @property
    def amounts(self) -> st.SearchStrategy[int]:
        """Amounts in fen: any, figures of the policy and what lies a little beside them, single fen and nothing."""
        return _amounts(self.edges)


#: Strategies are made once: making one costs more than drawing from it.
pick = cache(st.sampled_from)


def _one_in(draw: st.DrawFn, n: int) -> bool:
    return draw(pick(range(n))) == n - 1


@cache
def _amounts(edges: tuple[int, ...]) -> st.SearchStrategy[int]:
    top = max(edges)
    near = sorted(
        {max(0, edge + n) for edge in edges for n in (-2, -1, 0, 1, 2)}
        | {abs(a - b) + n for a in edges for b in edges for n in (0, 1)}
        | {edge // n for edge in edges for n in (2, 3)}
    )
    return st.one_of(st.integers(0, 3 * top), pick(tuple(near)), pick(tuple(near)), pick((0, 1, 2, 3, 99, 100)))


def _texts(data: object) -> list[str]:
    if isinstance(data, str):
        return [data]
    items = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return [text for item in items for text in _texts(item)]


def _is_yuan(text: str) -> bool:
    try:
        parse_amount(text)
    except ValueError:
        return False
    return True


@cache
def shelf_world(pack: str) -> World:
    """Return the world of a pack of the shelf."""
    return World.of(shelf_plan(pack))


def bill(setl_id: str, settled: datetime, burden: int = 0, **more: Any) -> Settlement:
    """Return a bill wholly in policy scope; ``more`` are fields of a settlement, the sum is made to fit."""
    given = {
        "inscp_scp_amt": burden,
        "preselfpay_amt": 0,
        "overlmt_selfpay": 0,
        "fulamt_ownpay_amt": 0,
        **more,
    }
    split = ("inscp_scp_amt", "preselfpay_amt", "overlmt_selfpay", "fulamt_ownpay_amt")
    given.setdefault("psn_no", "甲")
    given.setdefault("med_type", "21")
    given.setdefault("fixmedins_code", "H1")
    given.setdefault("diag_code", "J18.9")
    given.setdefault("enddate", settled.date())
    given.setdefault("begndate", given["enddate"])
    return Settlement(setl_id=setl_id, setl_time=settled, medfee_sumamt=sum(given[name] for name in split), **given)


@st.composite
def settlements(draw: st.DrawFn, world: World, setl_id: str, *, people: tuple[str, ...] = ("甲",)) -> Settlement:
    """Draw one settlement with any codes."""
    med_type = draw(pick(world.med_types))
    begun = draw(pick(world.days))
    is_stay = world.plan.care_of(med_type) == "inpatient"
    ended = begun + timedelta(days=draw(pick((0, 1, 9, 40)))) if is_stay else begun
    settled = ended + timedelta(days=draw(pick((0, 0, 0, 1, 30, 200))))
    more: dict[str, Any] = {name: draw(world.amounts) for name in draw(_WHICH_AMOUNTS)}
    burden = draw(world.amounts)
    if draw(st.integers(0, 3)):
        burden += sum(more.get(name, 0) for name in (*INSURER_FIELDS, "supp_pay", "relief_amt"))
    more |= draw(_CODES)
    return bill(
        setl_id, datetime(settled.year, settled.month, settled.day, draw(pick((9, 9, 15)))), burden,
        psn_no=draw(pick(people)), med_type=med_type, begndate=begun, enddate=ended,
        diag_code=draw(pick(world.diagnoses)), fixmedins_code=draw(pick(("H1", "H1", "H2"))), **more,
    )  # fmt: skip


_WHICH_AMOUNTS = st.sampled_from(
    (
        (), (), (), ("hifp_pay",), ("preselfpay_amt",), ("hifp_pay", "hifmi_pay", "supp_pay"), ("relief_amt", "maf_pay"),
        ("fulamt_ownpay_amt", "overlmt_selfpay"), ("maf_pay",), ("cvlserv_pay", "hifes_pay", "hifob_pay", "oth_pay", "later_aid_amt"),
    )
)  # fmt: skip
_CODES = st.fixed_dictionaries(
    {},
    optional={
        "disease_class": st.sampled_from(("", "", "general", "major", "rare_with_scheme", "rare_without_scheme")),
        "refer_stas": st.sampled_from(("local", "local", *REFERRALS)),
        "out_prov": st.booleans(),
        "cause": st.sampled_from(("", "", *CAUSES)),
        "hosp_lv": st.sampled_from(("", "01", "05", "09")),
        "birth": st.sampled_from((None, date(1950, 3, 1), date(2010, 6, 30), date(2004, 2, 29))),
        "household": st.sampled_from(("", "", "户一", "户二")),
        "standard_area": st.sampled_from(("", "", "110101")),
        "designated": st.sampled_from((None, None, True, False)),
        "assistance_designated": st.sampled_from((None, True, False)),
    },
)


@st.composite
def identity_records(draw: st.DrawFn, world: World, *, people: tuple[str, ...] = ("甲",)) -> IdentityRecord:
    """Draw one identity record: open or short, certified before, on or after its first day, applied for earlier, or neither."""
    first = draw(pick(world.days)) + timedelta(days=draw(pick((0, 0, -1, -200, -800))))
    length = draw(pick((None, None, 0, 27, 180, 365, 366)))
    certified = draw(pick((None, 0, 0, 30, -10, 200)))
    applied = draw(pick((None, 0, 10, 45, 400)))
    day = first + timedelta(days=certified or 0)
    return IdentityRecord(
        draw(pick(people)), draw(pick(world.identities)), first,
        last=None if length is None else first + timedelta(days=length),
        certified_on=None if certified is None else day,
        applied_on=None if applied is None else day - timedelta(days=applied),
    )  # fmt: skip


def _same_stay(bill_: Settlement, n: int, bills: list[Settlement]) -> Settlement:
    first = bills[n]
    same = {name: getattr(first, name) for name in ("begndate", "fixmedins_code", "med_type", "psn_no", "birth")}
    ended = max(first.enddate, min(bill_.enddate, first.enddate + timedelta(days=60)))
    return replace(
        bill_,
        **same,
        enddate=ended,
        setl_time=max(bill_.setl_time, datetime(ended.year, ended.month, ended.day, 9)),
    )


@st.composite
def histories(draw: st.DrawFn, world: World, *, people: tuple[str, ...] = ("甲",), most: int = 7) -> History:
    """Draw a history; one identity at least is held through the plan's first years, so that something is paid."""
    bills: list[Settlement] = []
    for n in range(draw(st.integers(1, most))):
        bills.append(draw(settlements(world, str(n), people=people)))
        if _one_in(draw, 4):  # the stay of an earlier bill, settled once more
            bills[-1] = _same_stay(bills[-1], draw(pick(range(n + 1))), bills)
    entitled = tuple(i for category in world.plan.pack.categories for i in category.identities)
    records = [IdentityRecord(person, draw(pick(entitled)), date(2016, 1, 1)) for person in people]
    records += [draw(identity_records(world, people=people)) for _ in range(draw(st.integers(0, 3)))]
    asked = [
        Application(draw(pick(people)), layer.id, draw(pick(world.days)))
        for layer in world.plan.layers
        if layer.due == "application"
        for _ in range(draw(st.integers(0, 2)))
    ]
    return History(tuple(bills), tuple(records), tuple(asked))


@st.composite
def uniform_histories(draw: st.DrawFn, world: World, *, most: int = 6) -> History:
    """Draw a history of one person, one identity and bills of one profile in one year: constant figures, one category.

    What the laws about order and splitting are stated for; amounts differ, and so do the days inside the year.
    """
    plan = world.plan
    identity = draw(st.sampled_from([i for category in plan.pack.categories for i in category.identities]))
    med_type = draw(pick(world.med_types[:-1]))
    first = max(plan.first, date(plan.first.year, 7, 1))
    same: dict[str, Any] = {
        "med_type": med_type,
        "diag_code": draw(pick(world.diagnoses)),
        "hosp_lv": draw(pick(("01", "09"))),
    }
    same["birth"] = draw(pick((date(1950, 3, 1), date(2015, 1, 1))))
    bills = []
    for n in range(draw(st.integers(1, most))):
        day = first + timedelta(days=3 * n)
        paid = draw(pick(((), ("hifp_pay",), ("preselfpay_amt",))))
        more = {name: draw(world.amounts) for name in paid}
        burden = draw(world.amounts) + more.get("hifp_pay", 0)
        bills.append(
            bill(
                str(n),
                datetime(day.year, day.month, day.day, 10),
                burden,
                fixmedins_code=f"H{n}",
                **same,
                **more,
            )
        )
    asked = [
        Application("甲", layer.id, date(first.year, 12, 31)) for layer in plan.layers if layer.due == "application"
    ]
    return History(tuple(bills), (IdentityRecord("甲", identity, date(2010, 1, 1)),), tuple(asked))


def with_amounts_of(bill_: Settlement, other: Settlement) -> Settlement:
    """Return a bill with the amounts of another: the same care at another price."""
    return replace(bill_, **{name: getattr(other, name) for name in AMOUNT_FIELDS})


assert {f.name for f in fields(Settlement)} >= {"designated", "assistance_designated"}


# --- policies --------------------------------------------------------------------------------------------------------

CATEGORIES = [
    {"id": "first", "name": "甲类", "clause": "ZZ-2", "identities": ["dibao"]},
    {"id": "second", "name": "乙类", "clause": "ZZ-2", "identities": ["dibao_edge", "low_income"]},
]
MONEY = ("0.01 元", "1 元", "300 元", "500 元", "1000 元", "1999.99 元", "3000 元", "5000 元", "1 万元")
RATES = ("0%", "0.01%", "12.5%", "33.33%", "50%", "66.67%", "70%", "100%")
#: Layers that may pay more than the bill at hand, because a line was crossed.
JUMPS = ("lumps", "bring_down")


@dataclass(frozen=True)
class Kind:
    """Which policies are drawn.

    ``smooth``: only what the laws of order and splitting are stated for (benefits 6): totals, deductibles and caps of the year,
    marginal bands, rounding on the running total, and nothing that pays more than the bill at hand (a line crossed, a cap risen, a
    deductible waived) except in the last layer.
    ``mixed``: totals of persons and of households in one policy, which the kernel does not run.
    """

    smooth: bool = False
    mixed: bool = False


def _edges(draw: st.DrawFn, count: int) -> list[int]:
    """Draw so many different amounts in yuan, ascending."""
    return sorted(draw(st.sets(st.integers(1, 40), min_size=count, max_size=count)))


def _what_is_paid(draw: st.DrawFn, how: str, kind: Kind) -> dict[str, Any]:
    """Draw the part of a figure row that says how much is paid."""
    if how == "rate":
        return {"rate": draw(pick(RATES))}
    if how == "bands":
        edges = _edges(draw, draw(pick((1, 2, 3))))
        bands: list[dict[str, Any]] = [{"from": f"{250 * edge} 元", "rate": draw(pick(RATES))} for edge in edges]
        if draw(st.booleans()):
            bands[0]["from"] = "0 元"
        if _one_in(draw, 4):
            bands[0]["limit"] = draw(pick(MONEY))
        if not kind.smooth and _one_in(draw, 5):
            bands[-1]["less"] = ["relief_amt"]
        return {"bands": bands}
    if how == "lumps":
        edges = _edges(draw, draw(pick((1, 2, 3))))
        return {"lumps": [{"from": f"{250 * edge} 元", "amount": f"{25 * (n + 1)} 元"} for n, edge in enumerate(edges)]}
    if how == "bring_down":
        target, trigger = _edges(draw, 2)
        return {
            "bring_down": {
                "trigger": f"{250 * draw(pick((target, trigger)))} 元",
                "target": f"{250 * target} 元",
            }
        }
    return {"top_up_to": draw(pick(("50%", "80%", "90.01%", "100%")))}


def _base(draw: st.DrawFn, number: int, kind: Kind, *, capped: tuple[str, ...]) -> dict[str, Any]:
    """Draw what a layer looks at."""
    if capped and _one_in(draw, 4):
        return {"measure": "cut", "cut_of": draw(pick(capped)), "clause": "ZZ-4"}
    base: dict[str, Any] = {
        "measure": draw(pick(("in_policy", "in_policy", "in_catalogue", "total"))),
        "clause": "ZZ-4",
    }
    if kind.smooth:
        return base | {"measure": "in_policy"}
    for key, choices in (
        ("less", (None, None, ("hifp_pay",), ())),
        ("after", (None, None, (), (f"l{number - 1}",))),
    ):
        chosen = draw(pick(choices))
        if chosen is not None and (key == "less" or number or not chosen):
            base[key] = list(chosen)
    if _one_in(draw, 3):
        base["upstream"] = True
    if _one_in(draw, 4):
        base["penalties"] = [
            {"clause": "ZZ-5", "when": {"referral": ["unfiled"]}, "share": draw(pick(("10%", "33.33%")))}
        ]
    return base


def _layer(
    draw: st.DrawFn,
    number: int,
    kind: Kind,
    *,
    is_last: bool,
    shared: tuple[str, str],
    capped: tuple[str, ...],
) -> dict[str, Any]:
    """Draw a layer as it stands in a policy.yaml; ``shared``: whose totals, and the period of the shared cap."""
    periods = ("year", "year", "once") if kind.smooth else ("year", "year", "once", "claim", "stay")
    base = _base(draw, number, kind, capped=capped)
    hows = ["rate", "rate", "bands", "bands"]
    hows += JUMPS if is_last or not kind.smooth else ()
    hows += ["top_up"] if not kind.smooth and base["measure"] != "cut" else []
    how = draw(pick(tuple(hows)))
    rows = [{"clause": "ZZ-4.1", **_what_is_paid(draw, how, kind)}]
    if _one_in(draw, 3):
        rows = [
            {"clause": clause, "when": {"category": [category]}, **_what_is_paid(draw, how, kind)}
            for clause, category in (("ZZ-4.1", "first"), ("ZZ-4.2", "second"))
        ]
    period = draw(pick(periods))
    layer: dict[str, Any] = {
        "id": f"l{number}", "name": f"第{number}层", "clause": "ZZ-3", "fund": "fund", "base": base, "figures": rows,
        "period": period, "of": shared[0], "covers": {"category": ["first", "second"]},
        "due": draw(pick(("counter", "counter", "counter", "application", "year_end"))),
    }  # fmt: skip
    if _one_in(draw, 3):
        layer["covers"]["care"] = ["inpatient"]
    if how == "bands":
        layer["bands"] = "marginal" if kind.smooth else draw(pick(("marginal", "marginal", "whole")))
        layer["position"] = draw(pick(("after_deductible", "before_deductible")))
    if how in ("rate", "bands", "lumps") and draw(st.booleans()):
        _add_deductible(draw, layer, (period,) if kind.smooth else periods, kind, may_jump=is_last or not kind.smooth)
    if not _one_in(draw, 3):
        _add_caps(
            draw,
            layer,
            how,
            kind,
            per=(period,) if kind.smooth else periods,
            shared=shared[1],
            is_last=is_last,
        )
    if _one_in(draw, 4):
        of = draw(pick(("due", "due", "rate")))
        share = draw(pick(("1/2", "30%") if of == "due" else ("1/2", "1/3")))
        layer["factor"] = {"state": "declined_basic_service", "share": share, "clause": "ZZ-6", "of": of}
    return layer


def _add_deductible(
    draw: st.DrawFn, layer: dict[str, Any], periods: tuple[str, ...], kind: Kind, *, may_jump: bool
) -> None:
    layer["deductible"] = {"per": draw(pick(periods))}
    if not kind.smooth and _one_in(draw, 5):
        layer["deductible"]["first_claim_only"] = True
    elif layer.get("position") != "before_deductible" and may_jump and _one_in(draw, 5):
        layer["deductible"]["waived_if_unreached"] = True
    for row in layer["figures"]:
        row["deductible"] = draw(pick(MONEY))
        if layer["deductible"]["per"] == "stay" and draw(st.booleans()):
            row["deductibles_of_year"] = draw(pick(MONEY))


def _add_caps(
    draw: st.DrawFn,
    layer: dict[str, Any],
    how: str,
    kind: Kind,
    *,
    per: tuple[str, ...],
    shared: str,
    is_last: bool,
) -> None:
    own = f"own_{layer['id']}"
    names = draw(pick(((own,), ("all",), (own, "all"))))
    if kind.smooth and shared != layer["period"]:
        names = (own,)
    layer["caps"] = {}
    for name in names:
        rule = layer["caps"][name] = {"per": shared if name == "all" else draw(pick(per))}
        is_one = kind.smooth and name == "all"  # one amount for all that share it (I-10 gives each class its own)
        has_steps = not is_one and (is_last or not kind.smooth) and _one_in(draw, 3)
        if not kind.smooth and _one_in(draw, 3):
            rule["revives"] = False
        if has_steps and how == "bands" and layer.get("position") == "after_deductible" and draw(st.booleans()):
            rule["steps_on"] = "counted"
        for row in layer["figures"]:
            row.setdefault("caps", {})[name] = "1000 元" if is_one else draw(pick(MONEY))
            if has_steps:
                row.setdefault("cap_steps", {})[name] = [{"from": draw(pick(MONEY)), "amount": "2 万元"}]


@st.composite
def policies(draw: st.DrawFn, *, smooth: bool = False, mixed: bool = False) -> Pack:
    """Draw a small policy of one to three layers, loaded as any pack is."""
    kind = Kind(smooth=smooth, mixed=mixed)
    unit = draw(pick(("person", "person", "person", "household")))
    shared_per = draw(pick(("year", "year", "once") if smooth else ("year", "year", "once", "claim")))
    layers: list[dict[str, Any]] = []
    count = draw(pick((1, 2, 2, 3)))
    for number in range(count):
        capped = tuple(layer["id"] for layer in layers if layer.get("caps") and layer["base"]["measure"] != "cut")
        own = draw(pick(("person", "household"))) if mixed else unit
        layers.append(_layer(draw, number, kind, is_last=number == count - 1, shared=(own, shared_per), capped=capped))
        if mixed and "all" in layers[-1].get("caps", {}):
            for row in layers[-1]["figures"]:
                for key in ("caps", "cap_steps"):
                    row.get(key, {}).pop("all", None)
            del layers[-1]["caps"]["all"]
    sharing = {layer["period"] for layer in layers if "all" in layer.get("caps", {})}
    for layer in layers:
        if len(sharing) > 1 and "all" in layer.get(
            "caps", {}
        ):  # a halved layer of another period than those it shares with
            layer.pop("factor", None)
    more: dict[str, Any] = {}
    if not smooth and _one_in(draw, 4):
        more["year_of"] = draw(pick(("discharge", "admission")))
    if not smooth and _one_in(draw, 5):
        more["rounding"] = "each_claim"
    return drawn(layers, **more)


def drawn(layers: list[dict[str, Any]], **more: Any) -> Pack:
    """Return a policy of these layers; what a layer leaves out is plain: in-policy burden of both categories, by the year."""
    plain = {
        "name": "一层", "clause": "ZZ-3", "fund": "fund", "base": {"measure": "in_policy", "clause": "ZZ-4"},
        "covers": {"category": ["first", "second"]},
    }  # fmt: skip
    data: dict[str, Any] = {
        "pack": "drawn", "name": "随机政策", "area": "999901", "document": {"title": "随机政策", "issuer": "无"},
        "in_force": {"clause": "ZZ-1", "first": "2022-01-01"}, "no_category": "ZZ-2", "categories": CATEGORIES,
        "care": {"clause": "ZZ-1", "inpatient": ["21", "22"], "chronic_outpatient": ["14"]},
        "funds": [{"id": "fund", "name": "资金", "clause": "ZZ-9"}], "layers": [{**plain, **layer} for layer in layers], **more,
    }  # fmt: skip
    return load_pack(PackSource("drawn.yaml", Document(data, {}), []))
