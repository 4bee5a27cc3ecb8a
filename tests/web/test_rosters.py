"""Rosters by hand: uploaded, differences seen, weighed in money, confirmed, undone; hostile files are refused."""

import csv
import io
import unicodedata
import zipfile
from datetime import date, timedelta

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.apps.cast import assemble, bill
from tests.site.entering import enter
from tests.web.visitor import SCREEN, Visitor, needs_chromium
from tuodi.apps.registry import uploads
from tuodi.apps.registry.models import Identity, ImportRun
from tuodi.apps.settlement import importing
from tuodi.apps.settlement.actions import Settle
from tuodi.base import clock, outbox
from tuodi.base.models import AuditEvent
from tuodi.base.progress import Notes

HEAD = "人员编号,姓名,身份,起始日期,认定日期,备注\n"
GOOD = HEAD + "P0002,,低保,2022-01-01,2022-01-01,\nP9999,,低保,2022-01-01,,\nP0001,,低保,2022-13-01,,=1+1\n"


@pytest.fixture
def cast(db):
    cache.clear()
    return assemble()


@pytest.fixture
def office(client, cast):
    enter(client, cast.registrar)
    return client


def upload(office, content=GOOD, name="roster.csv", **changes):
    content = content.encode() if isinstance(content, str) else content
    given = {"kind": "identities", "issuer": "民政局", "as_of": "2024-01-01", "is_full": "no", **changes}
    return office.post("/rosters/new/", {"file": SimpleUploadedFile(name, content), **given})


def test_differences_are_seen_before_anything_is_written(office):
    before = Identity.objects.count()
    answer = upload(office)
    assert answer.status_code == 302, answer.content.decode()
    page = office.get(answer["Location"]).content.decode()
    assert "等待确认" in page
    assert "李叔" in page
    assert "查无此人 1" in page
    assert "没有用到的列：备注" in page
    assert "查不到这个人" in office.get(answer["Location"] + "?kind=not_found").content.decode()
    assert "2022-13-01" in office.get(answer["Location"] + "?kind=bad").content.decode()
    assert Identity.objects.count() == before


def test_wrong_rows_come_back_as_a_file_without_formulas(office):
    at = upload(office)["Location"]
    told = office.get(f"{at}to-correct.csv").content.decode("utf-8-sig")
    assert "2022-13-01" in told
    assert ",=1+1" not in told
    assert "'=1+1" in told


@pytest.mark.parametrize("begins", ["=", "+", "-", "@", "＝", "＠", "\t=", " -", "|", "%"])
def test_no_cell_of_the_file_to_correct_is_a_formula(office, begins):
    cell = f"{begins}cmd"
    content = f'{HEAD}P0001,"{cell}",低保,2022-13-01,,"{cell}"\n"{cell}",李叔,低保,2022-13-01,,\n'
    told = office.get(f"{upload(office, content)['Location']}to-correct.csv").content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(told)))
    assert len(rows) == 3
    held = [text for row in rows[1:] for text in row if text.endswith("cmd")]
    assert len(held) == 3
    assert all(text.startswith("'") for text in held)
    assert not any(unicodedata.normalize("NFKC", text).lstrip()[:1] in "=+-@|%" for row in rows for text in row if text)


def test_an_upload_that_is_too_large_is_refused_before_it_is_read(office, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_BYTES", 1_000)
    assert "文件超过" in upload(office, GOOD * 20).content.decode()
    assert not ImportRun.objects.exists()


def test_a_workbook_of_too_many_parts_is_refused(office, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_PARTS", 3)
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as packed:
        for number in range(4):
            packed.writestr(f"xl/part{number}.xml", b"x")
    assert "解开后过大" in upload(office, held.getvalue(), "a.xlsx").content.decode()


def test_AK_6_3_what_somebody_should_have_been_given_is_seen_first_then_confirmed_and_undone(office, cast):
    Settle(actor=cast.zhao, bill=bill("A", date(2023, 3, 1), 30000, person="P0002")).run()
    at = upload(office)["Location"]
    seen = office.get(f"{at}impact/").content.decode()
    assert "P0002" in seen
    assert f'<a href="/people/{cast.li.pk}/">{cast.li.name}</a>' in seen, "by name, and the file is a step away"
    assert "<strong>0.00 元</strong>，0 人</dd></div><div><dt>应减少" not in seen
    assert "名册已导入" in office.post(f"{at}confirm/", follow=True).content.decode()
    assert Identity.objects.filter(person=cast.li, identity="dibao", withdrawn_at__isnull=True).exists()
    assert f'<a href="{at}">' in office.get(f"/people/{cast.li.pk}/").content.decode(), (
        "each record leads to its roster"
    )
    assert "不能导入" in office.post(f"{at}confirm/", follow=True).content.decode()
    assert "恢复原状" in office.get(f"{at}undo/").content.decode()
    assert "导入已撤销" in office.post(f"{at}undo/", follow=True).content.decode()
    assert not Identity.objects.filter(person=cast.li, identity="dibao", withdrawn_at__isnull=True).exists()
    assert AuditEvent.objects.filter(subject="roster").count() >= 3


#: All of the edge: 李叔's document is put right, 王奶奶 is new in it; of dibao nobody is listed, so hers ends.
FULL = "人员编号,姓名,身份,起始日期,文号\nP0002,,低保边缘,2023-01-01,汉民〔2023〕9号\nP0001,,低保边缘,2024-01-01,\n"


def full(office, cast):
    given = {"is_full": "yes", "covers": ["dibao", "dibao_edge"], "as_of": "2024-01-01"}
    return upload(office, FULL, **given)["Location"]


def test_what_an_applied_roster_wrote_is_read_by_line_and_kind_and_stays_after_it_is_undone(office, client, cast):
    at = full(office, cast)
    preview = office.get(at).content.decode()
    assert "终止日期：长期 → 2023-12-31" in preview, "what was there is said too"
    office.post(f"{at}confirm/")
    page = office.get(at).content.decode()
    assert "写入的变动" in page
    assert all(told in page for told in ("新增 1", "变更 1", "终止 1", "全部 3"))
    assert f'<a href="/people/{cast.wang.pk}/">{cast.wang.name}</a>' in page
    assert "证件或文号：未填 → 汉民〔2023〕9号" in page
    ended = office.get(f"{at}?kind=ended").content.decode()
    assert "终止日期：长期 → 2023-12-31" in ended
    assert "汉民" not in ended
    office.post(f"{at}undo/")
    assert "当时写入的（已全部撤销）" in office.get(at).content.decode()
    assert "终止日期：长期 → 2023-12-31" in office.get(f"{at}?kind=ended").content.decode()


def test_what_undoing_a_later_roster_put_back_is_no_second_line_of_the_earlier(office, cast):
    first = upload(office)["Location"]
    office.post(f"{first}confirm/")
    second = upload(office, GOOD.replace("2022-01-01,2022-01-01", "2022-01-01,2022-02-02"))["Location"]
    office.post(f"{second}confirm/")
    assert "认定日期：2022-01-01 → 2022-02-02" in office.get(second).content.decode()
    office.post(f"{second}undo/")
    assert office.get(first).content.decode().count('data-label="变动"') == 1


def test_people_that_a_roster_registered_changed_and_put_into_a_household_are_among_its_lines(office, cast):
    content = "人员编号,姓名,身份证号,参保地,户编号\nP0002,李大叔,,,\nP0001,王奶奶,,,H1\nP0077,新来的,,610902,H1\n"
    at = upload(office, content, kind="people")["Location"]
    office.post(f"{at}confirm/")
    page = office.get(at).content.decode()
    assert all(told in page for told in ("新登记人员 1", "人员信息变更 1", "入户 2"))
    assert "姓名：李叔 → 李大叔" in page
    assert "户编号：H1" in office.get(f"{at}?kind=joined").content.decode()
    assert "新来的" in office.get(f"{at}?kind=registered").content.decode()


def test_a_full_roster_with_faults_asks_for_the_whole_again_not_for_the_mended_rows_alone(office):
    given = {"is_full": "yes", "covers": ["dibao"]}
    assert (
        "只传改正的几行，会把其余的人当作不在名册上" in office.get(upload(office, **given)["Location"]).content.decode()
    )


def test_identities_that_the_policy_in_force_names_stand_before_the_others(office, cast):
    page = office.get("/rosters/new/").content.decode()
    named, others = page.split("其他身份：当地政策没有用到")
    assert "低保边缘家庭成员" in named
    assert "工会核定的特困职工" not in named
    assert "工会核定的特困职工" in others
    page = office.get(f"/people/{cast.li.pk}/certify/").content.decode()
    named, others = page.split("其他身份（当地政策没有用到，登记后不影响救助）")
    assert "低保边缘家庭成员" in named
    assert "工会核定的特困职工" in others


def test_a_preview_is_given_up(office):
    at = upload(office)["Location"]
    assert "没有改动任何登记" in office.post(f"{at}drop/", follow=True).content.decode()
    assert ImportRun.objects.get().state == "dropped"


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.xls", b"\xd0\xcf\x11\xe0"), ("a.csv", b"a\0b"), ("a.csv", b"PK\x03\x04"), ("a.xlsx", b"PK\x03\x04broken"), ("a.xlsx", b"x")],
)  # fmt: skip
def test_what_is_no_roster_is_refused(office, name, content):
    assert "这不是 CSV 或 xlsx 文件" in upload(office, content, name).content.decode()
    assert not ImportRun.objects.exists()


def test_a_workbook_that_unpacks_to_too_much_is_refused(office, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_UNPACKED", 10_000)
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", b" " * 1_000_000)
    assert "解开后过大" in upload(office, held.getvalue(), "a.xlsx").content.decode()


BIG = HEAD + "".join(f"P{9000 + n},,低保,2022-01-01,2022-01-01,\n" for n in range(1500)) + GOOD.removeprefix(HEAD)


def test_a_large_roster_is_read_behind_the_page_which_shows_how_far_it_is(office, cast, monkeypatch):
    monkeypatch.setattr(importing, "SMALL_CHANGES", 0)
    at = upload(office, BIG)["Location"]
    page = office.get(at).content.decode()
    assert "已排队" in page
    assert 'hx-trigger="every 2s"' in page
    run = ImportRun.objects.get()
    with Notes(importing.notes_of(run.pk)) as notes:
        notes.say("正在与登记比对", 300, 1500)
        assert "正在与登记比对：300 / 1500（20%）" in office.get(at).content.decode()
    assert office.get(f"{at}impact/")["Location"] == at
    outbox.deliver()
    told = office.get(at, headers={"HX-Request": "true"})
    assert (told.status_code, told["HX-Redirect"]) == (204, at)
    assert "查无此人 1501" in office.get(at).content.decode()
    assert "查不到这个人" in office.get(f"{at}?kind=not_found&page=61").content.decode()
    office.post(f"{at}confirm/")
    assert "从停下的地方接着写" in office.get(at).content.decode()
    outbox.deliver()
    assert "已导入" in office.get(at).content.decode()
    office.post(f"{at}undo/")
    outbox.deliver()
    assert ImportRun.objects.get().state == "undone"


def test_nobody_at_work_is_said_and_a_roster_that_waits_is_given_up(office):
    at = upload(office, BIG)["Location"]
    ImportRun.objects.update(asked_at=clock.now() - timedelta(minutes=2))
    assert "超过一分钟没有看到进展" in office.get(at).content.decode()
    office.post(f"{at}drop/")
    outbox.deliver()
    assert ImportRun.objects.get().state == "dropped"


def changed_since(cast):
    Identity.objects.create(
        person=cast.li, identity="dibao", first=date(2022, 1, 1), issuer="民政局", recorded_at=clock.now()
    )


def test_who_changed_since_the_preview_is_listed_after_a_large_roster_is_applied(office, cast, monkeypatch):
    monkeypatch.setattr(importing, "SMALL_CHANGES", 0)
    at = upload(office)["Location"]
    changed_since(cast)
    office.post(f"{at}confirm/")
    outbox.deliver()
    page = office.get(at).content.decode()
    assert "没有写入、需要核对的" in page
    assert "人员 P0002 的登记在预览之后有变化，这一处没有写入" in page
    assert AuditEvent.objects.filter(verb="roster:viewed").exists()


def test_a_small_roster_is_refused_when_something_changed_and_can_be_read_again(office, cast):
    at = upload(office)["Location"]
    changed_since(cast)
    assert "预览之后登记的信息有变化" in office.post(f"{at}confirm/", follow=True).content.decode()
    office.post(f"{at}again/")
    outbox.deliver()
    page = office.get(at).content.decode()
    assert "预览之后登记的信息有变化" not in page
    assert "变更 1" in page


def test_a_roster_that_stopped_half_way_says_so_and_is_only_gone_on_with(office, cast):
    at = upload(office)["Location"]
    ImportRun.objects.update(reached=1)
    page = office.get(at).content.decode()
    assert "已写入 1 人，停在中途" in page
    assert "放弃" not in page
    assert "重新比对" not in page
    office.post(f"{at}confirm/")
    assert ImportRun.objects.get().state == "applying"


def test_a_large_file_that_cannot_be_read_says_why(office):
    at = upload(office, "姓名,备注\n" + "甲,乙\n" * 8000)["Location"]
    outbox.deliver()
    page = office.get(at).content.decode()
    assert "没有列：" in page or "缺少" in page, page
    assert "重新上传" in page


#: A run that waits for ever: nobody has told the background jobs of it, which would be done before the page is looked at.
STATE = "from tuodi.apps.registry.models import ImportRun; ImportRun.objects.update(state='%s')"


@needs_chromium
def test_a_clerk_takes_a_roster_in(chromium, served):
    visitor = Visitor(chromium, served, SCREEN)
    page = visitor.page
    visitor.enter("registrar")
    page.goto(f"{served.url}/rosters/")
    visitor.looks_right_on_both()
    page.goto(f"{served.url}/rosters/new/")
    visitor.looks_right_on_both()
    page.set_input_files("#id_file", {"name": "roster.csv", "mimeType": "text/csv", "buffer": GOOD.encode()})
    page.fill("#id_issuer", "民政局")
    page.click("text=上传并看差异")
    page.wait_for_selector("text=等待确认")
    visitor.looks_right_on_both()
    page.click("text=看是哪些人")
    page.wait_for_selector("h1:text('对救助金额的影响')")
    visitor.looks_right_on_both()
    page.go_back()
    page.click("text=确认导入")
    page.wait_for_selector("h2:text('导入这份名册')")
    visitor.looks_right_on_both()
    page.click("text=写入登记")
    page.wait_for_selector("text=名册已导入")
    page.wait_for_selector("h2:text('写入的变动')")
    visitor.looks_right_on_both()
    page.click("text=撤销这次导入")
    page.wait_for_selector("h1:text('撤销导入')")
    visitor.looks_right_on_both()
    page.click("text=确认撤销")
    page.wait_for_selector("text=导入已撤销")
    visitor.looks_right_on_both()
    served.manage(STATE % "reading")
    page.reload()
    page.wait_for_selector("text=已排队，正在等待后台任务")
    visitor.looks_right_on_both()
    served.manage(STATE % "undone")
    waits_for_a_large_one(visitor)
    visitor.leave()


def waits_for_a_large_one(visitor):
    """The page says how far the background is, and goes on by itself."""
    page, served = visitor.page, visitor.served
    page.goto(f"{served.url}/rosters/new/")
    page.set_input_files("#id_file", {"name": "large.csv", "mimeType": "text/csv", "buffer": BIG.encode()})
    page.fill("#id_issuer", "残联")
    page.click("text=上传并看差异")
    page.wait_for_selector("text=等待确认", timeout=60_000)
    visitor.looks_right_on_both()
    page.click("text=查无此人 1501")
    page.wait_for_selector("text=第 1 / 61 页")
    visitor.looks_right_on_both()
    page.click("text=放弃")
    page.wait_for_selector("text=没有改动任何登记")
