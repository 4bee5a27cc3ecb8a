"""Words by which people are found: the name, and the pinyin initials under every reading of it.

Heteronyms give several words (重阳 is ``zy`` and ``cy``); a surname has readings of its own, which are put before those of the
character (曾 zeng, 仇 qiu, 单 shan, 解 xie, 查 zha, 盖 ge, 尉迟 yu chi). Nothing is guessed away: a clerk may type either.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from itertools import product

from django.db import connection
from django.db.models import Q
from pypinyin.constants import PINYIN_DICT

from tuodi.apps.registry.models import Person, SearchWord

MAX_READINGS = 8
INITIALS_LENGTH = 120
BULK = 5000

#: Readings that a character has as a surname, where the dictionary's own do not have the initial or have it last.
SURNAMES: dict[str, str] = {
    "曾": "z", "仇": "q", "单": "s", "解": "x", "查": "z", "盖": "g", "朴": "p", "覃": "qt", "区": "o", "翟": "zd", "乐": "yl",
    "任": "r", "华": "h", "召": "s", "员": "y", "秘": "b", "冼": "x", "洗": "x", "尉": "wy", "缪": "m", "令": "l", "那": "n",
    "折": "s", "黑": "h", "晟": "c", "种": "c", "重": "c", "宁": "n", "纪": "j", "过": "g", "长": "z", "逄": "p", "繁": "p",
    "车": "c", "褚": "c", "柏": "b", "卜": "b", "薄": "b", "隗": "kw", "郗": "xc", "厘": "x", "句": "g", "幺": "y", "啜": "c",
    "乜": "n", "尹": "y", "祭": "z", "应": "y", "燕": "y", "哈": "h", "贾": "j", "石": "s", "谌": "cs", "俞": "y", "行": "x",
}  # fmt: skip
COMPOUND_SURNAMES: dict[str, str] = {
    "尉迟": "yc", "万俟": "mq", "长孙": "zs", "澹台": "tt", "宰父": "zf", "令狐": "lh", "单于": "cy", "鲜于": "xy", "宇文": "yw",
    "司徒": "st", "欧阳": "oy", "上官": "sg", "诸葛": "zg", "夏侯": "xh", "皇甫": "hf", "慕容": "mr", "独孤": "dg", "东方": "df",
    "呼延": "hy", "公孙": "gs", "赫连": "hl", "贺兰": "hl", "拓跋": "tb", "尔朱": "ez", "钟离": "zl", "端木": "dm", "百里": "bl",
}  # fmt: skip


@lru_cache(maxsize=30_000)
def _letters(character: str) -> str:
    """Return the distinct first letters of a character's readings, most common first; of a Latin letter or digit itself."""
    if character.isascii():
        return character.lower() if character.isalnum() else ""
    found = []
    for reading in PINYIN_DICT.get(ord(character), "").split(","):
        letter = unicodedata.normalize("NFD", reading)[:1]
        if letter and letter.isascii() and letter not in found:
            found.append(letter)
    return "".join(found)


@lru_cache(maxsize=100_000)
def readings(name: str) -> tuple[str, ...]:
    """Return the initials of a name under every reading, at most ``MAX_READINGS``.

    >>> readings("王小明"), readings("尉迟恭"), readings("单田芳")
    (('wxm', 'yxm'), ('ycg', 'wcg'), ('stf', 'dtf', 'ctf'))
    """
    name = unicodedata.normalize("NFKC", name)
    compound = COMPOUND_SURNAMES.get(name[:2])
    parts = [_letters(character) for character in name]
    if parts and name[0] in SURNAMES:
        parts[0] = "".join(dict.fromkeys(SURNAMES[name[0]] + parts[0]))
    parts = [letters for letters in parts if letters]
    found = (
        ["".join(letters) for _, letters in zip(range(MAX_READINGS), product(*parts), strict=False)] if parts else []
    )
    if compound:
        rest = readings(name[2:]) if name[2:] else ("",)
        found = [compound + word for word in rest] + found
    return tuple(dict.fromkeys(found))[:MAX_READINGS]


def initials(name: str) -> str:
    """Return the readings as a person's row keeps them, as many as fit: one blank before, between and after.

    >>> initials("李叔")
    ' ls '
    """
    kept = " "
    for word in readings(name):
        if len(kept) + len(word) < INITIALS_LENGTH:
            kept += f"{word} "
    return kept


def words_of(person: Person) -> list[SearchWord]:
    """Return the search words of a person, one for each word and area that sees it."""
    words = dict.fromkeys([person.name.lower(), *(person.initials.split() or readings(person.name))])
    areas = dict.fromkeys(a for a in (person.insured_area, person.registered_area, person.residence_area) if a)
    return [SearchWord(word=word, area_code=area, person=person) for word in words if word for area in areas]


def index(people: Iterable[Person], *, fresh: bool = False) -> None:
    """Make the search words of these people anew; ``fresh`` people have none yet."""
    people = list(people)
    for at in range(0, len(people), BULK):
        some = people[at : at + BULK]
        if not fresh:
            SearchWord.objects.filter(person__in=[person.pk for person in some]).delete()
        SearchWord.objects.bulk_create([word for person in some for word in words_of(person)], batch_size=BULK)


def begins_with(field: str, prefix: str) -> Q:
    """Return the condition that a field begins with a prefix, in the form in which each database uses its index.

    SQLite's LIKE takes no account of case and so no index; a range does. PostgreSQL's index has the pattern operators.
    """
    if connection.vendor == "postgresql":
        return Q(**{f"{field}__startswith": prefix})
    return Q(**{f"{field}__gte": prefix, f"{field}__lt": prefix + "\U0010ffff"})
