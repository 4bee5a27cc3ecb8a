"""``tuodi user``: accounts from the server's own command line, the first administrator above all.

The same actions as on the pages, by the system's account, with the same audit rows.
"""

from __future__ import annotations

from typing import Any

from tuodi.cli import exits
from tuodi.cli.county import county
from tuodi.cli.output import print_json, table
from tuodi.cli.secret import ask_secret
from tuodi.cli.usage import UsageError


def none(args: Any) -> int:
    """Answer a bare ``tuodi user``."""
    raise UsageError("没有写要做什么。用 tuodi user --help 看有哪些。")


@county
def add(args: Any) -> int:
    """Add an account."""
    from tuodi.site import commands

    commands.prepare()
    from tuodi.apps.accounts.actions import AddAccount
    from tuodi.base.system import system_user

    password = "" if args.generate else ask_secret("初始密码", twice=True, from_stdin=args.stdin)
    given = AddAccount(
        actor=system_user(), username=args.username, name=args.name, role=args.role, area_code=args.area,
        institution_code=args.institution, password=password,
    ).run()  # fmt: skip
    return _told(given.user, args, "已开立", password=given.password if args.generate else "")


@county
def list_users(args: Any) -> int:
    """List accounts."""
    from tuodi.site import commands

    commands.prepare()
    from tuodi.apps.accounts.queries import accounts_for, ordered
    from tuodi.base.system import system_user

    found = [_data(user) for user in ordered(accounts_for(system_user(), text=args.text, role=args.role or ""), "")]
    if args.json:
        print_json({"accounts": found})
        return exits.DONE
    rows = [
        (u["username"], u["name"], u["role_name"], u["area"], u["institution"], "、".join(u["states"])) for u in found
    ]
    print(table(("用户名", "姓名", "岗位", "辖区", "机构", "状态"), rows) if rows else "还没有账号。")
    return exits.DONE


def _data(user: Any) -> dict[str, Any]:
    states = [
        said
        for holds, said in (
            (not user.is_active, "已停用"), (user.is_locked, "已锁定"), (user.must_change_password, "未改初始密码"),
            (not user.has_second_factor, "未设第二重验证"),
        )
        if holds
    ]  # fmt: skip
    return {
        "username": user.username, "name": user.name, "role": user.role, "role_name": user.role_name, "area": user.area_code,
        "institution": user.institution_code, "is_active": user.is_active, "states": states or ["正常"],
    }  # fmt: skip


@county
def act(args: Any) -> int:
    """Do one thing with an account: the command's own name says which."""
    from tuodi.site import commands

    commands.prepare()
    from tuodi.apps.accounts import actions
    from tuodi.base.models import User
    from tuodi.base.system import system_user

    account = User.objects.filter(username=args.username).exclude(role="system").first()
    if account is None:
        raise UsageError(f"没有用户名“{args.username}”。用 tuodi user list 查看。")
    actor: dict[str, Any] = {"actor": system_user(), "account": account}
    if args.user_command == "reset-password":
        password = "" if args.generate else ask_secret("初始密码", twice=True, from_stdin=args.stdin)
        given = actions.ResetPassword(**actor, password=password).run()
        return _told(given.user, args, "已重设密码", password=given.password if args.generate else "")
    action, said = {
        "deactivate": (actions.Deactivate, "已停用"), "reactivate": (actions.Reactivate, "已恢复"), "unlock": (actions.Unlock, "已解除锁定"),
        "reset-second-factor": (actions.ResetSecondFactor, "已重设第二重验证"),
    }[args.user_command]  # fmt: skip
    action(**actor).run()
    return _told(account, args, said)


def _told(user: Any, args: Any, said: str, *, password: str = "") -> int:
    if args.json:
        print_json({"username": user.username, "done": said, **({"password": password} if password else {})})
        return exits.DONE
    print(f"{said}：{user.username}（{user.name}，{user.role_name}，辖区 {user.area_code}）")
    if password:
        print(f"初始密码（只显示这一次）：{password}")
    if user.must_change_password:
        print("首次登录须改密码，并用手机上的身份验证器设置第二重验证。")
    return exits.DONE
