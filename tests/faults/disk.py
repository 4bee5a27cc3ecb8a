"""The county's disk, a small file system of its own, fills up under settlements and the sealing of the trail, and is freed again."""

from __future__ import annotations

import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.apps.his import Hospital
from tests.faults.books import books_of
from tests.faults.messages import bill
from tests.faults.served import Served, served_county

#: Megabytes of the disk.
SIZES = {"sqlite": 24, "postgres": 160}
#: Bytes at a time, ever smaller, with which every byte that is left is taken.
STEPS = (1 << 16, 1 << 12, 1 << 9)


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """Mount a small file system; unmounted afterwards."""
    home = Path(tempfile.mkdtemp(prefix="tuodi-disk-"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", str(home)], check=True)
    try:
        yield home
    finally:
        subprocess.run(["umount", "-l", str(home)], check=False)
        with suppress(OSError):
            home.rmdir()


def disk_full(database: str, *, refused: int = 40, rounds: int = 3) -> dict[str, Any]:
    """Fill the disk, ask until so many messages were told to ask again, free it, ask again; so many rounds."""
    counts: Counter[str] = Counter()
    with small_disk(SIZES[database]) as home:
        (home / "county").mkdir()
        served, tokens = served_county(database, home / "county")
        try:
            served.start()
            served.start_worker()
            code, token = next(iter(tokens.items()))
            hospital = Hospital(served.post, code=code, paasid=code, token=token)
            believed: dict[str, Any] = {}
            for _ in range(rounds):
                counts += one_round(served, hospital, home / "ballast", believed, refused)
            served.stop_worker()
            for msgid, (nodes, answer) in believed.items():
                assert hospital.send("2207", nodes, msgid=msgid)["output"] == answer, "a kept answer is another one now"
            found = books_of(served)
        finally:
            served.close()
    settled = sorted(answer["setlinfo"]["setl_id"] for _, answer in believed.values())
    assert settled == found["live"] == found["bills"], "what was answered is not what is kept"
    return {
        "disk (MB)": SIZES[database], "times full": rounds, **counts, "settled in the end, each once": len(settled),
        "rows equal to the batch": found["compared"], "audit rows sealed": found["sealed"],
    }  # fmt: skip


def one_round(
    served: Served, hospital: Hospital, ballast: Path, believed: dict[str, Any], refused: int
) -> Counter[str]:
    """Settle with room, without, and with room again; every message is settled in the end."""
    counts: Counter[str] = Counter()

    def asking(yuan: int) -> tuple[str, dict[str, Any]]:
        msgid = hospital.msgid()
        return msgid, bill(yuan, chrg_bchno=msgid[-20:])  # a visit is charged once for each batch

    asked = [asking(10 + len(believed) + n) for n in range(8)]
    for msgid, nodes in asked:
        assert settled(hospital, msgid, nodes, believed), "there was room"
    fill(ballast)
    for number in range(3000):
        if counts["told to ask again, disk full"] >= refused:
            break
        asked.append(asking(20 + number))
        done = settled(hospital, *asked[-1], believed)
        counts["settled while full" if done else "told to ask again, disk full"] += 1
    assert counts["told to ask again, disk full"] >= refused, f"the disk was never full: {counts}"
    ballast.unlink()
    if served.server is not None:
        served.revive_postgres()
    for msgid, nodes in asked:
        for _ in range(50):
            if settled(hospital, msgid, nodes, believed):
                break
        assert msgid in believed, f"{msgid} is still refused with room"
    return counts


def fill(ballast: Path) -> None:
    """Take every byte that is left."""
    for size in STEPS:
        with suppress(OSError), ballast.open("ab", buffering=0) as file:
            while file.write(b"\0" * size) == size:
                pass


def settled(hospital: Hospital, msgid: str, nodes: dict[str, Any], believed: dict[str, Any]) -> bool:
    """Settle; False if told to ask again. Every answer is one in the envelope."""
    answer = hospital.send("2207", nodes, msgid=msgid)
    if answer["infcode"] == 0:
        believed[msgid] = nodes, answer["output"]
        return True
    assert "E-SYSTEM-AWAY" in answer["err_msg"] or "系统内部错误" in answer["err_msg"], answer["err_msg"]
    return False


def can_mount() -> bool:
    """Say whether a file system of our own can be mounted here."""
    try:
        with small_disk(1):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False
