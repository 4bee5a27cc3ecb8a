"""Three lists of one institution and day become findings. Values in, values out.

A side that has not reported says nothing: nothing is missing there. A settlement and its cancellation on the same day drop out
together on each side, whatever each side numbers or marks them (two conventions are live); a cancellation of an earlier day stays.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

#: Columns that sides are compared by; a side that does not tell one is not compared by it.
AMOUNTS = {"medfee": "医疗费总额", "fund": "基金支付合计", "maf": "医疗救助", "acct": "个人账户"}
SIDES = {"hospital": "医药机构", "insurer": "医保机构"}


@dataclass(frozen=True)
class Line:
    """One settlement as one side tells it, in fen; None is not told. ``bill`` are its other columns as written.

    ``cancels`` is what a cancellation of ours takes back.
    """

    setl_id: str
    psn_no: str = ""
    mdtrt_id: str = ""
    medfee: int | None = None
    fund: int | None = None
    maf: int | None = None
    acct: int | None = None
    refunded: bool = False
    bill: dict[str, str] | None = None
    cancels: str = ""

    def told(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Found:
    """One settlement of any side: its kind, what each side says, and in what they differ."""

    setl_id: str
    kind: str
    sides: dict[str, dict[str, Any] | None]
    wrong: list[dict[str, str]]

    @property
    def signature(self) -> str:
        """A digest of what differs: an acceptance holds for exactly this."""
        said = {side: line and {name: line[name] for name in AMOUNTS} for side, line in self.sides.items()}
        return hashlib.sha256(json.dumps([self.setl_id, self.kind, said], sort_keys=True).encode()).hexdigest()


def live(lines: Iterable[Line]) -> dict[str, Line]:
    """Return a side's lines by id, each cancellation taken off with the settlement of the same day that it cancels.

    >>> one = Line("1", mdtrt_id="M", medfee=100, refunded=True)
    >>> list(live([one, Line("9", mdtrt_id="M", medfee=-100, refunded=True), Line("2", mdtrt_id="N", medfee=5)]))
    ['2']
    """
    lines = list(lines)
    kept = {line.setl_id: line for line in lines if (line.medfee or 0) >= 0}
    for line in lines:
        if (line.medfee or 0) >= 0:
            continue
        own = next(
            (
                key
                for key, other in kept.items()
                if (other.medfee or 0) == -(line.medfee or 0) and _same_visit(other, line)
            ),
            None,
        )
        if own is None:
            kept[line.setl_id] = line
        else:
            del kept[own]
    return kept


def _under_our_number(lines: dict[str, Line], own: dict[str, str]) -> dict[str, Line]:
    """Return a side's lines with each cancellation under our number of it, which some keep under that of what it cancels.

    >>> list(_under_our_number({"1": Line("1", medfee=-100), "2": Line("2", medfee=5)}, {"1": "9", "2": "8"}))
    ['9', '2']
    """
    return {own.get(key, key) if (line.medfee or 0) < 0 else key: line for key, line in lines.items()}


def _same_visit(one: Line, other: Line) -> bool:
    if one.mdtrt_id and other.mdtrt_id:
        return one.mdtrt_id == other.mdtrt_id
    return one.setl_id == other.setl_id or (bool(one.psn_no) and one.psn_no == other.psn_no)


def compare(
    ours: Iterable[Line], *, hospital: Iterable[Line] | None, insurer: Iterable[Line] | None
) -> list[Found]:  # fmt: skip
    """Return every settlement of any side; a side that is None has not reported."""
    held = live(ours)
    others = {"hospital": hospital, "insurer": insurer}
    own = {line.cancels: key for key, line in held.items() if line.cancels}
    told = {side: _under_our_number(live(lines), own) for side, lines in others.items() if lines is not None}
    ids = dict.fromkeys([*held, *(key for lines in told.values() for key in lines)])
    return [_found(key, held.get(key), {side: lines.get(key) for side, lines in told.items()}) for key in ids]


def _found(setl_id: str, ours: Line | None, told: dict[str, Line | None]) -> Found:
    wrong: list[dict[str, str]] = []
    for side, line in told.items():
        if line is None:
            wrong.append({"side": side, "what": "missing"})
        elif ours is not None:
            wrong += [
                {"side": side, "what": name}
                for name in AMOUNTS
                if None not in (getattr(line, name), getattr(ours, name)) and getattr(line, name) != getattr(ours, name)
            ]
    if ours is None:
        kind = "missing_here"
    elif any(one["what"] == "missing" for one in wrong):
        kind = "missing_there"
    else:
        kind = "different" if wrong else "matched"
    sides = {"ours": ours.told() if ours else None} | {side: line and line.told() for side, line in told.items()}
    return Found(setl_id, kind, sides, wrong)
