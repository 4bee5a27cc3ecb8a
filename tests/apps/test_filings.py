"""A filing is somebody's, under whichever of their numbers it was made; after a parting it goes with its own (AK-6.2.1)."""

from datetime import date

import pytest

from tests.apps.cast import bill as kept_bill
from tests.apps.test_gateway import cast, hospital
from tuodi.apps.registry.actions.people import MergePeople, UnmergePeople
from tuodi.apps.settlement.actions import Settle, presettle
from tuodi.apps.settlement.models import Bill, Filing
from tuodi.base import outbox

__all__ = ["cast", "hospital"]
pytestmark = pytest.mark.django_db


def file_referral(hospital, psn_no):
    node = {
        "psn_no": psn_no, "diag_code": "J18.9", "diag_name": "肺炎", "reflin_medins_no": hospital.code, "reflin_medins_name": "第一医院",
        "refl_date": "2023-02-28", "begndate": "2023-02-28", "refl_type": "1", "refl_rea": "转诊", "refl_opnn": "同意",
    }  # fmt: skip
    return hospital.call("2501", {"refmedin": node})["result"]["trt_dcla_detl_sn"]


def referred(cast, setl_id, psn_no):
    """Settle a stay that does not say whether it was referred; return what it is taken for, asked before and kept."""
    asked = kept_bill(f"{setl_id}?", date(2023, 3, 1), 100, person=psn_no, refer_stas="")
    presettle(cast.zhao, asked)
    Settle(actor=cast.zhao, bill=kept_bill(setl_id, date(2023, 3, 1), 100, person=psn_no, refer_stas="")).run()
    kept = Bill.objects.get(setl_id=setl_id).refer_stas
    assert asked.refer_stas == kept
    return kept


def admitted(hospital, psn_no):
    stay = {"psn_no": psn_no, "insutype": "390", "begntime": "2023-03-01 08:00:00", "med_type": "21", "ipt_no": "Z1"}
    return hospital.call("2401", {"mdtrtinfo": stay, "diseinfo": []})["result"]["deposit_waived"]


def test_AK_6_2_1_a_referral_filed_under_a_number_merged_away_counts_under_the_kept_one_and_goes_back(hospital, cast):
    file_referral(hospital, "P0001")
    MergePeople(actor=cast.registrar, psn_no="P0001", into="P0002").run()
    outbox.deliver()
    assert [referred(cast, f"A{psn_no}", psn_no) for psn_no in ("P0001", "P0002")] == ["filed", "filed"]
    assert admitted(hospital, "P0002") == "1"
    UnmergePeople(actor=cast.registrar, psn_no="P0001").run()
    outbox.deliver()
    assert [referred(cast, f"B{psn_no}", psn_no) for psn_no in ("P0001", "P0002")] == ["filed", "local"]


def test_AK_6_2_1_what_is_filed_of_a_number_while_it_is_merged_is_that_numbers_afterwards(hospital, cast):
    MergePeople(actor=cast.registrar, psn_no="P0001", into="P0002").run()
    file_referral(hospital, "P0001")
    UnmergePeople(actor=cast.registrar, psn_no="P0001").run()
    outbox.deliver()
    assert [referred(cast, f"B{psn_no}", psn_no) for psn_no in ("P0001", "P0002")] == ["filed", "local"]


def test_a_filing_is_cancelled_under_any_number_of_the_person_and_no_other(hospital, cast):
    number = file_referral(hospital, "P0001")
    cancelling = {"trt_dcla_detl_sn": number, "psn_no": "P0002"}
    assert "E-FILING-UNKNOWN" in hospital.send("2502", {"data": cancelling})["err_msg"]
    MergePeople(actor=cast.registrar, psn_no="P0001", into="P0002").run()
    hospital.call("2502", {"data": cancelling})
    assert Filing.objects.get().cancelled_at
    assert referred(cast, "A", "P0002") == "local"
