"""The kind of worked case ``stated``: what a pack says of a clause that nothing is computed from, held against the text by hand.

Steps of a procedure, materials, services, funds, duties by department, a value that is left to another document: the case quotes the
sentence and writes down what the pack must hold; whoever changes one of the two sees the other fail.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from tuodi.core.engine.plan import Plan
from tuodi.core.policy.case_values import KINDS, Case, Mismatch, facts_of_case, shown

PART = re.compile(r"[^.\[\]]+|\[[^\]]+\]")


def _stated(plan: Plan, case: Case) -> list[Mismatch]:
    facts_of_case(case, set())
    data = msgspec.to_builtins(plan.pack)
    out = []
    for path, wanted in case.data["expect"].items():
        found = _like(part_of(data, str(path)), wanted)
        if shown(found) != shown(wanted):
            out.append(Mismatch(case, str(path), shown(wanted), shown(found)))
    return out


def part_of(data: Any, path: str) -> Any:
    """Return a part of a pack by its path, None if there is none.

    ``procedures[apply].steps`` finds items by their id; ``duties[XX-1]`` all items of a clause; ``delegated[xx.rate]`` a key.

    >>> part_of({"funds": [{"id": "a", "uses": ["x"]}]}, "funds[a].uses")
    ['x']
    >>> part_of({"duties": [{"clause": "XX-1", "lead": ["甲"]}]}, "duties[XX-1]")
    [{'clause': 'XX-1', 'lead': ['甲']}]
    """
    for name in PART.findall(path):
        key = name.strip("[]")
        if isinstance(data, dict):
            data = data.get(key)
        elif isinstance(data, list):
            own = next((item for item in data if isinstance(item, dict) and item.get("id") == key), None)
            data = own or [item for item in data if isinstance(item, dict) and item.get("clause") == key] or None
        else:
            return None
    return data


def _like(found: Any, wanted: Any) -> Any:
    """Return of what was found what a case speaks of: of mappings the keys it names, of lists every item."""
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        return {key: _like(found.get(key), value) for key, value in wanted.items()}
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        return [_like(own, one) for own, one in zip(found, wanted, strict=True)]
    return found


KINDS["stated"] = _stated
