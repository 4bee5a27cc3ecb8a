"""The books after a fault, looked at by processes that served nothing, with the commands that an office has.

``tuodi nightly`` tells the news that waits, folds every history again and walks the trail; ``tuodi audit verify`` walks it once more;
``tuodi export`` writes out what is kept, and ``tuodi adjudicate`` computes it: every fen of every settlement, layer and fund
that the service has entered is what the batch makes of the same files.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

from tests.faults.served import Served

#: Nobody of the cast may be granted more in a year (AK-3.4.1, the risen cap).
CAP_FEN = 5_000_000
#: Where the cast is insured.
AREA = "610902"
#: What is kept, told as it stands in the tables.
LOOK = """
import json
from tests.faults import kept
print(json.dumps(kept.told(), default=str))
"""


def books_of(served: Served) -> dict[str, Any]:
    """Return what the books say; raises if a law is broken."""
    night = served.tuodi("nightly")
    assert night.returncode == 0, night.stdout + night.stderr
    assert "与账上分毫不差" in night.stdout, night.stdout
    walked = served.tuodi("audit", "verify", "--json")
    assert walked.returncode == 0, walked.stdout + walked.stderr
    verdict = json.loads(walked.stdout)
    found: dict[str, Any] = json.loads(served.manage(LOOK).splitlines()[-1])
    assert not found["torn"], f"half a transaction is there: {found['torn']}"
    assert not found["waiting"], "news that was not told"
    assert all(fen <= CAP_FEN for fen in found["years"].values()), found["years"]
    assert verdict["holds"], verdict
    compared = against_the_batch(served, found)
    return found | {"sealed": verdict["sealed"], "compared": compared}


def against_the_batch(served: Served, found: dict[str, Any]) -> int:
    """Hold what was entered for every settlement, layer and fund against a batch over the files written out; return how many rows."""
    if not found["live"]:
        assert not found["entered"], found["entered"]
        return 0
    folder = served.home / f"exported-{served.chance.randrange(10**9)}"
    done = served.tuodi("export", "--area", AREA, "--out", str(folder), "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    done = served.tuodi(*told["command"][1:], "--quiet")
    assert done.returncode == 0, done.stdout + done.stderr
    out = Path(told["command"][told["command"].index("--out") + 1])
    earned: Counter[str] = Counter()
    for row in rows_of(out):
        if row["layer"]:
            earned[f"{row['setl_id']} {row['layer']} {row['fund']}"] += fen(row["pay"])
        elif row["refusal"]:
            assert row["setl_id"] in found["live"], row
    earned = Counter({key: paid for key, paid in earned.items() if paid})
    assert found["entered"] == dict(earned), "the service and the batch differ: " + str(
        sorted(set(found["entered"].items()) ^ set(earned.items()))[:6]
    )
    return len(earned)


def fen(yuan: str) -> int:
    """Return fen of an amount with two decimals."""
    whole, _, part = yuan.partition(".")
    return int(whole) * 100 + int(part.ljust(2, "0"))


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))
