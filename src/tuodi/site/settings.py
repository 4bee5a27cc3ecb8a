"""Settings, all from the environment, with defaults that give a running county and refuse to be production.

``TUODI_PRODUCTION=1`` demands what safety needs (keys, hosts, HTTPS) and refuses to start without it, saying what is missing.
Outside production keys are made once and kept beside the database.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

PRODUCTION = os.environ.get("TUODI_PRODUCTION") == "1"
HOME = Path(os.environ.get("TUODI_HOME", "county")).absolute()
#: What this process writes (database, keys, backups) is nobody else's on this machine.
os.umask(0o077)
#: The proxy in front ends HTTPS and says so in its headers.
HTTPS_ELSEWHERE = os.environ.get("TUODI_HTTPS_ELSEWHERE") == "1"
#: What keeps this county from starting, told all at once at the end.
WRONG: list[str] = []


def _key(name: str, size: int, *, optional: bool = False) -> bytes:
    """Return a key from the environment (hex), or outside production one that is made once and kept under ``HOME``.

    An optional one is never made: it is there or empty.
    """
    given = os.environ.get(name)
    if given:
        try:
            value = bytes.fromhex(given)
        except ValueError:
            value = b""
        if len(value) != size:
            WRONG.append(f"{name} 应为 {size} 字节的十六进制（{size * 2} 个字符）")
        return value
    if PRODUCTION:
        if optional:
            return b""
        WRONG.append(f"生产环境必须设置 {name}（{size} 字节的十六进制，可用 openssl rand -hex {size} 生成）")
        return b""
    path = HOME / "keys" / name.lower()
    if optional and not path.exists():
        return b""
    if not path.exists():
        _make_key(path, size)
    try:
        kept = bytes.fromhex(path.read_text("ascii").strip())
    except ValueError:
        kept = b""
    if len(kept) != size:
        WRONG.append(f"密钥文件 {path} 不完整（应为 {size} 字节的十六进制）。请从备份取回；不可另造，旧数据会读不出来")
    return kept


def _make_key(path: Path, size: int) -> None:
    """Make a key file that is there whole or not at all, whoever else makes it and whenever the machine stops."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_name(f"{path.name}.{os.getpid()}")
    with made.open("w", encoding="ascii") as file:
        file.write(secrets.token_hex(size))
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileExistsError):
        os.link(made, path)
    made.unlink()


def _number(name: str, otherwise: int) -> int:
    """Return a whole number above 0 from the environment."""
    given = os.environ.get(name, str(otherwise))
    if not given.isascii() or not given.isdigit() or not int(given):
        WRONG.append(f"{name} 应为大于 0 的整数（现在是“{given}”）")
        return otherwise
    return int(given)


def _database(url: str) -> dict[str, object]:
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return {
            "ENGINE": "tuodi.base.sqlite",
            "NAME": unquote(parts.path) or str(HOME / "tuodi.sqlite3"),
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                # FULL: what was answered is on the disk; NORMAL would lose the last settlements when the power fails.
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
            },
            "CONN_MAX_AGE": 60,
        }
    if parts.scheme in ("postgresql", "postgres"):
        query = dict(item.split("=", 1) for item in parts.query.split("&") if "=" in item)
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path.lstrip("/")),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": unquote(query.get("host", parts.hostname or "")),
            "PORT": str(parts.port or ""),
            "CONN_MAX_AGE": 60,
            "CONN_HEALTH_CHECKS": True,
        }
    WRONG.append(f"TUODI_DATABASE 只支持 sqlite:// 和 postgresql://（现在是“{parts.scheme}”）")
    return {}


SECRET_KEY = _key("TUODI_SECRET_KEY", 32).hex()
TUODI_FIELD_KEY = _key("TUODI_FIELD_KEY", 16)
TUODI_INDEX_KEY = _key("TUODI_INDEX_KEY", 32)
#: The former keys, while what they sealed is being sealed anew (``tuodi keys``).
TUODI_FIELD_KEY_OLD = _key("TUODI_FIELD_KEY_OLD", 16, optional=True)
TUODI_INDEX_KEY_OLD = _key("TUODI_INDEX_KEY_OLD", 32, optional=True)
TUODI_AUDIT_KEY = _key("TUODI_AUDIT_KEY", 32)

DEBUG = False
ALLOWED_HOSTS = [host for host in os.environ.get("TUODI_HOSTS", "").split(",") if host] or [
    "localhost",
    "127.0.0.1",
    "[::1]",
    "testserver",
]
if PRODUCTION and (not os.environ.get("TUODI_HOSTS") or "*" in ALLOWED_HOSTS):
    WRONG.append("生产环境必须设置 TUODI_HOSTS（对外的主机名，逗号隔开，不能用 *）")

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "axes",
    "tuodi.site",
    "tuodi.base",
    "tuodi.apps.trail",
    "tuodi.apps.accounts",
    "tuodi.apps.registry",
    "tuodi.apps.institutions",
    "tuodi.apps.policies",
    "tuodi.apps.settlement",
    "tuodi.apps.reconciliation",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "tuodi.site.middleware.PagesMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "tuodi.site.middleware.WellFormedMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "tuodi.site.middleware.SessionLimitsMiddleware",
    "tuodi.site.middleware.SecondFactorMiddleware",
    "axes.middleware.AxesMiddleware",
]
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "allauth.account.auth_backends.AuthenticationBackend"]
ROOT_URLCONF = "tuodi.site.urls"
WSGI_APPLICATION = "tuodi.site.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "tuodi.site.context.every_page",
            ],
        },
    },
]
AUTH_USER_MODEL = "base.User"
DATABASES = {"default": _database(os.environ.get("TUODI_DATABASE", "sqlite://"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "zh-hans"
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = HOME / "static"
STATICFILES_DIRS = [Path(__file__).parent / "static"]
#: The pages' files are few: they are read from the packages at start, and nothing has to be collected.
WHITENOISE_USE_FINDERS = True
#: Attempts at passwords and codes are counted here, for all processes together.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "tuodi_cache", "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}  # fmt: skip

SESSION_COOKIE_HTTPONLY = True
#: Seconds after which an unused session ends, and after which any session does.
TUODI_SESSION_IDLE, TUODI_SESSION_LIFE = 30 * 60, 8 * 3600
SESSION_COOKIE_AGE = TUODI_SESSION_LIFE
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_SSL_REDIRECT = PRODUCTION
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS_ELSEWHERE else None
#: Behind the proxy attempts at passwords are counted by the address that the proxy saw, not by its own.
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if HTTPS_ELSEWHERE else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    },
}
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "tuodi.site.accounts.Adapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_USER_MODEL_EMAIL_FIELD = None
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 900
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
#: Sign-in attempts of one address; wrong ones also of one name from one address, ever slower (axes locks sooner, see below).
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip", "login_failed": "20/m/ip,100/h/ip,10/5m/key,20/h/key,40/d/key", "change_password": "5/m/user", "reauthenticate": "10/m/user",
}  # fmt: skip
MFA_ADAPTER = "tuodi.site.accounts.SecondFactorAdapter"
MFA_RECOVERY_CODE_COUNT = 10
#: Half-minutes by which a phone's clock may be off.
MFA_TOTP_TOLERANCE = 1
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "托底"
#: Nobody works without a second factor, but where a demonstration says so.
TUODI_SECOND_FACTOR = os.environ.get("TUODI_SECOND_FACTOR", "1") == "1"
if PRODUCTION and not TUODI_SECOND_FACTOR:
    WRONG.append("生产环境不能关闭第二重验证（TUODI_SECOND_FACTOR）")
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address"]
AXES_LOCKOUT_CALLABLE = "tuodi.site.accounts.locked_out"
AXES_CLIENT_IP_CALLABLE = "tuodi.site.accounts.client_address"
AXES_ENABLE_ACCESS_FAILURE_LOG = True
#: Every page says that people and amounts are invented.
TUODI_DEMONSTRATION = os.environ.get("TUODI_DEMONSTRATION") == "1"
if PRODUCTION and TUODI_DEMONSTRATION:
    WRONG.append("生产环境不能用演示数据（TUODI_DEMONSTRATION）")
#: Calls a minute of one institution's key, over all interfaces and workers; of one address with a wrong signature.
TUODI_CALLS, TUODI_UNSIGNED_CALLS = _number("TUODI_CALLS_A_MINUTE", 6000), 120
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
#: Files are kept in memory alone: the largest that is taken (20 MB) and the form around it.
FILE_UPLOAD_MAX_MEMORY_SIZE = 21 * 1024 * 1024
FILE_UPLOAD_HANDLERS = ["tuodi.site.uploads.MemoryOnlyHandler"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "tuodi.base.logs.WithoutValues",
            "format": "{asctime} {levelname} {name} {message}",
            "style": "{",
        },
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": os.environ.get("TUODI_LOG", "INFO")},
}
if WRONG:
    raise ImproperlyConfigured("\n".join(WRONG))
