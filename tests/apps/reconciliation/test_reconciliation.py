"""Three sides of a day: found, mended by two people, shown mended by the next run (AK-5.1.1, AK-6.1, WH-5.2)."""

import re
from datetime import date, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, transaction
from django.http import Http404

from tests.apps.cast import assemble, bill
from tests.site.entering import enter
from tuodi.apps.reconciliation import queries, reading
from tuodi.apps.reconciliation.actions import DecideMend, KeepReport, MendDifference, Reconcile
from tuodi.apps.reconciliation.comparing import Line, compare
from tuodi.apps.reconciliation.daily import keep_statement, reconcile_day
from tuodi.apps.reconciliation.models import Finding, Mend, Run
from tuodi.apps.registry.models import Person
from tuodi.apps.settlement import permissions as _settlement  # noqa: F401  its scopes are asked for
from tuodi.apps.settlement.actions import CancelSettlement, Settle
from tuodi.apps.settlement.history import total_paid
from tuodi.apps.settlement.models import Bill, BooksDifference, StatementFile
from tuodi.apps.settlement.nightly import Books, Difference, KeepBooks
from tuodi.base import clock
from tuodi.base.models import AuditEvent, User
from tuodi.base.system import system_user
from tuodi.core.errors import InputErrors

pytestmark = pytest.mark.django_db
DAY, CODE = date(2023, 3, 1), "H61090200001"
HEAD = (
    "setl_id,psn_no,fixmedins_code,med_type,begndate,enddate,setl_time,diag_code,medfee_sumamt,fulamt_ownpay_amt,"
    "overlmt_selfpay,preselfpay_amt,inscp_scp_amt,maf_pay\n"
)


def row(setl_id, yuan, maf, **more):
    told = {
        "setl_id": setl_id, "psn_no": "P0001", "code": CODE, "med_type": "21", "first": "2023-03-01", "last": "2023-03-01",
        "at": "2023-03-01 10:00:00", "diag": "J18.9", "medfee": yuan, "a": "0", "b": "0", "c": "0", "inscp": yuan, "maf": maf,
        **more,
    }  # fmt: skip
    return ",".join(str(cell) for cell in told.values()) + "\n"


@pytest.fixture
def cast():
    return assemble()


def settle(cast, *bills):
    for setl_id, yuan in bills:
        Settle(actor=cast.zhao, bill=bill(setl_id, DAY, yuan)).run()


def insurer(cast, text):
    lines = reading.read((HEAD + text).encode(), code=CODE, day=DAY)
    return KeepReport(actor=cast.chen, code=CODE, day=DAY, side="insurer", filename="i.csv", lines=lines).run()


def run(cast):
    Reconcile(actor=cast.chen, code=CODE, day=DAY).run()
    return {one.setl_id: one for one in Finding.objects.filter(run=Run.objects.latest("pk")).order_by("pk")}


def test_AK_5_1_1_every_settlement_of_any_side_is_classified(cast):
    settle(cast, ("A", 1000), ("B", 1000), ("C", 1000))
    insurer(cast, row("A", 1000, 700) + row("B", 1000, "699.99") + row("D", 500, 350))
    found = run(cast)
    assert {key: one.kind for key, one in found.items()} == {
        "A": "matched", "B": "different", "C": "missing_there", "D": "missing_here",
    }  # fmt: skip
    assert queries.says(found["B"]) == "与医保机构的基金支付合计、医疗救助不符"
    assert Run.objects.get().counts == {"matched": 1, "different": 1, "missing_there": 1, "missing_here": 1}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_columns_may_be_headed_in_chinese_and_faults_say_what_was_written(encoding):
    head, line = "结算ID,人员编号,医疗费总额,基金支付总额", "A,P0001,1000.00,700.00"
    (read,) = reading.read(f"{head}\r\n{line}\r\n".encode(encoding), code=CODE, day=DAY)
    assert (read.setl_id, read.psn_no, read.medfee, read.fund, read.acct) == ("A", "P0001", 100_000, 70_000, None)
    with pytest.raises(InputErrors) as wrong:
        reading.read(f"{head}\n{line}\nB,,1x,0\nA,P0001,1,0\n".encode(encoding), code=CODE, day=DAY)
    assert [(one.line, one.column) for one in wrong.value.faults] == [(3, "人员编号"), (3, "医疗费总额"), (4, "结算ID")]
    with pytest.raises(InputErrors, match="第 1、2 列"):
        reading.read("结算号,setl_id,人员编号,医疗费总额\nA,A,P0001,1\n".encode(encoding), code=CODE, day=DAY)


def test_AK_6_1_a_bill_missing_here_is_recorded_by_two_people_and_the_next_run_matches(cast):
    insurer(cast, row("D", 500, 350))
    mend = MendDifference(actor=cast.chen, finding=run(cast)["D"], kind="record", reason="医院漏传").run()
    assert mend.state == "waiting"
    assert not Bill.objects.exists()
    with pytest.raises(PermissionDenied):
        DecideMend(actor=cast.chen, mend=mend).run()
    assert queries.facts_of(mend.finding) == [
        ("人员编号", "P0001"), ("医疗类别", "普通住院"), ("就诊日期", "2023-03-01 至 2023-03-01"), ("诊断编码", "J18.9"),
    ]  # fmt: skip
    DecideMend(actor=cast.zhou, mend=mend).run()
    found = run(cast)
    assert found["D"].kind == "matched"
    assert found["D"].sides["ours"]["maf"] == 35000
    assert AuditEvent.objects.filter(verb="reconciliation:approve", subject_id=str(mend.pk)).exists()
    with pytest.raises(InputErrors, match="已经办结"):
        DecideMend(actor=cast.zhou, mend=mend).run()


def test_a_bill_missing_there_is_cancelled_by_two_people_or_sent_back(cast):
    settle(cast, ("C", 1000))
    insurer(cast, row("A", 1, 0))
    found = run(cast)
    first = MendDifference(actor=cast.chen, finding=found["C"], kind="cancel", reason="医院已退费").run()
    with pytest.raises(InputErrors, match="等复核"):
        MendDifference(actor=cast.chen, finding=found["C"], kind="ask", reason="x").run()
    DecideMend(actor=cast.zhou, mend=first, refusal="请先问医院").run()
    assert Bill.objects.get(setl_id="C").cancelled_by is None
    second = MendDifference(actor=cast.chen, finding=found["C"], kind="cancel", reason="医院书面确认").run()
    DecideMend(actor=cast.zhou, mend=second).run()
    cancelling = Bill.objects.get(setl_id="C").cancelled_by
    assert cancelling is not None
    assert "C" not in run(cast), "nobody else has it, and we no longer do"
    assert not queries.ours(CODE, clock.local(cancelling.setl_time).date()), (
        "nor does its cancellation wait on its own day"
    )


def proposed(cast, kind):
    """Return a mend that waits for somebody else."""
    if kind == "record":
        insurer(cast, row("D", 500, 350))
        return MendDifference(actor=cast.chen, finding=run(cast)["D"], kind=kind, reason="医院漏传").run()
    settle(cast, ("C", 1000))
    insurer(cast, row("A", 1, 0))
    return MendDifference(actor=cast.chen, finding=run(cast)["C"], kind=kind, reason="医院已退费").run()


@pytest.mark.parametrize("kind", ["cancel", "record"])
def test_what_was_proposed_is_done_by_who_confirms_even_if_the_proposer_has_left(cast, client, kind):
    mend = proposed(cast, kind)
    User.objects.filter(pk=cast.chen.pk).update(is_active=False)
    enter(client, cast.zhou)
    assert "提出人的账号已停用" in client.get(f"/reconciliation/mends/{mend.pk}/").content.decode()
    assert DecideMend(actor=cast.zhou, mend=mend).run().state == "done"
    told = AuditEvent.objects.get(subject="settlement", data__mend_id=mend.pk)
    assert (told.actor, told.verb, told.data["proposed_by"]) == (cast.zhou, "reconciliation:approve", cast.chen.pk)


def test_an_accepted_difference_leaves_the_worklist_until_it_changes(cast):
    insurer(cast, row("D", 500, 350))
    MendDifference(actor=cast.chen, finding=run(cast)["D"], kind="accept", reason="他县的单据").run()
    run(cast)
    assert not queries.differences(cast.chen).exists()
    insurer(cast, row("D", 501, 350))
    run(cast)
    assert [one.setl_id for one in queries.differences(cast.chen)] == ["D"]


def test_a_difference_that_is_not_of_the_newest_run_is_not_mended(cast):
    insurer(cast, row("D", 500, 350))
    old = run(cast)["D"]
    run(cast)
    with pytest.raises(InputErrors, match="重新对账"):
        MendDifference(actor=cast.chen, finding=old, kind="ask", reason="x").run()


def test_an_export_asks_for_what_was_done_once(cast, client, django_assert_max_num_queries):
    from tests.site.entering import enter

    insurer(cast, "".join(row(f"D{n}", 500, 350) for n in range(40)))
    for found in run(cast).values():
        MendDifference(actor=cast.chen, finding=found, kind="ask", reason="请核对").run()
    enter(client, cast.chen)
    with django_assert_max_num_queries(20):
        told = b"".join(client.get("/reconciliation/export.csv").streaming_content).decode()
    assert told.count("请医药机构重新上传（已办理）") == 40


def test_a_file_with_bad_rows_is_told_all_of_them_and_not_kept(cast):
    bad = row("A", "1.234", 0) + row("B", 1, 0, at="2023-03-02 10:00:00") + row("C", 1, 0, code="H9") + row("C", 1, 0)
    with pytest.raises(InputErrors) as told:
        insurer(cast, bad)
    assert {one.line for one in told.value.faults} == {2, 3, 4, 5}


def test_a_hospital_speaks_for_itself_only(cast):
    settle(cast, ("A", 1000))
    run(cast)
    with pytest.raises(PermissionDenied):
        KeepReport(actor=cast.sun, code=CODE, day=DAY, side="hospital", filename="x", lines=[]).run()
    with pytest.raises(PermissionDenied):
        KeepReport(actor=cast.zhao, code=CODE, day=DAY, side="insurer", filename="x", lines=[]).run()
    assert queries.newest_runs(cast.zhao).exists()
    assert not queries.newest_runs(cast.sun).exists()
    assert not queries.newest_runs(cast.outsider).exists()
    with pytest.raises((Http404, PermissionDenied)):
        Reconcile(actor=cast.outsider, code=CODE, day=DAY).run()


def statement_file(number, *lines):
    content = "".join(f"{setl_id}\t\tP0001\t{total}\t{fund}\t0\t0\n" for setl_id, total, fund in lines).encode()
    return StatementFile.objects.create(
        number=number, fixmedins_code=CODE, filename=f"{number}.txt", at=clock.now(), content=content
    )


def test_a_3202_of_one_day_is_the_hospitals_side(cast):
    settle(cast, ("A", 1000))
    statement_file("F1", ("A", 1000, 700))
    keep_statement({"number": "F1", "first": "2023-03-01", "last": "2023-03-01"})
    assert Run.objects.get().counts == {"matched": 1}
    assert [one.counts for one in reconcile_day(DAY)] == [{"matched": 1}]


def test_a_3202_of_several_days_is_kept_day_by_day_and_what_is_unknown_here_on_the_last(cast):
    settle(cast, ("A", 1000), ("C", 300))
    Settle(actor=cast.zhao, bill=bill("B", date(2023, 3, 5), 200)).run()
    statement_file("F1", ("A", 1000, 700), ("B", 200, 140), ("LOST", 5, 1))
    keep_statement({"number": "F1", "first": "2023-03-01", "last": "2023-03-08"})
    told = {one.day: one.counts for one in Run.objects.all()}
    assert told == {
        DAY: {"matched": 1, "missing_there": 1}, date(2023, 3, 5): {"matched": 1}, date(2023, 3, 8): {"missing_here": 1}
    }  # fmt: skip
    keep_statement({"number": "F1", "first": "2022-03-01", "last": "2023-03-08"})
    assert Run.objects.count() == 3


def test_a_3202_of_one_kind_of_clearing_leaves_what_was_said_of_the_others(cast):
    Settle(actor=cast.zhao, bill=bill("IN", DAY, 1000, clr_type="21")).run()
    Settle(actor=cast.zhao, bill=bill("OUT", DAY, 200, clr_type="11")).run()
    day = {"first": "2023-03-01", "last": "2023-03-01"}
    statement_file("F1", ("IN", 1000, 700), ("NEW", 7, 0))
    statement_file("F2", ("OUT", 200, 140))
    keep_statement({"number": "F1", **day, "clr_type": "21"})
    keep_statement({"number": "F2", **day, "clr_type": "11"})
    assert Run.objects.latest("pk").counts == {"matched": 2, "missing_here": 1}
    statement_file("F3", ("IN", 1000, 700))
    keep_statement({"number": "F3", **day, "clr_type": "21"})
    assert Run.objects.latest("pk").counts == {"matched": 2}


@pytest.mark.parametrize("flag", [True, False])
def test_both_ways_of_marking_a_cancelled_original_match(flag):
    ours = [Line("1", "P", "M", medfee=100), Line("9", "P", "M", medfee=-100, refunded=True), Line("2", medfee=5)]
    theirs = [Line("1", "P", "M", medfee=100, refunded=flag), Line("8", "P", "M", medfee=-100), Line("2", medfee=5)]
    assert [(one.setl_id, one.kind) for one in compare(ours, hospital=theirs, insurer=None)] == [("2", "matched")]


def test_a_3202_of_both_days_puts_a_cancellation_on_its_own(cast):
    day, today = clock.today() - timedelta(days=3), clock.today()
    Settle(actor=cast.zhao, bill=bill("A", day, 1000)).run()
    CancelSettlement(actor=cast.zhao, setl_id="A", new_id="A-").run()
    statement_file("F1", ("A", 1000, 700), ("A", -1000, -700))
    keep_statement({"number": "F1", "first": f"{day}", "last": f"{today}"})
    assert {one.day: one.counts for one in Run.objects.all()} == {day: {"matched": 1}, today: {"matched": 1}}


def test_a_cancellation_of_an_earlier_day_is_known_under_the_number_of_what_it_cancels(cast):
    settle(cast, ("A", 1000))
    CancelSettlement(actor=cast.zhao, setl_id="A", new_id="A-").run()
    statement_file("F1", ("A", 1000, 700))
    statement_file("F2", ("A", -1000, -700))
    today = clock.today()
    for number, day in (("F1", DAY), ("F2", today)):
        keep_statement({"number": number, "first": f"{day}", "last": f"{day}"})
    assert {one.day: one.counts for one in Run.objects.all()} == {DAY: {"matched": 1}, today: {"matched": 1}}


def test_findings_are_only_added_to(cast):
    settle(cast, ("A", 1000))
    run(cast)
    for change in (lambda: Finding.objects.update(kind="different"), lambda: Run.objects.all().delete()):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


def test_a_nights_findings_are_shown_to_whoever_oversees_the_area(cast, client):
    from tests.site.entering import enter

    found = Difference("P0001", "A", "basic", 100, 200, area="610902")
    KeepBooks(actor=system_user(), books=Books(1, 1, (found,), 0), is_repair=False).run()
    assert BooksDifference.objects.count() == 1
    enter(client, cast.zhou)
    assert "P0001" in client.get("/settlements/books/").content.decode()


def approve(client, mend):
    """Confirm a mend as its page was seen."""
    at = f"/reconciliation/mends/{mend.pk}/"
    seen = re.search(r'name="seen" value="(\w*)"', client.get(at).content.decode())
    return client.post(at, {"decision": "approve", "seen": seen[1]}, follow=True)


def waiting_for_zhou(cast, client, told, kind):
    """Propose a mend of the only difference of the day, and enter as the approver."""
    insurer(cast, told)
    (finding,) = run(cast).values()
    made = MendDifference(actor=cast.chen, finding=finding, kind=kind, reason="医院书面确认").run()
    enter(client, cast.zhou)
    return made


def test_AK_6_1_the_approver_sees_the_amount_that_recording_pays_and_it_is_that_which_is_paid(cast, client):
    mend = waiting_for_zhou(cast, client, row("L", 1000, 0), "record")
    page = client.get(f"/reconciliation/mends/{mend.pk}/").content.decode()
    assert '<td data-label="差额（元）" class="money"><strong>+700.00</strong></td>' in page, (
        "70 % of 1000.00 for dibao"
    )
    assert not Bill.objects.exists(), "nothing is kept by looking"
    approve(client, mend)
    assert total_paid(Bill.objects.get(setl_id="L")) == 70_000


def test_AK_6_1_amounts_that_changed_since_the_approver_looked_are_shown_anew_and_not_approved(cast, client):
    settle(cast, ("A", 1000))
    mend = waiting_for_zhou(cast, client, row("A", 1000, 600), "cancel")
    at = f"/reconciliation/mends/{mend.pk}/"
    seen = client.get(at).content.decode()
    assert "-700.00" in seen, "what was paid is taken back"
    answer = client.post(at, {"decision": "approve", "seen": "of-another-look"}).content.decode()
    assert "金额在您查看之后有了变化" in answer
    mend.refresh_from_db()
    assert mend.state == "waiting"
    assert "已退回" in client.post(at, {"decision": "refuse", "refusal": "证据不足"}, follow=True).content.decode()


def test_a_settlement_to_record_that_gets_nothing_says_why_to_the_approver(cast, client):
    Person.objects.create(psn_no="P0003", name="无身份", initials="", insured_area="610902", recorded_at=clock.now())
    mend = waiting_for_zhou(cast, client, row("L", 1000, 0, psn_no="P0003"), "record")
    assert "补记后这笔不能救助" in client.get(f"/reconciliation/mends/{mend.pk}/").content.decode()


def test_a_hospitals_file_says_that_it_was_not_compared_yet_and_when_it_will_be(cast, client):
    from django.core.files.uploadedfile import SimpleUploadedFile

    settle(cast, ("A", 1000))
    place = f"/reconciliation/{cast.hospital.pk}/2023-03-01/"
    enter(client, cast.zhao)
    file = SimpleUploadedFile("h.csv", (HEAD + row("A", 1000, 700)).encode())
    page = client.post(f"{place}upload/", {"side": "hospital", "file": file}, follow=True).content.decode()
    assert "已收到 h.csv，还没有对账。" in page
    assert "请县级经办岗或财务岗现在对账；夜间只自动对前一天的账，不会再对这一天。" in page
    enter(client, cast.chen)
    assert "还没有参加比较" not in client.post(f"{place}run/", follow=True).content.decode()


def test_pages_from_upload_to_mended(cast, client):
    from django.core.files.uploadedfile import SimpleUploadedFile

    from tests.site.entering import enter

    settle(cast, ("A", 1000))
    enter(client, cast.chen)
    place = f"/reconciliation/{cast.hospital.pk}/2023-03-01/"
    bad = SimpleUploadedFile("i.csv", (HEAD + row("A", "x", 0, inscp=1) + row("B", "y", 0, inscp=1)).encode())
    page = client.post(f"{place}upload/", {"side": "insurer", "file": bad}).content.decode()
    assert "有 2 处需要改正" in page
    good = SimpleUploadedFile("i.csv", (HEAD + row("A", 1000, 600)).encode())
    assert client.post(f"{place}upload/", {"side": "insurer", "file": good}).status_code == 302
    page = client.get(place).content.decode()
    assert "金额不符" in page
    assert "700.00" in page
    finding = Finding.objects.latest("pk")
    answer = client.post(f"/reconciliation/findings/{finding.pk}/", {"kind": "ask", "reason": "请核对"})
    assert answer["Location"] == "/reconciliation/work/"
    assert "请医药机构重新上传" in client.get("/reconciliation/work/").content.decode()
    told = b"".join(client.get("/reconciliation/export.csv").streaming_content).decode()
    assert "A,P0001,金额不符" in told
    client.post(f"/reconciliation/findings/{finding.pk}/", {"kind": "cancel", "reason": "医院书面确认"})
    enter(client, cast.zhou)
    done = approve(client, Mend.objects.latest("pk"))
    assert "这一天已重新对账" in done.content.decode()
    assert Finding.objects.latest("pk").kind == "missing_here", "compared again at once: the insurer still has it"
    assert "曾有这笔，已撤销或冲正" in done.content.decode()
