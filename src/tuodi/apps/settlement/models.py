"""One-stop settlement: exchanges with hospitals, stays, settlements as received, and entries as differences.

A :class:`Bill` is what the hospital and the insurers say, never changed; a cancellation is a row of its own. An
:class:`Entry` is one difference of one settlement and layer: what was paid before and what is due now, with its cause. What a
settlement is paid in all is the sum of its entries.
"""

from __future__ import annotations

import json
from typing import Any

from django.db import models
from django.db.models import Q

from tuodi.base import secrets
from tuodi.core.settlements import AMOUNT_FIELDS


class Exchange(models.Model):
    """A request of a hospital's system, answered once: same id, same answer (style E9). The answer names people and is sealed."""

    fixmedins_code = models.CharField(max_length=30)
    msgid = models.CharField(max_length=30)
    infno = models.CharField(max_length=6)
    digest = models.CharField(max_length=64)
    at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=[("done", "已办"), ("reversed", "已冲正")])
    subject = models.CharField(max_length=30, blank=True, help_text="mdtrt_id 或 setl_id")
    refmsgid = models.CharField(max_length=30)
    answer_sealed = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["fixmedins_code", "msgid"], name="exchange_once")]

    @property
    def bound(self) -> str:
        """What the sealed answer is bound to: this message of this institution."""
        return f"settlement.exchange:{self.fixmedins_code}:{self.msgid}"

    @property
    def answer(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(secrets.decrypt(self.answer_sealed, bound_to=self.bound))
        return told

    @answer.setter
    def answer(self, output: dict[str, Any]) -> None:
        text = json.dumps(output, ensure_ascii=False, separators=(",", ":"))
        self.answer_sealed = secrets.encrypt(text, bound_to=self.bound)


class Encounter(models.Model):
    """A visit or stay, opened by registration or admission."""

    mdtrt_id = models.CharField(max_length=30, unique=True)
    psn_no = models.CharField(max_length=30, db_index=True)
    fixmedins_code = models.CharField(max_length=30, db_index=True)
    insutype = models.CharField(max_length=6, blank=True)
    med_type = models.CharField(max_length=6)
    ipt_otp_no = models.CharField(max_length=30, blank=True)
    admitted = models.DateTimeField()
    discharged = models.DateTimeField(null=True)
    diag_code = models.CharField(max_length=20, blank=True)
    cancelled_at = models.DateTimeField(null=True)
    is_deposit_waived = models.BooleanField(default=False)
    recorded_at = models.DateTimeField()


class Notice(models.Model):
    """Somebody to be told of an admission (village contact QD-2.1, service team TH-3.1.3), and what came of it."""

    encounter = models.ForeignKey(Encounter, on_delete=models.RESTRICT, related_name="notices")
    told = models.CharField(
        max_length=30, choices=[("village_contact", "村（居）联系人"), ("service_team", "基础健康服务团队")]
    )
    clause = models.CharField(max_length=20)
    area_code = models.CharField(max_length=12, db_index=True)
    at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)
    response = models.CharField(max_length=400, blank=True)


class StatementFile(models.Model):
    """A reconciliation file that a hospital sent or may fetch (9101 / 9102)."""

    number = models.CharField(max_length=30, unique=True)
    fixmedins_code = models.CharField(max_length=30)
    filename = models.CharField(max_length=200)
    content = models.BinaryField()
    at = models.DateTimeField()


class Filing(models.Model):
    """A referral (2501) or a chronic-disease filing (2503)."""

    number = models.CharField(max_length=30, unique=True)
    kind = models.CharField(max_length=10, choices=[("referral", "转院备案"), ("chronic", "慢特病备案")])
    psn_no = models.CharField(max_length=30, db_index=True)
    diag_code = models.CharField(max_length=20, blank=True)
    target = models.CharField("转往机构或病种", max_length=30, blank=True)
    target_area = models.CharField(max_length=12, blank=True)
    first = models.DateField()
    last = models.DateField(null=True)
    data = models.JSONField(default=dict)
    recorded_at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True)


class Bill(models.Model):
    """A settlement as received: fen, codes, days. Append-only by trigger but for what cancels or reverses it."""

    setl_id = models.CharField(max_length=30, unique=True)
    mdtrt_id = models.CharField(max_length=30, db_index=True, blank=True)
    chrg_bchno = models.CharField("收费批次", max_length=30, blank=True)
    is_midway = models.BooleanField("中途结算", default=False)
    psn_no = models.CharField(max_length=30, db_index=True)
    fixmedins_code = models.CharField(max_length=30, db_index=True)
    msgid = models.CharField(max_length=30, blank=True)
    insutype = models.CharField(max_length=6, blank=True)
    clr_type = models.CharField(max_length=6, blank=True)
    clr_optins = models.CharField(max_length=12, blank=True)
    med_type = models.CharField(max_length=6)
    begndate = models.DateField()
    enddate = models.DateField()
    setl_time = models.DateTimeField(db_index=True)
    diag_code = models.CharField(max_length=20)
    disease_class = models.CharField(max_length=20, blank=True)
    refer_stas = models.CharField(max_length=8, default="local")
    out_prov = models.BooleanField(default=False)
    cause = models.CharField(max_length=24, blank=True)
    hosp_lv = models.CharField(max_length=2, blank=True, help_text="结算时的机构等级")
    designated = models.BooleanField(null=True, help_text="结算当日是否医保定点且未暂停")
    assistance_designated = models.BooleanField(null=True)
    for _name in AMOUNT_FIELDS:
        locals()[_name] = models.BigIntegerField(default=0)
    del _name
    acct_pay = models.BigIntegerField(default=0)
    hosp_part_amt = models.BigIntegerField(default=0)
    recorded_at = models.DateTimeField()
    cancelled_by = models.OneToOneField("self", on_delete=models.RESTRICT, null=True, related_name="cancels")
    is_cancellation = models.BooleanField(default=False)
    is_reversed = models.BooleanField(default=False)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(medfee_sumamt__gte=0), name="bill_not_negative")]
        #: Few are cancelled or reversed: a list of them reads no others.
        indexes = [
            models.Index(
                fields=["setl_time"], condition=Q(cancelled_by__isnull=False) | Q(is_reversed=True), name="bill_gone"
            )
        ]


class Refold(models.Model):
    """One re-computation of a person's history: why, under which policy, what it changed."""

    CAUSES = [
        ("settle", "结算"), ("cancel", "结算撤销"), ("reverse", "冲正"), ("identity", "身份变更"), ("person", "人员信息变更"), ("policy", "政策变更"),
        ("upstream", "上游重新结算"), ("late", "补录"),
    ]  # fmt: skip

    psn_no = models.CharField(max_length=30, db_index=True)
    cause = models.CharField(max_length=10, choices=CAUSES)
    cause_id = models.CharField(max_length=60, blank=True)
    installation = models.ForeignKey("policies.Installation", on_delete=models.RESTRICT)
    digest = models.CharField(max_length=64, help_text="政策包、授权参数和事实的摘要")
    at = models.DateTimeField()
    change_fen = models.BigIntegerField(default=0)


class BooksCheck(models.Model):
    """What a night's check of the books found; the differences of people who can be seen, each with its area."""

    at = models.DateTimeField()
    people = models.IntegerField()
    bills = models.IntegerField()
    repaired = models.IntegerField(default=0)
    found = models.IntegerField(default=0)
    is_repair = models.BooleanField(default=False)


class BooksDifference(models.Model):
    """One place where the entries were not what the history earns."""

    check_run = models.ForeignKey(BooksCheck, on_delete=models.RESTRICT, related_name="differences")
    area_code = models.CharField(max_length=12, db_index=True)
    psn_no = models.CharField(max_length=30)
    setl_id = models.CharField(max_length=30, blank=True)
    layer = models.CharField(max_length=40, blank=True)
    entered_fen = models.BigIntegerField()
    earned_fen = models.BigIntegerField()
    why = models.CharField(max_length=400, blank=True)


class Entry(models.Model):
    """One difference of one settlement and layer, append-only. ``pay`` may be negative: to be claimed back."""

    refold = models.ForeignKey(Refold, on_delete=models.RESTRICT, related_name="entries")
    bill = models.ForeignKey(Bill, on_delete=models.RESTRICT, related_name="entries")
    layer = models.CharField(max_length=40)
    category = models.CharField(max_length=40, blank=True)
    identity = models.CharField(max_length=40, blank=True)
    pay = models.BigIntegerField()
    total = models.BigIntegerField(help_text="该结算该层至此应付合计")
    due_on = models.DateField(null=True)
    fund = models.CharField(max_length=40, blank=True)
    fund_area = models.CharField(max_length=12, blank=True, help_text="哪个统筹区的资金")
    refusal = models.CharField(max_length=40, blank=True)
    result = models.JSONField(default=dict, help_text="各项数额、条款、释义、逐步计算")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["bill", "layer"], name="entry_bill_layer")]
