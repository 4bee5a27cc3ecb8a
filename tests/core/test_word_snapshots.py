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
    "all-year": ("没有身份期间另一读法：全年结算都计入", 0),
    "excluded": ("剔除，另一读法：只在超过 2 万元的部分中剔除", 0),
    "refused-not-entitled": ("不在覆盖范围的身份没有待遇，写明条款", 0),
    "outpatient": ("大病保险不含先行自付，门诊慢特病同样", 0),
    "whole-bands": ("整段同率：差一分不到 2 万元按 50%", 1),
    "whole-before-deductible": ("整段同率，从零量起，分两次结算", 1),
    "disease-and-age": ("20 种疾病：儿童白血病看入院年龄", 2),
    "stay-deductible": ("换一种读法：起付线每次住院各扣一次", 0),
    "unreferred": ("未经转诊：降低的部分不进入救助", 0),
    "refused-care": ("医疗类别另一读法：普通门诊不计入", 0),
    "refused-cause": ("自伤自残、打架斗殴、酗酒闹事、交通肇事", 3),
    "refused-before": ("施行前费用另一读法：2017 年施行前的计入", 0),
    "counted-early": ("施行前的结算，另一读法：当年的计入起付线", 1),
    "other-aid": ("2 万元以上的一段才减其他帮扶", 0),
    "second-assistance": ("限额用完以后，每次只就新截去的部分救助", 1),
    "target-rate": ("基本医保报销 60%，救助后 80%，补足到 90%", 0),
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
