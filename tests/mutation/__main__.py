"""Run the mutants of the money path, all or a stated sample of each file, and say what became of them.

    python -m tests.mutation                          # all of them
    python -m tests.mutation --each 40 --seed 1       # a sample of each file

``mutmut`` makes the mutants (``[tool.mutmut]`` in ``pyproject.toml``) and finds which tests reach which function; ``forks`` runs them after
one collection. The order is drawn by name and goes through the files in turn: a run that is stopped is a fair sample of each, and a second
start goes on where the first one stopped (``--fresh`` forgets it). Prints a table for ``docs/reference/mutation.md`` and writes what each
survivor changes to ``mutants/survivors.txt``.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tomllib
from collections import Counter, defaultdict
from pathlib import Path

from tests.mutation.forks import KILLED, SURVIVED, WITHOUT_END, module_of

MUTMUT = [sys.executable, "-m", "mutmut"]
#: One small function: running it alone makes every mutant and finds which tests reach what.
FIRST = "tuodi.core.money.x_half_up__mutmut_1"
STATES = (KILLED, WITHOUT_END, SURVIVED)
MUTANTS = Path("mutants")
NAMES = MUTANTS / "drawn.txt"
TOLD = NAMES.with_suffix(".told")
#: Examples of each law: a mutant that many examples are needed to notice is a case to be written.
EXAMPLES = "8"


def made() -> list[str]:
    """Return every mutant that mutmut has made."""
    files = sorted(MUTANTS.rglob("*.meta"))
    return sorted(name for file in files for name in json.loads(file.read_text("utf-8"))["exit_code_by_key"])


def sample(names: list[str], each: int | None, seed: int) -> list[str]:
    """Return at most ``each`` mutants of each file, drawn by the seed; the files in turn, each as often as its size."""
    by_file = defaultdict(list)
    for name in sorted(names):
        by_file[module_of(name)].append(name)
    drawn = []
    for own in by_file.values():
        chosen = random.Random(seed).sample(own, min(each or len(own), len(own)))
        drawn += [((n + 0.5) / len(chosen), name) for n, name in enumerate(chosen)]
    return [name for _, name in sorted(drawn)]


def run(children: int) -> None:
    """Run what is drawn and not yet told."""
    options = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["tool"]["mutmut"]
    forks = ["-p", "tests.mutation.forks", "-p", "no:cacheprovider", "-n", "0"]
    own = {
        "TUODI_MUTANTS": str(NAMES.resolve()),
        "TUODI_CHILDREN": str(children),
        "PYTHONPATH": "src",
        "N": EXAMPLES,
    }
    command = [sys.executable, "-m", "pytest", *forks, *options["pytest_add_cli_args_test_selection"]]
    subprocess.run(command, cwd=MUTANTS, env={**os.environ, **own}, check=False)


def table(told: list[dict], names: list[str]) -> str:
    """Return what became of the mutants of each file."""
    counts, all_of = defaultdict(Counter), Counter(map(module_of, names))
    for one in told:
        counts[module_of(one["mutant"])][one["state"]] += 1
        counts["together"][one["state"]] += 1
    all_of["together"] = len(names)
    lines = [f"| file | mutants | run | {' | '.join(STATES)} |", "|---|---|---|" + "---|" * len(STATES)]
    for file, own in sorted(counts.items(), key=lambda pair: (pair[0] == "together", pair[0])):
        numbers = [all_of[file], own.total(), *(own[state] for state in STATES)]
        lines.append(f"| `{file}` | " + " | ".join(f"{number:,}" for number in numbers) + " |")
    return "\n".join(lines)


def main() -> int:
    """Draw, run, tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--each", type=int, help="mutants of each file; all without it")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--children", type=int, default=2, help="processes")
    parser.add_argument("--fresh", action="store_true", help="make the mutants again and forget what was told")
    args = parser.parse_args()
    if args.fresh or not NAMES.exists():
        TOLD.unlink(missing_ok=True)
        subprocess.run([*MUTMUT, "run", "--max-children", "1", FIRST], check=True, stdout=subprocess.DEVNULL)
    names = made()
    NAMES.write_text("\n".join(sample(names, args.each, args.seed)), "utf-8")
    run(args.children)
    told = [json.loads(line) for line in TOLD.read_text("utf-8").splitlines()]
    print(table(told, names))
    survivors = [one["mutant"] for one in told if one["state"] == SURVIVED]
    shown = (subprocess.run([*MUTMUT, "show", name], capture_output=True, text=True).stdout for name in survivors)
    (MUTANTS / "survivors.txt").write_text("\n".join(shown), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
