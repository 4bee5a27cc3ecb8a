"""Reconciliation: what each side reported, what a comparison found, what was done about it. Rows are only added (triggers).

A newer report or run of the same institution and day stands beside the older ones; the newest counts. A mend that moves money
is proposed by one person and decided by another.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

SIDES = [("hospital", "医药机构"), ("insurer", "医保机构")]
KINDS = [("matched", "一致"), ("missing_here", "我方缺"), ("missing_there", "对方缺"), ("different", "金额不符")]
MENDS = [
    ("cancel", "撤销我方结算"), ("record", "按医保文件补记我方结算"), ("ask", "请医药机构重新上传"), ("accept", "核实后接受差异"),
]  # fmt: skip


class Report(models.Model):
    """What a side says of one institution and day, as it was read: amounts in fen."""

    fixmedins_code = models.CharField(max_length=30)
    area_code = models.CharField(max_length=12)
    day = models.DateField()
    side = models.CharField(max_length=10, choices=SIDES)
    filename = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)
    lines = models.JSONField(default=list)
    by = models.ForeignKey("base.User", on_delete=models.RESTRICT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["fixmedins_code", "day", "side"], name="report_of_day")]


class Run(models.Model):
    """One comparison of the sides of an institution and day."""

    fixmedins_code = models.CharField(max_length=30)
    area_code = models.CharField(max_length=12)
    day = models.DateField()
    hospital = models.ForeignKey(Report, on_delete=models.RESTRICT, null=True, related_name="+")
    insurer = models.ForeignKey(Report, on_delete=models.RESTRICT, null=True, related_name="+")
    counts = models.JSONField(default=dict)
    by = models.ForeignKey("base.User", on_delete=models.RESTRICT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["fixmedins_code", "day"], name="run_of_day")]


class Finding(models.Model):
    """One settlement in a run: where it stands, what each side says of it, in what they differ."""

    run = models.ForeignKey(Run, on_delete=models.RESTRICT, related_name="findings")
    setl_id = models.CharField(max_length=30)
    kind = models.CharField(max_length=14, choices=KINDS)
    sides = models.JSONField(default=dict)
    wrong = models.JSONField(default=list)
    signature = models.CharField(max_length=64, help_text="三方说法的摘要：变了就是另一个差异")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "setl_id"], name="finding_once")]


class Mend(models.Model):
    """What somebody does about a difference; one that moves money waits for another person."""

    finding = models.ForeignKey(Finding, on_delete=models.RESTRICT, related_name="mends")
    kind = models.CharField(max_length=10, choices=MENDS)
    reason = models.CharField(max_length=400)
    proposed_by = models.ForeignKey("base.User", on_delete=models.RESTRICT, related_name="+")
    proposed_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=[("waiting", "待复核"), ("done", "已办理"), ("refused", "已退回")])
    decided_by = models.ForeignKey("base.User", on_delete=models.RESTRICT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    refusal = models.CharField(max_length=400, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("proposed_by")), name="mend_two_people"
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=("cancel", "record")) | ~Q(state="done") | Q(decided_by__isnull=False),
                name="mend_of_money_decided",
            ),
            models.UniqueConstraint(fields=["finding"], condition=Q(state="waiting"), name="mend_waiting_once"),
        ]
