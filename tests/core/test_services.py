"""Services DT-3.5.2, QD-2.6.2, TH-3.1.1 and deposits AK-6.2.2, QD-2.5.1, DT-3.5.1."""

from dataclasses import replace
from datetime import date

import msgspec
import pytest
from around import held, plan
from hypothesis import given
from hypothesis import strategies as st

from tuodi.core.engine.plan import make_plan
from tuodi.core.engine.services import PersonOnDay, deposit, service
from tuodi.core.errors import InputErrors
from tuodi.core.policy.model import Figure, IdentityRule, Service, Window

THE_PLAN = plan()
IN_PROGRAMME = PersonOnDay(date(2023, 6, 1), answers={"supplementary_insured": True, "two_chronic": True})
AT_45 = PersonOnDay(date(2017, 11, 1), birth=date(1972, 11, 1), answers={"had_one_free": False})
LOW = [held("registered_low_income")]


def package(person=IN_PROGRAMME, **more):
    return service(THE_PLAN, "package", person, [], **more)


def examination(person=AT_45, records=LOW, **more):
    return service(THE_PLAN, "examination", person, records, **{"cost_fen": 10_000, **more})


@pytest.mark.parametrize(("cost", "pays"), [(349_999, 349_999), (350_000, 350_000), (350_001, 350_000)])
def test_DT_3_5_2_up_to_three_thousand_five_hundred_a_year(cost, pays):
    found = package(cost_fen=cost)
    assert (found.outcome, found.pays_fen, found.readings) == ("granted", pays, ("I-48",))


def test_DT_3_5_2_what_was_used_in_the_year_comes_off():
    earlier = [(date(2022, 12, 31), 350_000), (date(2023, 2, 1), 300_000)]
    assert package(cost_fen=80_000, earlier=earlier).pays_fen == 50_000
    used = package(cost_fen=1, earlier=[(date(2023, 1, 1), 350_000)])
    assert (used.outcome, used.room_fen) == ("used_up", 0)


def test_DT_3_5_2_outside_the_programme_or_not_known():
    person = replace(IN_PROGRAMME, answers={"supplementary_insured": True, "two_chronic": False})
    assert package(person, cost_fen=1).outcome == "not_in_group"
    unknown = package(replace(IN_PROGRAMME, answers={}), cost_fen=1)
    assert (unknown.outcome, unknown.missing) == ("not_yet_known", ("supplementary_insured", "two_chronic"))
    assert package().missing == ("cost",)


@pytest.mark.parametrize(
    ("birth", "outcome"),
    [(date(1972, 11, 1), "granted"), (date(1972, 11, 2), "not_in_group"), (date(1950, 1, 1), "granted")],
)
def test_QD_2_6_2_from_forty_five_on(birth, outcome):
    assert examination(replace(AT_45, birth=birth)).outcome == outcome


def test_QD_2_6_2_without_a_birth_date_it_is_not_yet_known():
    found = examination(replace(AT_45, birth=None))
    assert (found.outcome, found.missing) == ("not_yet_known", ("birth",))
    assert examination(replace(AT_45, birth=None), []).outcome == "not_in_group"


@pytest.mark.parametrize(("cost", "outcome"), [(9_999, "below_standard"), (10_000, "granted"), (15_000, "granted")])
def test_QD_2_6_2_at_least_one_hundred_yuan(cost, outcome):
    found = examination(cost_fen=cost)
    assert found.outcome == outcome
    assert found.pays_fen == (cost if outcome == "granted" else 0)


@pytest.mark.parametrize(
    ("on", "outcome"),
    [
        ("2017-10-19", "not_in_time"),
        ("2017-10-20", "granted"),
        ("2017-12-31", "granted"),
        ("2018-01-01", "not_in_time"),
    ],
)
def test_QD_2_6_2_within_the_year_of_issue(on, outcome):
    person = replace(AT_45, on=date.fromisoformat(on), birth=date(1950, 1, 1))
    assert examination(person).outcome == outcome


def test_QD_2_6_2_once_and_not_if_one_was_already_free():
    assert examination(earlier=[(date(2017, 10, 25), 10_000)]).outcome == "used_up"
    assert examination(replace(AT_45, answers={"had_one_free": True})).outcome == "excluded"
    assert examination(replace(AT_45, answers={})).missing == ("had_one_free",)


def test_TH_3_1_1_one_free_examination_a_year():
    person = PersonOnDay(date(2023, 6, 1))
    records = [held("dibao")]
    assert service(THE_PLAN, "yearly", person, records).says == "年度免费体检：可以免费享受。"
    last_year, this_year = [(date(2022, 6, 1), 0)], [(date(2023, 1, 1), 0)]
    assert service(THE_PLAN, "yearly", person, records, earlier=last_year).outcome == "granted"
    assert service(THE_PLAN, "yearly", person, records, earlier=this_year).outcome == "used_up"
    assert service(THE_PLAN, "yearly", person, records, cost_fen=5_000).pays_fen == 5_000


def test_a_service_before_the_pack_or_of_another_pack():
    assert service(THE_PLAN, "yearly", PersonOnDay(date(2016, 1, 1)), []).clause == "AK-8.5"
    with pytest.raises(InputErrors, match="nothing"):
        service(THE_PLAN, "nothing", PersonOnDay(date(2023, 1, 1)), [])


def test_a_delegated_amount_that_nobody_entered_is_named():
    rule = Service(id="aid", name="补助", clause="TH-3.1.1", yearly_amount=Figure(delegated="premium.basic"))
    bare = make_plan(msgspec.structs.replace(THE_PLAN.pack, services=[rule]), [])
    assert service(bare, "aid", PersonOnDay(date(2023, 6, 1)), [], cost_fen=1).missing == ("premium.basic",)


def test_reaching_back_is_for_medical_cost_and_opens_no_service():
    window = Window(clause="DT-3.3", name="追溯", identities=["dibao"], months=12)
    rule = IdentityRule(clause="DT-3.3", identities=["dibao"], window="back")
    pack = msgspec.structs.replace(THE_PLAN.pack, windows={"back": window}, identity_rules=[rule])
    reaching = make_plan(pack, [])
    records = [held("dibao", "2023-06-01", certified_on="2023-06-01")]
    assert service(reaching, "yearly", PersonOnDay(date(2023, 5, 31)), records).outcome == "not_in_group"
    assert service(reaching, "yearly", PersonOnDay(date(2023, 6, 1)), records).outcome == "granted"


@given(costs=st.lists(st.integers(1, 400_000), max_size=6))
def test_law_packages_of_a_year_never_exceed_the_yearly_amount(costs):
    earlier = []
    for cost in costs:
        found = package(cost_fen=cost, earlier=earlier)
        assert 0 <= found.pays_fen <= cost
        earlier.append((date(2023, 5, 1), found.pays_fen))
    assert sum(fen for _, fen in earlier) == min(350_000, sum(costs))


# deposits


def admitted(identities, on=date(2023, 5, 1), **answers):
    return deposit(THE_PLAN, PersonOnDay(on, answers=answers), identities)


NO_OTHERS = {"supplementary_insured": False, "inside_district": False}


@pytest.mark.parametrize("identity", ["dibao", "extreme_poverty", "orphan"])
def test_AK_6_2_2_referred_from_primary_care_inside_the_city(identity):
    found = admitted([held(identity)], referred_from_primary=True, inside_city=True, **NO_OTHERS)
    assert (found.outcome, found.waiver, found.clause) == ("waived", "referred", "AK-6.2.2")


@pytest.mark.parametrize(("referred", "inside"), [(True, False), (False, True)])
def test_AK_6_2_2_not_referred_or_outside_pays(referred, inside):
    found = admitted([held("dibao")], referred_from_primary=referred, inside_city=inside, **NO_OTHERS)
    assert found.outcome == "not_waived"


def test_AK_6_2_2_an_unknown_referral_is_asked_for():
    found = admitted([held("dibao")], inside_city=True, **NO_OTHERS)
    assert (found.outcome, found.missing) == ("not_yet_known", ("referred_from_primary",))


def test_AK_6_2_2_edge_members_are_not_named():
    found = admitted([held("dibao_edge")], referred_from_primary=True, inside_city=True, **NO_OTHERS)
    assert found.outcome == "not_waived"


def test_QD_2_5_1_registered_people_inside_the_city():
    found = admitted(LOW, inside_city=True, **NO_OTHERS)
    assert (found.waiver, found.says) == ("handbook", "先诊疗后付费：出院时只付自付部分。")
    assert admitted(LOW, inside_city=False, **NO_OTHERS).outcome == "not_waived"


def test_DT_3_5_1_supplementary_insured_in_the_district():
    assert admitted([], supplementary_insured=True, inside_district=True).waiver == "insured"


def test_deposits_before_the_pack_is_in_force():
    assert admitted([], on=date(2016, 5, 1)).outcome == "not_in_force"
