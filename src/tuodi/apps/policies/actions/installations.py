"""Packs in force: proposed with their texts and readings, measured on the area's own settlements, approved by another person."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db import transaction

from tuodi.apps.policies import permissions
from tuodi.apps.policies.actions.base import (
    E_DECIDED,
    E_MISSING,
    E_REASON,
    demand_another,
    demand_area,
    demand_impact,
    lock_area,
    row_for,
)  # fmt: skip
from tuodi.apps.policies.models import DelegatedValue, Installation
from tuodi.apps.policies.queries import (
    Proposal,
    entered_values,
    in_force_above,
    plans_of,
    source_of,
    state_of,
)
from tuodi.base import clock, outbox
from tuodi.base.access import area_prefix
from tuodi.base.action import Action, refuse
from tuodi.base.audit import record
from tuodi.batch.packs import folder_of
from tuodi.core.errors import InputErrors, declare
from tuodi.core.policy.check import check, errors_of, open_warnings
from tuodi.core.policy.check_look import Finding, accept
from tuodi.core.policy.load import load_pack
from tuodi.core.policy.model import Accepted, Pack

E_AREA = declare("E-POLICY-AREA", "政策包“{pack}”是 {own} 的，不能用于 {area}", "请为该区划编写或选用它自己的政策包")
E_OVERRIDE = declare(
    "E-POLICY-OVERRIDE", "{area} 在已生效的政策“{pack}”（{above}）之内，不能另装政策包（不得扩大救助范围，AK-3.1.4）",
    "需要调整的请报上级主管部门；本次尝试已记入审计",
)  # fmt: skip
E_WARNINGS = declare(
    "E-POLICY-WARNINGS", "政策包还有没有接受的提醒：{warnings}", "请逐条核对；确实无误的写明理由后接受"
)
E_INTERPRETER = declare(
    "E-POLICY-INTERPRETER",
    "变更释义由“{interpreter}”决定（{readings}）",
    "请填写与政策包一致的解释机关，并写明其决定的文号或日期",
)
E_TEXTS = declare("E-POLICY-TEXTS", "没有政策包正文 policy.yaml", "请选择架上的政策包，或上传 policy.yaml")


def shelf_texts(pack: str) -> dict[str, str]:
    """Return the texts of a pack on the shelf."""
    folder = folder_of(pack)
    return {
        path.name: path.read_text("utf-8")
        for path in sorted(folder.iterdir())
        if path.name in ("policy.yaml", "diseases.csv")
    }


def digest_of(texts: Mapping[str, str], readings: Mapping[str, str]) -> str:
    """Return the digest of a pack's texts and chosen readings."""
    told = json.dumps([dict(texts), dict(readings)], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(told.encode()).hexdigest()


class ProposeInstallation(Action):
    """Propose a pack for an area from a day; returns the installation, which waits for its impact and for another person.

    ``pack`` is an id on the shelf, or with ``texts`` the id of what was uploaded. ``accept`` says why each warning of the check may
    stand (its code, or ``code:layer``). Readings other than those in force need the interpreter's office confirmed by name and its
    decision. An area inside one whose pack is in force is refused, and the attempt is kept in the audit trail (AK-3.1.4).
    """

    verb = permissions.PROPOSE

    def __init__(
        self, *, actor: Any, area_code: str, pack: str, first: date, texts: Mapping[str, str] | None = None,
        readings: Mapping[str, str] | None = None, accept: Mapping[str, str] | None = None, interpreter: str = "",
        interpreter_document: str = "", note: str = "",
    ) -> None:  # fmt: skip
        super().__init__(actor=actor)
        self.area_code, self.pack_id, self.first, self.note = area_code, pack, first, note
        self.texts = dict(texts) if texts is not None else shelf_texts(pack)
        self.readings, self.accept = dict(readings or {}), dict(accept or {})
        self.interpreter, self.document = interpreter.strip(), interpreter_document.strip()
        self.overridden: Installation | None = None

    def run(self) -> Any:
        """Do it; an attempt to override the area above is kept although nothing else is."""
        try:
            return super().run()
        except InputErrors:
            if self.overridden is not None:
                with transaction.atomic():
                    record(
                        actor=self.actor, verb="policy:override_refused", subject="installation", subject_id=str(self.overridden.pk),
                        area_code=self.area_code, data={"pack": self.pack_id, "first": self.first.isoformat()},
                    )  # fmt: skip
            raise

    def check(self) -> None:
        demand_area(self.actor, self.area_code)
        above = in_force_above(self.area_code, self.first)
        if above is not None:
            self.overridden = above
            raise refuse(E_OVERRIDE, area=self.area_code, pack=above.pack, above=above.area_code)

    def lock(self) -> None:
        lock_area(self.area_code)

    def decide(self) -> None:
        if "policy.yaml" not in self.texts:
            raise refuse(E_TEXTS)
        source = source_of(self.pack_id, self.texts)
        values = list(entered_values(self.area_code))
        by = str(self.actor.pk)
        chosen = [Accepted(warning=code, reason=why, by=by) for code, why in self.accept.items() if why.strip()]
        found, _ = accept(check(source, values), chosen)
        if errors_of(found):
            raise InputErrors(finding.fault for finding in errors_of(found))
        if open_warnings(found):
            raise refuse(E_WARNINGS, warnings="；".join(map(str, open_warnings(found))))
        self.findings: list[Finding] = found
        pack = load_pack(source, readings=self.readings)
        if not self.area_code.startswith(area_prefix(pack.area)):
            raise refuse(E_AREA, pack=pack.name, own=pack.area, area=self.area_code)
        self.is_by_household = any(layer.of == "household" for layer in pack.layers)
        self._demand_interpreter(pack)
        self.pack_id = pack.pack

    def _demand_interpreter(self, pack: Pack) -> None:
        """Raise unless readings are as they were, or switched by the office that interprets (TH-5)."""
        held = (
            Installation.objects.filter(area_code=self.area_code, pack=pack.pack, approved_at__isnull=False)
            .order_by("-first", "-approved_at")
            .first()
        )
        before = held.readings if held else {}
        default = load_pack(source_of(self.pack_id, self.texts)).readings
        switched = [
            name for name, reading in default.items()
            if self.readings.get(name, reading.default) != before.get(name, reading.default)
        ]  # fmt: skip
        if switched and (self.interpreter != pack.interpreter.strip() or not self.interpreter or not self.document):
            raise refuse(
                E_INTERPRETER, interpreter=pack.interpreter or "（政策包未写明解释机关）", readings="、".join(switched)
            )

    def write(self) -> Installation:
        kept = [
            {"warning": f.accepted.warning, "reason": f.accepted.reason, "by": f.accepted.by}
            for f in self.findings
            if f.accepted
        ]
        return Installation.objects.create(
            area_code=self.area_code, pack=self.pack_id, digest=digest_of(self.texts, self.readings), texts=self.texts,
            readings=self.readings, first=self.first, proposed_by=self.actor, proposed_at=clock.now(), note=self.note, accepted=kept,
            interpreter=self.interpreter, interpreter_document=self.document, is_by_household=self.is_by_household,
        )  # fmt: skip

    def audited(self, done: Installation) -> dict[str, Any]:
        data = {
            "pack": done.pack, "digest": done.digest, "first": done.first.isoformat(), "readings": done.readings,
            "accepted": [item["warning"] for item in done.accepted], "interpreter_document": done.interpreter_document,
        }  # fmt: skip
        return {"subject": "installation", "subject_id": str(done.pk), "area_code": done.area_code, "data": data}


class SwitchReading(ProposeInstallation):
    """Propose the same texts again under other readings from a day; the interpreter's office decides (TH-5)."""

    def __init__(
        self, *, actor: Any, installation: Installation, readings: Mapping[str, str], first: date, interpreter: str,
        interpreter_document: str, note: str = "",
    ) -> None:  # fmt: skip
        super().__init__(
            actor=actor, area_code=installation.area_code, pack=installation.pack, first=first, texts=installation.texts,
            readings={**installation.readings, **readings}, interpreter=interpreter, interpreter_document=interpreter_document, note=note,
            accept={item["warning"]: item["reason"] for item in installation.accepted},
        )  # fmt: skip


class KeepImpact(Action):
    """Keep what a proposal was measured to change; :mod:`tuodi.apps.settlement.impact` measures."""

    verb = permissions.MEASURE

    def __init__(self, *, actor: Any, proposal: Proposal, impact: dict[str, Any]) -> None:
        super().__init__(actor=actor)
        row = proposal.installation or proposal.value or proposal.withdrawn
        assert row is not None
        self.row, self.impact = row, impact

    def check(self) -> None:
        self.row = row_for(self.actor, type(self.row), self.row.pk, self.verb)

    def write(self) -> Installation | DelegatedValue:
        self.row.impact = self.impact
        self.row.save(update_fields=["impact"])
        return self.row

    def audited(self, done: Installation | DelegatedValue) -> dict[str, Any]:
        data = {name: self.impact.get(name) for name in ("people", "bills", "before_fen", "after_fen", "basis")}
        return {"subject": done._meta.model_name, "subject_id": str(done.pk), "area_code": done.area_code, "data": data}


class ApproveInstallation(Action):
    """Put a proposed pack in force: another person, its impact measured under the policy that is in force now."""

    verb = permissions.APPROVE

    def __init__(self, *, actor: Any, installation: Installation) -> None:
        super().__init__(actor=actor)
        self.key = installation.pk

    def check(self) -> None:
        self.row = row_for(self.actor, Installation, self.key, self.verb)

    def lock(self) -> None:
        lock_area(self.row.area_code)
        self.row = Installation.objects.select_for_update(of=("self",)).get(pk=self.key)

    def decide(self) -> None:
        if self.row.approved_at or self.row.refused_at:
            raise refuse(E_DECIDED, state=state_of(self.row))
        demand_another(self.actor, self.row.proposed_by_id)
        above = in_force_above(self.row.area_code, self.row.first)
        if above is not None:
            raise refuse(E_OVERRIDE, area=self.row.area_code, pack=above.pack, above=above.area_code)
        plans_of(self.row.area_code, Proposal(installation=self.row))
        if self.row.impact.get("missing"):
            raise refuse(E_MISSING, count=len(self.row.impact["missing"]), first=self.row.impact["missing"][0])
        demand_impact(self.row.impact, self.row.area_code)

    def write(self) -> Installation:
        self.row.approved_by, self.row.approved_at = self.actor, clock.now()
        self.row.save(update_fields=["approved_by", "approved_at"])
        return self.row

    def audited(self, done: Installation) -> dict[str, Any]:
        impact = {name: done.impact.get(name) for name in ("people", "bills", "before_fen", "after_fen")}
        data = {"pack": done.pack, "digest": done.digest, "first": done.first.isoformat(), "impact": impact}
        return {"subject": "installation", "subject_id": str(done.pk), "area_code": done.area_code, "data": data}

    def announce(self, done: Installation) -> None:
        outbox.announce("policy:approved", area_code=done.area_code, cause_id=f"installation:{done.pk}")


class RefuseInstallation(Action):
    """Send a proposed pack back, with the reason."""

    verb = permissions.REFUSE

    def __init__(self, *, actor: Any, installation: Installation, reason: str) -> None:
        super().__init__(actor=actor)
        self.key, self.reason = installation.pk, reason.strip()

    def check(self) -> None:
        self.row = row_for(self.actor, Installation, self.key, self.verb)
        if not self.reason:
            raise refuse(E_REASON)

    def lock(self) -> None:
        self.row = Installation.objects.select_for_update(of=("self",)).get(pk=self.key)
        if self.row.approved_at or self.row.refused_at:
            raise refuse(E_DECIDED, state=state_of(self.row))
        demand_another(self.actor, self.row.proposed_by_id)

    def write(self) -> Installation:
        self.row.refused_by, self.row.refused_at, self.row.refusal = self.actor, clock.now(), self.reason
        self.row.save(update_fields=["refused_by", "refused_at", "refusal"])
        return self.row

    def audited(self, done: Installation) -> dict[str, Any]:
        return {
            "subject": "installation",
            "subject_id": str(done.pk),
            "area_code": done.area_code,
            "data": {"pack": done.pack},
        }
