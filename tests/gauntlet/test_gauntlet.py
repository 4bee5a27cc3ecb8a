"""The gauntlet at the level of the engine: stories that a medical-assistance system must get right (peers, G1 to G18).

In brackets what openIMIS's claim engine paid when the story was run on it. G8 (two counters at once), G15 (a message sent twice)
and G16 (a confirmation lost) have a counter in them and are told through the service; here the same history twice is the same.
"""

from datetime import date
from functools import cache
from pathlib import Path

import pytest

from tuodi.batch.packs import entered_values, pack_of
from tuodi.core.engine.fold import differences, fold, live
from tuodi.core.engine.plan import make_plan
from tuodi.core.identities import IdentityRecord
from tuodi.core.money import yuan
from tuodi.core.policy.case_values import settlement_of
from tuodi.core.policy.load import load_pack, read_source

PACKS = Path(__file__).parent / "packs"
SAMPLE = Path(__file__).parent.parent / "data" / "delegated-sample.yaml"
DIBAO = (IdentityRecord("甲", "dibao", date(2010, 1, 1)),)


@cache
def plan(pack, **readings):
    """Return the plan of a small pack of this folder, or of one of the shelf, under chosen readings (``I_11="discharge"``)."""
    chosen = {name.replace("_", "-"): choice for name, choice in readings.items()}
    path = PACKS / f"{pack}.yaml"
    if path.exists():
        return make_plan(load_pack(read_source(path.read_text("utf-8"), file=path.name), readings=chosen))
    shelved = pack_of(pack, readings=chosen)
    return make_plan(shelved, entered_values(SAMPLE, shelved))


def stay(settled, burden, number, **more):
    """Return a bill of a stay; ``more`` as in a case."""
    when = settled if " " in settled else f"{settled} 10:00"
    return settlement_of({"id": str(number), "settled": when, "burden": f"{burden} 元", **more}, number)


def stays(*bills, **more):
    """Return bills numbered in the order in which they arrive: ``(day, burden)``."""
    return [stay(day, burden, number, **more) for number, (day, burden) in enumerate(bills, start=1)]


def results(plan_, bills, identities=DIBAO, applications=()):
    """Return the fold of what has arrived so far; the reference evaluator must say the same."""
    found = fold(plan_, bills, identities, applications)
    assert [r.layers for r in found] == [r.layers for r in fold(plan_, bills, identities, applications, reference=True)]
    return found


def pays(plan_, bills, identities=DIBAO):
    """Return what each bill is paid, in the order of the bills given, as yuan."""
    found = {r.settlement.setl_id: yuan(r.pay) for r in results(plan_, bills, identities)}
    return [found[bill.setl_id] for bill in bills]


def issued(before, after):
    """Return the differences between two folds: settlement and yuan to pay or to claim back."""
    return [(d.setl_id, yuan(d.amount)) for d in differences(before, after)]


def test_G01_a_yearly_cap_is_used_up_bill_by_bill_and_to_the_last_yuan():
    # due 300, 300, 300, 100 [300, 300, 0, 0: every claim counted twice]
    bills = stays(("2024-02-01", 300), ("2024-03-01", 300), ("2024-04-01", 300), ("2024-05-01", 300))
    assert pays(plan("ceiling"), bills) == ["300.00", "300.00", "300.00", "100.00"]
    assert [r.layers[0].cut for r in results(plan("ceiling"), bills)] == [0, 0, 0, 20_000]
    assert pays(plan("ceiling"), [*bills, stay("2025-01-02", 300, 5)])[-1] == "300.00"


def test_G02_a_deductible_is_carried_over_bills():
    # due 0, 100, 300 [300, 300, 300: a line wholly under the deductible was approved all the same]
    bills = stays(("2024-02-01", 300), ("2024-03-01", 300), ("2024-04-01", 300))
    assert pays(plan("deductible"), bills) == ["0.00", "100.00", "300.00"]
    assert [r.layers[0].deductible for r in results(plan("deductible"), bills)] == [30_000, 20_000, 0]


@pytest.mark.parametrize("amount", ["10.99", "0.01", "0.99", "999.99"])
def test_G03_cents_are_paid(amount):
    # due 10.99 [10.00, and nothing for 0.99]
    assert pays(plan("ceiling"), stays(("2024-02-01", amount))) == [amount]


def test_G04_inpatient_and_outpatient_have_caps_of_their_own():
    # due 300 + 300 [the second claim could not be processed at all]
    bills = [stay("2024-02-01", 300, 1, care="14"), stay("2024-03-01", 300, 2)]
    assert pays(plan("two-kinds"), bills) == ["300.00", "300.00"]
    more = [*bills, stay("2024-04-01", 300, 3, care="14"), stay("2024-05-01", 800, 4)]
    assert pays(plan("two-kinds"), more) == ["300.00", "300.00", "200.00", "700.00"]


def test_G05_the_cap_of_a_class_holds_across_bills():
    # due 800, 200 [800, 800: what was paid before was taken for 0]
    major = stays(("2024-02-01", 800), ("2024-03-01", 800), disease="major")
    assert pays(plan("class-cap"), major) == ["800.00", "200.00"]
    general = stay("2024-02-20", 500, 9)
    assert pays(plan("class-cap"), [*major, general]) == ["800.00", "200.00", "500.00"]


def test_G06_a_bill_of_March_that_arrives_after_the_bill_of_May_comes_first():
    # due 800 + 200 [800 + 0: order of arrival]
    may, march = stays(("2024-05-10", 800), ("2024-03-10", 800))
    before, after = results(plan("ceiling"), [may]), results(plan("ceiling"), [may, march])
    assert pays(plan("ceiling"), [march, may]) == pays(plan("ceiling"), [may, march])[::-1] == ["800.00", "200.00"]
    assert issued(before, after) == [("2", "800.00"), ("1", "-600.00")]


def test_G06_bills_of_the_same_instant_are_folded_by_their_id():
    bills = [stay("2024-03-01 10:00", 700, 2), stay("2024-03-01 10:00", 700, 1)]
    assert pays(plan("ceiling"), bills) == pays(plan("ceiling"), bills[::-1])[::-1] == ["300.00", "700.00"]


def test_G07_a_cancellation_frees_the_cap_and_issues_the_differences():
    # due: the later claims get its money [0: the dead claim still consumes]
    bills = stays(("2024-02-01", 600), ("2024-03-01", 600), ("2024-04-01", 600))
    before, after = results(plan("ceiling"), bills), results(plan("ceiling"), live(bills, ["1"]))
    assert [yuan(r.pay) for r in before] == ["600.00", "400.00", "0.00"]
    assert [yuan(r.pay) for r in after] == ["600.00", "400.00"]
    assert issued(before, after) == [("2", "200.00"), ("3", "400.00"), ("1", "-600.00")]


def test_G09_two_layers_on_one_bill_keep_accounts_of_their_own():
    # due 100 and 200, accumulators 100 and 200 [300 and 300]
    first, second = results(plan("two-layers"), stays(("2024-02-01", 1000), ("2024-03-01", 1000)))
    assert [yuan(layer.pay) for layer in first.layers] == ["100.00", "200.00"]
    assert [yuan(layer.pay) for layer in second.layers] == ["50.00", "50.00"]
    assert (yuan(first.pay), yuan(second.pay)) == ("300.00", "100.00")


def test_G10_a_child_is_not_limited_by_the_cap_of_adults():
    # due: no limit for the child [limited: a method used without a call was always true]
    child = {"birth": "2010-03-15"}
    assert pays(plan("by-age"), stays(("2024-02-01", 400), ("2024-03-01", 400), **child)) == ["400.00", "400.00"]
    assert pays(plan("by-age"), stays(("2024-02-01", 400), ("2024-03-01", 400), birth="1960-01-01")) == [
        "400.00",
        "100.00",
    ]


@pytest.mark.parametrize(
    ("admitted", "due"), [("2024-03-14", "800.00"), ("2024-03-15", "500.00"), ("2024-03-16", "500.00")]
)
def test_G10_the_eighteenth_birthday_is_the_first_day_of_an_adult(admitted, due):
    bill = stay("2024-04-01", 800, 1, birth="2006-03-15", admitted=admitted, discharged="2024-03-31")
    assert pays(plan("by-age"), [bill]) == [due]


def test_G10_nobody_is_a_child_or_an_adult_for_want_of_a_birth_date():
    (result,) = results(plan("by-age"), stays(("2024-02-01", 800)))
    assert (result.pay, result.decision.refusal) == (0, "not_yet_known")


def test_G11_an_identity_granted_back_issues_what_the_earlier_bills_should_have_had():
    # TH-3.2.8: applied for on 10 June, certified on 1 July; reaches back to 10 June of the year before: 5,000 - 3,000 at 50 %
    bills = stays(("2022-03-01", 5000), ("2022-08-01", 1000))
    granted = (IdentityRecord("甲", "illness_poverty", date(2022, 7, 1), None, date(2022, 7, 1), date(2022, 6, 10)),)
    late = (IdentityRecord("甲", "illness_poverty", date(2022, 7, 1), None, date(2022, 7, 1)),)
    tinghu = plan("320902-tinghu")
    before, after = results(tinghu, bills, late), results(tinghu, bills, granted)
    assert [yuan(r.pay) for r in before] == ["0.00", "0.00"]
    assert before[0].decision.refusal == "no_category"
    assert [yuan(r.pay) for r in after] == ["1000.00", "500.00"]
    assert issued(before, after) == [("1", "1000.00"), ("2", "500.00")]
    assert after[0].layers[0].due_on == date(2022, 7, 1)


def test_G11_an_identity_taken_back_claims_back():
    bills = stays(("2024-02-01", 600), ("2024-06-01", 600))
    ended = (IdentityRecord("甲", "dibao", date(2010, 1, 1), date(2024, 3, 31)),)
    assert issued(results(plan("ceiling"), bills), results(plan("ceiling"), bills, ended)) == [("2", "-400.00")]


def test_G12_insurance_settled_again_upstream_is_a_cancellation_and_a_new_bill():
    # 20,000 in scope: insurance paid 12,000, then 15,000. Dibao in Ankang 70 % of 8,000, then of 5,000; the next bill is untouched
    first = stay("2024-02-01", 0, "1a", inscp="20000 元", hifp="12000 元")
    again = stay("2024-02-09", 0, "1b", inscp="20000 元", hifp="15000 元")
    later = stay("2024-03-01", 1000, 2)
    ankang = plan("610900-ankang")
    before, after = results(ankang, [first, later]), results(ankang, live([first, later, again], ["1a"]))
    assert [yuan(r.pay) for r in before] == ["5600.00", "700.00"]
    assert issued(before, after) == [("1b", "3500.00"), ("1a", "-5600.00")]


def test_G12_insurance_that_pays_more_frees_the_cap_for_the_next_bill():
    first = stay("2024-02-01", 0, "1a", inscp="2000 元", hifp="1100 元")
    again = stay("2024-02-01 11:00", 0, "1b", inscp="2000 元", hifp="1500 元")
    later = stay("2024-03-01", 600, 2)
    before, after = (
        results(plan("ceiling"), [first, later]),
        results(plan("ceiling"), live([first, again, later], ["1a"])),
    )
    assert issued(before, after) == [("1b", "500.00"), ("2", "400.00"), ("1a", "-900.00")]


def test_G13_a_household_split_in_mid_year_leaves_each_bill_with_the_household_of_its_day():
    # 甲 and 乙 share 1,000 as household 一; in May 乙 moves out: household 二 begins anew, 甲 goes on with what 一 has left
    bills = [
        stay("2024-02-01", 400, 1, person="甲", household="一"), stay("2024-03-01", 400, 2, person="乙", household="一"),
        stay("2024-06-01", 900, 3, person="乙", household="二"), stay("2024-07-01", 400, 4, person="甲", household="一"),
    ]  # fmt: skip
    both = tuple(IdentityRecord(person, "dibao", date(2010, 1, 1)) for person in "甲乙")
    assert pays(plan("household"), bills, both) == ["400.00", "400.00", "900.00", "200.00"]


def test_G13_a_split_recorded_late_issues_the_differences_of_both_households():
    def told(household):
        return [
            stay("2024-02-01", 800, 1, person="甲", household="一"),
            stay("2024-06-01", 900, 2, person="乙", household=household),
            stay("2024-07-01", 100, 3, person="甲", household="一"),
        ]

    both = tuple(IdentityRecord(person, "dibao", date(2010, 1, 1)) for person in "甲乙")
    before, after = results(plan("household"), told("一"), both), results(plan("household"), told("二"), both)
    assert [yuan(r.pay) for r in before] == ["800.00", "200.00", "0.00"]
    assert issued(before, after) == [("2", "700.00"), ("3", "100.00")]


@pytest.mark.parametrize(
    ("reading", "due"), [("settlement", "800.00"), ("discharge", "800.00"), ("admission", "600.00")]
)
def test_G14_a_rule_changed_during_a_stay_is_judged_by_the_day_of_the_reading(reading, due):
    bill = stay("2024-07-06", 1000, 1, admitted="2024-06-20", discharged="2024-07-05")
    assert pays(plan("raised-rate", I_11=reading), [bill]) == [due]


def test_G14_the_last_day_of_the_old_rule_and_the_first_of_the_new():
    assert pays(plan("raised-rate"), stays(("2024-06-30 23:59", 1000), ("2024-07-01 00:00", 1000))) == [
        "600.00",
        "800.00",
    ]


def test_G15_the_same_history_twice_is_the_same_history():
    bills = stays(("2024-02-01", 600), ("2024-03-01", 600))
    assert issued(results(plan("ceiling"), bills), results(plan("ceiling"), bills)) == []


def test_G17_a_donation_lowers_the_burden_and_its_refund_restores_it():
    # WH-2.3.1: a dibao person of Weihai, 10,000: 70 %; a donation of 4,000 is taken off, then given back
    def told(relief):
        return [stay("2018-02-01", 10_000, 1, relief=f"{relief} 元"), stay("2018-05-01", 1000, 2)]

    weihai = plan("371072-weihai-edz")
    bare, donated, refunded = (results(weihai, told(relief)) for relief in (0, 4000, 0))
    assert [yuan(r.pay) for r in bare] == ["7000.00", "700.00"]
    assert issued(bare, donated) == [("1", "-2800.00")]
    assert issued(donated, refunded) == [("1", "2800.00")]
    assert issued(bare, refunded) == []


def test_G17_charity_of_a_clause_that_comes_after_is_never_taken_off():
    # I-55: aid paid under WH-2.2.4 comes after the layer, whenever it arrives
    aided = [stay("2018-02-01", 10_000, 1, later_aid="4000 元")]
    assert pays(plan("371072-weihai-edz"), aided) == ["7000.00"]


@pytest.mark.parametrize(("reading", "due"), [("settlement", "14000.00"), ("discharge", "0.00"), ("admission", "0.00")])
def test_G18_a_December_stay_settled_in_January_counts_in_the_year_of_the_reading(reading, due):
    # dibao in Ankang: 40,000 a year used up in October; the stay of 20 to 31 December, 20,000, is settled on 3 January
    october = stay("2023-10-10", 60_000, 1)
    december = stay("2024-01-03", 20_000, 2, admitted="2023-12-20", discharged="2023-12-31")
    assert pays(plan("610900-ankang", I_11=reading), [october, december]) == ["40000.00", due]


def test_G18_a_January_stay_beside_it_has_the_whole_cap_of_its_year():
    october, december, january = (
        stay("2023-10-10", 60_000, 1),
        stay("2024-01-03", 20_000, 2, admitted="2023-12-20", discharged="2023-12-31"),
        stay("2024-01-20", 60_000, 3),
    )
    bills = [october, december, january]
    assert pays(plan("610900-ankang", I_11="discharge"), bills) == ["40000.00", "0.00", "40000.00"]
    assert pays(plan("610900-ankang"), bills) == ["40000.00", "14000.00", "26000.00"]
