"""People, households, identities, and where each record came from.

Two times for every fact: the days it holds (``first``/``last``) and the instants between which we believed it
(``recorded_at``/``withdrawn_at``). A correction withdraws a row and adds another; nothing is overwritten or deleted.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from tuodi.core.identities import IDENTITIES


class Person(models.Model):
    """Somebody known to insurance. The identity number is sealed; ``certno_index`` finds it, nothing else does."""

    psn_no = models.CharField("人员编号", max_length=30, unique=True)
    name = models.CharField("姓名", max_length=50)
    initials = models.CharField("拼音首字母", max_length=120, help_text="各种读音，空格隔开，首尾有空格")
    certno_sealed = models.BinaryField(null=True)
    certno_index = models.BinaryField(max_length=16, null=True, db_index=True)
    certno_tail = models.CharField(max_length=4, blank=True)
    gend = models.CharField("性别", max_length=1, blank=True)
    birth = models.DateField("出生日期", null=True)
    insured_area = models.CharField("参保地区划", max_length=12, db_index=True)
    insured_moves = models.TextField(
        "参保地变动", blank=True, default="", help_text="此前的参保地和各次变动的日期；没有变动过的为空"
    )
    registered_area = models.CharField("户籍地区划", max_length=12, blank=True)
    residence_area = models.CharField("居住地区划", max_length=12, blank=True)
    insutype = models.CharField("险种", max_length=6, blank=True)
    died_on = models.DateField("死亡日期", null=True)
    merged_into = models.ForeignKey("self", on_delete=models.RESTRICT, null=True, related_name="merged")
    run = models.ForeignKey("ImportRun", on_delete=models.RESTRICT, null=True, related_name="people")
    recorded_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, help_text="名册撤销后不再采信")

    class Meta:
        indexes = [models.Index(fields=["name", "birth"], name="person_name_birth")]

    def __str__(self) -> str:
        return self.psn_no


class PersonChange(models.Model):
    """What a person's row said before and after a change: the row itself is what we believe now."""

    person = models.ForeignKey(Person, on_delete=models.RESTRICT, related_name="changes")
    cause = models.CharField(max_length=20)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    run = models.ForeignKey("ImportRun", on_delete=models.RESTRICT, null=True, related_name="changes")
    by = models.ForeignKey("base.User", on_delete=models.RESTRICT, related_name="+")
    at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)


class InsuredPlace(models.Model):
    """Where somebody was insured from which day, until the next place; without a day: before any move.

    Only who moved, or whose place was corrected, has rows; :mod:`tuodi.apps.registry.insured` says what they mean.
    """

    person = models.ForeignKey(Person, on_delete=models.RESTRICT, related_name="insured_places")
    area_code = models.CharField("参保地区划", max_length=12, db_index=True)
    first = models.DateField("起始日期", null=True)
    run = models.ForeignKey("ImportRun", on_delete=models.RESTRICT, null=True, related_name="insured_places")
    replaces = models.ForeignKey("self", on_delete=models.RESTRICT, null=True, related_name="replaced_by")
    recorded_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "first"], condition=Q(withdrawn_at__isnull=True), name="insured_place_once"
            ),
            models.UniqueConstraint(
                fields=["person"],
                condition=Q(withdrawn_at__isnull=True, first__isnull=True),
                name="insured_origin_once",
            ),
        ]


class SearchWord(models.Model):
    """A name, or one reading of its initials, with an area that sees the person: one covering index answers a search.

    Made from :class:`Person` by :mod:`tuodi.apps.registry.words`, so it may be thrown away and made again.
    """

    word = models.CharField(max_length=50)
    area_code = models.CharField(max_length=12)
    person = models.ForeignKey(Person, on_delete=models.RESTRICT, related_name="search_words")

    class Meta:
        indexes = [
            models.Index(
                fields=["word", "area_code", "person"], name="search_word",
                opclasses=["varchar_pattern_ops", "varchar_pattern_ops", "int8_ops"],
            )
        ]  # fmt: skip


class Merge(models.Model):
    """Two records of one person: ``person`` was merged into ``into``; both rows stay."""

    person = models.ForeignKey(Person, on_delete=models.RESTRICT, related_name="merges")
    into = models.ForeignKey(Person, on_delete=models.RESTRICT, related_name="merges_taken")
    by = models.ForeignKey("base.User", on_delete=models.RESTRICT, related_name="+")
    at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person"], condition=Q(undone_at__isnull=True), name="merged_once"),
            models.CheckConstraint(condition=~Q(person=F("into")), name="merged_into_another"),
        ]


class Alike(models.Model):
    """An identity number, or a name and birth, that more than one record has had: where to look for duplicates.

    The database writes it as it writes people; nothing is taken away, and who is alike now is read from the people.
    """

    name = models.CharField(max_length=50, null=True)
    birth = models.DateField(null=True)
    certno_index = models.BinaryField(max_length=16, null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "birth"], name="alike_name_birth"),
            models.UniqueConstraint(fields=["certno_index"], name="alike_number"),
        ]


class NotTheSame(models.Model):
    """Two records that look alike and are two people, as somebody found out: not shown as duplicates until that is undone."""

    one = models.ForeignKey(Person, on_delete=models.RESTRICT, related_name="+")
    other = models.ForeignKey(Person, on_delete=models.RESTRICT, related_name="+")
    reason = models.CharField(max_length=200)
    by = models.ForeignKey("base.User", on_delete=models.RESTRICT, related_name="+")
    at = models.DateTimeField()
    undone_by = models.ForeignKey("base.User", on_delete=models.RESTRICT, null=True, related_name="+")
    undone_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["one", "other"], condition=Q(undone_at__isnull=True), name="not_the_same_once"
            ),
            models.CheckConstraint(condition=Q(one__lt=F("other")), name="not_the_same_in_order"),
        ]


class DeathCorrection(models.Model):
    """A death recorded wrongly: the right day, or none. One that changes certifications waits for a second person."""

    person = models.ForeignKey(Person, on_delete=models.RESTRICT, related_name="death_corrections")
    day = models.DateField("更正后的死亡日期", null=True)
    reason = models.CharField(max_length=200)
    touches_identities = models.BooleanField()
    state = models.CharField(max_length=10, choices=[("waiting", "待复核"), ("done", "已更正"), ("refused", "已退回")])
    proposed_by = models.ForeignKey("base.User", on_delete=models.RESTRICT, related_name="+")
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey("base.User", on_delete=models.RESTRICT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    refusal = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("proposed_by")), name="death_two_people"
            ),
            models.CheckConstraint(
                condition=Q(touches_identities=False) | ~Q(state="done") | Q(decided_by__isnull=False),
                name="death_of_money_decided",
            ),
            models.UniqueConstraint(fields=["person"], condition=Q(state="waiting"), name="death_waiting_once"),
        ]


class Household(models.Model):
    number = models.CharField("户编号", max_length=30, unique=True)
    area_code = models.CharField("区划", max_length=12, db_index=True)
    is_rural = models.BooleanField("农村户", default=True)

    def __str__(self) -> str:
        return self.number


class HouseholdPlace(models.Model):
    """Where a household was from when to when; the household's own code is the latest. A row is withdrawn, never changed."""

    household = models.ForeignKey(Household, on_delete=models.RESTRICT, related_name="places")
    area_code = models.CharField(max_length=12)
    first = models.DateField(null=True)
    last = models.DateField(null=True)
    replaces = models.ForeignKey("self", on_delete=models.RESTRICT, null=True, related_name="replaced_by")
    recorded_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)


class Membership(models.Model):
    """Who belonged to which household from when to when."""

    household = models.ForeignKey(Household, on_delete=models.RESTRICT, related_name="memberships")
    person = models.ForeignKey(Person, on_delete=models.RESTRICT, related_name="memberships")
    first = models.DateField()
    last = models.DateField(null=True)
    is_head = models.BooleanField(default=False)
    reason = models.CharField(max_length=30, blank=True)
    run = models.ForeignKey("ImportRun", on_delete=models.RESTRICT, null=True, related_name="memberships")
    replaces = models.ForeignKey("self", on_delete=models.RESTRICT, null=True, related_name="replaced_by")
    recorded_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["person", "first"], name="membership_person")]
        constraints = [
            models.CheckConstraint(condition=Q(last__isnull=True) | Q(last__gte=F("first")), name="membership_days")
        ]


class ImportRun(models.Model):
    """One roster taken in: its file, what it changed, and whether it was undone.

    While it is read, applied or undone in the background, ``asked_by`` is who asked for that, under whose name it is done.
    """

    STATES = [
        ("reading", "正在比对"), ("failed", "未能读取"), ("previewed", "已预览"), ("applying", "正在导入"), ("applied", "已导入"),
        ("undoing", "正在撤销"), ("undone", "已撤销"), ("dropped", "已放弃"),
    ]  # fmt: skip
    #: States that the background leads out of.
    BUSY = ("reading", "applying", "undoing")

    issuer = models.CharField("来源部门", max_length=60)
    kind = models.CharField(max_length=20, choices=[("people", "人员"), ("identities", "身份")])
    filename = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)
    area_code = models.CharField(max_length=12)
    is_full_roster = models.BooleanField("全量名册", default=False)
    covers = models.JSONField("包含的身份", default=list)
    as_of = models.DateField("名册所示日期")
    plan = models.CharField(max_length=64, blank=True, help_text="预览时拟作变更的摘要")
    state = models.CharField(max_length=12, choices=STATES)
    counts = models.JSONField(default=dict)
    told = models.JSONField(default=dict, help_text="预览的行数、没有用到的列、金额合计；不含个人信息")
    by = models.ForeignKey("base.User", on_delete=models.RESTRICT, related_name="+")
    at = models.DateTimeField()
    asked_by = models.ForeignKey("base.User", on_delete=models.RESTRICT, null=True, related_name="+")
    asked_at = models.DateTimeField(null=True)
    reached = models.IntegerField(default=0, help_text="正在导入或撤销时，已办完的人数")
    failure = models.TextField(blank=True, help_text="上一步没有办成的原因")
    applied_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)


class RosterFile(models.Model):
    """The content of a roster that waits, sealed; emptied once the run is applied or given up."""

    run = models.OneToOneField(ImportRun, on_delete=models.RESTRICT, related_name="file")
    sealed = models.BinaryField()


class RosterPart(models.Model):
    """Some lines of a preview, sealed, so that a page shows them without reading the roster again; gone with its file."""

    run = models.ForeignKey(ImportRun, on_delete=models.RESTRICT, related_name="parts")
    kind = models.CharField(max_length=12)
    number = models.IntegerField()
    sealed = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "kind", "number"], name="roster_part_once")]


class Identity(models.Model):
    """A dated certification by a department."""

    person = models.ForeignKey(Person, on_delete=models.RESTRICT, related_name="identities")
    identity = models.CharField("身份", max_length=40, choices=sorted(IDENTITIES.items()))
    first = models.DateField("起始日期")
    last = models.DateField("终止日期", null=True)
    certified_on = models.DateField("认定日期", null=True)
    applied_on = models.DateField("申请日期", null=True)
    issuer = models.CharField("认定部门", max_length=60)
    document_number = models.CharField("证件或文号", max_length=60, blank=True)
    run = models.ForeignKey(ImportRun, on_delete=models.RESTRICT, null=True, related_name="identities")
    replaces = models.ForeignKey("self", on_delete=models.RESTRICT, null=True, related_name="replaced_by")
    recorded_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by_run = models.ForeignKey(ImportRun, on_delete=models.RESTRICT, null=True, related_name="withdrawn")

    class Meta:
        indexes = [models.Index(fields=["person", "identity", "first"], name="identity_person")]
        constraints = [
            models.CheckConstraint(condition=Q(last__isnull=True) | Q(last__gte=F("first")), name="identity_days"),
            models.UniqueConstraint(
                fields=["person", "identity", "first"], condition=Q(withdrawn_at__isnull=True), name="identity_once"
            ),
        ]


class IdentityCode(models.Model):
    """What a local code of the insurance platform means, by region and day: configuration, never code."""

    region = models.CharField("地区前缀", max_length=6)
    local_code = models.CharField("本地编码", max_length=10)
    label = models.CharField("本地名称", max_length=60)
    identity = models.CharField("身份", max_length=40, choices=sorted(IDENTITIES.items()))
    first = models.DateField()
    last = models.DateField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["region", "local_code", "first"], name="identity_code_once")]
