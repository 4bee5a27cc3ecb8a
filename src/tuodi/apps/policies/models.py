"""Policies in force: which pack answers for which area from which day, under which values and readings, and who said so.

What is entered is proposed by one person and approved by another (also a database constraint). Rows are only added: what was
proposed never changes (a trigger), only what came of it is filled in.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from tuodi.core.policy.local_values import qualifier_words


class Installation(models.Model):
    """A pack put in force for an area; its texts are kept as they were, so that any past result can be computed again."""

    area_code = models.CharField("区划", max_length=12, db_index=True)
    pack = models.CharField("政策包", max_length=60)
    digest = models.CharField(max_length=64)
    texts = models.JSONField(help_text="policy.yaml, diseases.csv")
    readings = models.JSONField(default=dict)
    first = models.DateField("启用日期")
    is_by_household = models.BooleanField("按户累计", default=False, help_text="有的层按全家合并累计")
    impact = models.JSONField(default=dict)
    proposed_by = models.ForeignKey("base.User", on_delete=models.RESTRICT, related_name="+")
    proposed_at = models.DateTimeField()
    approved_by = models.ForeignKey("base.User", on_delete=models.RESTRICT, null=True, related_name="+")
    approved_at = models.DateTimeField(null=True)
    refused_by = models.ForeignKey("base.User", on_delete=models.RESTRICT, null=True, related_name="+")
    refused_at = models.DateTimeField(null=True)
    refusal = models.CharField("退回理由", max_length=400, blank=True)
    note = models.CharField(max_length=400, blank=True)
    accepted = models.JSONField("接受的提醒", default=list, help_text="warning, reason, by")
    interpreter = models.CharField("解释机关", max_length=200, blank=True, help_text="提交人确认的政策包解释机关")
    interpreter_document = models.CharField("解释机关决定", max_length=200, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True) | ~Q(approved_by=F("proposed_by")), name="installation_two_people"
            ),
            models.CheckConstraint(
                condition=Q(refused_by__isnull=True) | ~Q(refused_by=F("proposed_by")),
                name="installation_refused_by_another",
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True, approved_at__isnull=True)
                | Q(approved_by__isnull=False, approved_at__isnull=False, refused_at__isnull=True),
                name="installation_decided_once",
            ),
        ]


class DelegatedValue(models.Model):
    """A figure that a document leaves to another, with its source; samples stay marked until replaced."""

    area_code = models.CharField(max_length=12, db_index=True)
    param = models.CharField("参数", max_length=80)
    value = models.CharField("值", max_length=400)
    source = models.CharField("来源", max_length=200)
    first = models.DateField("自", null=True)
    is_sample = models.BooleanField("示例值", default=False)
    proposed_by = models.ForeignKey("base.User", on_delete=models.RESTRICT, related_name="+")
    proposed_at = models.DateTimeField()
    approved_by = models.ForeignKey("base.User", on_delete=models.RESTRICT, null=True, related_name="+")
    approved_at = models.DateTimeField(null=True)
    refused_by = models.ForeignKey("base.User", on_delete=models.RESTRICT, null=True, related_name="+")
    refused_at = models.DateTimeField(null=True)
    refusal = models.CharField("退回理由", max_length=400, blank=True)
    withdrawal_by = models.ForeignKey("base.User", on_delete=models.RESTRICT, null=True, related_name="+")
    withdrawal_at = models.DateTimeField("提请撤回", null=True)
    withdrawal_reason = models.CharField(max_length=400, blank=True)
    withdrawn_by = models.ForeignKey("base.User", on_delete=models.RESTRICT, null=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True)
    impact = models.JSONField(default=dict)

    @property
    def only_for(self) -> str:
        """The area and residence kind for which alone the value is, in words; empty for everybody."""
        return qualifier_words(self.param)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True) | ~Q(approved_by=F("proposed_by")), name="value_two_people"
            ),
            models.CheckConstraint(
                condition=Q(refused_by__isnull=True) | ~Q(refused_by=F("proposed_by")), name="value_refused_by_another"
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True, approved_at__isnull=True)
                | Q(approved_by__isnull=False, approved_at__isnull=False, refused_at__isnull=True),
                name="value_decided_once",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_by__isnull=True)
                | Q(approved_at__isnull=True)
                | ~Q(withdrawn_by=F("withdrawal_by")),
                name="value_withdrawn_by_two_people",
            ),
            models.CheckConstraint(
                condition=Q(is_sample=True, source__startswith="示例")
                | (Q(is_sample=False) & ~Q(source__startswith="示例")),
                name="value_sample_says_so",
            ),
        ]


class Measurement(models.Model):
    """One measuring of what a proposal would change: asked for by somebody, worked off in the background, some people at a time."""

    installation = models.ForeignKey(Installation, on_delete=models.RESTRICT, null=True, related_name="measurements")
    value = models.ForeignKey(DelegatedValue, on_delete=models.RESTRICT, null=True, related_name="measurements")
    is_withdrawal = models.BooleanField(default=False)
    area_code = models.CharField(max_length=12, db_index=True)
    basis = models.CharField(max_length=64, help_text="提请测算时已生效的政策")
    by = models.ForeignKey("base.User", on_delete=models.RESTRICT, related_name="+")
    asked_at = models.DateTimeField()
    people = models.IntegerField("需要测算的人数", null=True)
    done = models.IntegerField("已测算的人数", default=0)
    after = models.CharField(max_length=30, blank=True, help_text="已测算到的人员编号")
    sums = models.JSONField(default=dict)
    worked_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    failure = models.CharField(max_length=400, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(installation__isnull=True, value__isnull=False)
                | Q(installation__isnull=False, value__isnull=True, is_withdrawal=False),
                name="measurement_of_one_proposal",
            )
        ]
