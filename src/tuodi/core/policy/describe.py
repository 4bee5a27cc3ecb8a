"""A pack in Chinese sentences and tables, as a clerk would explain it, each with its clause: derived from the data alone.

``describe`` gives a :class:`Description`; :mod:`.describe_text` writes it for a terminal, as Markdown or as plain data. What is *not*
here: any text about a particular place.
"""

from __future__ import annotations

from collections.abc import Sequence

from tuodi.core.policy.check_figures import CALLED
from tuodi.core.policy.describe_layers import layer_sections
from tuodi.core.policy.describe_more import more_sections
from tuodi.core.policy.describe_parts import Description, Section, Sentence, Table, sentence, table
from tuodi.core.policy.describe_people import diseases_section, life_section, people_section, refusals_section
from tuodi.core.policy.describe_words import UNENTERED, Words, joined
from tuodi.core.policy.figures import EnteredValue
from tuodi.core.policy.local_values import plain_param, qualifier_words
from tuodi.core.policy.model import Pack


def describe(pack: Pack, values: Sequence[EnteredValue] = (), *, codes: bool = True) -> Description:
    """Return the pack, under its readings (already applied) and the values entered, in words.

    ``codes``: with the names that parameters and choices have in packs, for who writes or decides them.
    """
    words = Words(pack, values)
    sections: list[Section | None] = [
        life_section(words), people_section(words), refusals_section(words), diseases_section(words),
        *layer_sections(words), *more_sections(words), _readings(pack, codes), _delegated(words, values, codes), _accepted(pack, codes),
    ]  # fmt: skip
    return Description(pack.pack, pack.name, tuple(section for section in sections if section is not None))


def _readings(pack: Pack, codes: bool) -> Section | None:
    """Return each ambiguous sentence with the reading in use and the others."""
    blocks: list[Sentence | Table] = []
    for name, reading in pack.readings.items():
        used = reading.choices[reading.default]
        blocks.append(
            sentence(
                f"{name} {reading.question}？现用{_named(reading.default, codes)}：{used.means}。",
                *reading.clause,
                level=0,
            )
        )
        blocks += [
            sentence(f"另一读法{_named(choice, codes)}：{other.means}。")
            for choice, other in reading.choices.items()
            if choice != reading.default
        ]
    return Section("readings", "有歧义的句子怎么读", tuple(blocks)) if blocks else None


def _named(choice: str, codes: bool) -> str:
    return f"（{choice}）" if codes else ""


def _delegated(words: Words, values: Sequence[EnteredValue], codes: bool) -> Section | None:
    """Return the values that the document leaves to others, with what was entered."""
    rows = []
    for param, declared in words.pack.delegated.items():
        held = [value for value in values if plain_param(value.param) == param]
        entries: list[EnteredValue | None] = [*held] if held else [None]
        for value in entries:
            said = (
                words.of_unit(value.value, declared.unit)
                if value
                else UNENTERED + ("（可不录入）" if declared.optional else "")
            )
            first = f"{value.first} 起" if value and value.first else ""
            rows.append((
                declared.asks, _param(value.param if value else param, codes), CALLED[declared.unit], said, first,
                value.source if value else "", declared.left_to, declared.clause,
            ))  # fmt: skip
    if not rows:
        return None
    sampled = sorted({
        value.param for value in values if value.is_sample and plain_param(value.param) in words.pack.delegated
    })  # fmt: skip
    samples = joined(sampled) if codes else f"有 {len({plain_param(name) for name in sampled})} 项"
    blocks: list[Sentence | Table] = [
        table(("什么", "参数" if codes else "只用于", "单位", "录入值", "何时起", "来源", "见哪份文件", "条款"), rows)
    ]
    if sampled:
        blocks.insert(0, sentence(f"注意：{samples} 用的是示例值，不是政策规定，请换成查得的数值和来源。", level=0))
    return Section("delegated", "由其他文件规定的数", tuple(blocks))


def _param(param: str, codes: bool) -> str:
    """Return a parameter's name in packs, or only in words what its value is for if that is not everything."""
    return param if codes else qualifier_words(param)


def _accepted(pack: Pack, codes: bool) -> Section | None:
    """Return the warnings of the check that an officer has accepted."""
    rows = [(item.warning if codes else "", item.reason, item.by) for item in pack.accepted]
    return Section("accepted", "已接受的检查提醒", (table(("提醒", "理由", "谁"), rows),)) if rows else None
