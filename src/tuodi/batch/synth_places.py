"""Synthetic institutions: hospitals and pharmacies of the county, and the large hospitals that people leave it for.

Codes look like real ones (H or P and eleven digits) but lie in areas that do not exist. One hospital is suspended for two
months, one has no agreement with insurance, some are not designated for assistance: the cases that rules must meet.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tuodi.batch.synth_people import Window

#: tier of a pharmacy, beside 0 to 2 for hospitals.
OTHER = 3
#: (tier, levels in turn, name) inside the county; how many depends on its size.
INSIDE = ((0, ("03",), "县人民医院"), (1, ("05", "06"), "县医院"), (2, ("08", "09", "11"), "卫生院"))
OUTSIDE = ((0, ("01", "02"), "市医院", False), (0, ("02",), "省外医院", True), (1, ("05",), "邻县医院", False), (1, ("05",), "省外县医院", True))  # fmt: skip
COLUMNS = (
    "fixmedins_code", "fixmedins_name", "hosp_lv", "admdvs", "insurance_designated", "assistance_designated",
    "suspended_from", "suspended_to",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Institutions:
    """The institutions and where each stands; ``tier`` is ``OTHER`` for pharmacies."""

    rows: tuple[dict[str, str], ...]
    tier: np.ndarray
    is_out: np.ndarray
    is_far: np.ndarray
    is_insured: np.ndarray

    def draw(self, rng: np.random.Generator, count: int, *, level: int, is_out: bool, is_far: bool) -> np.ndarray:
        """Return so many institutions of a tier and place; larger ones, which come first, more often."""
        here = np.flatnonzero((self.tier == level) & (self.is_out == is_out) & (self.is_far == is_far))
        if not len(here):
            here = np.flatnonzero(self.tier == level)
        weight = 1 / np.arange(1, len(here) + 1)
        return here[np.searchsorted(np.cumsum(weight) / weight.sum(), rng.random(count) * (1 - 1e-9), side="right")]

    def draw_by_level(self, rng: np.random.Generator, tier: np.ndarray) -> np.ndarray:
        """Return a county institution for each wanted tier."""
        chosen = np.zeros(len(tier), np.int64)
        for level in range(3):
            here = tier == level
            chosen[here] = self.draw(rng, int(here.sum()), level=level, is_out=False, is_far=False)
        return chosen

    def draw_pharmacies(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Return so many pharmacies."""
        return self.draw(rng, count, level=OTHER, is_out=False, is_far=False)


def institutions(*, people: int, area: str, window: Window) -> Institutions:
    """Return the institutions of a county of that many people; ``area`` is the six-digit code it pretends to have."""
    wanted = {0: 1 + people // 400_000, 1: 2 + people // 120_000, 2: 4 + min(people // 9_000, 60)}
    places: list[tuple[int, str, str, bool, bool]] = []
    for tier, levels, name in INSIDE:
        places += [(tier, levels[i % len(levels)], f"{name}{i + 1}", False, False) for i in range(wanted[tier])]
    for tier, levels, name, is_far in OUTSIDE:
        places += [(tier, levels[i % len(levels)], f"{name}{i + 1}", True, is_far) for i in range(2)]
    places += [(OTHER, "", f"大药房{i + 1}", False, False) for i in range(3 + min(people // 15_000, 40))]
    rows = []
    for i, (tier, level, name, is_out, is_far) in enumerate(places):
        where = area if not is_out else (f"{area[:2]}9800" if not is_far else "989900")
        code = f"{'P' if tier == OTHER else 'H'}{where}{i + 1:05d}"
        rows.append(dict.fromkeys(COLUMNS, "") | {
            "fixmedins_code": code, "fixmedins_name": f"合成{name}", "hosp_lv": level, "admdvs": where,
            "insurance_designated": "1", "assistance_designated": "0" if i % 5 == 4 else "1",
        })  # fmt: skip
    county = [i for i, place in enumerate(places) if not place[3]]
    suspended = next(i for i in county if places[i][0] == 1)
    middle = np.int64((window.first + window.last) // 2)
    rows[suspended] |= {
        "suspended_from": str(middle.astype("datetime64[D]")), "suspended_to": str((middle + 60).astype("datetime64[D]"))
    }  # fmt: skip
    uninsured = [i for i in county if places[i][0] == 2][-1]
    rows[uninsured] |= {"insurance_designated": "0", "assistance_designated": "0"}
    tier, is_out, is_far = (np.array([place[i] for place in places]) for i in (0, 3, 4))
    is_insured = np.array([row["insurance_designated"] == "1" for row in rows])
    return Institutions(tuple(rows), tier, is_out.astype(bool), is_far.astype(bool), is_insured)
