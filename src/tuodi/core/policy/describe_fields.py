"""What every key of a pack is called and means, in Chinese: one table for differences, the reference page and editors' hints."""

from __future__ import annotations

from dataclasses import dataclass, field

from tuodi.core.policy import describe_fields_rest, describe_fields_rules
from tuodi.core.policy.model import Part


@dataclass(frozen=True)
class Field:
    """A key: what it is called, what it means, and what its values mean where they are a closed list."""

    label: str
    says: str
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Structure:
    label: str
    says: str
    fields: dict[str, Field]


def _read(text: str) -> dict[str, Structure]:
    """Return the structures of a table (see the modules of the tables)."""
    out: dict[str, Structure] = {}
    for line in text.strip().splitlines():
        name, _, rest = line.strip().partition(" ")
        label, says, *values = rest.split("｜")
        if line.startswith("  "):
            held = dict(item.split("=", 1) for item in values[0].split("；")) if values else {}
            next(reversed(out.values())).fields[name] = Field(label, says, held)
        else:
            out[name] = Structure(label, says, {})
    return out


STRUCTURES = _read(describe_fields_rules.TEXT) | _read(describe_fields_rest.TEXT)


def label_of(part: type[Part], key: str) -> str:
    """Return what a key of a structure is called; the key itself if nobody has named it yet."""
    structure = STRUCTURES.get(part.__name__)
    known = structure.fields.get(key) if structure else None
    return known.label if known else key


def value_words(part: type[Part], key: str, value: str) -> str:
    """Return what a value of a closed list means; itself if it is none."""
    structure = STRUCTURES.get(part.__name__)
    known = structure.fields.get(key) if structure else None
    return known.values.get(value, value) if known else value
