"""A county in one file, and back: the database, what it must count up to, and the keys under a passphrase.

SQLite is copied while it is in use; PostgreSQL (and ``portable``, for moving from one to the other) is written row by row from one
snapshot. The file is a zip with a manifest. A restored county is checked before it is called good: counts of every table, the audit
chain, and every history folded anew.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection, models, transaction
from django.db.migrations.recorder import MigrationRecorder

import tuodi
from tuodi.apps.settlement.nightly import Books, check_books
from tuodi.base import audit, clock
from tuodi.core.errors import TuodiError

KEYS = ("TUODI_FIELD_KEY", "TUODI_INDEX_KEY", "TUODI_AUDIT_KEY", "TUODI_SECRET_KEY")
#: The former ones, while keys are being changed.
FORMER = ("TUODI_FIELD_KEY_OLD", "TUODI_INDEX_KEY_OLD")
#: Tables that the program makes itself, or that are worth nothing elsewhere.
LEFT_OUT = {"contenttypes", "auth", "sessions", "axes", "admin"}
#: Tables that the database fills as others are restored.
FOLLOWS = {"registry.Alike"}
BATCH = 1000
SALT_BYTES, NONCE_BYTES = 16, 12


class BackupError(TuodiError):
    """A backup that cannot be made or restored; says why and what to do."""


@dataclass(frozen=True)
class Kept:
    """A backup that was made."""

    path: Path
    rows: int
    has_keys: bool


@dataclass(frozen=True)
class Restored:
    """What a restored county was found to be."""

    rows: int
    audit: audit.Verdict
    books: Books

    @property
    def holds(self) -> bool:
        return self.audit.holds and not self.books.differences


def kept_models() -> list[type[models.Model]]:
    """Return the models whose rows a county is made of, those that others refer to first."""
    left = [
        m
        for m in apps.get_models(include_auto_created=True)
        if m._meta.app_label not in LEFT_OUT and m._meta.label not in FOLLOWS and m._meta.managed
    ]
    ordered: list[type[models.Model]] = []
    while left:
        ready = [m for m in left if not (_needs(m) & set(left)) - {m}] or left[:1]
        ordered += ready
        left = [m for m in left if m not in ready]
    return ordered


def _needs(model: type[models.Model]) -> set[type[models.Model]]:
    return {field.remote_field.model for field in model._meta.concrete_fields if field.remote_field}


def counts() -> dict[str, int]:
    """Return the number of rows of every kept table."""
    return {model._meta.db_table: model._base_manager.count() for model in kept_models()}


def keys_now() -> dict[str, str]:
    """Return the keys that the process runs under, in hex."""
    held = {name: key if isinstance(key := _setting(name), str) else key.hex() for name in (*KEYS, *FORMER)}
    return {name: key for name, key in held.items() if key}


def _setting(name: str) -> Any:
    return settings.SECRET_KEY if name == "TUODI_SECRET_KEY" else getattr(settings, name)


def fingerprint(keys: dict[str, str]) -> str:
    """Return what tells keys apart without giving them away: the keys that data and audit depend on."""
    told = "".join(keys[name] for name in KEYS[:3])
    return hashlib.scrypt(told.encode(), salt=b"tuodi-backup-check", n=2**12, r=8, p=1, dklen=12).hex()


def backup(path: Path, *, passphrase: str = "", portable: bool = False) -> Kept:
    """Write a county into a new file; the keys only under a passphrase."""
    if path.exists():
        raise BackupError(f"文件“{path}”已经存在。请换一个文件名，不要覆盖旧备份。")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    copies = connection.vendor == "sqlite" and not portable
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as raw, zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
            counted = _copy(archive) if copies else _write_rows(archive)
            keys = keys_now()
            manifest = {
                "tuodi": tuodi.__version__, "at": clock.now().isoformat(), "form": "sqlite" if copies else "rows",
                "counts": counted, "keys": fingerprint(keys), "migrations": applied(), "demonstration": settings.TUODI_DEMONSTRATION,
            }  # fmt: skip
            archive.writestr("manifest.json", json.dumps(manifest, ensure_ascii=False, indent=1))
            if passphrase:
                archive.writestr("keys.sealed", seal_keys(keys, passphrase))
        partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)
    return Kept(path, sum(counted.values()), bool(passphrase))


def applied() -> list[str]:
    """Return the migrations of the kept tables that the database has."""
    rows = MigrationRecorder.Migration.objects.using("default").order_by("app", "name").values_list("app", "name")
    return [f"{app}.{name}" for app, name in rows if app not in LEFT_OUT]


def _copy(archive: zipfile.ZipFile) -> dict[str, int]:
    """Copy a SQLite database that may be in use; counts are those of the copy."""
    with tempfile.TemporaryDirectory(dir=settings.HOME) as folder:
        copied = Path(folder) / "copy.sqlite3"
        connection.ensure_connection()
        with closing(sqlite3.connect(copied)) as target:
            connection.connection.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")
            tables = [model._meta.db_table for model in kept_models()]
            counting = {table: f'SELECT count(*) FROM "{table}"' for table in tables}  # noqa: S608  names are those of models
            counted = {table: target.execute(asked).fetchone()[0] for table, asked in counting.items()}
        archive.write(copied, "database.sqlite3")
    return counted


def _write_rows(archive: zipfile.ZipFile) -> dict[str, int]:
    """Write every row as a line of JSON, all of one moment."""
    counted: dict[str, int] = {}
    outermost = not connection.in_atomic_block
    with transaction.atomic(), archive.open("rows.jsonl", "w", force_zip64=True) as out:
        if connection.vendor == "postgresql" and outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        for model in kept_models():
            fields = [field.attname for field in model._meta.concrete_fields]
            table = model._meta.db_table
            counted[table] = 0
            for row in model._base_manager.order_by("pk").values_list(*fields).iterator(BATCH):
                counted[table] += 1
                line = [model._meta.label, dict(zip(fields, map(_plain, row), strict=True))]
                out.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
    return counted


def _plain(value: Any) -> Any:
    if isinstance(value, (bytes, memoryview)):
        return {"$bytes": base64.b64encode(bytes(value)).decode()}
    return value.isoformat() if isinstance(value, (date, datetime)) else value


def _back(field: models.Field[Any, Any], value: Any) -> Any:
    if isinstance(value, dict) and set(value) == {"$bytes"}:
        return base64.b64decode(value["$bytes"])
    if value is not None and isinstance(field, (models.DateField, models.DateTimeField)):
        return field.to_python(value)
    return value


def seal_keys(keys: dict[str, str], passphrase: str) -> bytes:
    """Return the keys, readable again with the passphrase only."""
    salt, nonce = os.urandom(SALT_BYTES), os.urandom(NONCE_BYTES)
    return salt + nonce + AESGCM(_stretched(passphrase, salt)).encrypt(nonce, json.dumps(keys).encode(), b"tuodi keys")


def unseal_keys(sealed: bytes, passphrase: str) -> dict[str, str]:
    """Return sealed keys; a wrong passphrase is an error that says so."""
    salt, nonce, body = (
        sealed[:SALT_BYTES],
        sealed[SALT_BYTES : SALT_BYTES + NONCE_BYTES],
        sealed[SALT_BYTES + NONCE_BYTES :],
    )
    try:
        keys: dict[str, str] = json.loads(AESGCM(_stretched(passphrase, salt)).decrypt(nonce, body, b"tuodi keys"))
    except InvalidTag:
        raise BackupError("口令不对，打不开备份里的密钥。请核对备份时所用的口令。") from None
    return keys


def _stretched(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=2**15, r=8, p=1).derive(passphrase.encode())


def restore(path: Path, *, passphrase: str = "") -> Restored:
    """Restore a county into an empty database and check it; raises, and keeps nothing, if it cannot be what was backed up."""
    if not path.exists():
        raise BackupError(f"找不到备份文件“{path}”。请检查路径。")
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile:
        raise BackupError(f"“{path}”不是托底的备份文件，或已损坏。请换一份备份。") from None
    with archive:
        if "manifest.json" not in archive.namelist() or archive.testzip() is not None:
            raise BackupError(f"“{path}”不是托底的备份文件，或已损坏。请换一份备份。")
        manifest = json.loads(archive.read("manifest.json"))
        _require_fitting(manifest)
        Path(settings.HOME).mkdir(parents=True, exist_ok=True)
        _require_empty()
        _take_keys(archive, manifest, passphrase)
        if manifest["form"] == "sqlite":
            _restore_copy(archive)
        else:
            call_command("migrate", verbosity=0, skip_checks=True)
            _restore_rows(archive, manifest)
    found = counts()
    wrong = [
        f"{table}（应为 {n}，实为 {found.get(table, 0)}）"
        for table, n in manifest["counts"].items()
        if found.get(table, 0) != n
    ]
    if wrong:
        raise BackupError(f"恢复后的行数不符：{'、'.join(wrong)}。请清空数据库，换一份备份再试。")
    call_command("migrate", verbosity=0, skip_checks=True)
    return Restored(sum(found.values()), audit.verify(), check_books())


def _require_fitting(manifest: dict[str, Any]) -> None:
    """Raise unless the backup can be put into this database by this program."""
    if manifest["form"] == "sqlite" and connection.vendor != "sqlite":
        raise BackupError(
            "这是 SQLite 的整库备份，不能直接恢复到 PostgreSQL。请在原系统上用可移植格式（--portable）重新备份。"
        )
    on_disk = {
        f"{app}.{p.stem}" for app in {m.split(".")[0] for m in manifest["migrations"]} for p in _migration_files(app)
    }
    unknown = sorted(set(manifest["migrations"]) - on_disk)
    missing = sorted(on_disk - set(manifest["migrations"])) if manifest["form"] == "rows" else []
    if unknown or missing:
        raise BackupError(
            f"备份出自另一版本的程序（{manifest['tuodi']}，迁移不同：{'、'.join((unknown + missing)[:5])}）。"
            "请用同一版本的程序恢复，再升级。"
        )


def _migration_files(app: str) -> Iterator[Path]:
    with suppress(LookupError):
        yield from (Path(apps.get_app_config(app).path) / "migrations").glob("[0-9]*.py")


def _require_empty() -> None:
    """Raise unless nobody has worked in the database yet."""
    tables = set(connection.introspection.table_names())
    held = [
        model._meta.verbose_name
        for model in kept_models()
        if model._meta.db_table in tables and model._base_manager.exists()
    ]
    if held:
        raise BackupError("数据库里已经有数据，不能恢复到这里。请新建一个空的数据库（或换一个 TUODI_HOME）再恢复。")


def _take_keys(archive: zipfile.ZipFile, manifest: dict[str, Any], passphrase: str) -> None:
    """Have the process run under the keys of the backup, and keep them beside the database where that is where keys are."""
    if fingerprint(keys_now()) == manifest["keys"]:
        return
    if "keys.sealed" not in archive.namelist():
        raise BackupError("备份不含密钥，现在的密钥与备份时不同。请先把原来的密钥放回（keys 目录或环境变量），再恢复。")
    if not passphrase:
        raise BackupError("现在的密钥与备份时不同。请给出备份时的口令，以取出备份里的密钥。")
    keys = unseal_keys(archive.read("keys.sealed"), passphrase)
    from_environment = [name for name in KEYS if os.environ.get(name)]
    if settings.PRODUCTION or from_environment:
        raise BackupError("密钥由环境变量给出，且与备份时不同。请先把环境变量改为备份时的密钥，再恢复。")
    folder = Path(settings.HOME) / "keys"
    folder.mkdir(parents=True, exist_ok=True)
    for name, key in keys.items():
        held = folder / name.lower()
        held.write_text(key, "ascii")
        held.chmod(0o600)
        setattr(
            settings,
            "SECRET_KEY" if name == "TUODI_SECRET_KEY" else name,
            key if name == "TUODI_SECRET_KEY" else bytes.fromhex(key),
        )


def _restore_copy(archive: zipfile.ZipFile) -> None:
    with tempfile.TemporaryDirectory(dir=settings.HOME) as folder:
        archive.extract("database.sqlite3", folder)
        connection.ensure_connection()
        with closing(sqlite3.connect(Path(folder) / "database.sqlite3")) as source:
            source.backup(connection.connection)
    connection.close()


def _restore_rows(archive: zipfile.ZipFile, manifest: dict[str, Any]) -> None:
    """Add every row under its own key; whole or not at all."""
    by_label = {model._meta.label: model for model in kept_models()}
    with transaction.atomic(), archive.open("rows.jsonl") as lines:
        waiting: list[models.Model] = []
        for line in lines:
            label, row = json.loads(line)
            model = by_label[label]
            fields = {field.attname: field for field in model._meta.concrete_fields}
            made = model(**{name: _back(fields[name], value) for name, value in row.items()})
            if waiting and (type(waiting[0]) is not model or len(waiting) == BATCH):
                type(waiting[0])._base_manager.bulk_create(waiting)
                waiting = []
            waiting.append(made)
        if waiting:
            type(waiting[0])._base_manager.bulk_create(waiting)
        with connection.cursor() as cursor:
            for statement in connection.ops.sequence_reset_sql(no_style(), list(by_label.values())):
                cursor.execute(statement)
