"""Every fault on both databases, with figures.

python -m tests.faults --write docs/reference/faults.md
python -m tests.faults --only disk --database sqlite
"""

from __future__ import annotations

import argparse
import json
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.faults import runs
from tests.faults.hammer import KILLS, hammer

HEAD = """# 故障演练

由 `python -m tests.faults --write docs/reference/faults.md` 生成，不要手工修改。每一项都真的做：正式的服务程序、真的进程、真的
`kill -9`、真的写满的磁盘，在 SQLite 和（测试用的嵌入式）PostgreSQL 上各做一遍。每项之后由没有参与服务的进程查账：
答复过的结算都在且只有一笔；每个人的历史重算与账上一致；没有超过封顶线；每笔结算有且只有自己的审计记录；审计链完好；没有
送不出去的内部通知。查账不过，这一页就写不出来。数字取决于机器（这里是两核、同时有别的工作），不是性能指标。

"""
Run = Callable[[str], dict[str, Any]]


def all_runs(seconds: float, shorter: float) -> dict[str, tuple[str, Run]]:
    """Return every run by its name: what is done, and how."""
    kills = {
        "web": "服务进程",
        "worker": "后台任务进程（通知送达、审计封存）",
        "database": "数据库（SQLite：持有库文件的全部服务进程）",
    }
    made: dict[str, tuple[str, Run]] = {
        "family": (
            f"十六个窗口同时为一个人办理 {seconds:.0f} 秒",
            lambda database: hammer(database, seconds=seconds, clients=16),
        )
    }
    for kill in KILLS:
        made[kill] = (
            f"同上，每 6 秒 kill -9 一次{kills[kill]}",
            lambda database, kill=kill: hammer(database, seconds=shorter, clients=16, kill=kill),
        )
    made |= {
        "import": ("名册导入途中 kill -9 导入进程", runs.imports_killed),
        "import-database": ("名册导入途中 kill -9 数据库", lambda database: runs.imports_killed(database, kill="database")),
        "repeat": ("同一报文同时发十遍", runs.repeated),
        "order": ("报文乱序：先撤后结、先出院后入院、先冲正后到达、冲正后又到达", runs.out_of_order),
        "clock": ("服务器时钟退一小时、进一年、又退回", runs.clock_moved),
        "disk": ("结算途中磁盘写满，再腾出空间", runs.disk_full),
        "requests": ("截断、超大、过深、类型不对、签名不对的请求", runs.broken_requests),
        "copy": ("断电：办理途中全部杀掉，只凭复制的库文件恢复（SQLite）", lambda _: runs.copied_after_a_kill()),
    }  # fmt: skip
    return made


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgres"], action="append")
    parser.add_argument("--only", action="append", help="names of runs")
    parser.add_argument("--seconds", type=float, default=60, help="of the family")
    parser.add_argument("--shorter", type=float, default=30, help="of the runs that kill")
    parser.add_argument("--write", type=Path)
    given = parser.parse_args()
    found: dict[tuple[str, str], dict[str, Any]] = {}
    made, wrong = all_runs(given.seconds, given.shorter), 0
    for name, (_, run) in made.items():
        for database in databases_of(name, given.database):
            if given.only and name not in given.only:
                continue
            began = time.time()
            try:
                found[name, database] = run(database)
            except Exception:
                wrong += 1
                print(f"{name} {database} FAILED\n{traceback.format_exc()}", flush=True)
                continue
            said = json.dumps(found[name, database], ensure_ascii=False)
            print(name, database, said, f"{time.time() - began:.0f} s", flush=True)
    if given.write and not wrong:
        given.write.write_text(page(made, found), "utf-8")
    return 1 if wrong else 0


def databases_of(name: str, asked: list[str] | None) -> list[str]:
    """Return on which databases a run is made; the copied files are SQLite's."""
    return [one for one in asked or ["sqlite", "postgres"] if name != "copy" or one == "sqlite"]


def page(made: dict[str, tuple[str, Run]], found: dict[tuple[str, str], dict[str, Any]]) -> str:
    """Return the page of what was found."""
    parts = [HEAD]
    for name, (title, _) in made.items():
        rows = [(database, figures) for (run, database), figures in found.items() if run == name]
        if rows:
            parts.append(f"## {title}\n\n`python -m tests.faults --only {name}`\n\n| 数据库 | 结果 |\n|---|---|\n")
            parts += [
                f"| {db} | {'；'.join(f'{key} {value}' for key, value in figures.items())} |\n" for db, figures in rows
            ]
            parts.append("\n")
    return "".join(parts)


if __name__ == "__main__":
    raise SystemExit(main())
