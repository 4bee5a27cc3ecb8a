"""What the office's commands say, and their exit codes."""

from datetime import date, timedelta

import pytest

from tests.apps.books import one_fen_more
from tests.apps.cast import assemble, bill
from tests.base.test_audit import without_triggers
from tuodi.apps.reconciliation.actions import KeepReport
from tuodi.apps.reconciliation.comparing import Line
from tuodi.apps.reconciliation.models import Run
from tuodi.apps.reconciliation.queries import differences
from tuodi.apps.settlement.actions import Settle
from tuodi.apps.settlement.models import Entry
from tuodi.base import clock, outbox
from tuodi.base.models import Announcement, AuditEvent
from tuodi.core.errors import InputErrors
from tuodi.site import commands, wiring

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast():
    made = assemble()
    Settle(actor=made.zhao, bill=bill("A", date(2023, 3, 1), 30000)).run()
    return made


@pytest.fixture
def news(cast):
    outbox.announce("identity:changed", psn_nos=["P0001"], cause_id="identity:1")


@pytest.fixture
def wired():
    before = {fact: list(held) for fact, held in outbox.SUBSCRIBERS.items()}
    yield
    outbox.SUBSCRIBERS.clear()
    outbox.SUBSCRIBERS.update(before)


def test_the_night_seals_delivers_and_finds_the_books_right(cast, news, capsys):
    assert commands.nightly() == 0
    out = capsys.readouterr().out
    for said in ("已封存 1 条", "已送达 1 条", "1 人、1 笔结算重新计算，与账上分毫不差", "审计链完好"):
        assert said in out
    assert not Announcement.objects.filter(delivered_at__isnull=True).exists()


def test_a_fen_too_much_is_told_and_only_repaired_when_asked(cast, capsys):
    entry = Entry.objects.get()
    one_fen_more(entry)
    assert commands.nightly() == 1
    assert "账上 21,000.01 元，应为 21,000.00 元" in capsys.readouterr().out
    assert Entry.objects.count() == 2
    assert commands.nightly(repair=True) == 0
    assert commands.nightly() == 0


def test_the_night_compares_the_day_before_and_says_what_differs(cast, capsys):
    """AK-6.1: what an insurer reported and we do not have waits on the worklist in the morning."""
    yesterday = clock.today() - timedelta(days=1)
    reported = [Line("A", "P0001", medfee=100), Line("B", "P0001", medfee=200)]
    KeepReport(
        actor=cast.chen, code=cast.hospital.code, day=yesterday, side="insurer", filename="i.csv", lines=reported
    ).run()
    assert commands.nightly() == 0
    assert "昨日对账 1 家机构，差异 2 笔" in capsys.readouterr().out
    run = Run.objects.get()
    assert (run.day, run.fixmedins_code, run.counts) == (yesterday, cast.hospital.code, {"missing_here": 2})
    assert {one.setl_id for one in differences(cast.chen)} == {"A", "B"}
    assert commands.nightly() == 0
    assert {one.run_id for one in differences(cast.chen)} == {Run.objects.latest("pk").pk}, (
        "an earlier night's run is kept, the newest counts"
    )


def test_news_that_fails_is_kept_and_told(cast, news, capsys, wired):
    def fails(data):
        raise RuntimeError("下游停机")

    outbox.SUBSCRIBERS["identity:changed"] = [fails]
    assert commands.nightly() == 1
    assert "下游停机" in capsys.readouterr().out
    assert Announcement.objects.filter(delivered_at__isnull=True).count() == 1


def test_audit_verify_tells_a_tampered_row(cast, capsys):
    assert commands.seal() == 0
    assert commands.audit_verify() == 0
    without_triggers("UPDATE base_auditevent SET subject_id = '99' WHERE sequence = 1")
    assert commands.audit_verify() == 1
    assert "审计链被破坏" in capsys.readouterr().out


def test_the_doctor_has_a_line_for_everything(cast, capsys):
    code = commands.doctor()
    out = capsys.readouterr().out
    for what in (
        "数据库",
        "数据库结构",
        "密钥",
        "磁盘",
        "页面文件",
        "用途",
        "时钟",
        "第二重验证",
        "审计链",
        "内部通知",
        "政策",
        "积压",
    ):
        assert f" {what}：" in out, what
    assert code == (1 if "错误 " in out.replace("错误 0", "") else 0)


def test_the_doctor_says_what_waits(cast, news, capsys):
    with clock.set_to(clock.now() + timedelta(days=10)):
        commands.doctor()
    out = capsys.readouterr().out
    assert "没有送达" in out
    assert "没有封存" in out


def test_wiring_twice_subscribes_once(wired):
    wiring.wire()
    before = {fact: list(held) for fact, held in outbox.SUBSCRIBERS.items()}
    wiring.wire()
    assert before == outbox.SUBSCRIBERS
    assert outbox.SUBSCRIBERS["policy:approved"]


def test_an_export_names_nobody_is_kept_in_the_trail_and_overwrites_nothing(cast, tmp_path, capsys):
    assert commands.export("610902", tmp_path / "out") == 0
    out = capsys.readouterr().out
    assert "1 人、1 笔结算、1 项身份、1 家机构" in out
    assert f"tuodi adjudicate --pack {tmp_path}/out/610900-ankang" in out
    written = "".join(path.read_text("utf-8") for path in (tmp_path / "out").glob("*.csv"))
    assert "30000.00" in written
    assert "王奶奶" not in written
    row = AuditEvent.objects.get(verb="settlement:exported")
    assert (row.subject_id, row.data) == ("610902", {"people": 1, "bills": 1})
    with pytest.raises(InputErrors, match="E-EXPORT-FOLDER"):
        commands.export("610902", tmp_path / "out")
    with pytest.raises(InputErrors, match="E-NO-POLICY"):
        commands.export("320902", tmp_path / "other")
