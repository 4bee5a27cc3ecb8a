"""What an uploaded roster must be before anybody reads it: of a known form, of a bounded size, also once unpacked.

The sizes that a workbook claims are not believed: it is unpacked once, some at a time, and counted.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import Any

from tuodi.base.action import refuse
from tuodi.core.errors import declare

E_UPLOAD_SIZE = declare(
    "E-REG-UPLOAD-SIZE", "文件超过 {limit} MB，或解开后过大", "请去掉无关的工作表和图片，或分成几个文件"
)
E_UPLOAD_FORM = declare(
    "E-REG-UPLOAD-FORM", "这不是 CSV 或 xlsx 文件", "请在表格软件里“另存为” xlsx 或 CSV 后再上传；不支持旧的 xls 格式"
)

MAX_BYTES = 20 * 1024 * 1024
MAX_UNPACKED = 400 * 1024 * 1024
MAX_PARTS = 500
_PIECE = 1024 * 1024


def content_of(upload: Any) -> bytes:
    """Return the content of an uploaded roster; raise when it is not one that may be read."""
    if upload.size > MAX_BYTES:
        raise refuse(E_UPLOAD_SIZE, limit=MAX_BYTES // _PIECE)
    content = bytes(upload.read())
    is_workbook = content.startswith(b"PK\x03\x04")
    name = str(upload.name).lower()
    if not name.endswith(".xlsx" if is_workbook else ".csv") or (not is_workbook and b"\0" in content):
        raise refuse(E_UPLOAD_FORM)
    if is_workbook:
        _unpack(content)
    return content


def _unpack(content: bytes) -> None:
    left = MAX_UNPACKED
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            parts = packed.infolist()
            if len(parts) > MAX_PARTS:
                raise refuse(E_UPLOAD_SIZE, limit=MAX_BYTES // _PIECE)
            for part in parts:
                with packed.open(part) as held:
                    while piece := held.read(_PIECE):
                        left -= len(piece)
                        if left < 0:
                            raise refuse(E_UPLOAD_SIZE, limit=MAX_BYTES // _PIECE)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise refuse(E_UPLOAD_FORM) from error
