"""Run the mutants of the money path that the ledger does not know yet, and write what became of them into it and its page.

    python -m tests.mutation                    # go on with what is missing
    python -m tests.mutation --survivors        # run the survivors again: does a test notice them since?
    python -m tests.mutation --only fold,rows   # of these modules only
    python -m tests.mutation --table            # run nothing, write the page

``mutmut`` makes the mutants (``[tool.mutmut]`` in ``pyproject.toml``); ``forks`` runs them after one collection of the tests and
``ledger`` keeps what became of them. A run may be stopped at any time: the next one goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.mutation.ledger import Function, enter, functions_in, into_page, missing, read, survivors, table, write

MUTANTS = Path("mutants")
NAMES = MUTANTS / "wanted.txt"
TOLD = NAMES.with_suffix(".told")
LEDGER = Path("docs/reference/mutation.jsonl")
PAGE = LEDGER.with_suffix(".md")
OPTIONS = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["tool"]["mutmut"]
#: Only the first half of what mutmut does; it prints each file.
MAKE = """
from mutmut import __main__ as made
made.Path("mutants").mkdir(exist_ok=True)
made.set_mutant_under_test("mutant_generation")
made.copy_src_dir(), made.copy_also_copy_files(), made.setup_source_paths()
made.create_mutants(1)
"""


def functions() -> dict[str, Function]:
    """Return every function with mutants, in the order in which the files are named."""
    out: dict[str, Function] = {}
    for file in OPTIONS["only_mutate"]:
        module = file.removeprefix("src/").removesuffix(".py").replace("/", ".")
        out |= functions_in(module, (MUTANTS / file).read_text("utf-8"))
    return out


def told(digests: dict[str, str]) -> dict[str, str]:
    """Return what runs have told of mutants whose function is still the same."""
    lines = [json.loads(line) for line in TOLD.read_text("utf-8").splitlines()] if TOLD.exists() else []
    return {line["mutant"]: line["state"] for line in lines if digests.get(line["mutant"]) == line["digest"]}


def run(wanted: dict[str, str], children: int) -> None:
    """Run mutants, each given with the digest of its function."""
    NAMES.write_text("".join(f"{mutant} {digest}\n" for mutant, digest in wanted.items()), "utf-8")
    own = {
        "TUODI_MUTANTS": str(NAMES.resolve()), "TUODI_CHILDREN": str(children), "PYTHONPATH": "src",
        "TUODI_EXAMPLES": "mutants", "POLARS_MAX_THREADS": "1",
    }  # fmt: skip
    command = [
        sys.executable, "-m", "pytest", "-p", "tests.mutation.forks", "-p", "no:cacheprovider", "-n", "0", "-s", "--tb=no",
        *OPTIONS["pytest_add_cli_args_test_selection"],
    ]  # fmt: skip
    subprocess.run(command, cwd=MUTANTS, env={**os.environ, **own}, check=False)


def main() -> int:
    """Make, run, enter, tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--survivors", action="store_true", help="run the survivors again")
    parser.add_argument("--only", default="", help="modules, separated by commas")
    parser.add_argument("--table", action="store_true", help="run nothing")
    parser.add_argument("--children", type=int, default=2, help="processes")
    args = parser.parse_args()
    subprocess.run([sys.executable, "-c", MAKE], check=True, stdout=subprocess.DEVNULL)
    made, ledger = functions(), read(LEDGER)
    digests = {f"{f.name}__mutmut_{n}": f.digest for f in made.values() for n in f.mutants}
    enter(ledger, made, told(digests))
    names = (
        survivors(ledger) if args.survivors else [name for name in missing(ledger, made) if name not in told(digests)]
    )
    if args.only:
        names = [name for name in names if name.split(".")[-2] in args.only.split(",")]
    if names and not args.table:
        run({name: digests[name] for name in names}, args.children)
        enter(ledger, made, told(digests))
    write(LEDGER, ledger, made)
    into_page(PAGE, table(ledger, made))
    return 0


if __name__ == "__main__":
    sys.exit(main())
