"""The commands that run a county, with their arguments, help and examples; the functions are named, not loaded."""

from __future__ import annotations

from typing import Any

from tuodi.cli import environment
from tuodi.cli.usage import Parser, add_command, add_json

#: Jobs that an account can have, as ``tuodi.base.access`` lists them; a test holds them together.
ROLES: dict[str, str] = {
    "administrator": "系统管理员", "policy_officer": "政策岗", "policy_approver": "政策审核岗", "registry_clerk": "身份信息岗",
    "county_clerk": "县级经办岗", "county_approver": "县级审批岗", "town_clerk": "乡镇经办岗", "village_clerk": "村级协办岗",
    "finance": "财务岗", "auditor": "审计监督岗", "hospital": "医院窗口",
}  # fmt: skip


def add_county_commands(commands: Any) -> None:
    """Add every command that runs a county."""
    for add in (_demo, _serve, _migrate, _doctor, _user, _backup, _restore, _export, _audit, _keys, _nightly):
        add(commands)


def _demo(commands: Any) -> None:
    parser = add_command(commands, "demo", "county:demo", "演示：造一个有人、有医院、有结算的县，打印各岗位账号，在本机打开网页",
        ("tuodi demo", "在 ./demo 里造好并打开 http://127.0.0.1:8000/，Ctrl+C 停止；再次执行沿用原来的"),
        ("tuodi demo --fresh --people 1000 --port 8080", "删掉原来的演示，重新造一个大些的"),
        ("tuodi demo --no-serve", "只造好、打印，不打开网页（没有人看着的机器上用）"),
    )  # fmt: skip
    parser.add_argument("--home", metavar="文件夹", default="demo", help="演示放在哪里（默认 ./demo）")
    parser.add_argument("--people", metavar="人数", type=int, default=300, help="每个地方多少人（默认 300）")
    parser.add_argument(
        "--pack", metavar="ID", action="append", default=[], help="只造这个地方；可写多次（默认随程序来的各地）"
    )
    parser.add_argument("--port", metavar="端口", type=int, default=8000, help="网页的端口（默认 8000）")
    parser.add_argument("--fresh", action="store_true", help="删掉原来的演示，重新造")
    parser.add_argument("--no-serve", action="store_true", help="造好就结束，不打开网页")


def _serve(commands: Any) -> None:
    parser = add_command(commands, "serve", "county:serve", "启动：对外提供网页和接口，直到 Ctrl+C",
        ("tuodi serve", "本机 8000 端口，SQLite，数据在 ./county"),
        ("tuodi serve --host 0.0.0.0 --port 443 --cert 证书.pem --key 私钥.pem", "自带 HTTPS，直接对外"),
        ("tuodi serve --workers 4", "前面有 HTTPS 代理（TUODI_HTTPS_ELSEWHERE=1）时，每个处理器一个进程"),
    )  # fmt: skip
    parser.notes = environment.notes()
    parser.add_argument("--host", metavar="地址", default="127.0.0.1", help="监听的地址（默认 127.0.0.1，只限本机）")
    parser.add_argument("--port", metavar="端口", type=int, default=8000, help="监听的端口（默认 8000）")
    parser.add_argument("--workers", metavar="数", type=int, default=2, help="几个进程（默认 2）")
    parser.add_argument("--cert", metavar="文件", help="HTTPS 证书（PEM，含中间证书）")
    parser.add_argument("--key", metavar="文件", help="HTTPS 私钥（PEM，没有口令）")


def _migrate(commands: Any) -> None:
    add_command(commands, "migrate", "county:migrate", "建立或升级数据库结构；升级前请先备份",
        ("tuodi migrate", "第一次使用和每次升级程序之后"))  # fmt: skip


def _doctor(commands: Any) -> None:
    parser = add_command(commands, "doctor", "county:doctor", "体检：数据库、密钥、磁盘、时钟、账号、审计链、政策、积压",
        ("tuodi doctor", "逐项说明；有错误时退出码为 1，启动不了时为 6"), ("tuodi doctor --json", "交给监控"))  # fmt: skip
    parser.notes = environment.notes()
    add_json(parser)


def _password(parser: Parser) -> None:
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--generate", action="store_true", help="由程序编一个初始密码，显示一次")
    chosen.add_argument("--stdin", action="store_true", help="从标准输入读一行作初始密码（默认在终端里输，不显示）")


def _user(commands: Any) -> None:
    parser = add_command(commands, "user", "users:none", "账号：在服务器上开立第一个系统管理员，以及管理员自己进不去时的补救",
        ("tuodi user add wang --name 王管理 --role administrator --area 999999", "第一个管理员；其余账号由管理员在网页上开立"),
        ("tuodi user list", "有哪些账号"),
    )  # fmt: skip
    inner = parser.add_subparsers(dest="user_command", metavar="命令", parser_class=Parser, required=True)
    added = add_command(inner, "add", "users:add", "开立账号；初始密码首次登录必须改",
        ("tuodi user add wang --name 王管理 --role administrator --area 999999", "密码在终端里输两遍，不显示"),
        ("tuodi user add yy01 --name 一院窗口 --role hospital --area 999999 --institution H99999900001 --generate", "由程序编初始密码"))  # fmt: skip
    added.add_argument("username", metavar="用户名", help="小写字母、数字、点、短横")
    added.add_argument("--name", metavar="姓名", required=True, help="使用人的姓名")
    added.add_argument(
        "--role",
        choices=ROLES,
        metavar="岗位",
        required=True,
        help="岗位：" + "；".join(f"{code} {name}" for code, name in ROLES.items()),
    )
    added.add_argument("--area", metavar="区划", required=True, help="6、9 或 12 位区划代码；看得到这里和下级")
    added.add_argument("--institution", metavar="编码", default="", help="医院窗口绑定的机构编码")
    _password(added)
    add_json(added)
    listed = add_command(inner, "list", "users:list_users", "列出账号", ("tuodi user list --role administrator", "只看系统管理员"))  # fmt: skip
    listed.add_argument("--text", metavar="文字", default="", help="用户名或姓名里有这些字的")
    listed.add_argument("--role", choices=ROLES, metavar="岗位", help="只列这个岗位")
    add_json(listed)
    for name, says in (
        ("deactivate", "停用账号，已登录的随即失效"), ("reactivate", "恢复停用的账号"), ("unlock", "解除输错密码的锁定"),
        ("reset-password", "重设密码，首次登录必须改"), ("reset-second-factor", "手机遗失时重设第二重验证"),
    ):  # fmt: skip
        one = add_command(inner, name, "users:act", says, (f"tuodi user {name} wang", says))
        one.add_argument("username", metavar="用户名", help="哪个账号")
        if name == "reset-password":
            _password(one)
        add_json(one)


def _backup(commands: Any) -> None:
    parser = add_command(commands, "backup", "county:backup", "备份：整个县写进一个文件，不必停机",
        ("tuodi backup /backup/2026-07-01.zip", "不含密钥；密钥请另外保管"),
        ("tuodi backup 搬家.zip --portable --with-keys", "可移植格式（SQLite 与 PostgreSQL 之间），密钥用口令加密放在里面"),
    )  # fmt: skip
    parser.add_argument("file", metavar="文件", help="写到哪个文件（.zip）")
    parser.add_argument("--portable", action="store_true", help="可移植格式：能恢复到另一种数据库")
    parser.add_argument("--with-keys", action="store_true", help="连密钥一起备份，用口令加密")
    parser.add_argument("--stdin", action="store_true", help="口令从标准输入读一行")


def _restore(commands: Any) -> None:
    parser = add_command(commands, "restore", "county:restore", "恢复：从备份恢复到一个空的数据库，核对行数、审计链和每一笔结算",
        ("tuodi restore /backup/2026-07-01.zip", "先换一个空的 TUODI_HOME 或 TUODI_DATABASE"),
        ("tuodi restore 搬家.zip --with-keys", "取出备份里的密钥，要输入备份口令"),
    )  # fmt: skip
    parser.add_argument("file", metavar="文件", help="备份文件（.zip）")
    parser.add_argument("--with-keys", action="store_true", help="取出备份里的密钥")
    parser.add_argument("--stdin", action="store_true", help="口令从标准输入读一行")


def _export(commands: Any) -> None:
    parser = add_command(commands, "export", "county:export", "导出：把一个区划的结算、身份、机构写成交换文件，连同施行的政策，供 tuodi adjudicate 重算",
        ("tuodi export --area 610902 --out 导出", "写完打印重算的命令；没有姓名和证件号码，导出会记入审计"),
    )  # fmt: skip
    parser.add_argument("--area", metavar="区划", required=True, help="参保地区划代码，写上级的就连下级一起")
    parser.add_argument("--out", metavar="文件夹", required=True, help="写到哪个新的文件夹")
    add_json(parser)


def _keys(commands: Any) -> None:
    parser = add_command(commands, "keys", "users:none", "换钥：更换加密身份证号的密钥和检索密钥，服务照常，随时可以中断再接着做",
        ("tuodi keys new", "第一步：换上新钥，旧钥留着读；然后重启服务"), ("tuodi keys rotate", "第二步：把旧钥加密的逐批改用新钥"))  # fmt: skip
    inner = parser.add_subparsers(dest="keys_command", metavar="命令", parser_class=Parser, required=True)
    add_command(
        inner,
        "new",
        "keys:new",
        "换上新钥，旧钥留着读；密钥由环境变量给出的，说明怎样设置",
        ("tuodi keys new", "然后重启服务"),
    )
    add_command(
        inner,
        "rotate",
        "keys:rotate",
        "把旧钥加密的逐批改用新钥；中断后再执行就接着做",
        ("tuodi keys rotate", "显示进度"),
    )
    add_command(
        inner,
        "retire",
        "keys:retire",
        "核对没有任何一行还要旧钥，再停用旧钥；还有的退出码为 1",
        ("tuodi keys retire", "最后一步"),
    )


def _audit(commands: Any) -> None:
    parser = add_command(commands, "audit", "users:none", "审计链：验证有没有被改动，封存新的记录",
        ("tuodi audit verify", "被破坏时退出码为 1"))  # fmt: skip
    inner = parser.add_subparsers(dest="audit_command", metavar="命令", parser_class=Parser, required=True)
    verified = add_command(inner, "verify", "county:audit_verify", "从头走一遍审计链，改动、删除、调换过的记录会显出来",
        ("tuodi audit verify --json", "交给监控"))  # fmt: skip
    verified.add_argument("--heads", metavar="文件", help="另存在别处的链首记录（tuodi audit heads 的输出）")
    add_json(verified)
    add_command(inner, "heads", "county:audit_heads", "列出每天的链首，打印或存到另一台机器；末尾被删去时用它验证",
        ("tuodi audit heads > 链首.txt", "存到数据库管理员改不到的地方"))  # fmt: skip
    add_command(inner, "seal", "county:audit_seal", "封存还没有封存的记录；运行中的服务每两秒自动做",
        ("tuodi audit seal", "停机前做一次"))  # fmt: skip


def _nightly(commands: Any) -> None:
    parser = add_command(commands, "nightly", "county:nightly", "夜间任务：封存审计、送达通知、把每个人的历史重算一遍与账核对",
        ("tuodi nightly", "只核对，不改数据；有不符时退出码为 1"), ("tuodi nightly --repair", "核实之后，为不符的人补记差额"))  # fmt: skip
    parser.add_argument("--repair", action="store_true", help="为与账不符的人补记差额")
