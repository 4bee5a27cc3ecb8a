"""What one settle call asks of the database, sent again without the service: through pgbench, or by a loop on sqlite3.

The statements are captured from one call. What differs from call to call is put in the place of what the captured one had: the
ids of the message and the settlement, the person, and the keys that the database gave to the rows before.
"""

from __future__ import annotations

import random
import re
import shutil
import sqlite3
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

#: Variables of the script.
TAIL, PERSON, BILL, REFOLD = "tuodi_tail", "tuodi_person", "tuodi_bill", "tuodi_refold"


@dataclass(frozen=True)
class Captured:
    """The statements of one call and what in them belongs to this call alone."""

    statements: list[str]
    tail: str
    nonce: str
    person: str
    bill: str
    refold: str

    def general(self, mark: str) -> list[tuple[str, str]]:
        """Return each statement with its variables, and the variable that its answer sets, if any."""
        known = [(self.person, PERSON)]
        found: list[tuple[str, str]] = []
        for statement in self.statements:
            if statement == "COMMIT" and found[-1][0].startswith("BEGIN"):
                found.pop()
                continue
            said = statement.replace(self.tail, mark.format(TAIL)).replace(self.nonce, mark.format(TAIL))
            for text, name in known:
                said = re.sub(rf"(?<!\d){text}(?!\d)", mark.format(name), said)
            sets = ""
            for table, text, name in (("settlement_bill", self.bill, BILL), ("settlement_refold", self.refold, REFOLD)):
                if re.match(rf'INSERT INTO "?{table}"? ', statement):
                    known.append((text, name))
                    sets = name
            found.append((said, sets))
        return found


def pgbench() -> str:
    """Return where pgbench is; "" if it is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pgbench"))
    return shutil.which("pgbench") or (str(found[-1]) if found else "")


def script(captured: Captured, people: range) -> str:
    """Return the call as a script of pgbench."""
    lines = [
        f"\\set {TAIL} random(500000000000000000, 899999999999999999)",
        f"\\set {PERSON} random({people.start}, {people.stop - 1})",
    ]
    for statement, sets in captured.general(":{}"):
        statement = " ".join(statement.split("\n"))
        lines.append(f"{statement} \\gset {sets}_" if sets else f"{statement};")
    text = "\n".join(lines) + "\n"
    for name in (BILL, REFOLD):
        text = text.replace(f":{name}", f":{name}_id")
    return text


@dataclass(frozen=True)
class Replay:
    """Seconds of one transaction and transactions a second, as pgbench says them."""

    latency: float
    rate: float


def through_pgbench(text: str, *, host: str, clients: int, transactions: int) -> Replay:
    """Run the script; each client does that many transactions."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(text)
        file.flush()
        done = subprocess.run(
            [pgbench(), "-n", "-h", host, "-U", "postgres", "-f", file.name, "-c", str(clients), "-j", str(min(clients, 2)), "-t", str(transactions), "postgres"],
            capture_output=True, text=True,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert "number of failed transactions: 0" in done.stdout, done.stdout
    latency = re.search(r"latency average = ([\d.]+) ms", done.stdout)
    rate = re.search(r"tps = ([\d.]+)", done.stdout)
    assert latency is not None
    assert rate is not None
    return Replay(float(latency[1]) / 1000, float(rate[1]))


class Loop:
    """The same on SQLite: one connection, set up as the service's."""

    def __init__(self, captured: Captured, path: str, people: range, settings: str) -> None:
        self.connection = sqlite3.connect(path, timeout=20, isolation_level=None)
        self.connection.executescript(settings)
        self.statements = captured.general("\x01{}\x01")
        self.people = people

    def __call__(self) -> None:
        values = {TAIL: str(random.randrange(5 * 10**17, 9 * 10**17)), PERSON: str(random.choice(self.people))}
        for statement, sets in self.statements:
            for name, value in values.items():
                statement = statement.replace(f"\x01{name}\x01", value)
            rows = self.connection.execute(statement).fetchall()
            if sets:
                values[sets] = str(rows[0][0])
