"""Policies in force: which pack answers for which area from which day, under which values and readings, and who said so.

What is entered is proposed by one person and approved by another (also a database constraint). Rows are only added.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q


class Installation(models.Model):
    """A pack put in force for an area; its texts are kept as they were, so that any past result can be computed again."""

    area_code = models.CharField("区划", max_length=12, db_index=True)
    pack = models.CharField("政策包", max_length=60)
    digest = models.CharField(max_length=64)
    texts = models.JSONField(help_text="policy.yaml, diseases.csv")
    readings = models.JSONField(default=dict)
    first = models.DateField("启用日期")
    impact = models.JSONField(default=dict)
    proposed_by = models.ForeignKey("base.User", on_delete=models.RESTRICT, related_name="+")
    proposed_at = models.DateTimeField()
    approved_by = models.ForeignKey("base.User", on_delete=models.RESTRICT, null=True, related_name="+")
    approved_at = models.DateTimeField(null=True)
    refused_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=400, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(approved_by__isnull=True) | ~Q(approved_by=F("proposed_by")), name="installation_two_people")
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
    refused_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(approved_by__isnull=True) | ~Q(approved_by=F("proposed_by")), name="value_two_people")
        ]
