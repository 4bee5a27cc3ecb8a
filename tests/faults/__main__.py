"""Every fault on both databases, with figures.

python -m tests.faults --write docs/reference/faults.md
python -m tests.faults --only disk --database sqlite --write docs/reference/faults.md

What is found is kept in ``--found``, run by run, so that the page can be made of several calls; a page is written of whole runs only.
"""

from __future__ import annotations

import argparse
import json
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.faults import disk, imports, messages, power
from tests.faults.hammer import KILLS, hammer
from tests.faults.rotation import rotation_killed

HEAD = """# 故障演练

由 `python -m tests.faults --write docs/reference/faults.md` 生成，不要手工修改。每一项都真的做：`tuodi serve` 的真进程、真的
`kill -9`、真的写满的磁盘，在 SQLite 和（测试用的嵌入式）PostgreSQL 上各做一遍。小规模的同一套在每次测试里都做（`tests/faults/test_smoke.py`，
那里不要求杀在事务中）。

**怎样算“正在事务中”。** 要杀的进程先暂停（SIGSTOP）再看：SQLite 问系统谁持有库文件的写锁；PostgreSQL 问服务器谁的事务已经写过、
正等下一条语句。不在事务里就放行几毫秒再看，在了才 `kill -9`。表里 inside a transaction that writes 是这样杀的次数。

**窗口怎样做。** 每个窗口随机办理门诊结算、入院登记和住院结算，随机重发、撤销、冲正、冲正撤销。没有得到答复的，用同一 msgid
一直重发到得到答复为止；结束后全部报文再各发一遍，答复必须与当初一字不差（已冲正的须说已冲正）。

**名册怎样算对。** 五百人以上的名册一批批写入（决定 17）：被杀以后每一批全有或全无，从写到的地方接着做，每批恰好一次。
换钥同样：被杀以后每个号码照样读得出、查得到，接着做完，每行恰好换一次。

**之后怎样查。** 由没有参与服务的进程查：`tuodi nightly`（每个人的历史重算，与账上分毫不差）、`tuodi audit verify`（审计链完好）；答复过的
报文在库里各有且只有一条，结算各有且只有一笔、一条审计记录；没有超过封顶线；没有送不出去的通知；再把库里的结算、身份、机构导出成
交换文件，用 `tuodi adjudicate` 批量计算，每笔、每层、每个资金来源的每一分都相同（rows equal to the batch）。有一条不成立，这一项就没有数字。
运行时机器有别的工作，次数不是性能指标。

"""
Run = Callable[[str], dict[str, Any]]
DATABASES = ("sqlite", "postgres")


def all_runs(seconds: float, kills: int) -> dict[str, tuple[str, Run]]:
    """Return every run by its name: what is done, and how."""
    killed = {
        "web": "服务进程（全部，或其中正在写的一个）",
        "worker": "后台任务进程（通知送达、重算、审计封存；同时有人反复认定和更正身份）",
        "database": "数据库（PostgreSQL：服务器的全部进程；SQLite：打开库文件的全部进程）",
    }
    made: dict[str, tuple[str, Run]] = {
        "family": (
            f"十六个窗口同时为一家人办理 {seconds:.0f} 秒",
            lambda database: hammer(database, seconds=seconds),
        )
    }
    for kill in KILLS:
        made[kill] = (
            f"十六个窗口办理途中反复 kill -9 {killed[kill]}",
            lambda database, kill=kill: hammer(database, kill=kill, kills=kills),
        )
    made |= {
        "import": (
            "名册导入和撤销途中 kill -9 后台任务进程",
            imports.imports_killed,
        ),
        "import-database": (
            "名册导入和撤销途中 kill -9 数据库",
            lambda database: imports.imports_killed(database, kill="database"),
        ),
        "keys": ("换钥途中 kill -9 换钥的进程（PostgreSQL 隔次杀数据库）", rotation_killed),
        "repeat": ("同一报文同时发十遍", messages.repeated),
        "order": ("报文乱序：先撤后结、先出院后入院、先冲正后到达、冲正后又到达", messages.out_of_order),
        "clock": ("服务器时钟退一小时、进一年、又退回", messages.clock_moved),
        "disk": ("结算和封存审计途中磁盘写满，再腾出空间", disk.disk_full),
        "requests": ("截断、超大、过深、类型不对、签名不对的请求", messages.broken_requests),
        "power": ("断电：事务当中那一刻的库文件，复制到别处打开（SQLite 还丢掉或写坏日志末尾）", power.power_lost),
    }
    return made


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=DATABASES, action="append")
    parser.add_argument("--only", action="append", help="names of runs")
    parser.add_argument("--seconds", type=float, default=60, help="of the family")
    parser.add_argument("--kills", type=int, default=6, help="of each run that kills")
    parser.add_argument("--found", type=Path, default=Path("build/faults.json"), help="what was found so far")
    parser.add_argument("--write", type=Path)
    given = parser.parse_args()
    made, wrong = all_runs(given.seconds, given.kills), 0
    for name, (_, run) in made.items():
        for database in given.database or DATABASES:
            if given.only and name not in given.only:
                continue
            began = time.time()
            try:
                figures = run(database)
            except Exception:
                wrong += 1
                print(f"{name} {database} FAILED\n{traceback.format_exc()}", flush=True)
                keep(given.found, f"{name} {database}", None)
                continue
            keep(given.found, f"{name} {database}", figures)
            print(name, database, json.dumps(figures, ensure_ascii=False), f"{time.time() - began:.0f} s", flush=True)
    if given.write and given.found.exists():
        given.write.write_text(page(made, json.loads(given.found.read_text("utf-8"))), "utf-8")
    return 1 if wrong else 0


def keep(path: Path, name: str, figures: dict[str, Any] | None) -> None:
    """Keep what a run found; a run that failed has no figures any more."""
    found = json.loads(path.read_text("utf-8")) if path.exists() else {}
    found.pop(name, None)
    if figures is not None:
        found[name] = figures
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, ensure_ascii=False, indent=1), "utf-8")


def page(made: dict[str, tuple[str, Run]], found: dict[str, dict[str, Any]]) -> str:
    """Return the page of what was found; what has no figures is said."""
    parts, lacking = [HEAD], []
    for name, (title, _) in made.items():
        parts.append(f"## {title}\n\n`python -m tests.faults --only {name}`\n\n| 数据库 | 结果 |\n|---|---|\n")
        for database in DATABASES:
            figures = found.get(f"{name} {database}")
            if figures is None:
                lacking.append(f"{name}（{database}）")
            said = "；".join(f"{key} {value}" for key, value in figures.items()) if figures else "没有数字"
            parts.append(f"| {database} | {said} |\n")
        parts.append("\n")
    if lacking:
        parts.append(f"## 没有数字的\n\n没有做完或没有通过，不能当作已经验证：{'、'.join(lacking)}。\n")
    return "".join(parts).rstrip() + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
