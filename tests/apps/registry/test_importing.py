"""Rosters in the background: each step whole or not at all, told twice without harm, refused with its reason; pages of a preview."""

from datetime import date, datetime

import pytest

from tests.apps.cast import assemble, bill
from tests.apps.registry.test_rosters import believed, lines
from tuodi.apps.registry.actions import parts
from tuodi.apps.registry.actions.identities import CertifyIdentity, EndIdentity
from tuodi.apps.registry.actions.parts import ApplyPart, Overtaken, UndoPart
from tuodi.apps.registry.actions.rosters import (
    ApplyRoster,
    AskToUndo,
    ConfirmRoster,
    DropRoster,
    ReadRosterAgain,
    UploadRoster,
)
from tuodi.apps.registry.comparing import preview_of, roster_of
from tuodi.apps.registry.models import Identity, ImportRun, Person, RosterFile, RosterPart
from tuodi.apps.registry.previews import CHANGES, PART, PASSED, Lines, add, by_person
from tuodi.apps.settlement.actions import Settle
from tuodi.apps.settlement.importing import apply_confirmed, confirm, impact_of_plan, read_uploaded, take_in
from tuodi.base import clock, outbox, progress
from tuodi.base.models import Announcement, AuditEvent, User
from tuodi.base.progress import Notes
from tuodi.core.errors import InputErrors

pytestmark = pytest.mark.django_db

ROWS = ("李叔,P0002,,低保边缘,2023-01-01,2024-05-31", "李叔,P0002,,低保,2024-06-01,")


@pytest.fixture
def cast():
    with clock.set_to(clock.instant(datetime(2024, 6, 1, 9))):
        yield assemble()


def uploaded(cast, content=None, **more):
    given = {"issuer": "民政局", "area_code": "610902", "filename": "r.csv", "kind": "identities", **more}
    return UploadRoster(actor=cast.registrar, content=content or lines(*ROWS), **given).run()


def now(run):
    run.refresh_from_db()
    return run


def waiting():
    return list(Announcement.objects.filter(delivered_at__isnull=True).values_list("fact", flat=True))


def test_a_roster_goes_all_the_way_behind_the_page(cast):
    before, run = believed(), uploaded(cast)
    assert (run.state, waiting()) == ("reading", ["roster:uploaded"])
    outbox.deliver()
    assert (now(run).state, run.counts["new"], believed()) == ("previewed", 1, before)
    ConfirmRoster(actor=cast.registrar, run_id=run.pk).run()
    outbox.deliver()
    assert (now(run).state, len(believed())) == ("applied", 3)
    assert not RosterPart.objects.exists()
    assert bytes(RosterFile.objects.get().sealed) == b""
    AskToUndo(actor=cast.registrar, run_id=run.pk).run()
    outbox.deliver()
    assert (now(run).state, believed()) == ("undone", before)
    assert progress.seen(f"roster-{run.pk}") is None


def test_a_step_told_twice_does_nothing_more(cast):
    run = uploaded(cast)
    read_uploaded({"run": run.pk})
    read_uploaded({"run": run.pk})
    assert Lines(now(run), CHANGES)[:] == Lines(run, CHANGES)[0:2]
    ConfirmRoster(actor=cast.registrar, run_id=run.pk).run()
    apply_confirmed({"run": run.pk})
    apply_confirmed({"run": run.pk})
    assert Identity.objects.filter(run=run).count() == 2
    assert now(run).failure == ""


def test_an_import_stopped_inside_a_part_left_nothing_of_it_and_goes_on_at_the_next_delivery(cast, monkeypatch):
    run = uploaded(cast)
    outbox.deliver()
    ConfirmRoster(actor=cast.registrar, run_id=run.pk).run()
    before, write = believed(), parts.write_plan

    def stopped(*given, **more):
        write(*given, **more)
        raise OSError("the power failed")

    monkeypatch.setattr(parts, "write_plan", stopped)
    with pytest.raises(OSError, match="power"):
        outbox.deliver()
    assert (believed(), now(run).state, waiting()) == (before, "applying", ["roster:confirmed"])
    monkeypatch.setattr(parts, "write_plan", write)
    outbox.deliver()
    assert (now(run).state, len(believed())) == ("applied", 3)


def of_three(cast, monkeypatch):
    """A previewed roster of three people, whose parts are of one person each: R1 is changed, R2 and R3 are new."""
    monkeypatch.setattr(parts, "PEOPLE", 1)
    made = [
        Person(psn_no=f"R{n}", name="某人", initials=" mr ", insured_area="610902", registered_area="610902", recorded_at=clock.now())
        for n in (1, 2, 3)
    ]  # fmt: skip
    Person.objects.bulk_create(made)
    CertifyIdentity(actor=cast.registrar, psn_no="R1", identity="dibao", first=date(2023, 1, 1), issuer="民政局").run()
    Announcement.objects.all().delete()
    run = uploaded(
        cast, lines("某人,R1,,低保,2023-01-01,2024-12-31", "某人,R2,,低保,2024-06-01,", "某人,R3,,低保,2024-06-01,")
    )
    outbox.deliver()
    ConfirmRoster(actor=cast.registrar, run_id=run.pk).run()
    return now(run)


def of(psn_no):
    return [(row[2], row[3]) for row in believed() if row[0] == psn_no]


def stopped_before(monkeypatch, action, at):
    """Have the power fail before the part of an action that begins with so many people done."""
    decide = action.decide

    def failing(self):
        if self.first == at:
            raise OSError("the power failed")
        decide(self)

    monkeypatch.setattr(action, "decide", failing)
    with pytest.raises(OSError, match="power"):
        outbox.deliver()
    monkeypatch.setattr(action, "decide", decide)


def test_a_large_roster_is_applied_and_undone_in_parts_each_once(cast, monkeypatch):
    run, before = of_three(cast, monkeypatch), believed()
    stopped_before(monkeypatch, ApplyPart, 2)
    assert (now(run).state, run.reached) == ("applying", 2)
    assert (of("R1"), of("R2"), of("R3")) == ([(date(2023, 1, 1), date(2024, 12, 31))], [(date(2024, 6, 1), None)], [])
    outbox.deliver()
    assert (now(run).state, run.reached, of("R3")) == ("applied", 0, [(date(2024, 6, 1), None)])
    assert Identity.objects.filter(run=run).count() == 3
    AskToUndo(actor=cast.registrar, run_id=run.pk).run()
    stopped_before(monkeypatch, UndoPart, 1)
    assert (now(run).state, run.reached, of("R1"), len(of("R2"))) == ("undoing", 1, [(date(2023, 1, 1), None)], 1)
    outbox.deliver()
    assert (now(run).state, believed()) == ("undone", before)
    steps = AuditEvent.objects.filter(subject="roster").order_by("pk").values_list("data__step", flat=True)
    assert list(steps) == [
        "upload", "preview", "applying", *["applying part"] * 2, "applied", "undoing", *["undoing part"] * 2, "undone",
    ]  # fmt: skip


def test_what_changed_since_the_preview_is_told_and_not_overwritten(cast, monkeypatch):
    run = of_three(cast, monkeypatch)
    EndIdentity(
        actor=cast.registrar, identity_id=Identity.objects.get(person__psn_no="R1").pk, last=date(2024, 5, 30)
    ).run()
    outbox.deliver()
    assert now(run).state == "applied"
    assert of("R1") == [(date(2023, 1, 1), date(2024, 5, 30))]
    assert len(of("R2")) == len(of("R3")) == 1
    assert (run.counts["changed"], run.counts["new"], run.counts["passed"]) == (0, 2, 1)
    [told] = Lines(run, [PASSED])[:]
    assert told.startswith("第 2 行：人员 R1 的登记在预览之后有变化")


def test_undoing_passes_over_whose_record_changed_while_it_went_on(cast, monkeypatch):
    run = of_three(cast, monkeypatch)
    outbox.deliver()
    AskToUndo(actor=cast.registrar, run_id=run.pk).run()
    stopped_before(monkeypatch, UndoPart, 1)
    EndIdentity(
        actor=cast.registrar, identity_id=Identity.objects.get(person__psn_no="R2").pk, last=date(2024, 9, 1)
    ).run()
    outbox.deliver()
    assert (now(run).state, of("R2"), of("R3")) == ("undone", [(date(2024, 6, 1), date(2024, 9, 1))], [])
    [told] = Lines(run, [PASSED])[:]
    assert "人员 R2" in told


def test_undoing_begins_only_if_all_of_it_can_be_undone(cast, monkeypatch):
    run = of_three(cast, monkeypatch)
    outbox.deliver()
    EndIdentity(
        actor=cast.registrar, identity_id=Identity.objects.get(person__psn_no="R3").pk, last=date(2024, 9, 1)
    ).run()
    AskToUndo(actor=cast.registrar, run_id=run.pk).run()
    before = believed()
    outbox.deliver()
    assert (now(run).state, believed()) == ("applied", before)
    assert "R3" in run.failure


def test_a_part_that_somebody_else_has_done_is_not_done_again(cast, monkeypatch):
    run = of_three(cast, monkeypatch)
    given = {"actor": cast.registrar, "run_id": run.pk, "roster": roster_of(run), "people": by_person(run)}
    late = ApplyPart(**given, first=0)
    assert ApplyPart(**given, first=0).run() == 1
    with pytest.raises(Overtaken):
        late.run()
    assert now(run).reached == 1


def test_a_roster_half_applied_is_neither_dropped_nor_compared_anew_but_goes_on(cast, monkeypatch):
    run = of_three(cast, monkeypatch)
    stopped_before(monkeypatch, ApplyPart, 1)
    User.objects.filter(pk=cast.registrar.pk).update(is_active=False)
    outbox.deliver()
    assert (now(run).state, run.reached) == ("previewed", 1)
    User.objects.filter(pk=cast.registrar.pk).update(is_active=True)
    for step in (DropRoster, ReadRosterAgain, ApplyRoster):
        with pytest.raises(InputErrors, match="E-REG-RUN-BEGUN"):
            step(actor=User.objects.get(pk=cast.registrar.pk), run_id=run.pk).run()
    confirm(User.objects.get(pk=cast.registrar.pk), now(run))
    outbox.deliver()
    assert (now(run).state, len(of("R3"))) == ("applied", 1)


def test_an_account_that_is_gone_does_not_go_on(cast):
    run = uploaded(cast)
    User.objects.filter(pk=cast.registrar.pk).update(is_active=False)
    outbox.deliver()
    assert now(run).state == "failed"
    assert "账号已停用" in run.failure


def test_a_file_of_the_wrong_form_is_not_kept_when_small_and_says_why_when_large(cast):
    given = {"issuer": "民政局", "area_code": "610902", "filename": "r.csv", "kind": "identities"}
    with pytest.raises(InputErrors, match="E-COLUMN-MISSING"):
        take_in(actor=cast.registrar, content="姓名,备注\n甲,乙".encode(), **given)
    assert not ImportRun.objects.exists()
    assert not Announcement.objects.exists()
    run = take_in(actor=cast.registrar, content="姓名,备注\n".encode() + "甲,乙\n".encode() * 8_000, **given)
    outbox.deliver()
    assert now(run).state == "failed"
    assert run.failure


def test_pages_read_no_more_than_the_parts_they_show(cast, django_assert_num_queries):
    run = uploaded(cast)
    run.told = {}
    for kind, count in (("new", 2 * PART - 3), ("ended", 10), ("new", PART + 10)):
        first = 1000 if kind == "ended" else len(Lines(run, [kind]))
        add(run, kind, range(first, first + count))
    assert run.told == {"lines": {"new": 3 * PART + 7, "ended": 10}}
    every = Lines(run, ["new", "changed", "ended"])
    assert every[:] == [*range(3 * PART + 7), *range(1000, 1010)]
    for first in (0, PART - 5, PART, 3 * PART, 3 * PART + 5, 3 * PART + 16):
        assert every[first : first + 25] == every[:][first : first + 25]
    with django_assert_num_queries(1):
        assert every[PART - 5 : PART + 5] == list(range(PART - 5, PART + 5))
    assert every[len(every) - 1] == 1009


def test_what_a_roster_comes_to_is_asked_in_a_number_of_statements_that_does_not_grow(cast, django_assert_num_queries):
    """安康低保 70 %：每人 10,000 元应助 7,000 元。"""
    made = [
        Person(psn_no=f"Q{n}", name="某人", initials=" mr ", insured_area="610902", registered_area="610902", recorded_at=clock.now())
        for n in range(20)
    ]  # fmt: skip
    Person.objects.bulk_create(made)
    for person in made:
        Settle(actor=cast.zhao, bill=bill(f"S{person.psn_no}", date(2024, 3, 1), 10_000, person=person.psn_no)).run()
    for count, queries in ((2, 6), (20, 6)):
        rows = [f"某人,Q{n},,低保,2024-01-01," for n in range(count)]
        plan = preview_of(uploaded(cast, lines(*rows))).plan
        with django_assert_num_queries(queries):
            found = impact_of_plan(plan, as_of=date(2024, 3, 1))
        assert [one.gain_fen for one in found] == [700_000] * count


def test_a_note_of_progress_is_gone_however_its_work_ends(settings, tmp_path):
    settings.HOME = tmp_path
    with pytest.raises(OSError, match="stopped"):
        _say_and_stop()
    assert progress.seen("roster-7") is None


def _say_and_stop():
    with Notes("roster-7") as notes:
        notes.say("正在写入登记", 0, 100)
        notes.say("正在写入登记", 100, 100)
        seen = progress.seen("roster-7")
        assert (seen.doing, seen.done, seen.total, seen.percent) == ("正在写入登记", 100, 100, 99)
        raise OSError("stopped")
