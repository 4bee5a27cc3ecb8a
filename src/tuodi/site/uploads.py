"""What people upload is kept in memory alone: rosters are full of identity numbers, and a spooled file would lie on the disk in clear."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler


class MemoryOnlyHandler(FileUploadHandler):
    """Keeps the files of a request that is not too large; of another only their names and its size, so that the page can say so."""

    def handle_raw_input(self, input_data: Any, META: Any, content_length: int, *rest: Any) -> None:
        self.size = content_length
        self.is_kept = content_length <= settings.FILE_UPLOAD_MAX_MEMORY_SIZE

    def new_file(self, *args: Any, **named: Any) -> None:
        super().new_file(*args, **named)
        self.file = BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if self.is_kept:
            self.file.write(raw_data)

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        self.file.seek(0)
        return InMemoryUploadedFile(
            self.file, self.field_name, self.file_name, self.content_type, file_size if self.is_kept else self.size, self.charset,
            self.content_type_extra,
        )  # fmt: skip
