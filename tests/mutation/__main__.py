"""Run a stated sample of the mutants of each file of the money path, and say what became of them.

    python -m tests.mutation --each 40 --seed 1

``mutmut`` makes the mutants (``[tool.mutmut]`` in ``pyproject.toml``); the sample is drawn by name, so the same seed on the same code
is the same sample. Prints a table for ``docs/reference/mutation.md`` and writes what each survivor changes to ``mutants/survivors.txt``.
"""

from __future__ import annotations

import argparse
import random
import re
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

MUTMUT = [sys.executable, "-m", "mutmut"]
#: One small function: running it alone makes every mutant and finds which tests reach what.
FIRST = "tuodi.core.money.x_half_up__mutmut_1"
STATES = ("killed", "timeout", "survived", "suspicious", "no tests")


def states() -> dict[str, str]:
    """Return every mutant with what is known of it."""
    said = subprocess.run([*MUTMUT, "results", "--all", "true"], capture_output=True, text=True, check=True).stdout
    pairs = (line.split(":") for line in said.splitlines() if "__mutmut_" in line)
    return {name.strip(): state.strip() for name, state in pairs}


def file_of(name: str) -> str:
    """Return the module that a mutant is in.

    >>> file_of("tuodi.core.engine.fold.x_run__mutmut_3"), file_of("tuodi.core.policy.figures.xǁMissingǁ__init____mutmut_2")
    ('tuodi.core.engine.fold', 'tuodi.core.policy.figures')
    """
    return re.sub(r"\.(x_|xǁ).*", "", name)


def sample(names: list[str], each: int, seed: int) -> list[str]:
    """Return at most ``each`` mutants of each file, drawn by the seed, file by file in turn."""
    by_file = defaultdict(list)
    for name in sorted(names):
        by_file[file_of(name)].append(name)
    drawn = [random.Random(seed).sample(own, min(each, len(own))) for own in by_file.values()]
    return [own[n] for n in range(each) for own in drawn if n < len(own)]


def main() -> int:
    """Draw, run, tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--each", type=int, default=40, help="mutants of each file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--children", type=int, default=2, help="processes")
    args = parser.parse_args()
    subprocess.run([*MUTMUT, "run", "--max-children", "1", FIRST], check=True, stdout=subprocess.DEVNULL)
    names = list(states())
    drawn = sample(names, args.each, args.seed)
    subprocess.run(
        [*MUTMUT, "run", "--max-children", str(args.children), *drawn], check=False, stdout=subprocess.DEVNULL
    )
    found = states()
    counts, all_of = defaultdict(Counter), Counter(map(file_of, names))
    for name in drawn:
        counts[file_of(name)][found[name]] += 1
    print(f"| file | mutants | {' | '.join(STATES)} |\n|---|---|{'---|' * len(STATES)}")
    for file, own in sorted(counts.items()):
        print(f"| `{file}` | {all_of[file]} | {' | '.join(str(own[state]) for state in STATES)} |")
    survivors = [name for name in drawn if found[name] not in ("killed", "timeout")]
    shown = (subprocess.run([*MUTMUT, "show", name], capture_output=True, text=True).stdout for name in survivors)
    Path("mutants/survivors.txt").write_text("\n".join(shown), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
