"""What each settlement earns under the five documents, computed without the product's engine.

Written from the documents, the clause register and the interpretations (default readings), with dictionaries and fractions. It
shares nothing with :mod:`tuodi.core.engine` but the date helpers; places stand in the code on purpose: this is a witness, not
a program. ``history`` is one person's settlements (dicts of the exchange columns, amounts in fen), ``records`` the identities.
"""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

from tuodi.core.dates import add_months, month_end

INPATIENT = ("21", "22", "23", "24", "25", "52")
INSURERS = ("hifp_pay", "cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "oth_pay")
FOREVER = date(9999, 12, 31)


def round_half_up(value: Fraction) -> int:
    return int((value * 2 + 1) // 2)


def is_stay(s: dict) -> bool:
    return s["med_type"][:2] in INPATIENT


def settled(s: dict) -> date:
    return s["setl_time"].date()


def in_policy(s: dict) -> int:
    paid = sum(s[name] for name in INSURERS) + s["supp_pay"] + s["relief_amt"]
    return max(0, s["inscp_scp_amt"] - paid)


def in_catalogue(s: dict) -> int:
    return in_policy(s) + s["preselfpay_amt"]


def whole_burden(s: dict) -> int:
    paid = sum(s[name] for name in INSURERS) + s["supp_pay"] + s["relief_amt"]
    return max(0, s["medfee_sumamt"] - paid)


def held(s: dict, first: date, last: date) -> bool:
    """The identity counts on any day of a stay, on the day of other care."""
    end = s["enddate"] if is_stay(s) else s["begndate"]
    return first <= end and s["begndate"] <= last


def plain(s: dict, r: dict) -> bool:
    return held(s, r["begin"], r["end"] or FOREVER)


def folding(history: list[dict]) -> list[dict]:
    return sorted(history, key=lambda s: (s["setl_time"], s["setl_id"]))


class Running:
    """An entitlement on a running total, with a cap, for one year; shared caps share ``group``."""

    def __init__(self) -> None:
        self.exact = Fraction(0)
        self.paid = 0

    def due(self, growth: Fraction, room: int | None) -> int:
        self.exact += growth
        due = max(0, round_half_up(self.exact) - self.paid)
        if room is not None:
            due = max(0, min(due, room))
        self.paid += due
        return due


# --- 亭湖 ---------------------------------------------------------------------------------------------------------------

TH_CAT1 = {
    "former_registered_poor", "relapse_monitored", "returned_to_poverty", "extreme_poverty", "dibao", "dibao_edge",
    "expenditure_hardship", "illness_poverty", "entitled_veteran", "orphan", "de_facto_orphan", "supported_disabled_child",
    "child_severe",
}  # fmt: skip
TH_CAT2 = {"severe_disability_allowance", "downsized_1960s", "union_hardship_worker", "child_hardship"}


def th_holds(s: dict, r: dict, last_in_force: date) -> bool:
    if r["identity"] not in ("expenditure_hardship", "illness_poverty"):
        return held(s, r["begin"], month_end(r["end"]) if r["end"] else FOREVER)
    certified = r["certified_on"] or r["begin"]
    if certified > last_in_force:
        return False
    last = add_months(certified, 12) - timedelta(days=1)
    if r["end"]:
        last = min(last, month_end(r["end"]))
    if r["applied_on"]:
        return settled(s) >= add_months(r["applied_on"], -12) and s["begndate"] <= last
    return r["begin"] <= last and held(s, r["begin"], last)


def tinghu(
    history: list[dict], records: list[dict], *, published: date, major: list[tuple[str, int]], applications=()
) -> dict:
    last_day = add_months(published, 24) - timedelta(days=1)
    out, once_used = {}, 0
    years: dict[int, dict] = {}
    for s in folding(history):
        if not published <= settled(s) <= last_day:
            continue
        ids = {r["identity"] for r in records if th_holds(s, r, last_day)}
        cat = 1 if ids & TH_CAT1 else 2 if ids & TH_CAT2 else 0
        if not cat:
            continue
        y = years.setdefault(settled(s).year, {"used": 0, "cat": 0, "group": 0, "share": Fraction(0), "given": 0,
                             "general": Running(), "major": Running(), "rare": Running()})  # fmt: skip
        if y["cat"] not in (0, cat):
            for name in ("general", "major", "rare"):
                y[name].exact = Fraction(y[name].paid)
        y["cat"] = cat
        known = s["disease_class"] or ("major" if listed(s, major) else "general")
        column = {"general": "general", "major": "major", "rare_without_scheme": "major", "rare_with_scheme": "rare"}[
            known
        ]
        base = max(0, in_catalogue(s) - s["maf_pay"])
        deductible = {1: 300_000, 2: 500_000}[cat]
        if column == "general":
            off = min(base, max(0, deductible - y["used"]))
            y["used"] += off
        elif column == "major":
            off = min(base, max(0, deductible - once_used))
            once_used += off
        else:
            off = 0
        rate, cap = {"general": (50, 5_000_000), "major": (50, 7_000_000), "rare": (70, 10_000_000)}[column]
        due = y[column].due(Fraction((base - off) * rate, 100), cap - y["group"])
        y["group"] += due
        declined = any(
            r["identity"] == "declined_basic_service" and r["begin"] <= settled(s) <= (r["end"] or FOREVER)
            for r in records
        )
        y["share"] += Fraction(due, 2) if declined else due
        pay = round_half_up(y["share"]) - y["given"]
        y["given"] += pay
        out[s["setl_id"]] = pay
    return out


def listed(s: dict, codes: list[tuple[str, int]]) -> bool:
    for prefix, under in codes:
        if s["diag_code"].startswith(prefix):
            if not under:
                return True
            born = s.get("brdy")
            if born:
                day = s["begndate"]
                if day.year - born.year - ((day.month, day.day) < (born.month, born.day)) < under:
                    return True
    return False


# --- 安康 ---------------------------------------------------------------------------------------------------------------

AK_ORDER = [
    {"extreme_poverty", "orphan", "de_facto_orphan"}, {"dibao"}, {"dibao_edge", "relapse_monitored", "returned_to_poverty"},
    {"illness_poverty"},
]  # fmt: skip


def ankang(
    history: list[dict], records: list[dict], *, applications=(), tilt=(1_000_000, 50, 2_000_000), control=500_000
) -> dict:
    out: dict = {}
    years: dict[int, dict] = {}
    for s in folding(history):
        if settled(s) < date(2023, 1, 4) or s["refer_stas"] == "unfiled":
            continue
        ids = {r["identity"] for r in records if plain(s, r)}
        cat = next((n for n, group in enumerate(AK_ORDER, start=1) if ids & group), 0)
        if not cat or not (is_stay(s) or s["med_type"][:2] == "14"):
            continue
        year = settled(s).year
        y = years.setdefault(year, {"run": Running(), "used": 0, "burden": 0, "cat": 0, "left": 0, "tilt": Running(),
                                    "tilt_cat": 0, "support": 0})  # fmt: skip
        if y["cat"] not in (0, cat):
            y["run"].exact = Fraction(y["run"].paid)
        y["cat"] = cat
        base = in_policy(s)
        y["burden"] += base
        deductible = {1: 0, 2: 0, 3: 200_000, 4: 500_000}[cat] if is_stay(s) else 0
        off = min(base, max(0, deductible - y["used"]))
        y["used"] += off
        rate = {1: 100, 2: 70, 3: 60, 4: 50}[cat]
        cap = None if cat == 1 else 5_000_000 if y["burden"] >= 10_000_000 else 4_000_000 if cat == 2 else 3_000_000
        room = None if cap is None else cap - y["run"].paid
        pay = y["run"].due(Fraction((base - off) * rate, 100), room)
        total = pay
        asked = {a["layer"] for a in applications if a["applied_on"].year == year and a["applied_on"] >= settled(s)}
        tilted = next((a for a in asked if "tilt" in a), None)
        if tilted and s["refer_stas"] in ("local", "filed") and not s["out_prov"]:
            before = y["left"]
            y["left"] = max(0, y["left"] + base - pay)
            if y["tilt_cat"] not in (0, cat):
                y["tilt"].exact = Fraction(y["tilt"].paid)
            y["tilt_cat"] = cat
            threshold, share, top = tilt
            growth = Fraction((max(0, y["left"] - threshold) - max(0, before - threshold)) * share, 100)
            total += y["tilt"].due(growth, top - y["tilt"].paid)
        if any("support" in a for a in asked) and "extreme_poverty" in ids:
            more = max(0, min(whole_burden(s) - total, control - y["support"]))
            y["support"] += more
            total += more
        out[s["setl_id"]] = total
    return out


# --- 洞头 ---------------------------------------------------------------------------------------------------------------

DT_ORDER = ["extreme_poverty", "dibao", "dibao_edge", "expenditure_hardship", "illness_poverty"]
DT_RATES = {"extreme_poverty": 100, "dibao": 80, "dibao_edge": 70, "expenditure_hardship": 60, "illness_poverty": 60}


def dongtou(history: list[dict], records: list[dict], *, applications=(), cap=8_000_000) -> dict:
    first, last = date(2022, 1, 1), date(2025, 12, 31)
    fresh = []
    for n, r in enumerate(records):
        if r["identity"] != "expenditure_hardship" or not r["certified_on"] or r["certified_on"] > last:
            continue
        eve = r["certified_on"] - timedelta(days=1)
        others = [o for m, o in enumerate(records) if m != n and o["identity"] == r["identity"]]
        if not any(o["begin"] <= eve <= (o["end"] or FOREVER) for o in others):
            fresh.append(r["certified_on"])
    fresh.sort()
    out: dict = {}
    years: dict[int, dict] = {}
    windows: dict[date, dict] = {}
    certified_years: dict[int, int] = {}
    for s in folding(history):
        day = settled(s)
        if not first <= day <= last:
            continue
        ids = {r["identity"] for r in records if plain(s, r)}
        if any(add_months(c, -6) <= day < c for c in fresh):
            ids.add("expenditure_hardship")
        cat = next((i for i in DT_ORDER if i in ids), None)
        window = next((c for c in fresh if add_months(c, -12) <= day < c), None)
        if cat is None and window is None:
            continue
        y = years.setdefault(day.year, {"run": Running(), "cat": None, "left": 0, "resolved": 0})
        base, paid = in_policy(s), 0
        if cat is not None:
            if y["cat"] not in (None, cat):
                y["run"].exact = Fraction(y["run"].paid)
            y["cat"] = cat
            paid += y["run"].due(Fraction(base * DT_RATES[cat], 100), cap - y["run"].paid)
        if window is not None:
            w = windows.setdefault(window, {"total": 0, "run": Running()})
            before, w["total"] = w["total"], w["total"] + base - paid
            room = min(5_000_000 - w["run"].paid, 5_000_000 - certified_years.get(window.year, 0))
            more = w["run"].due(dt_bands(w["total"]) - dt_bands(before), room)
            certified_years[window.year] = certified_years.get(window.year, 0) + more
            paid += more
        if window is not None or cat in DT_ORDER[:4]:
            y["left"] += base - paid
            worth = y["left"] - 4_950_000 if y["left"] > 5_000_000 else 0
            more = max(0, worth - y["resolved"])
            y["resolved"] += more
            paid += more
        out[s["setl_id"]] = paid
    return out


def dt_bands(total: int) -> Fraction:
    edges = [(3_000_000, 10_000_000, 10), (10_000_000, 15_000_000, 15), (15_000_000, None, 20)]
    earned = Fraction(0)
    for low, high, rate in edges:
        part = max(0, (total if high is None else min(total, high)) - low)
        earned += Fraction(part * rate, 100)
    return earned


# --- 启东 ---------------------------------------------------------------------------------------------------------------


def qidong(history: list[dict], records: list[dict], *, major: list[tuple[str, int]], applications=()) -> dict:
    out: dict = {}
    years: dict[int, dict] = {}
    for s in folding(history):
        if settled(s) < date(2017, 10, 20):
            continue
        poor = any(
            r["identity"] == "registered_low_income"
            and held(s, r["begin"], add_months(r["end"], 24) if r["end"] else FOREVER)
            for r in records
        )
        if not poor:
            continue
        y = years.setdefault(settled(s).year, {"instant": Running(), "second": Running(), "left": 0})
        base = in_policy(s)
        pay = y["instant"].due(Fraction(base * 70, 100), None)
        known = s["disease_class"] or ("major" if listed(s, major) else "general")
        if is_stay(s) and known == "major":
            before, y["left"] = y["left"], y["left"] + base - pay
            growth = Fraction((max(0, y["left"] - 1_000_000) - max(0, before - 1_000_000)) * 40, 100)
            pay += y["second"].due(growth, 3_000_000 - y["second"].paid)
        out[s["setl_id"]] = pay
    return out


# --- 威海经开区 ---------------------------------------------------------------------------------------------------------

WH_ORDER = [
    {"dibao", "extreme_poverty", "orphan", "supported_disabled_child"}, {"low_income"}, {"illness_poverty"}, {"committee_approved"},
]  # fmt: skip


def weihai(history: list[dict], records: list[dict], *, applications=()) -> dict:
    out: dict = {}
    years: dict[int, dict] = {}
    for s in folding(history):
        if settled(s) < date(2017, 3, 15) or s["cause"] in ("self_harm", "fight", "drunk", "traffic"):
            continue
        ids = {r["identity"] for r in records if plain(s, r)}
        cat = next((n for n, group in enumerate(WH_ORDER, start=1) if ids & group), 0)
        if not cat:
            continue
        y = years.setdefault(
            settled(s).year,
            {"in": Running(), "in_total": 0, "in_cat": 0, "out": Running(), "out_total": 0, "out_cat": 0},
        )
        base = in_catalogue(s)
        if is_stay(s):
            y["in"].exact = Fraction(y["in"].paid) if y["in_cat"] not in (0, cat) else y["in"].exact
            y["in_cat"] = cat
            before, y["in_total"] = y["in_total"], y["in_total"] + base
            low = min(y["in_total"], 2_000_000) - min(before, 2_000_000)
            high = max(0, y["in_total"] - 2_000_000) - max(0, before - 2_000_000)
            growth = Fraction(low * (70 if cat == 1 else 0) + high * {1: 80, 2: 60, 3: 40, 4: 40}[cat], 100)
            out[s["setl_id"]] = y["in"].due(growth, 5_000_000 - y["in"].paid)
        elif s["med_type"][:2] == "14":
            y["out"].exact = Fraction(y["out"].paid) if y["out_cat"] not in (0, cat) else y["out"].exact
            y["out_cat"] = cat
            before, y["out_total"] = y["out_total"], y["out_total"] + base
            growth = Fraction((min(y["out_total"], 2_000_000) - min(before, 2_000_000)) * 70, 100)
            out[s["setl_id"]] = y["out"].due(growth, None)
    return out


PLACES = {
    "320902-tinghu": tinghu, "610900-ankang": ankang, "330305-dongtou": dongtou, "320681-qidong": qidong,
    "371072-weihai-edz": weihai,
}  # fmt: skip
