"""Settlement records of the national interface for tests: real de-identified samples, and one written whole."""

from __future__ import annotations

import json
from pathlib import Path

from tuodi.batch.national import read_records, to_exchange_row

SAMPLES = Path(__file__).parents[1] / "data" / "interface-samples.json"
DEFAULTS = {
    "diag_code": "I10.x00", "begndate": "2021-10-20", "enddate": "2021-10-27", "setl_time": "2021-10-27 10:59:22", "med_type": "21",
}  # fmt: skip
READ = {record.key: record for record in read_records(SAMPLES.read_text(encoding="utf-8")).records}


def only(text: str):
    reading = read_records(text)
    assert not reading.faults, reading.faults
    (record,) = reading.records
    return record


def codes(faults) -> list[str]:
    return [one.code for one in faults]


def full(**changes):
    fields = {
        "setl_id": "S1", "psn_no": "P1", "fixmedins_code": "H99990100001", "med_type": "2101", "begndate": "2024-01-02",
        "enddate": "2024-01-09 10:00:00", "setl_time": "2024-01-09 11:00:00.0", "diag_code": "I63.900", "medfee_sumamt": "1000",
        "fulamt_ownpay_amt": "50", "overlmt_selfpay": "0", "preselfpay_amt": "50", "inscp_scp_amt": "900", "hifp_pay": "500",
        "cvlserv_pay": "0", "hifes_pay": "0", "hifmi_pay": "100", "hifob_pay": "0", "maf_pay": "30", "oth_pay": "5",
        "fund_pay_sumamt": "635", "psn_part_amt": "365", "acct_pay": "65", "psn_cash_pay": "300", "hosp_part_amt": "0",
    }  # fmt: skip
    return only(json.dumps({"setlinfo": fields | changes}))


def row_of(**changes) -> dict[str, str]:
    return to_exchange_row(full()).row | changes
