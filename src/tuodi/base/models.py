"""Accounts, areas, the audit trail, announcements."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models

from tuodi.base.access import ROLES


class Area(models.Model):
    """A node of the area tree; six-digit codes (villages and towns longer), children begin with their parent's prefix."""

    code = models.CharField(max_length=12, primary_key=True)
    name = models.CharField(max_length=60)
    parent = models.ForeignKey("self", on_delete=models.RESTRICT, null=True, related_name="children")

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    """Makes accounts; the password is hashed, never kept."""

    def create_user(self, username: str, password: str, **fields: object) -> User:
        user = self.model(username=username, **fields)
        user.set_password(password)
        user.full_clean(exclude=["password"])
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """Somebody with a job in an area. A hospital counter is bound to one institution."""

    username = models.CharField("用户名", max_length=60, unique=True)
    name = models.CharField("姓名", max_length=60)
    role = models.CharField("岗位", max_length=30, choices=sorted(ROLES.items()))
    area_code = models.CharField("辖区", max_length=12)
    institution_code = models.CharField("机构编码", max_length=30, blank=True)
    is_active = models.BooleanField("启用", default=True)
    must_change_password = models.BooleanField(default=False)

    objects = UserManager()
    USERNAME_FIELD = "username"
    REQUIRED_FIELDS = ["name", "role", "area_code"]

    def __str__(self) -> str:
        return self.name

    @property
    def role_name(self) -> str:
        return ROLES.get(self.role, self.role)

    @property
    def is_staff(self) -> bool:
        return False

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Django's own permissions are not used; the verbs of :mod:`tuodi.base.access` are."""
        return False

    def has_module_perms(self, app_label: str) -> bool:
        return False


class AuditEvent(models.Model):
    """Who did what to which row, with non-personal values. Append-only by trigger; sealed by ``audit.seal``."""

    at = models.DateTimeField()
    actor = models.ForeignKey(User, on_delete=models.RESTRICT, related_name="+")
    actor_role = models.CharField(max_length=30)
    verb = models.CharField(max_length=60, db_index=True)
    subject = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=60, db_index=True)
    area_code = models.CharField(max_length=12)
    data = models.JSONField(default=dict)
    sequence = models.BigIntegerField(null=True, unique=True)
    seal = models.BinaryField(null=True)

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["at"], name="audit_at")]


class Announcement(models.Model):
    """A fact told to whoever subscribed; delivered by a job after commit, at least once, in order."""

    at = models.DateTimeField()
    fact = models.CharField(max_length=60)
    data = models.JSONField(default=dict)
    delivered_at = models.DateTimeField(null=True, db_index=True)

    class Meta:
        ordering = ["pk"]


class CallCount(models.Model):
    """How many calls somebody was permitted in a minute (:mod:`tuodi.base.limits`); ``who`` is a keyed hash."""

    who = models.CharField(max_length=32)
    minute = models.BigIntegerField(db_index=True)
    drawn = models.IntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["who", "minute"], name="calls_once_a_minute")]
