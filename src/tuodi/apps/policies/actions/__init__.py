"""What changes policies, each an action by two people; nothing else writes their rows (style E1, E6)."""

from tuodi.apps.policies.actions.installations import (
    ApproveInstallation,
    KeepImpact,
    ProposeInstallation,
    RefuseInstallation,
    SwitchReading,
    shelf_texts,
)  # fmt: skip
from tuodi.apps.policies.actions.measuring import AskForMeasuring
from tuodi.apps.policies.actions.values import (
    ApproveValue,
    ApproveWithdrawal,
    ProposeValue,
    RefuseValue,
    RefuseWithdrawal,
    WithdrawValue,
)

__all__ = [
    "ApproveInstallation",
    "ApproveValue",
    "ApproveWithdrawal",
    "AskForMeasuring",
    "KeepImpact",
    "ProposeInstallation",
    "ProposeValue",
    "RefuseInstallation",
    "RefuseValue",
    "RefuseWithdrawal",
    "SwitchReading",
    "WithdrawValue",
    "shelf_texts",
]  # fmt: skip
