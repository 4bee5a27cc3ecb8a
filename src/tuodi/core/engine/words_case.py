"""One computed settlement with all its values by name, ready to be worded; and what is worked out once for a plan.

The values are the facts, figures and remembered totals that the steps ran on and the steps' own, by the names of the program.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from tuodi.core.engine.fold import EventResult, LayerResult
from tuodi.core.engine.plan import Plan
from tuodi.core.engine.steps import names_in
from tuodi.core.engine.words_bill import Bill, bill_of
from tuodi.core.engine.words_layers import LayerVoice, voice_of
from tuodi.core.engine.words_terms import Term, terms_of
from tuodi.core.identities import IdentityRecord
from tuodi.core.policy.figures import EnteredValue, delegated_in
from tuodi.core.policy.model import Pack


@dataclass(slots=True)
class Vocabulary:
    """What words need of a plan: terms of its names, places of layers, figures by layer, what each step reads, the digest.

    Voices and parts of pages that are the same for many settlements are kept as they are made.
    """

    terms: dict[str, Term]
    places: dict[str, int]
    figures: tuple[tuple[str, ...], ...]
    reads: tuple[tuple[str, ...], ...]
    digest: str
    voices: dict[tuple[int, int, int], LayerVoice] = field(default_factory=dict)
    pages: dict[tuple[object, ...], list[str]] = field(default_factory=dict)


def vocabulary_of(plan: Plan) -> Vocabulary:
    """Return a plan's vocabulary, made once."""
    if plan.vocabulary is None:
        program = plan.program
        plan.vocabulary = Vocabulary(
            terms=terms_of(plan),
            places={layer.id: i for i, layer in enumerate(plan.layers)},
            figures=tuple(tuple(f"p.{layer}.{name}" for name in program.figures[layer]) for layer in program.layers),
            reads=tuple(tuple(dict.fromkeys(names_in(step.expr))) for step in program.steps),
            digest=pack_digest(plan.pack),
        )
    assert isinstance(plan.vocabulary, Vocabulary)
    return plan.vocabulary


def pack_digest(pack: Pack) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of a pack's data, chosen readings included."""
    return hashlib.sha256(msgspec.json.encode(pack, order="sorted")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class WordedCase:
    """A settlement to be worded: ``known`` holds every value by name, ``voices`` the layers that looked at it."""

    plan: Plan
    result: EventResult
    records: Sequence[IdentityRecord]
    vocabulary: Vocabulary
    known: dict[str, int]
    bill: Bill
    voices: list[tuple[LayerVoice, LayerResult]]

    def entered(self) -> list[EnteredValue]:
        """Return the delegated values that the result rests on, those of the pack's life first."""
        plan, found = self.plan, {}
        for bound in (plan.pack.in_force.first, plan.pack.in_force.last):
            for param in delegated_in(bound):
                if entry := plan.entered.entry(param, plan.last):
                    found[param] = entry
        for voice, _ in self.voices:
            found |= {entry.param: entry for entry in voice.entered}
        return list(found.values())


def case_of(plan: Plan, result: EventResult, records: Sequence[IdentityRecord] = ()) -> WordedCase:
    """Return a computed settlement ready to be worded."""
    vocabulary, operands = vocabulary_of(plan), result.operands
    known = dict(zip(operands.shape.facts, operands.facts, strict=True))
    known.update(zip(operands.shape.slots, operands.before, strict=True))
    figures = [plan.tables[i][row] for i, row in enumerate(operands.rows)]
    for names, numbers in zip(vocabulary.figures, figures, strict=True):
        known.update(zip(names, numbers, strict=True))
    values, _ = plan.trace(operands.facts, figures, operands.before)
    known.update(zip(operands.shape.steps, values, strict=True))
    return WordedCase(
        plan, result, records, vocabulary, known, bill_of(plan, result), _voices(plan, result, vocabulary)
    )


def _voices(plan: Plan, result: EventResult, vocabulary: Vocabulary) -> list[tuple[LayerVoice, LayerResult]]:
    """Return each layer that looked at the settlement, with its voice."""
    out = []
    for own in result.layers:
        i = vocabulary.places[own.layer]
        row, figures = result.operands.rows[i], result.decision.layers[i].figures
        key = (i, row, id(figures))
        voice = vocabulary.voices.get(key)
        if voice is None:
            voice = vocabulary.voices[key] = voice_of(plan, i, row, figures)
        out.append((voice, own))
    return out
