"""Delegated values that differ by area and residence kind: ``param@610902.urban`` beside the plain ``param``.

Some figures (a monthly dibao standard) are fixed county by county, for urban and rural households apart. An administrator
enters them under the parameter that the pack declares, with a qualifier; a household without a value of its own falls
back to its city, its province, and the plain parameter. What is *not* here: which area of a household counts (I-42), that is
data in a pack.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from tuodi.core.policy.figures import Entered, EnteredValue, Missing, Resolver

RESIDENCE_KINDS = {"urban": "城镇", "rural": "农村"}
SAMPLE_MARK = "（示例，非正式标准）"


def plain_param(param: str) -> str:
    """Return the declared parameter of an entered one.

    >>> plain_param("ak.dibao_standard_month@610902.urban"), plain_param("ak.high_cost")
    ('ak.dibao_standard_month', 'ak.high_cost')
    """
    return param.partition("@")[0]


def qualifier_words(param: str) -> str:
    """Return for whom alone an entered value is, in words; empty if for everybody.

    >>> qualifier_words("p@610902.urban"), qualifier_words("p@rural"), qualifier_words("p")
    ('610902 城镇', '农村', '')
    """
    parts = param.partition("@")[2].split(".")
    return " ".join(RESIDENCE_KINDS.get(part, part) for part in parts)


def local_params(param: str, *, area: str = "", kind: str = "") -> tuple[str, ...]:
    """Return the names under which a value is looked up, nearest first: area, its city, its province, kind, plain.

    >>> local_params("p", area="610902", kind="rural")[:4]
    ('p@610902.rural', 'p@610902', 'p@610900.rural', 'p@610900')
    >>> local_params("p", area="610900")
    ('p@610900', 'p@610000', 'p')
    """
    names: list[str] = []
    for near in dict.fromkeys((area, area[:4] + "00", area[:2] + "0000")) if area else ():
        names += [f"{param}@{near}.{kind}"] if kind else []
        names.append(f"{param}@{near}")
    names += [f"{param}@{kind}"] if kind else []
    return (*names, param)


def qualifiers_of(entered: Entered, param: str) -> tuple[bool, bool]:
    """Return whether some entered value of a parameter is for an area only, and whether one is for a residence kind only.

    >>> qualifiers_of(Entered([EnteredValue("p@610902.urban", "660.00")]), "p")
    (True, True)
    """
    found = [known.partition("@")[2] for known in entered.by_param if plain_param(known) == param and "@" in known]
    by_area = any(text[:1].isdigit() for text in found)
    return by_area, any(text.rpartition(".")[2] in RESIDENCE_KINDS for text in found)


class LocalResolver(Resolver):
    """Resolves figures for a household: its own values first; remembers the entries that it read."""

    def __init__(self, entered: Entered, day: date, *, area: str = "", kind: str = "") -> None:
        super().__init__(entered, day)
        self.area, self.kind = area, kind
        self.read: list[EnteredValue] = []

    def text(self, param: str) -> str:
        """Return the nearest value in force; ``Missing`` names the declared parameter."""
        self.used.add(param)
        for name in local_params(param, area=self.area, kind=self.kind):
            entry = self.entered.entry(name, self.day)
            if entry is not None:
                self.read.append(entry)
                return entry.value
        raise Missing((param,))

    def sources(self) -> Iterator[str]:
        """Yield where the values read come from, samples marked."""
        for entry in dict.fromkeys(self.read):
            yield f"{entry.param}：{entry.source or '未注明来源'}{SAMPLE_MARK if entry.is_sample else ''}"


def sample_mark(sources: Iterable[str]) -> str:
    """Return the mark that a sentence bears if it rests on a sample value; else nothing.

    >>> sample_mark(["p：示例值（示例，非正式标准）"]), sample_mark(["p：省文件"])
    ('（示例，非正式标准）', '')
    """
    return SAMPLE_MARK if any(source.endswith(SAMPLE_MARK) for source in sources) else ""
