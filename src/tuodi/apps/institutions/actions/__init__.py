"""Institutions: registered, changed, designated by agreement, suspended; each an action with its audit row."""

from tuodi.apps.institutions.actions.agreements import EndAgreement, MakeAgreement
from tuodi.apps.institutions.actions.institutions import ChangeInstitution, RegisterInstitution
from tuodi.apps.institutions.actions.suspensions import LiftSuspension, Suspend

__all__ = [
    "ChangeInstitution",
    "EndAgreement",
    "LiftSuspension",
    "MakeAgreement",
    "RegisterInstitution",
    "Suspend",
]  # fmt: skip
