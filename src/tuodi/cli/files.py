"""Files that a command writes: aside first, in place only when all is well."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tuodi.cli.usage import UsageError
from tuodi.core.errors import InputErrors, declare, fault

E_OUTPUT = declare("E-FILE-UNUSABLE", "文件“{path}”不能读写：{why}", "请检查路径、权限和磁盘空间")
E_FOLDER = declare("E-FOLDER-MISSING", "没有“{path}”这个文件夹", "请先建好，或换一个位置")

#: How the folders begin in which a command writes until all is well.
ASIDE = ".tuodi-"

#: Seconds after which such a folder that nobody holds is what a killed command left behind.
LEFT_AFTER = 60

#: Troubles that have no class of their own, by the system's number.
NUMBERS = {
    errno.ENOSPC: "磁盘满了", errno.EDQUOT: "超过了磁盘配额", errno.EROFS: "磁盘是只读的", errno.ENAMETOOLONG: "名字太长",
    errno.EMFILE: "打开的文件太多", errno.EIO: "磁盘读写出错", errno.ELOOP: "链接绕了圈",
}  # fmt: skip
REASONS = {
    "PermissionError": "没有权限", "FileNotFoundError": "没有这个文件或文件夹", "IsADirectoryError": "这是一个文件夹",
    "NotADirectoryError": "路径中间有一段不是文件夹", "FileExistsError": "已经有了",
}  # fmt: skip


def unusable(error: OSError) -> InputErrors:
    """Return a trouble with a file as an error that people can read."""
    why = REASONS.get(type(error).__name__) or NUMBERS.get(error.errno or 0) or error.strerror or "系统拒绝"
    return InputErrors([fault(E_OUTPUT, path=_known(error.filename) if error.filename else "（输出）", why=why)])


def _known(name: str | bytes | int) -> str:
    """Return the name of a file as people know it: what is written aside goes by the place that it is meant for."""
    parts = (
        [part for part in Path(os.fsdecode(name)).parts if not part.startswith(ASIDE)]
        if isinstance(name, (str, bytes))
        else []
    )
    return str(Path(*parts)) if parts else str(name)


def out_path(text: str, *, suffixes: tuple[str, ...]) -> Path:
    """Return where a result goes; its name must end as one of the formats, its folder must be there."""
    path = Path(text)
    if path.suffix.lower() not in suffixes:
        raise UsageError(f"结果文件“{text}”的名字应以 {' 或 '.join(suffixes)} 结尾")
    if not path.parent.is_dir():
        raise InputErrors([fault(E_FOLDER, path=path.parent)])
    if path.is_dir():
        raise InputErrors([fault(E_OUTPUT, path=path, why="这是一个文件夹")])
    return path


def refuse_overwriting(out: Path, inputs: Sequence[str | None]) -> None:
    """Refuse to write a result over one of the files that it is made from."""
    for name in inputs:
        if name and out.resolve() == Path(name).resolve():
            raise UsageError(f"结果文件与输入文件“{name}”是同一个")


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """Yield a folder beside the results; what was written into it is moved to ``folder`` only if the block ends well.

    While the block runs the folder is locked: one that nobody locks any more was left by a command that was killed, and goes.
    """
    _remove_left(folder)
    inside = Path(tempfile.mkdtemp(prefix=ASIDE, dir=folder))
    held = os.open(inside, os.O_RDONLY)
    try:
        _lock(held)
        yield inside
        for file in sorted(inside.iterdir()):
            os.replace(file, folder / file.name)
    finally:
        os.close(held)
        shutil.rmtree(inside, ignore_errors=True)


def _remove_left(folder: Path) -> None:
    for left in folder.glob(f"{ASIDE}*"):
        with suppress(OSError):
            if left.stat().st_mtime < time.time() - LEFT_AFTER:
                held = os.open(left, os.O_RDONLY | os.O_DIRECTORY)
                if _lock(held):
                    shutil.rmtree(left, ignore_errors=True)
                os.close(held)


def _lock(held: int) -> bool:
    """Lock what is open; False if somebody else does, or where files cannot be locked: there nothing left behind goes."""
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextmanager
def staged_anew(folder: Path) -> Iterator[Path]:
    """Do as ``staged`` in a folder that is made where there is none, and goes again if the block fails."""
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with staged(folder) as inside:
            yield inside
    except BaseException:
        if is_new:
            with suppress(OSError):
                folder.rmdir()
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    if not path.parent.is_dir():
        raise InputErrors([fault(E_FOLDER, path=path.parent)])
    with staged(path.parent) as inside:
        (inside / path.name).write_text(text, encoding="utf-8", newline="\n")
