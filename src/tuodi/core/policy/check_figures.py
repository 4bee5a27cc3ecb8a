"""Figures of a pack: written in their unit, in order of their days, not over 100 %, and entered values likewise.

``UNITS`` says for each key of the model that holds a figure in which unit it is; a test holds it against the model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

from tuodi.core.errors import Fault, declare, fault
from tuodi.core.money import basis_points
from tuodi.core.policy.check_look import Finding, Look, clause_of, inside, parts
from tuodi.core.policy.diagnoses import wrong_prefix
from tuodi.core.policy.figures import EnteredValue, parse_amount
from tuodi.core.policy.local_values import plain_param
from tuodi.core.policy.model import (
    Band,
    BringDown,
    Capitation,
    CapStep,
    CostControl,
    Criterion,
    DatedFigure,
    Deadline,
    Figure,
    FigureRow,
    InForce,
    Line,
    Lump,
    Pack,
    Part,
    Penalty,
    Premium,
    Service,
    When,
)
from tuodi.core.policy.parse import Path

E_FIGURE = declare(
    "E-CHECK-FIGURE", "“{where}”的“{given}”不是{unit}", "金额写“3000 元”或“5 万元”，比例写“70%”，日期写 yyyy-mm-dd"
)
E_FORM = declare(
    "E-CHECK-FIGURE-FORM",
    "“{where}”的数写得不完整或自相矛盾",
    "只能是 delegated，或者 of 加上 share、times、plus 中的一个",
)
E_UNIT = declare(
    "E-CHECK-UNIT", "“{where}”需要{unit}，授权参数“{param}”声明的单位却是 {found}", "请改授权参数的 unit 或改用别的参数"
)
E_OVER = declare("E-CHECK-OVER-100", "“{where}”的比例 {given} 超过 100%", "请核对文件")
E_DATED = declare(
    "E-CHECK-DATED", "“{where}”的分期数额没有按日期先后书写，或同一天写了两次", "请按 first 从早到晚各写一次"
)
W_LATE = declare(
    "W-DATED-LATE",
    "“{where}”的第一个数额从 {day} 开始，政策从 {first} 开始施行",
    "在此之前按第一个数额计算；如不对请补上",
)
E_VALUE = declare("E-CHECK-VALUE", "授权参数“{param}”录入的“{given}”不是{unit}", "请按单位重新录入")
W_GAP = declare(
    "W-VALUE-GAP", "授权参数“{param}”从 {day} 才有值，政策从 {first} 开始施行", "请补录此前的值，否则这段时间无法计算"
)
N_MISSING = declare(
    "N-VALUE-MISSING",
    "授权参数“{param}”（{asks}）还没有录入值",
    "用到它的规则会拒绝计算；请从{left_to}查得数值连同来源录入",
)
N_OPTIONAL = declare(
    "N-VALUE-OPTIONAL", "授权参数“{param}”（{asks}）可以不录入，目前没有值", "查得后请从{left_to}录入数值和来源"
)
N_SAMPLE = declare(
    "N-VALUE-SAMPLE", "授权参数“{param}”（{asks}）用的是示例值 {given}", "请从{left_to}查得数值连同来源录入"
)

UNITS: dict[tuple[type[Part], str], str] = {
    (Band, "from"): "yuan", (Band, "rate"): "percent", (Band, "limit"): "yuan", (Lump, "from"): "yuan", (Lump, "amount"): "yuan",
    (BringDown, "trigger"): "yuan", (BringDown, "target"): "yuan", (CapStep, "from"): "yuan", (CapStep, "amount"): "yuan",
    (FigureRow, "first"): "day", (FigureRow, "last"): "day", (FigureRow, "deductible"): "yuan",
    (FigureRow, "deductibles_of_year"): "yuan", (FigureRow, "rate"): "percent", (FigureRow, "top_up_to"): "percent",
    (FigureRow, "caps"): "yuan", (Penalty, "share"): "percent", (InForce, "first"): "day", (InForce, "last"): "day",
    (When, "diagnosis"): "diagnoses", (When, "not_diagnosis"): "diagnoses", (Premium, "value"): "yuan", (Criterion, "limit"): "yuan",
    (Line, "threshold"): "yuan", (Service, "yearly_amount"): "yuan", (Service, "least_amount"): "yuan", (Deadline, "days"): "days",
    (Capitation, "amount"): "yuan", (Capitation, "scale"): "number", (Capitation, "pass_mark"): "number",
    (CostControl, "selfpay_share_at_most"): "percent",
}  # fmt: skip
CALLED = {
    "yuan": "金额", "percent": "比例", "day": "日期", "days": "天数", "number": "数", "diagnoses": "诊断编码", "text": "文字",
}  # fmt: skip


def check_figures(look: Look) -> Iterator[Finding]:
    """Yield every figure that is not what its place asks for, and entered values that are not what they should be."""
    for path, part in parts(look.pack):
        for key, value in inside(part):
            unit = UNITS.get((type(part), str(key)))
            if unit is None:
                continue
            specs = value.items() if isinstance(value, dict) else [(None, value)]
            for name, spec in specs:
                at = (*path, str(key)) if name is None else (*path, str(key), name)
                yield from _spec(look, at, spec, unit)
    yield from _values(look)


def _spec(look: Look, at: Path, spec: object, unit: str) -> Iterator[Finding]:
    where, clause = look.where(at), clause_of(look.pack, at)
    if isinstance(spec, list):
        yield from _dated(look, at, spec, unit)
    elif isinstance(spec, Figure):
        yield from _figure(look, at, spec, unit)
    elif isinstance(spec, str):
        if not reads(spec, unit):
            yield look.finding("error", E_FIGURE, at, clause=clause, where=where, given=spec, unit=CALLED[unit])
        elif unit == "percent" and basis_points(spec) > 10_000:
            yield look.finding("error", E_OVER, at, clause=clause, where=where, given=spec)


def _figure(look: Look, at: Path, figure: Figure, unit: str) -> Iterator[Finding]:
    where, clause = look.where(at), clause_of(look.pack, at)
    given = [name for name in ("share", "times", "plus") if getattr(figure, name) is not None]
    whole = (figure.delegated is not None and not given and figure.of is None) or (
        figure.delegated is None and figure.at_least is None and len(given) == 1 and figure.of is not None
    )
    if not whole:
        yield look.finding("error", E_FORM, at, clause=clause, where=where)
        return
    if figure.delegated is not None and figure.delegated in look.pack.delegated:
        declared = look.pack.delegated[figure.delegated].unit
        if declared != unit and {declared, unit} - {"days", "number"}:
            yield look.finding(
                "error",
                E_UNIT,
                at,
                clause=clause,
                where=where,
                unit=CALLED[unit],
                param=figure.delegated,
                found=declared,
            )
    for key, text, wanted in (
        ("at_least", figure.at_least, unit),
        ("share", figure.share, "percent"),
        ("plus", figure.plus, unit),
    ):
        wanted = "days" if key == "plus" and unit == "day" else wanted
        if text is not None and not reads(text.removesuffix("天") if wanted == "days" else text, wanted):
            yield look.finding(
                "error", E_FIGURE, (*at, key), clause=clause, where=where, given=text, unit=CALLED[wanted]
            )
    if figure.of is not None:
        yield from _spec(look, (*at, "of"), figure.of, unit)


def _dated(look: Look, at: Path, dated: list[DatedFigure], unit: str) -> Iterator[Finding]:
    where, clause = look.where(at), clause_of(look.pack, at)
    days = [item.first for item in dated]
    if not days or days != sorted(set(days)):
        yield look.finding("error", E_DATED, at, clause=clause, where=where)
    first = look.pack.in_force.first
    if days and isinstance(first, date) and days[0] > first and at[0] in ("layers", "insurance"):
        yield look.finding("warning", W_LATE, at, clause=clause, where=where, day=days[0], first=first)
    for i, item in enumerate(dated):
        yield from _spec(look, (*at, i, "value"), item.value, unit)


def reads(text: str, unit: str) -> bool:
    """Say whether a text can be read in a unit."""
    readers: dict[str, Callable[[str], object]] = {
        "yuan": parse_amount, "percent": basis_points, "day": date.fromisoformat, "days": int, "number": int,
    }  # fmt: skip
    if unit == "diagnoses":
        return wrong_prefix(text) is None
    try:
        read = readers.get(unit, str)(text.strip())
    except ValueError:
        return False
    return not isinstance(read, int) or read >= 0


def value_fault(value: EnteredValue, pack: Pack, *, file: str = "", line: int = 0) -> Fault | None:
    """Return what is wrong with a value entered for a pack's parameter: it cannot be read in its unit, or is beyond it."""
    declared = pack.delegated[plain_param(value.param)]
    if not reads(value.value, declared.unit):
        unit = CALLED[declared.unit]
        return fault(E_VALUE, file=file, line=line, param=value.param, given=value.value, unit=unit)
    if declared.unit == "percent" and basis_points(value.value) > 10_000:
        return fault(E_OVER, file=file, line=line, where=value.param, given=value.value)
    return None


def _values(look: Look) -> Iterator[Finding]:
    """Yield entered values that cannot be read, that come too late, that are samples, and the ones that are missing."""
    pack = look.pack
    first = pack.in_force.first
    earliest: dict[str, date] = {}
    for value in look.values:
        param = plain_param(value.param)
        declared = pack.delegated[param]
        path: Path = ("delegated", param)
        if wrong := value_fault(value, pack):
            yield look.finding("error", wrong.code, path, clause=declared.clause, **dict(wrong.fields))
        if value.is_sample:
            yield look.finding(
                "note", N_SAMPLE, path, clause=declared.clause, param=value.param, asks=declared.asks,
                given=value.value, left_to=declared.left_to,
            )  # fmt: skip
        begins = value.first or date.min
        earliest[param] = min(earliest.get(param, begins), begins)
    for param, begins in earliest.items():
        if isinstance(first, date) and begins > first:
            declared = pack.delegated[param]
            yield look.finding(
                "warning", W_GAP, ("delegated", param), clause=declared.clause, param=param, day=begins, first=first
            )
    for param in look.missing():
        declared = pack.delegated[param]
        code = N_OPTIONAL if declared.optional else N_MISSING
        yield look.finding(
            "note",
            code,
            ("delegated", param),
            clause=declared.clause,
            param=param,
            asks=declared.asks,
            left_to=declared.left_to,
        )
