"""What the running of a county reads from the environment, in one list: help and the reference page print it."""

from __future__ import annotations

#: name, what it says, whether a production county must have it.
VARIABLES: tuple[tuple[str, str, bool], ...] = (
    ("TUODI_HOME", "数据所在的文件夹（默认 ./county）：SQLite 数据库、密钥、页面文件", False),
    ("TUODI_DATABASE", "数据库，如 postgresql://用户:口令@主机:5432/库名；不设为 TUODI_HOME 里的 SQLite", False),
    ("TUODI_PRODUCTION", "1 为正式使用：下面标“必需”的缺一不可，否则拒绝启动并说明缺什么", False),
    ("TUODI_HOSTS", "对外的主机名，逗号隔开，不能用 *", True),
    ("TUODI_SECRET_KEY", "登录会话的密钥，32 字节十六进制（openssl rand -hex 32）", True),
    ("TUODI_FIELD_KEY", "身份证号加密的密钥，16 字节十六进制（openssl rand -hex 16）", True),
    ("TUODI_INDEX_KEY", "身份证号索引的密钥，32 字节十六进制", True),
    ("TUODI_FIELD_KEY_OLD", "更换密钥期间仍要能读的旧加密密钥（tuodi keys new），换完去掉", False),
    ("TUODI_INDEX_KEY_OLD", "更换密钥期间仍要能查的旧索引密钥，换完去掉", False),
    ("TUODI_AUDIT_KEY", "审计链的密钥，32 字节十六进制", True),
    (
        "TUODI_HTTPS_ELSEWHERE",
        "1 表示前面有终结 HTTPS 的代理，并且代理会写 X-Forwarded-Proto 和 X-Forwarded-For",
        False,
    ),
    ("TUODI_SECOND_FACTOR", "0 关闭第二重验证，只限演示", False),
    ("TUODI_DEMONSTRATION", "1 表示数据是虚构的，每一页都会标明", False),
    ("TUODI_LOG", "日志级别（默认 INFO）", False),
    ("TUODI_CACHE", "批量核算的编译结果放在哪里（默认用户的缓存文件夹）", False),
)


def notes() -> tuple[str, ...]:
    """Return the list as lines for help."""
    return (
        "环境变量：",
        *(f"  {name}：{says}{'（正式使用必需）' if needed else ''}" for name, says, needed in VARIABLES),
    )
