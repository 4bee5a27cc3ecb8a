"""A small sound pack as plain data, and how to change it in a test."""

from __future__ import annotations

import copy
from typing import Any

import yaml

from tuodi.core.policy.check import check
from tuodi.core.policy.check_look import Finding
from tuodi.core.policy.figures import EnteredValue
from tuodi.core.policy.load import PackSource, read_source
from tuodi.core.policy.model import Pack

SOUND: dict[str, Any] = {
    "pack": "sound", "name": "检验县医疗救助", "area": "999001",
    "document": {"title": "检验用政策", "issuer": "检验县"},
    "in_force": {"clause": "JX-1", "first": "2022-01-01"},
    "delegated": {"jx.standard": {"clause": "JX-4", "asks": "月低保标准", "left_to": "民政部门文件", "unit": "yuan"}},
    "readings": {
        "I-01": {
            "clause": ["JX-4"], "question": "起付线按年还是按次", "default": "year",
            "choices": {
                "year": {"means": "按年累计"},
                "stay": {"means": "按次", "set": {"layers[inpatient].deductible.per": "stay"}},
            },
        }
    },
    "care": {"clause": "JX-2", "inpatient": ["21"], "chronic_outpatient": ["14"]},
    "categories": [
        {"id": "dibao", "name": "低保对象", "clause": "JX-3", "identities": ["dibao"]},
        {"id": "edge", "name": "低保边缘家庭成员", "clause": "JX-3", "identities": ["dibao_edge"]},
    ],
    "no_category": "JX-3",
    "funds": [{"id": "assistance", "name": "医疗救助基金", "clause": "JX-9"}],
    "layers": [
        {
            "id": "inpatient", "name": "住院救助", "clause": "JX-4", "readings": ["I-01"],
            "covers": {"category": ["dibao", "edge"], "care": ["inpatient"]},
            "base": {"measure": "in_policy", "clause": "JX-4"}, "fund": "assistance",
            "caps": {"yearly": {"per": "year", "clause": "JX-5"}},
            "figures": [
                {"clause": "JX-4.1", "when": {"category": ["dibao"]}, "rate": "70%",
                 "caps": {"yearly": {"times": 60, "of": {"delegated": "jx.standard"}}}},
                {"clause": "JX-4.2", "when": {"category": ["edge"]}, "deductible": "3000 元", "rate": "60%", "caps": {"yearly": "3 万元"}},
            ],
        }
    ],
}  # fmt: skip

STANDARD = [EnteredValue("jx.standard", "600.00", "县民政局文件")]
BASE = {"measure": "in_policy", "clause": "JX-7"}
SECOND = {
    "id": "second", "name": "二次救助", "clause": "JX-7", "covers": {"category": ["dibao"]}, "base": BASE, "fund": "assistance",
    "figures": [{"clause": "JX-7.1", "rate": "30%"}],
}  # fmt: skip


class _Plain(yaml.SafeDumper):
    """Writes what occurs twice twice: packs have no anchors."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def changed(changes: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the sound pack's data with places set: ``"layers.0.figures.1.rate": "120%"``; None removes."""
    data = copy.deepcopy(SOUND)
    for path, value in (changes or {}).items():
        *steps, last = path.split("|") if "|" in path else path.split(".")
        at: Any = data
        for step in steps:
            at = at[int(step)] if isinstance(at, list) else at.setdefault(step, {})
        if isinstance(at, list) and last == "+":
            at.append(value)
        elif isinstance(at, list):
            at[int(last)] = value
        elif value is None:
            at.pop(last, None)
        else:
            at[last] = value
    return data


def source(changes: dict[str, Any] | None = None, *, diseases: str = "") -> PackSource:
    """Return the texts of the sound pack with changes."""
    text = yaml.dump(changed(changes), Dumper=_Plain, allow_unicode=True, sort_keys=False, width=400)
    return read_source(text, file="sound/policy.yaml", diseases_text=diseases)


def pack(changes: dict[str, Any] | None = None) -> Pack:
    """Return the sound pack with changes, typed."""
    from tuodi.core.policy.load import load_pack

    return load_pack(source(changes))


def layer(**more: Any) -> dict[str, Any]:
    """Return the change that adds a second layer, with more of its own."""
    return {"layers.+": {**SECOND, **more}}


def found(changes: dict[str, Any] | None = None, values: Any = STANDARD, **more: Any) -> list[Finding]:
    """Return what the check says of the sound pack with changes."""
    return check(source(changes, **more), values)


def codes(changes: dict[str, Any] | None = None, values: Any = STANDARD, **more: Any) -> list[str]:
    """Return the codes of what the check says."""
    return [finding.code for finding in found(changes, values, **more)]
