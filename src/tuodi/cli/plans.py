"""From arguments to a plan: which pack, under which readings, with which entered values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tuodi.batch.packs import entered_values, sample_values_of, source_of
from tuodi.core.engine.plan import Plan, make_plan
from tuodi.core.errors import Fault, InputErrors, Together, WordErrors, declare, fault
from tuodi.core.policy.figures import EnteredValue
from tuodi.core.policy.load import PackSource, load_pack
from tuodi.core.policy.model import Pack

E_READING_SHAPE = declare("E-WORD-READING-SHAPE", "释义“{value}”应写成 I-nn=读法", "例如 I-04=stay")
E_READING_UNKNOWN = declare("E-WORD-READING", "政策包没有释义 {value}；它列的释义：{known}", "请核对释义的编号")
E_READING_CHOICE = declare(
    "E-WORD-READING-CHOICE", "释义 {name} 没有读法“{value}”；可用的有：{known}", "请用其中一个读法的名字"
)
Made = TypeVar("Made")


@dataclass(frozen=True)
class Chosen:
    """A pack as it was asked for."""

    source: PackSource
    pack: Pack
    values: list[EnteredValue]

    def plan(self, *, simulate: bool = False) -> Plan:
        """Return the plan; ``MissingValues`` if its life is not known."""
        return make_plan(self.pack, self.values, simulate=simulate)


def chosen(args: Any) -> Chosen:
    """Return the pack of ``--pack`` (or the argument ``pack``), ``--reading``, ``--delegated`` and ``--sample-values``."""
    return choose(args.pack, getattr(args, "reading", []), delegated=args.delegated, sample_values=args.sample_values)


def choose(pack: str, readings: list[str], *, delegated: list[str], sample_values: bool) -> Chosen:
    """Return a pack under readings written ``I-nn=choice``, with the values of files and, where they lack, the samples.

    What is wrong with the readings and with the files of values is told at once.
    """
    source = source_of(pack)
    together = Together()
    wanted: dict[str, str] = {}
    with together.heard():
        wanted = readings_of(source, readings)
    made = load_pack(source, readings=wanted)
    values: list[EnteredValue] = []
    with together.heard():
        values = values_for(pack, made, delegated=delegated, sample_values=sample_values)
    together.tell()
    return Chosen(source, made, values)


def readings_of(source: PackSource, written: list[str]) -> dict[str, str]:
    """Return the chosen readings; wrong ones are told, all of them, with what there is to choose from."""
    listed = source.readings
    out: dict[str, str] = {}
    wrong: list[Fault] = []
    for text in written:
        name, sign, choice = text.partition("=")
        if not sign:
            wrong.append(fault(E_READING_SHAPE, value=text))
        elif name not in listed:
            wrong.append(fault(E_READING_UNKNOWN, value=name, known="、".join(listed) or "无"))
        elif choice not in listed[name].choices:
            known = "；".join(f"{key}（{value.means}）" for key, value in listed[name].choices.items())
            wrong.append(fault(E_READING_CHOICE, value=choice, name=name, known=known))
        out[name] = choice
    if wrong:
        raise WordErrors(wrong)
    return out


def values_for(pack: str, made: Pack, *, delegated: list[str], sample_values: bool) -> list[EnteredValue]:
    """Return the entered values of all files, and for parameters without any the samples, if they are wanted."""
    together = Together()
    values: list[EnteredValue] = []
    for file in delegated:
        with together.heard():
            values += entered_values(file, made)
    together.tell()
    if sample_values:
        entered = {value.param for value in values}
        values += [value for value in sample_values_of(pack, made) if value.param not in entered]
    return values


def plan_for(args: Any, make: Callable[[Any], Made]) -> Made:
    """Return what ``make`` makes of the arguments; if the policy cannot be had, what is wrong with the files is told with it."""
    together = Together()
    with together.heard():
        return make(args)
    from tuodi.batch.examine import Files, faults_of

    wrong = faults_of(
        Files(Path(args.settlements), Path(args.identities), file_of(args.applications), file_of(args.institutions))
    )
    if wrong:
        together.errors.append(InputErrors(wrong))
    together.tell()
    raise AssertionError("nothing was made and nothing was wrong")


def sample_note(plan: Plan) -> list[str]:
    """Return the sentence that marks samples, if there are any."""
    count = sum(any(value.is_sample for value in held) for held in plan.entered.by_param.values())
    says = f"注意：有 {count} 项授权参数用的是示例值，不是正式标准，结果只供参考（tuodi pack show {plan.pack.pack} --sample-values 可看）。"
    return [says] if count else []


def policy_line(plan: Plan, digest: str) -> str:
    """Return which policy computed something, in one line."""
    return f"政策包 {plan.pack.pack}（{plan.pack.name}），数据摘要 sha256:{digest}"


def file_of(text: str | None) -> Path | None:
    """Return an optional path."""
    return Path(text) if text else None
