"""Rows of the table of budgets: what was measured, held against what was promised."""

import statistics
from dataclasses import dataclass, field

from . import report


@dataclass
class Row:
    """`values` are ratios or figures of one kind; the median counts. Without values the row says why it has none."""
    what: str
    budget: float
    unit: str = ""
    values: list = field(default_factory=list)
    is_least: bool = False
    left_out: str = ""

    @property
    def median(self):
        return statistics.median(self.values) if self.values else None

    @property
    def is_met(self):
        if not self.values:
            return None
        return self.median >= self.budget if self.is_least else self.median <= self.budget

    def cells(self):
        sign = "at least" if self.is_least else "at most"
        budget = f"{sign} {self.budget:g} {self.unit}".strip()
        if not self.values:
            return [self.what, budget, "-", "-", f"left out: {self.left_out}"]
        spread = f"{self.median:.3f} ({min(self.values):.3f} to {max(self.values):.3f})"
        return [self.what, budget, spread, f"{self.median / self.budget:.2f}", "met" if self.is_met else "NOT MET"]


def show(rows):
    headings = ["what", "budget", "measured: median (least to most)", "of budget", "outcome"]
    print(report.table(headings, [row.cells() for row in rows]))


def as_json(rows):
    return [{"what": row.what, "budget": row.budget, "unit": row.unit, "isLeast": row.is_least, "values": row.values,
             "median": row.median, "met": row.is_met, "leftOut": row.left_out} for row in rows]
