"""A pack's figures, conditions and names as a clerk would say them; every sentence of a description is made of these.

A delegated figure is said with its value and mark (``示例`` for samples, ``未录入`` where nobody has entered one), a share or multiple
of another with what it is a share of. What is *not* here: which sentences there are (:mod:`.describe` and its parts).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import msgspec

from tuodi.core.dates import FOREVER
from tuodi.core.engine.compile import AMOUNT_NAMES
from tuodi.core.identities import IDENTITIES
from tuodi.core.money import basis_points, percent, yuan_for_people
from tuodi.core.policy.figures import Entered, EnteredValue, Missing, Resolver, parse_amount
from tuodi.core.policy.model import AgeRange, Figure, FigureSpec, Pack, When
from tuodi.core.settlements import CAUSES, MED_TYPES, REFERRALS

CARES = {"inpatient": "住院", "chronic_outpatient": "门诊慢特病", "other": "其他门诊"}
TIERS = {"primary": "一级及以下医院", "secondary": "二级医院", "tertiary": "三级医院"}
PERIODS = {"claim": "每次结算", "stay": "每次住院", "year": "自然年度", "once": "终身", "application": "每次申请"}
DUE = {"counter": "结算时支付", "application": "依申请支付", "year_end": "次年年初支付", "december": "当年年底支付"}
REGISTERED = {"here": "户籍在本地", "elsewhere": "户籍在外地"}
UNENTERED = "〔未录入〕"


def short_amount(fen: int) -> str:
    """Return an amount without needless zeros.

    >>> short_amount(300000), short_amount(150050)
    ('3,000 元', '1,500.50 元')
    """
    return yuan_for_people(fen).replace(".00 元", " 元")


def joined(words: Iterable[str], *, last: str = "、") -> str:
    """Return words as a list."""
    return last.join(word for word in words if word)


class Words:
    """How to say what a pack holds, under the values entered."""

    def __init__(self, pack: Pack, values: Sequence[EnteredValue]) -> None:
        self.pack = pack
        self.entered = Entered(list(values))
        self.layers = {layer.id: layer.name for layer in (*pack.insurance, *pack.layers)}
        self.categories = {category.id: category.name for category in pack.categories}
        classes = pack.diseases.classes if pack.diseases else []
        self.diseases = {known.id: known.name for known in classes}
        self.diseases.setdefault(
            pack.diseases.otherwise if pack.diseases else "general", "其他疾病" if classes else "一般疾病"
        )
        self.funds = {fund.id: fund.name for fund in pack.funds}

    def value(self, param: str) -> str:
        """Return the entered values of a delegated parameter with their days and marks."""
        held = self.entered.by_param.get(param, [])
        if not held:
            return UNENTERED
        declared = self.pack.delegated.get(param)
        said = [
            (f"{value.first} 起 " if value.first and len(held) > 1 else "")
            + self.of_unit(value.value, declared.unit if declared else "text")
            + ("（示例）" if value.is_sample else "")
            for value in held
        ]
        return joined(said, last="；")

    @staticmethod
    def of_unit(text: str, unit: str) -> str:
        """Return a text of a figure in its unit as people write it; what cannot be read stays as it is."""
        try:
            if unit == "yuan":
                return short_amount(parse_amount(text))
            if unit == "percent":
                return percent(basis_points(text))
        except ValueError:
            return text
        return f"{text} 天" if unit == "days" else text

    def figure(self, spec: FigureSpec | int | date | None, unit: str) -> str:
        """Return a figure in words."""
        if spec is None:
            return ""
        if isinstance(spec, list):
            return joined((f"{item.first} 起 {self.figure(item.value, unit)}" for item in spec), last="；")
        if not isinstance(spec, Figure):
            return self.of_unit(str(spec), unit)
        if spec.delegated is not None:
            return self._left(spec, unit)
        assert spec.of is not None
        inner = self._named(spec.of, unit)
        if spec.times is not None:
            said = f"{inner}的 {spec.times} 倍"
        elif spec.plus is not None:
            said = f"{inner}加 {spec.plus}"
        else:
            said = f"{inner}的 {spec.share}"
        return said + self._now(spec, unit)

    def _left(self, spec: Figure, unit: str) -> str:
        """Return a figure left to another document: what the text states as a minimum, and what was entered."""
        assert spec.delegated is not None
        value = self.value(spec.delegated)
        if spec.at_least is None:
            return value
        minimum = self.of_unit(spec.at_least, unit)
        if minimum in ("0 元", "0%"):
            return minimum if value == UNENTERED else value
        return f"不低于 {minimum}" if value == UNENTERED else f"不低于 {minimum}，现为 {value}"

    def _named(self, spec: FigureSpec, unit: str) -> str:
        """Return what a share or multiple is taken of."""
        if isinstance(spec, Figure) and spec.delegated is not None and spec.delegated in self.pack.delegated:
            return self.pack.delegated[spec.delegated].asks.split("（")[0]
        return self.figure(spec, unit)

    def _now(self, spec: Figure, unit: str) -> str:
        resolver = Resolver(self.entered, FOREVER)
        readers = {
            "yuan": lambda: short_amount(resolver.amount(spec)), "percent": lambda: percent(resolver.rate(spec)),
            "day": lambda: str(resolver.day_of(spec)),
        }  # fmt: skip
        if unit not in readers:
            return ""
        try:
            said = readers[unit]()
        except Missing:
            return UNENTERED
        except ValueError:
            return ""
        samples = [
            p for p in resolver.used if (entry := self.entered.entry(p, FOREVER)) is not None and entry.is_sample
        ]
        return f"（现为 {said}{'，示例' if samples else ''}）"

    def when(self, when: When) -> str:
        """Return conditions in words; empty if there are none."""
        unset = msgspec.UNSET
        said = [
            joined(self.category(c) for c in when.category) if when.category is not unset else "",
            joined(self.identity(i) for i in when.identity) if when.identity is not unset else "",
            "非" + joined((self.identity(i) for i in when.not_identity), last="、非")
            if when.not_identity is not unset
            else "",
            joined(CARES[c] for c in when.care) if when.care is not unset else "",
            joined(MED_TYPES.get(c[:2], c) + f"（{c}）" for c in when.med_type) if when.med_type is not unset else "",
            joined(self.diseases.get(d, d) for d in when.disease) if when.disease is not unset else "",
            f"诊断在清单内（{self._diagnoses(when.diagnosis)}）" if when.diagnosis is not unset else "",
            f"诊断不在清单内（{self._diagnoses(when.not_diagnosis)}）" if when.not_diagnosis is not unset else "",
            joined(TIERS[t] for t in when.hospital) if when.hospital is not unset else "",
            age_words(when.age) if when.age is not unset else "",
            joined(REFERRALS[r] for r in when.referral) if when.referral is not unset else "",
            *self._places(when),
            joined((self.when(other) for other in when.any_of), last="；或") if when.any_of is not unset else "",
        ]
        return joined(said, last="，")

    def _places(self, when: When) -> list[str]:
        """Return the conditions on places, causes and windows in words."""
        unset = msgspec.UNSET
        flags = [
            (when.out_of_province, "省外就医", "不出省就医"), (when.designated, "定点机构", "非定点机构"),
            (when.assistance_institution, "医疗救助定点机构", "非医疗救助定点机构"),
        ]  # fmt: skip
        out = [yes if flag else no for flag, yes, no in flags if flag is not unset]
        if when.cause is not unset:
            out.append(joined(CAUSES.get(c, c) for c in when.cause))
        if when.registered is not unset:
            out.append(joined(REGISTERED[r] for r in when.registered))
        if when.window is not unset:
            out.append(f"在追溯窗口“{self.window(when.window)}”内结算")
        return out

    def _diagnoses(self, spec: str | Figure) -> str:
        if isinstance(spec, str):
            return spec.replace(";", "、")
        return self.value(spec.delegated).replace(";", "、") if spec.delegated else ""

    def category(self, category: str) -> str:
        return self.categories.get(category, category)

    def identity(self, identity: str) -> str:
        return "其余各类身份" if identity == "all" else IDENTITIES.get(identity, identity)

    def window(self, window: str) -> str:
        return self.pack.windows[window].name if window in self.pack.windows else window

    def fund(self, fund: str | None) -> str:
        return self.funds.get(fund, fund) if fund else ""

    def layer(self, layer: str) -> str:
        return self.layers.get(layer, layer)

    def payers(self, names: Iterable[str]) -> str:
        return joined(AMOUNT_NAMES.get(name, name) for name in names)

    def period(self, period: str) -> str:
        """Return over what totals run."""
        kind, _, window = period.partition(":")
        if kind == "window":
            return f"每一个追溯窗口（{self.window(window)}）"
        if kind == "window_year":
            return f"追溯窗口（{self.window(window)}）认定日所在的自然年度"
        return PERIODS[kind]


def age_words(age: AgeRange) -> str:
    """Return a range of ages in words.

    >>> age_words(AgeRange(to=18)), age_words(AgeRange(from_=60)), age_words(AgeRange(from_=18, to=60))
    ('未满 18 周岁', '满 60 周岁', '满 18 周岁、未满 60 周岁')
    """
    low = f"满 {age.from_} 周岁" if age.from_ else ""
    high = f"未满 {age.to} 周岁" if age.to < 200 else ""
    return joined([low, high]) or "各年龄"
