"""Rosters: read, preview, confirm, undo. Every bad row is told with its place; nothing is applied before it is confirmed."""

import io
from datetime import date, datetime

import pytest
import xlsxwriter
from django.core.exceptions import PermissionDenied
from django.http import Http404

from tests.apps.cast import assemble
from tests.apps.registry.test_people import number
from tuodi.apps.registry.actions.identities import EndIdentity
from tuodi.apps.registry.actions.rosters import ApplyRoster, DropRoster
from tuodi.apps.registry.actions.undoing import UndoRoster
from tuodi.apps.registry.comparing import list_of_people, preview_of
from tuodi.apps.registry.models import Identity, ImportRun, Membership, Person, PersonChange, RosterFile, RosterPart
from tuodi.apps.registry.queries import certno_of, household_on, one_list_only, people_matching
from tuodi.apps.registry.reading import read_roster
from tuodi.apps.settlement import importing
from tuodi.base import clock
from tuodi.base.models import Announcement, AuditEvent
from tuodi.core.errors import InputErrors

pytestmark = pytest.mark.django_db

HEAD = "姓名,人员编号,身份证号,救助类别,起始日期,终止日期"


@pytest.fixture
def cast():
    with clock.set_to(clock.instant(datetime(2024, 6, 1, 9))):
        yield assemble()


def lines(*rows, head=HEAD):
    return "\n".join([head, *rows]).encode()


def preview(cast, content, *, kind="identities", actor=None, **more):
    """Take a roster in and return what it would change."""
    fields = {"issuer": "民政局", "area_code": "610902", "filename": "roster.csv", **more}
    run = importing.take_in(actor=actor or cast.registrar, content=content, kind=kind, **fields)
    return preview_of(run)


def take_in(cast, content, **more):
    return ApplyRoster(actor=cast.registrar, run_id=preview(cast, content, **more).run.pk).run()


def believed():
    rows = Identity.objects.filter(withdrawn_at__isnull=True).order_by("person", "identity", "first")
    return [(row.person.psn_no, row.identity, row.first, row.last) for row in rows.select_related("person")]


def kinds(plan):
    return sorted((one.kind, one.psn_no) for one in plan.differences)


def book(*rows, title=True):
    out = io.BytesIO()
    made = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet, day = made.add_worksheet(), made.add_format({"num_format": "yyyy-mm-dd"})
    for at, row in enumerate([["某区低保名册"], HEAD.split(","), *rows] if title else [HEAD.split(","), *rows]):
        for place, cell in enumerate(row):
            sheet.write_datetime(at, place, cell, day) if isinstance(cell, datetime) else sheet.write(at, place, cell)
    made.close()
    return out.getvalue()


def test_headings_identities_and_days_are_read_as_departments_write_them():
    rows = lines(f"甲,,{number()},低保,2024/1/5,长期", "乙,P2,,五保,2024年3月1日,20241231").decode().encode("gb18030")
    roster = read_roster(rows, kind="identities")
    assert roster.frame.select("identity", "begin", "end").rows() == [
        ("dibao", date(2024, 1, 5), None), ("extreme_poverty", date(2024, 3, 1), date(2024, 12, 31)),
    ]  # fmt: skip
    assert not roster.faults


def test_every_bad_row_is_told_with_line_and_column_and_can_be_corrected():
    content = lines(
        "甲,,110105194912310020,低保,2024-01-05,",
        "乙,P2,,富裕,2024-02-30,",
        "丙,,,低保,2024-01-05,",
        "丁,P4",
        "戊,P5,,低保,2024-01-05,2023-01-01",
    )
    roster = read_roster(content, kind="identities")
    assert [(f.line, f.column, f.code) for f in roster.faults] == [
        (2, "身份证号", "E-CERT-DIGIT"), (3, "身份", "E-REG-ROW-IDENTITY"), (3, "起始日期", "E-DAY-REAL"), (4, "身份证号", "E-REG-ROW-NOBODY"),
        (5, "", "E-CSV-FIELDS"), (6, "终止日期", "E-ID-PERIOD"),
    ]  # fmt: skip
    assert "110105194912310020" not in str(roster.faults)
    assert "dibao" not in str(roster.faults), "departments write names, no codes"
    bad = roster.bad_csv.decode("utf-8-sig").splitlines()
    assert bad[0] == f"有误之处,{HEAD}"
    assert len(bad) == 6
    again = read_roster("\n".join(bad).encode(), kind="identities")
    assert (again.bad.height, again.ignored) == (5, ())


def test_a_workbook_is_read_and_a_number_that_became_a_figure_is_refused():
    content = book(
        ["甲", 123456, "", "低保", datetime(2024, 1, 5), ""],
        ["乙", "P2", 110105194912310021, "低保", "2024-01-05", ""],
        [],
    )
    roster = read_roster(content, kind="identities")
    assert roster.frame.select("psn_no", "begin").rows() == [("123456", date(2024, 1, 5))]
    assert [(f.line, f.column, f.code) for f in roster.faults] == [(4, "身份证号", "E-REG-CELL-NUMERIC")]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "E-FILE-EMPTY"),
        ("姓名,起始日期\n甲,2024-01-05".encode(), "E-COLUMN-MISSING"),
        ("身份证号,公民身份号码,身份,起始日期\n,,,".encode(), "E-COLUMN-REPEATED"),
        (b"PK\x03\x04 not a workbook", "E-REG-SHEET"),
    ],
)
def test_a_file_of_the_wrong_form_is_refused(content, code):
    with pytest.raises(InputErrors, match=code):
        read_roster(content, kind="identities")


def test_a_preview_says_what_would_change_and_changes_nothing(cast):
    before = believed()
    content = lines(
        "王奶奶,P0001,,低保,2023-01-01,",
        "李叔,P0002,,低保边缘,2023-01-01,2024-05-31",
        "李叔,P0002,,低保,2024-06-01,",
        "谁,P9999,,低保,2024-01-01,",
    )
    made = preview(cast, content)
    assert kinds(made.plan) == [("changed", "P0002"), ("new", "P0002")]
    assert made.run.counts == {"changed": 1, "new": 1, "unchanged": 1, "conflicts": 0, "not_found": 1, "bad": 0}
    assert believed() == before
    rows = AuditEvent.objects.order_by("pk")
    assert [(row.verb, row.data["step"]) for row in rows] == [("roster:import", "upload"), ("roster:import", "preview")]
    assert "李叔" not in str([row.data for row in rows])
    kept = [*RosterFile.objects.all(), *RosterPart.objects.all()]
    assert len(kept) == 4
    assert not any("李叔".encode() in bytes(row.sealed) for row in kept)
    assert made.run.plan == made.plan.digest


def test_a_confirmed_roster_is_applied_with_its_run_and_cannot_be_applied_twice(cast):
    run = take_in(cast, lines("李叔,P0002,,低保边缘,2023-01-01,2024-05-31", "李叔,P0002,,低保,2024-06-01,"))
    assert believed() == [
        ("P0001", "dibao", date(2023, 1, 1), None), ("P0002", "dibao", date(2024, 6, 1), None),
        ("P0002", "dibao_edge", date(2023, 1, 1), date(2024, 5, 31)),
    ]  # fmt: skip
    assert Identity.objects.filter(run=run).count() == 2
    assert Identity.objects.get(withdrawn_by_run=run).last is None
    assert Announcement.objects.get(fact="identity:changed").data == {"psn_nos": ["P0002"], "cause_id": f"run:{run.pk}"}
    assert bytes(RosterFile.objects.get().sealed) == b""
    with pytest.raises(InputErrors, match="E-REG-RUN-STATE"):
        ApplyRoster(actor=cast.registrar, run_id=run.pk).run()
    with pytest.raises(InputErrors, match="E-REG-RUN-SEEN"):
        take_in(cast, lines("李叔,P0002,,低保边缘,2023-01-01,2024-05-31", "李叔,P0002,,低保,2024-06-01,"))
    again = preview(cast, lines("李叔,P0002,,低保边缘,2023-01-01,2024-05-31", "李叔,P0002,,低保,2024-06-01,", ""))
    assert again.plan.differences == []


def test_a_full_roster_ends_by_absence_only_what_it_covers(cast):
    content = lines("李叔,P0002,,低保边缘,2023-01-01,")
    made = preview(cast, content, is_full=True, covers=["dibao", "dibao_edge"])
    assert kinds(made.plan) == [("ended", "P0001")]
    ApplyRoster(actor=cast.registrar, run_id=made.run.pk).run()
    assert believed()[0] == ("P0001", "dibao", date(2023, 1, 1), date(2024, 5, 31))
    assert preview(cast, content + b"\n", is_full=True, covers=["dibao_edge"]).plan.differences == []


def test_absence_ends_nobody_while_rows_are_bad_or_a_namesake_was_not_found(cast):
    made = preview(cast, lines("李叔,P0002,,低保边缘,2023-13-01,"), is_full=True, covers=["dibao", "dibao_edge"])
    assert made.plan.absences_kept
    assert made.plan.differences == []
    made = preview(
        cast,
        lines("王奶奶,P7777,,低保,2023-01-01,", "李叔,P0002,,低保边缘,2023-01-01,"),
        is_full=True,
        covers=["dibao"],
    )
    assert made.plan.differences == []
    assert {f.code for f in made.plan.conflicts} == {"E-REG-ABSENT-NAMESAKE", "E-REG-ROW-COVERS"}
    with pytest.raises(InputErrors, match="E-REG-RUN-COVERS"):
        preview(cast, lines("李叔,P0002,,低保边缘,2023-01-01,"), is_full=True)


def test_what_is_not_certain_is_a_conflict_and_left_alone(cast):
    rows = [
        "王奶奶,P0001,,低保,2023-06-01,", "李书,P0002,,低保,2024-01-01,", f"李叔,P0002,{number()},特困,2024-01-01,", "李叔,P0002,,孤儿,2024-01-01,",
        "李叔,P0002,,孤儿,2024-01-01,",
    ]  # fmt: skip
    Person.objects.filter(psn_no="P0002").update(certno_index=b"0" * 16)
    made = preview(cast, lines(*rows))
    assert [(f.line, f.code) for f in sorted(made.plan.conflicts, key=lambda f: f.line)] == [
        (2, "E-REG-ROW-OVERLAP"), (3, "E-REG-ROW-NAME"), (4, "E-REG-ROW-NUMBER-DIFFERS"), (6, "E-REG-ROW-REPEATED"),
    ]  # fmt: skip
    assert kinds(made.plan) == [("new", "P0002")]


def test_another_area_finds_nobody_and_other_jobs_may_not(cast):
    content = lines("王奶奶,P0001,,特困,2024-01-01,")
    with pytest.raises(PermissionDenied):
        preview(cast, content, actor=cast.chen)
    with pytest.raises(PermissionDenied):
        preview(cast, content, area_code="320902")
    run = preview(cast, content).run
    cast.registrar.area_code = "320902"
    cast.registrar.save()
    assert preview(cast, content, area_code="320902").plan.not_found
    for action in (ApplyRoster, UndoRoster, DropRoster):
        with pytest.raises(Http404):
            action(actor=cast.registrar, run_id=run.pk).run()


def test_confirming_is_refused_when_something_changed_since_the_preview(cast):
    run = preview(cast, lines("李叔,P0002,,低保边缘,2023-01-01,2024-05-31")).run
    EndIdentity(actor=cast.registrar, identity_id=Identity.objects.get(person=cast.li).pk, last=date(2024, 5, 31)).run()
    with pytest.raises(InputErrors, match="E-REG-RUN-CHANGED"):
        ApplyRoster(actor=cast.registrar, run_id=run.pk).run()
    DropRoster(actor=cast.registrar, run_id=run.pk).run()
    with pytest.raises(InputErrors, match="已放弃"):
        ApplyRoster(actor=cast.registrar, run_id=run.pk).run()


def test_undoing_puts_back_exactly_what_was_believed(cast):
    before = believed()
    rows = ["李叔,P0002,,低保边缘,2023-01-01,2024-05-31", "李叔,P0002,,低保,2024-06-01,"]
    run = take_in(cast, lines(*rows), is_full=True, covers=["dibao", "dibao_edge"])
    assert len(believed()) == 3
    UndoRoster(actor=cast.registrar, run_id=run.pk).run()
    assert believed() == before
    assert Identity.objects.count() == 2 + 3 + 2
    assert ImportRun.objects.get().state == "undone"
    assert AuditEvent.objects.filter(verb="roster:undo").get().subject_id == str(run.pk)
    with pytest.raises(InputErrors, match="E-REG-RUN-STATE"):
        UndoRoster(actor=cast.registrar, run_id=run.pk).run()
    assert len(believed()) == 2
    take_in(cast, lines(*rows))


def test_a_run_can_be_undone_after_a_later_one_was_undone(cast):
    before = believed()
    first = take_in(cast, lines("李叔,P0002,,低保,2024-06-01,"))
    second = take_in(cast, lines("李叔,P0002,,低保,2024-06-01,2024-12-31"))
    with pytest.raises(InputErrors, match=r"E-REG-DEPENDS.*P0002"):
        UndoRoster(actor=cast.registrar, run_id=first.pk).run()
    UndoRoster(actor=cast.registrar, run_id=second.pk).run()
    UndoRoster(actor=cast.registrar, run_id=first.pk).run()
    assert believed() == before


PEOPLE = "人员编号,姓名,身份证号,性别,参保地区划,险种,户编号"


def test_people_are_registered_updated_and_undone(cast):
    content = lines(
        f"P0300,欧阳明,{number()},男,610902,390,F300",
        "P0001,王奶奶,,女,,390,F300",
        "P0009,外人,,男,320902,390,",
        head=PEOPLE,
    )
    made = preview(cast, content, kind="people")
    assert kinds(made.plan) == [("joined", "P0001"), ("registered", "P0300"), ("updated", "P0001")]
    assert [f.code for f in made.plan.conflicts] == ["E-REG-ROW-AREA"]
    ApplyRoster(actor=cast.registrar, run_id=made.run.pk).run()
    new = Person.objects.get(psn_no="P0300")
    assert (new.birth, new.gend, certno_of(new)) == (date(1949, 12, 31), "1", number())
    assert people_matching(cast.chen, "oym") == [new]
    assert [household_on(psn_no, date(2024, 6, 1)) for psn_no in ("P0001", "P0300")] == ["F300", "F300"]
    cast.wang.refresh_from_db()
    assert (cast.wang.gend, cast.wang.insutype) == ("2", "390")
    UndoRoster(actor=cast.registrar, run_id=made.run.pk).run()
    cast.wang.refresh_from_db()
    assert (cast.wang.gend, cast.wang.insutype) == ("", "")
    assert people_matching(cast.chen, "oym") == []
    assert not Membership.objects.filter(withdrawn_at__isnull=True).exists()
    assert people_matching(cast.chen, "wnn") == [cast.wang]
    take_in(cast, content, kind="people", as_of=date(2024, 6, 2))
    assert [p.psn_no for p in people_matching(cast.chen, "oym")] == ["P0300"]
    assert PersonChange.objects.filter(undone_at__isnull=True).count() == 2


def test_people_whom_others_need_since_are_not_undone(cast):
    run = take_in(cast, lines("P0300,欧阳明,,男,610902,390,", head=PEOPLE), kind="people")
    take_in(cast, lines("欧阳明,P0300,,低保,2024-01-01,"))
    with pytest.raises(InputErrors, match=r"E-REG-DEPENDS.*P0300"):
        UndoRoster(actor=cast.registrar, run_id=run.pk).run()


def test_one_list_only_TH_3_1_0(cast):
    Person.objects.create(psn_no="P0003", name="张三", initials=" zs ", insured_area="610902", recorded_at=clock.now())
    listed, _, unknown = list_of_people(
        cast.registrar, lines("王奶奶,P0001", "张三,P0003", "查无,P0404", head="姓名,人员编号")
    )
    assert [f.line for f in unknown] == [4]
    found = one_list_only(cast.registrar, listed, date(2024, 6, 1), identities=["dibao", "dibao_edge"])
    assert [p.psn_no for p in found.registered_only] == ["P0003"]
    assert [p.psn_no for p in found.identity_only] == ["P0002"]
