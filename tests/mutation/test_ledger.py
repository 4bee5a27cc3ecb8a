"""The ledger of mutants: what is run again, what adds up, what is never run."""

import json

from tests.mutation.ledger import (
    KILLED,
    MARKS,
    SURVIVED,
    WITHOUT_END,
    enter,
    functions_in,
    into_page,
    missing,
    read,
    survivors,
    table,
    write,
)

TEXT = """
def x_f__mutmut_orig(a):
    assert a, "nothing"
    return a + 1

def x_f__mutmut_1(a):
    assert a, "XXnothingXX"
    return a + 1

def x_f__mutmut_2(a):
    assert a, "nothing"
    return a - 1

def x_f__mutmut_3(a):
    assert a, "nothing"
    return a + 2
"""
NAME = "tuodi.core.money.x_f"


def test_a_text_of_an_assertion_is_not_run_and_everything_else_is():
    assert missing({}, functions_in("tuodi.core.money", TEXT)) == [f"{NAME}__mutmut_2", f"{NAME}__mutmut_3"]


def test_a_function_is_entered_once_all_its_mutants_are_told_and_runs_again_only_when_it_changes(tmp_path):
    made, ledger = functions_in("tuodi.core.money", TEXT), {}
    enter(ledger, made, {f"{NAME}__mutmut_2": KILLED})
    assert ledger == {}
    enter(ledger, made, {f"{NAME}__mutmut_2": WITHOUT_END, f"{NAME}__mutmut_3": SURVIVED})
    write(tmp_path / "ledger.jsonl", ledger, made)
    kept = read(tmp_path / "ledger.jsonl")
    assert kept == ledger
    assert missing(kept, made) == []
    assert missing(kept, functions_in("tuodi.core.money", TEXT.replace("a + 1", "a + 7"))) != []


def test_a_survivor_keeps_what_was_found_on_reading_it_until_a_test_notices_it(tmp_path):
    made, ledger, page = functions_in("tuodi.core.money", TEXT), {}, tmp_path / "page.md"
    told = {f"{NAME}__mutmut_2": KILLED, f"{NAME}__mutmut_3": SURVIVED}
    enter(ledger, made, told)
    assert survivors(ledger) == [f"{NAME}__mutmut_3"]
    ledger[NAME].survived["3"][1] = "no amount: …"
    enter(ledger, made, told)
    page.write_text("Before.\n", "utf-8")
    for _ in range(2):
        into_page(page, table(ledger, made))
    text = page.read_text("utf-8")
    assert text.count(MARKS[0]) == 1
    assert "| together | 3 | 1 | 2 | 1 | 0 | 1 |" in text
    assert "| `core/money.py f` 3 | `return a + 1 → return a + 2` | no amount: … |" in text
    enter(ledger, made, {f"{NAME}__mutmut_3": KILLED})
    assert survivors(ledger) == []
    assert ledger[NAME].killed == 2


def test_a_line_is_json_that_people_can_correct(tmp_path):
    made, ledger = functions_in("tuodi.core.money", TEXT), {}
    enter(ledger, made, {f"{NAME}__mutmut_2": KILLED, f"{NAME}__mutmut_3": SURVIVED})
    write(tmp_path / "ledger.jsonl", ledger, made)
    [line] = (tmp_path / "ledger.jsonl").read_text("utf-8").splitlines()
    assert json.loads(line)["survived"] == {"3": ["return a + 1 → return a + 2", "not read yet"]}
