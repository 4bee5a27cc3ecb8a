"""Changing a county's keys: ``tuodi keys new``, ``rotate``, ``retire``."""

from __future__ import annotations

import os
from typing import Any

from tuodi.cli.county import county
from tuodi.cli.output import say


@county
def new(args: Any) -> int:
    """Put new keys beside the former ones."""
    from tuodi.site import commands

    commands.prepare()
    from django.conf import settings

    from tuodi.site import rotation

    if settings.PRODUCTION or any(os.environ.get(name) for name in rotation.ROTATED):
        say("密钥由环境变量给出，请这样更换：")
        for name, size in rotation.ROTATED.items():
            say(f"  {name}_OLD 设为 {name} 现在的值；{name} 设为新值（openssl rand -hex {size}）")
        say("新旧四个值都另存一份；停止所有服务进程，再启动，然后执行 tuodi keys rotate。")
        return 0
    if begun := rotation.begin():
        say(
            f"已换上 {begun} 把新钥，旧钥仍在旁边（keys/*_old）。请备份 keys 目录，重启服务，再执行 tuodi keys rotate。"
        )
    else:
        say("新钥早已换上。请重启服务，再执行 tuodi keys rotate。")
    return 0


@county
def rotate(args: Any) -> int:
    """Seal anew whatever is under the former keys."""
    from tuodi.site import commands

    commands.prepare()
    from django.conf import settings
    from tqdm import tqdm

    from tuodi.site import rotation

    if not settings.TUODI_FIELD_KEY_OLD and not settings.TUODI_INDEX_KEY_OLD:
        say("没有旧钥，不需要更换。要更换密钥请先执行 tuodi keys new。")
        return 1
    done = 0
    with tqdm(
        total=sum(place.rows().count() for place in rotation.PLACES), desc="换钥", unit="行", disable=None
    ) as bar:
        for _, looked_at, renewed in rotation.rotate():
            done += renewed
            bar.update(looked_at)
    say(f"已用新钥重新加密 {done} 行。随时可以中断，再执行一次就接着做。全部做完后执行 tuodi keys retire。")
    return 0


@county
def retire(args: Any) -> int:
    """Give the former keys up, if nothing needs them any more."""
    from tuodi.site import commands

    commands.prepare()
    from django.conf import settings

    from tuodi.site import rotation

    if not settings.TUODI_FIELD_KEY_OLD and not settings.TUODI_INDEX_KEY_OLD:
        say("没有旧钥。")
        return 0
    if left := rotation.left():
        say(
            f"还有 {sum(left.values())} 行要用旧钥，不能停用。请执行 tuodi keys rotate；如仍有，说明还有服务进程没有重启。"
        )
        return 1
    rotation.retire()
    say("没有任何一行要用旧钥。" + (
        "请去掉环境变量 TUODI_FIELD_KEY_OLD、TUODI_INDEX_KEY_OLD，重启服务。" if _given() else "旧钥文件已删除，请重启服务。"
    ) + "换钥以前的备份仍要旧钥才能恢复，请按备份的保存期限另存旧钥。")  # fmt: skip
    return 0


def _given() -> bool:
    return any(os.environ.get(f"{name}_OLD") for name in ("TUODI_FIELD_KEY", "TUODI_INDEX_KEY"))
