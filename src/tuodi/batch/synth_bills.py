"""Synthetic bills: stays, long-term outpatient care, clinics and pharmacies of one block of people.

Each kind of care is drawn as numpy columns (``Bills``), then all are sorted by person and settlement, split into the four
parts of the national interface and paid by insurance in the order basic, catastrophic, others. How much a bill is comes
from a random distribution and turns into whole fen at one place, :func:`whole_fen`; from there on everything is integer
arithmetic, so parts always add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import numpy as np

from tuodi.batch import synth_tables as tables
from tuodi.batch.synth_people import NEVER, People, Window, by_age
from tuodi.batch.synth_places import OTHER, Institutions

STAY, LONG_TERM, CLINIC, PHARMACY = range(4)
LOCAL, FILED, UNFILED = range(3)
TOP_BILL_YUAN = 800_000
#: spread of stays: most follow a lognormal, a few are a Pareto multiple of the mean; chosen so that the mean is 1.
SPREAD, TAIL_SHARE, TAIL_FROM, TAIL_SHAPE, TAIL_TOP = 0.75, 0.010, 5, 1.6, 30
MYRIAD = 10_000
#: codes of every diagnosis that bills carry, in one list.
DIAGNOSES = tuple(
    dict.fromkeys(
        (
            *(one.code for one in tables.INPATIENT),
            tables.BIRTH.code,
            *(one.code for one in tables.CHRONIC),
            *tables.ORDINARY,
        )
    )
)
DIAGNOSIS_PLACE = {code: i for i, code in enumerate(DIAGNOSES)}
#: place of a diagnosis -> place of what that sex has instead, women first.
BY_SEX = np.array(
    [
        [DIAGNOSIS_PLACE[swap.get(code, code)] for code in DIAGNOSES]
        for swap in (tables.INSTEAD_FOR_WOMEN, tables.INSTEAD_FOR_MEN)
    ]
)
MED_TYPE_PLACE = {code: i for i, code in enumerate(tables.MED_TYPES)}
AMOUNTS = (
    "medfee_sumamt", "fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt", "hifp_pay", "cvlserv_pay",
    "hifes_pay", "hifmi_pay", "hifob_pay", "oth_pay", "supp_pay", "relief_amt", "maf_pay",
)  # fmt: skip


@dataclass(slots=True)
class Bills:
    """Bills of a block; ``person``, ``institution``, ``diagnosis`` … are places in their lists, days are numbers."""

    person: np.ndarray
    kind: np.ndarray
    institution: np.ndarray
    tier: np.ndarray
    med_type: np.ndarray
    diagnosis: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    settled: np.ndarray
    referral: np.ndarray
    out_prov: np.ndarray
    cause: np.ndarray
    disease_class: np.ndarray
    rate: np.ndarray
    fee: np.ndarray
    amounts: dict[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.person)

    def pick(self, which: np.ndarray) -> Bills:
        """Return the chosen bills."""
        return Bills(
            *(getattr(self, one.name)[which] for one in fields(self)[:-1]),
            amounts={name: column[which] for name, column in self.amounts.items()},
        )


def join(parts: Sequence[Bills]) -> Bills:
    """Return all bills of the parts, one after another."""
    columns = [np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Bills)[:-1]]
    names = parts[0].amounts
    return Bills(*columns, amounts={name: np.concatenate([part.amounts[name] for part in parts]) for name in names})


def whole_fen(yuan: np.ndarray) -> np.ndarray:
    """Return drawn yuan as whole fen, halves up: the one place where money stops being a random draw."""
    return np.floor(yuan * 100 + 0.5).astype(np.int64)


def bills(
    rng: np.random.Generator,
    people: People,
    *,
    is_holder: np.ndarray,
    window: Window,
    institutions: Institutions,
) -> Bills:
    """Return every bill of the block, sorted by person and settlement, split and paid; deaths may move to a stay's end."""
    drawn = [
        _stays(rng, people, is_holder=is_holder, window=window, institutions=institutions),
        _long_term(rng, people, is_holder=is_holder, window=window, institutions=institutions),
        _clinics(rng, people, window=window, institutions=institutions),
        _pharmacies(rng, people, window=window, institutions=institutions),
    ]
    _die_in_hospital(rng, people, drawn[0])
    found = join(drawn)
    found = found.pick(found.end <= people.died[found.person])
    found = found.pick(np.lexsort((found.end, found.settled, found.person)))
    found.diagnosis = BY_SEX[people.is_male[found.person].astype(np.int64), found.diagnosis]
    _split(rng, found)
    _pay(rng, found, people=people, is_holder=is_holder, institutions=institutions)
    return found


def _spread(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return multiples of the mean bill, mean 1, with a tail that reaches several hundred thousand yuan."""
    bounded = TAIL_SHAPE / (TAIL_SHAPE - 1) - TAIL_TOP ** (1 - TAIL_SHAPE) / (TAIL_SHAPE - 1)
    body_mean = (1 - TAIL_SHARE * TAIL_FROM * bounded) / (1 - TAIL_SHARE)
    body = body_mean * np.exp(rng.normal(-SPREAD * SPREAD / 2, SPREAD, count))
    tail = TAIL_FROM * np.minimum((1 - rng.random(count)) ** (-1 / TAIL_SHAPE), TAIL_TOP)
    return np.where(rng.random(count) < TAIL_SHARE, tail, body)


def _stays(
    rng: np.random.Generator,
    people: People,
    *,
    is_holder: np.ndarray,
    window: Window,
    institutions: Institutions,
) -> Bills:
    age = people.age((window.first + window.last) // 2)
    frailty = rng.gamma(0.8, 1 / 0.8, len(people)) * np.where(is_holder, 1.7, 1.0)
    count = rng.poisson(by_age(age, tables.STAYS_A_YEAR) * frailty * window.days / 365)
    person = np.repeat(np.arange(len(people)), count)
    n = len(person)
    disease = _diseases(rng, age[person])
    is_birth = ~people.is_male[person] & (age[person] >= 20) & (age[person] < 42) & (rng.random(n) < 0.22)
    known = np.array([DIAGNOSIS_PLACE[one.code] for one in tables.INPATIENT])
    is_major = np.array([one.is_major for one in tables.INPATIENT])[disease] & ~is_birth
    tier = _tiers(rng, is_major)
    cost = np.array([one.cost for one in tables.INPATIENT])[disease] * np.where(people.is_employee[person], 1.4, 1.0)
    cost = np.where(is_birth, tables.BIRTH.cost, cost)
    multiple = cost * _spread(rng, n)
    for level in range(3):
        peers = (tier == level) & ~people.is_employee[person]
        multiple[tier == level] /= multiple[peers].mean() if peers.any() else 100
    fee = whole_fen(np.minimum(np.array(tables.MEAN_BILL)[tier] * multiple + 20, TOP_BILL_YUAN))
    diagnosis = np.where(is_birth, DIAGNOSIS_PLACE[tables.BIRTH.code], known[disease])
    days = _days(rng, tier=tier, multiple=multiple, diagnosis=diagnosis)
    end = window.first + rng.integers(0, window.days, n)
    place = _place(rng, tier=tier, institutions=institutions)
    med_type, cause = _admissions(rng, diagnosis=diagnosis, is_birth=is_birth, referral=place[1])
    is_day_case = med_type == MED_TYPE_PLACE["28"]
    begin = np.maximum(end - np.where(is_day_case, days % 2, days), window.first)
    late = end + rng.integers(14, 120, n)
    settled = np.where((rng.random(n) < 0.04) & (late <= window.last), late, end)
    made = Bills(
        person=person, kind=np.full(n, STAY), institution=place[0], tier=tier, med_type=med_type, diagnosis=diagnosis, begin=begin,
        end=end, settled=settled, referral=place[1], out_prov=place[2], cause=cause, disease_class=_classes(rng, diagnosis),
        rate=np.zeros(n, np.int64), fee=fee,
    )  # fmt: skip
    return _one_at_a_time(made)


def _diseases(rng: np.random.Generator, age: np.ndarray) -> np.ndarray:
    group = np.searchsorted((15, 60), age, side="right")
    chosen = np.zeros(len(age), np.int64)
    draw = rng.random(len(age))
    for i in range(3):
        weight = np.cumsum([(one.child, one.adult, one.elder)[i] for one in tables.INPATIENT])
        here = group == i
        chosen[here] = np.searchsorted(weight / weight[-1], draw[here], side="right")
    return chosen


def _tiers(rng: np.random.Generator, is_major: np.ndarray) -> np.ndarray:
    draw = rng.random(len(is_major))
    plain = np.searchsorted(np.cumsum(tables.STAY_SHARE)[:-1], draw, side="right")
    major = np.searchsorted(np.cumsum(tables.MAJOR_STAY_SHARE)[:-1], draw, side="right")
    return np.where(is_major, major, plain)


def _days(rng: np.random.Generator, *, tier: np.ndarray, multiple: np.ndarray, diagnosis: np.ndarray) -> np.ndarray:
    """Return days of stay: dearer bills stay longer, psychiatric ones much longer."""
    is_psychiatric = np.array([code.startswith(tables.PSYCHIATRIC_PREFIX) for code in DIAGNOSES])[diagnosis]
    mean = np.array(tables.MEAN_DAYS)[tier] * np.where(is_psychiatric, 5, 0.88)
    drawn = mean * np.exp(rng.normal(-0.1, 0.45, len(tier))) * multiple**0.3
    return np.clip(drawn + 0.5, 1, 180).astype(np.int64)


def _place(
    rng: np.random.Generator, *, tier: np.ndarray, institutions: Institutions
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return institution, referral state and whether outside the province: who leaves the county goes to large hospitals."""
    count = len(tier)
    goes_out = rng.random(count) < np.array((0.24, 0.03, 0.0))[tier]
    is_far = goes_out & (rng.random(count) < 0.35)
    referral = np.where(goes_out, np.where(rng.random(count) < 0.7, FILED, UNFILED), LOCAL)
    institution = np.zeros(count, np.int64)
    for level in range(3):
        for out in (False, True):
            for far in (False, True) if out else (False,):
                here = (tier == level) & (goes_out == out) & (is_far == far)
                institution[here] = institutions.draw(rng, int(here.sum()), level=level, is_out=out, is_far=far)
    return institution, referral, is_far


def _admissions(
    rng: np.random.Generator, *, diagnosis: np.ndarray, is_birth: np.ndarray, referral: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return kind of care and cause."""
    count = len(diagnosis)
    is_injury = np.array([code.startswith(tables.INJURY_PREFIXES) for code in DIAGNOSES])[diagnosis]
    is_eye = diagnosis == DIAGNOSIS_PLACE["H25.900"]
    draw = rng.random(count)
    code = np.select(
        [
            is_birth,
            is_injury,
            referral != LOCAL,
            is_eye & (draw < 0.7),
            draw < 0.06,
            draw < 0.14,
            draw < 0.18,
        ],
        [MED_TYPE_PLACE[one] for one in ("52", "22", "25", "28", "2101", "24", "28")],
        MED_TYPE_PLACE["21"],
    )
    cause = np.searchsorted(np.cumsum(tables.INJURY_CAUSES)[:-1], rng.random(count), side="right")
    return code, np.where(is_injury, cause, 0)


def _classes(rng: np.random.Generator, diagnosis: np.ndarray) -> np.ndarray:
    certified = np.zeros(len(diagnosis), np.int64)
    for code, name, share in tables.CERTIFIED:
        here = (diagnosis == DIAGNOSIS_PLACE[code]) & (rng.random(len(diagnosis)) < share)
        certified[here] = tables.CLASSES.index(name)
    return certified


def _one_at_a_time(stays: Bills) -> Bills:
    """Return the stays sorted by person and day, without those that would overlap an earlier one."""
    stays = stays.pick(np.lexsort((stays.end, stays.begin, stays.person)))
    key = stays.person.astype(np.int64) << 32
    reached = np.maximum.accumulate(key + stays.end)
    is_free = np.ones(len(stays), bool)
    is_free[1:] = key[1:] + stays.begin[1:] > reached[:-1]
    return stays.pick(is_free)


def _visits(
    rng: np.random.Generator, person: np.ndarray, *, kind: int, window: Window, institution: np.ndarray, tier: np.ndarray, **more: np.ndarray
) -> Bills:  # fmt: skip
    n = len(person)
    day = window.first + rng.integers(0, window.days, n)
    nothing = np.zeros(n, np.int64)
    return Bills(
        person=person, kind=np.full(n, kind), institution=institution, tier=tier, begin=day, end=day, settled=day, referral=nothing,
        out_prov=nothing.astype(bool), cause=nothing, disease_class=nothing, **more,
    )  # fmt: skip


def _small(rng: np.random.Generator, mean: object, count: int, *, per_cent: int) -> np.ndarray:
    spread = per_cent / 100
    return whole_fen(mean * np.exp(rng.normal(-spread * spread / 2, spread, count)) + 1)


def _long_term(
    rng: np.random.Generator,
    people: People,
    *,
    is_holder: np.ndarray,
    window: Window,
    institutions: Institutions,
) -> Bills:
    age = people.age((window.first + window.last) // 2)
    chance = by_age(age, tables.CHRONIC_SHARE) * np.where(is_holder, 1.6, 1.0)
    patient = np.flatnonzero(rng.random(len(people)) < chance)
    share = np.array([one.share for one in tables.CHRONIC])
    disease = rng.choice(len(share), size=len(patient), p=share / share.sum())
    count = rng.poisson(np.array([one.visits for one in tables.CHRONIC])[disease] * window.days / 365)
    person, disease = np.repeat(patient, count), np.repeat(disease, count)
    n = len(person)
    tier = np.where(rng.random(n) < 0.6, 2, np.where(rng.random(n) < 0.75, 1, 0))
    institution = institutions.draw_by_level(rng, tier)
    mean = np.array([one.bill for one in tables.CHRONIC])[disease]
    return _visits(
        rng, person, kind=LONG_TERM, window=window, institution=institution, tier=tier,
        med_type=np.array([MED_TYPE_PLACE[one.med_type] for one in tables.CHRONIC])[disease],
        diagnosis=np.array([DIAGNOSIS_PLACE[one.code] for one in tables.CHRONIC])[disease],
        rate=np.array([one.rate for one in tables.CHRONIC])[disease], fee=_small(rng, mean, n, per_cent=60),
    )  # fmt: skip


def _clinics(rng: np.random.Generator, people: People, *, window: Window, institutions: Institutions) -> Bills:
    often = rng.gamma(0.7, 1 / 0.7, len(people))
    person = np.repeat(np.arange(len(people)), rng.poisson(tables.ORDINARY_A_YEAR * often * window.days / 365))
    n = len(person)
    tier = np.where(rng.random(n) < 0.7, 2, np.where(rng.random(n) < 0.7, 1, 0))
    code = np.where(rng.random(n) < 0.06, MED_TYPE_PLACE["13"], MED_TYPE_PLACE["11"])
    known = np.array([DIAGNOSIS_PLACE[one] for one in tables.ORDINARY])
    return _visits(
        rng, person, kind=CLINIC, window=window, institution=institutions.draw_by_level(rng, tier), tier=tier, med_type=code,
        diagnosis=known[rng.integers(0, len(known), n)], rate=np.full(n, tables.ORDINARY_RATE),
        fee=_small(rng, tables.ORDINARY_BILL, n, per_cent=80),
    )  # fmt: skip


def _pharmacies(rng: np.random.Generator, people: People, *, window: Window, institutions: Institutions) -> Bills:
    person = np.repeat(np.arange(len(people)), rng.poisson(tables.PHARMACY_A_YEAR * window.days / 365, len(people)))
    n = len(person)
    known = np.array([DIAGNOSIS_PLACE[one] for one in tables.ORDINARY])
    return _visits(
        rng, person, kind=PHARMACY, window=window, institution=institutions.draw_pharmacies(rng, n), tier=np.full(n, OTHER),
        med_type=np.full(n, MED_TYPE_PLACE["41"]), diagnosis=known[rng.integers(0, len(known), n)],
        rate=np.zeros(n, np.int64), fee=_small(rng, tables.PHARMACY_BILL, n, per_cent=70),
    )  # fmt: skip


def _die_in_hospital(rng: np.random.Generator, people: People, stays: Bills) -> None:
    """Move a third of the deaths to the last day of a stay; whatever would come later is left out."""
    last = np.searchsorted(stays.person, np.arange(len(people)), side="right") - 1
    has_stay = (last >= 0) & (stays.person[np.maximum(last, 0)] == np.arange(len(people))) if len(stays) else False
    moves = (people.died != NEVER) & has_stay & (rng.random(len(people)) < 0.35)
    if np.any(moves):
        people.died = np.where(moves, stays.end[np.maximum(last, 0)], people.died)


def _part(amount: np.ndarray, myriad: np.ndarray) -> np.ndarray:
    """Return so many ten-thousandths of an amount, rounded down; never more than the amount."""
    return amount * np.minimum(myriad, MYRIAD) // MYRIAD


def _split(rng: np.random.Generator, found: Bills) -> None:
    """Fill the four parts of every bill; policy scope is what remains, so they add up exactly."""
    n = len(found)
    is_stay, is_shop = found.kind == STAY, found.kind == PHARMACY
    concentration = np.array((11, 17, 26, 8))[found.tier]
    share = (rng.beta(1, concentration) * MYRIAD).astype(np.int64)
    share = np.where(is_shop & (rng.random(n) < 0.35), MYRIAD, share)
    left = found.fee
    own = _part(left, share)
    left = left - own
    over = _part(left, np.where(is_stay & (rng.random(n) < 0.25), rng.integers(1, 400, n), 0))
    left = left - over
    first_share = np.where(rng.random(n) < 0.8, rng.integers(100, 1700, n), 0)
    first = _part(left, np.where(is_stay, first_share, first_share // 2))
    found.amounts = {name: np.zeros(n, np.int64) for name in AMOUNTS}
    found.amounts |= {
        "medfee_sumamt": found.fee, "fulamt_ownpay_amt": own, "overlmt_selfpay": over, "preselfpay_amt": first,
        "inscp_scp_amt": left - first,
    }  # fmt: skip


def _pay(
    rng: np.random.Generator,
    found: Bills,
    *,
    people: People,
    is_holder: np.ndarray,
    institutions: Institutions,
) -> None:
    """Fill what insurers and others paid; each takes from what the one before has left of the policy amount."""
    n, amounts = len(found), found.amounts
    is_stay = found.kind == STAY
    employee, poor = people.is_employee[found.person], is_holder[found.person]
    rest = amounts["inscp_scp_amt"].copy()

    def take(name: str, paid: np.ndarray) -> None:
        paid = np.clip(paid, 0, rest)
        amounts[name] = amounts[name] + paid
        rest[:] -= paid

    def share(chance: np.ndarray, lowest: int, highest: int) -> np.ndarray:
        here = rng.random(n) < chance
        return np.where(here, _part(rest, rng.integers(lowest * 100, highest * 100, n)), 0)

    take("hifp_pay", _basic(found, employee=employee, is_insured=institutions.is_insured[found.institution]))
    take("cvlserv_pay", share(np.where(employee & (found.person % 7 == 0) & is_stay, 0.9, 0), 30, 60))
    take("hifes_pay", share(np.where(employee & (found.person % 11 == 0) & is_stay, 0.8, 0), 10, 40))
    counts = np.where(found.kind <= LONG_TERM, rest, 0)
    extra = _catastrophic(found, counts, employee=employee, poor=poor)
    take("hifmi_pay", np.where(employee, 0, extra))
    take("hifob_pay", np.where(employee, extra, 0))
    take("oth_pay", share(np.where(is_stay, 0.004, 0), 2, 15))
    has_supplement = (found.person * 7919 % 100) < np.where(poor, 40, 25)
    take("supp_pay", np.where(has_supplement & is_stay, (rest - 800_000) * 2 // 5, 0))
    take("maf_pay", share(np.where(is_stay & poor, 0.03, 0), 30, 70))
    relief = rng.random(n) < np.where(is_stay, 0.015, 0)
    personal = rest + amounts["preselfpay_amt"]
    amounts["relief_amt"] = np.where(relief, _part(personal, rng.integers(300, 4000, n)), 0)


def _basic(found: Bills, *, employee: np.ndarray, is_insured: np.ndarray) -> np.ndarray:
    tier = np.minimum(found.tier, 2)
    rate = np.where(employee, np.array(tables.EMPLOYEE_RATE)[tier], np.array(tables.RESIDENT_RATE)[tier])
    rate = rate - np.array((0, 6, 20))[found.referral]
    deductible = np.array(tables.BASIC_DEDUCTIBLE)[tier] * 100
    stay = np.maximum(found.amounts["inscp_scp_amt"] - deductible, 0) * rate // 100
    visit = found.amounts["inscp_scp_amt"] * found.rate // 100
    visit = np.where(found.kind == CLINIC, np.minimum(visit, tables.ORDINARY_CAP * 100), visit)
    return np.where(is_insured, np.minimum(np.where(found.kind == STAY, stay, visit), 20_000_000), 0)


def _catastrophic(found: Bills, counts: np.ndarray, *, employee: np.ndarray, poor: np.ndarray) -> np.ndarray:
    """Return what catastrophic insurance adds on the running total of each person's year."""
    year = found.settled.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64)
    key = found.person.astype(np.int64) * 10_000 + year
    starts = np.ones(len(found), bool)
    starts[1:] = key[1:] != key[:-1]
    running = np.cumsum(counts)
    before_year = np.maximum.accumulate(np.where(starts, running - counts, 0))
    after = running - before_year
    column = np.where(employee, 2, np.where(poor, 1, 0))
    deductible, rate = (np.array(part)[column] for part in zip(*tables.CATASTROPHIC, strict=True))
    earned_after = np.maximum(after - deductible * 100, 0) * rate // 100
    earned_before = np.maximum(after - counts - deductible * 100, 0) * rate // 100
    return earned_after - earned_before
