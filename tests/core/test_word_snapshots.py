"""Pages as people read them: a few explanations kept whole. ``TUODI_SNAPSHOTS=write`` writes them again; read them before committing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.core.test_words import CASES, worded

from tuodi.core.engine.words import explain

SNAPSHOTS = Path(__file__).parent / "snapshots"
#: snapshot -> part of the case's name, which settlement of it (in folding order)
KEPT = {
    "deductible": ("起付线按年累计：两次各 2,000 元", 1),
    "stepped-cap": ("低保全年三次：30,000、40,000、50,000", 2),
    "bands-reach-back": ("十二个月累计：分段按整个窗口", 2),
    "bring-down": ("年度负担 5 万元上下", 2),
    "half": ("减半在封顶之后", 0),
    "application-and-support": ("低保先倾斜救助，特困再供养经费", 0),
    "refused-no-identity": ("丧失身份的次月起不再享受", 1),
    "refused-unfiled": ("未按规定转诊的不予救助，按规定备案的照付", 0),
    "lump-sum": ("定额按累计档次", 3),
}


@pytest.mark.parametrize("name", KEPT)
def test_the_pages_are_as_they_were_read(name):
    part, number = KEPT[name]
    folder, case = next((folder, case) for folder, case in CASES if part in case.name)
    plan, records, result = list(worded(folder, case))[number]
    explanation = explain(plan, result, records=records)
    digest = explanation.data["pack"]["digest"].removeprefix("sha256:")
    text = f"# {case.name}\n\n{explanation.patient}\n{explanation.auditor}".replace(digest, "……")
    path = SNAPSHOTS / f"{name}.txt"
    if os.environ.get("TUODI_SNAPSHOTS") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")
