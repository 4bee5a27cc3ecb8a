"""Designated institutions: what they are, their agreements, their keys, and when they may not settle."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

#: hosp_lv and fixmedins_type of the national interface.
LEVELS = {
    "01": "三级特等", "02": "三级甲等", "03": "三级乙等", "04": "三级丙等", "05": "二级甲等", "06": "二级乙等", "07": "二级丙等",
    "08": "一级甲等", "09": "一级乙等", "10": "一级丙等", "11": "无等级",
}  # fmt: skip
KINDS = {
    "1": "定点医疗机构",
    "2": "定点零售药店",
    "3": "工伤定点康复机构",
    "4": "辅助器具配置机构",
    "5": "计划生育服务机构",
}


class Institution(models.Model):
    """A hospital or pharmacy, by its national code."""

    code = models.CharField("机构编码", max_length=30, unique=True)
    name = models.CharField("名称", max_length=200)
    kind = models.CharField("类型", max_length=2, default="1", help_text="fixmedins_type")
    level = models.CharField("等级", max_length=2, blank=True, help_text="hosp_lv")
    area_code = models.CharField("区划", max_length=12, db_index=True)
    is_out_of_province = models.BooleanField("省外", default=False)
    contact = models.CharField("联系人", max_length=60, blank=True)
    phone = models.CharField("电话", max_length=30, blank=True)

    def __str__(self) -> str:
        return self.name

    @property
    def level_name(self) -> str:
        return LEVELS.get(self.level, self.level)

    @property
    def kind_name(self) -> str:
        return KINDS.get(self.kind, self.kind)


class LevelChange(models.Model):
    """A change of an institution's level and the day from which it holds: the row itself has the latest."""

    institution = models.ForeignKey(Institution, on_delete=models.RESTRICT, related_name="levels")
    before = models.CharField(max_length=2, blank=True)
    after = models.CharField(max_length=2, blank=True)
    first = models.DateField()
    by = models.ForeignKey("base.User", on_delete=models.RESTRICT, related_name="+")
    recorded_at = models.DateTimeField()


class Agreement(models.Model):
    """What an institution is designated for, from when to when; assistance is a list of its own (I-53)."""

    KINDS = [("insurance", "医保定点"), ("assistance", "医疗救助定点")]

    institution = models.ForeignKey(Institution, on_delete=models.RESTRICT, related_name="agreements")
    kind = models.CharField(max_length=12, choices=KINDS)
    number = models.CharField("协议编号", max_length=60, blank=True)
    first = models.DateField()
    last = models.DateField(null=True)
    terms = models.TextField("约定", blank=True)
    recorded_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    end_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(last__isnull=True) | Q(last__gte=F("first")), name="agreement_days")
        ]


class Suspension(models.Model):
    """Days on which an institution may not settle, and why."""

    institution = models.ForeignKey(Institution, on_delete=models.RESTRICT, related_name="suspensions")
    first = models.DateField()
    last = models.DateField(null=True)
    reason = models.CharField("原因", max_length=200)
    recorded_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True)


class ApiKey(models.Model):
    """A key of an institution's system; only the name and a sealed token are kept."""

    institution = models.ForeignKey(Institution, on_delete=models.RESTRICT, related_name="keys")
    name = models.CharField(max_length=60, unique=True, help_text="x-tif-paasid")
    token_sealed = models.BinaryField()
    user = models.ForeignKey("base.User", on_delete=models.RESTRICT, related_name="+", help_text="以谁的名义办理")
    first = models.DateField()
    last = models.DateField(null=True)
    revoked_at = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField()

    @property
    def bound(self) -> str:
        """What the sealed token is bound to."""
        return f"institutions.apikey:{self.name}"


class UsedNonce(models.Model):
    """A nonce that a key has signed with and the digest of what it came with: it is good for that message and no other."""

    key_name = models.CharField(max_length=60)
    nonce = models.CharField(max_length=64)
    digest = models.BinaryField()
    at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key_name", "nonce"], name="nonce_once")]
