"""The one-layer policy as an OpenFisca system: bills are members of claimants, variables are by the year.

Imported only where openfisca-core is installed. Other bills are another simulation: building it, setting the bills, summing
them up and calculating both years is the way from columns to amounts.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from openfisca_core.entities import build_entity
from openfisca_core.periods import DateUnit
from openfisca_core.simulations import SimulationBuilder
from openfisca_core.taxbenefitsystems import TaxBenefitSystem
from openfisca_core.variables import Variable

from tests.benchmarks.decimal_loop import INSURERS
from tests.benchmarks.facts import Array, Facts, amount

#: Deductible (fen), rate (basis points) and yearly cap (fen) by category; ``one_layer.yaml`` says the same.
FIGURES = ((0, 0, 0), (0, 9_000, 6_000_000), (200_000, 7_000, 4_000_000), (500_000, 5_000, 3_000_000))
Bill = build_entity(key="bill", plural="bills", label="a settlement", is_person=True)
Claimant = build_entity(
    key="claimant", plural="claimants", label="a person", roles=[{"key": "bill", "plural": "bills", "label": "bills"}]
)


class inscp_scp_amt(Variable):
    value_type = float
    entity = Bill
    definition_period = DateUnit.YEAR
    label = "what a bill has inside the policy, in yuan"


class paid_by_others(Variable):
    value_type = float
    entity = Bill
    definition_period = DateUnit.YEAR
    label = "what others pay of it, in yuan"


class category(Variable):
    value_type = int
    entity = Claimant
    definition_period = DateUnit.YEAR
    label = "the claimant's category of the year"


class burden(Variable):
    value_type = float
    entity = Bill
    definition_period = DateUnit.YEAR
    label = "what a bill leaves to pay, in yuan"

    def formula(bill: Any, period: Any) -> Array:
        return np.maximum(0, bill("inscp_scp_amt", period) - bill("paid_by_others", period))


class assistance(Variable):
    value_type = float
    entity = Claimant
    definition_period = DateUnit.YEAR
    label = "what assistance pays for a year, in yuan"

    def formula(claimant: Any, period: Any) -> Array:
        own = claimant.sum(claimant.members("burden", period))
        known = claimant("category", period)
        deductible, rate, cap = (np.array([f[i] for f in FIGURES])[known] for i in range(3))
        whole = rate / 10_000 * np.maximum(0, own - deductible / 100)
        return np.minimum(cap / 100, np.floor(whole * 100 + 0.5) / 100)


@cache
def system_of_policy() -> TaxBenefitSystem:
    """Return the policy, made once."""
    system = TaxBenefitSystem([Bill, Claimant])
    system.add_variables(inscp_scp_amt, paid_by_others, category, burden, assistance)
    return system


class Yearly:
    """The settlements as OpenFisca wants them: each bill counts in its year, a person's category is that of the year's last bill."""

    def __init__(self, found: Facts) -> None:
        people, self.claimant = np.unique(found.person, return_inverse=True)
        self.people = len(people)
        self.inside = amount(found, "inscp_scp_amt") / 100
        self.others = sum(amount(found, name) for name in INSURERS) / 100
        self.years = np.unique(found.year)
        self.is_in = [found.year == year for year in self.years]
        self.category = np.zeros((len(self.years), self.people), np.int64)
        for known, own in zip(self.category, self.is_in, strict=True):
            known[self.claimant[own]] = found.category[own]
        system = system_of_policy()
        builder = SimulationBuilder()
        builder.create_entities(system)
        builder.declare_person_entity("bill", np.arange(len(found)))
        claimants = builder.declare_entity("claimant", people)
        builder.join_with_persons(claimants, self.claimant, ["bill"] * len(found))
        self.simulation = builder.build(system)

    def run(self) -> Array:
        """Return what each claimant is paid in each year, in fen."""
        out = np.zeros((len(self.years), self.people), np.int64)
        for name in ("inscp_scp_amt", "paid_by_others", "burden", "category", "assistance"):
            self.simulation.delete_arrays(name)
        for i, year in enumerate(self.years):
            self.simulation.set_input("inscp_scp_amt", str(year), np.where(self.is_in[i], self.inside, 0))
            self.simulation.set_input("paid_by_others", str(year), np.where(self.is_in[i], self.others, 0))
            self.simulation.set_input("category", str(year), self.category[i])
            paid = self.simulation.calculate("assistance", str(year)).astype(np.float64)
            out[i] = np.floor(paid * 100 + 0.5)
        return out

    def by_year(self, found: Facts, values: Array) -> Array:
        """Return settlements' values added up as :meth:`run` returns them."""
        out = np.zeros((len(self.years), self.people), np.int64)
        np.add.at(out, (np.searchsorted(self.years, found.year), self.claimant), values)
        return out
