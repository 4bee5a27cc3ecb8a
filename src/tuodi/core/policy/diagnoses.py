"""Lists of ICD-10 prefixes as officers write them. What is *not* here: matching, which knows no wrong prefix.

An empty prefix would match every diagnosis and one with a Chinese semicolon none, so both are faults before anything runs.
"""

from __future__ import annotations

import re

PREFIX = re.compile(r"[A-Z]([0-9][0-9A-Z]?(\.[0-9A-Za-z]*)?)?")


def wrong_prefix(text: str) -> str | None:
    """Return the first item of a list separated by semicolons that is no prefix of ICD-10 codes, None if all are.

    >>> wrong_prefix("C34;I10.x00; F"), wrong_prefix("C34；C35"), wrong_prefix("C34;"), wrong_prefix("c34")
    (None, 'C34；C35', '', 'c34')
    """
    return next((item for item in map(str.strip, text.split(";")) if not PREFIX.fullmatch(item)), None)
