"""A row of the table of figures, and how rows are printed."""

import json
import os
import sys
from dataclasses import asdict, dataclass


@dataclass
class Row:
    """Ours beside a yardstick; `limit` is the goal as a number in the same unit, computed from the yardstick of this run."""

    what: str
    ours: float
    unit: str
    yardstick: float
    yardstick_name: str
    limit: float
    goal: str
    least: bool = False  # the goal is a least value, not a most

    @property
    def reached(self):
        return self.ours >= self.limit if self.least else self.ours <= self.limit

    @property
    def ratio(self):
        return self.ours / self.yardstick if self.yardstick else None

    def cells(self):
        goal = f"{'≥' if self.least else '≤'} {number(self.limit)} {self.unit}".strip()
        return [
            self.what,
            f"{number(self.ours)} {self.unit}",
            f"{self.yardstick_name} {number(self.yardstick)} {self.unit}".strip() if self.yardstick_name else "",
            f"{goal} ({self.goal})" if self.goal else goal,
            f"{self.ratio:.2f}" if self.ratio is not None else "",
            "reached" if self.reached else "MISSED",
        ]


def number(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def print_table(bench, rows, failed):
    head = ["what", "ours", "yardstick", "goal", "ratio", ""]
    lines = [head] + [row.cells() for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    print()
    for note in bench.notes:
        print(note)
    print()
    for line in lines:
        text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()
        if colour and line is head:
            text = f"\x1b[1m{text}\x1b[0m"
        elif colour and line[-1] == "MISSED":
            text = f"\x1b[31m{text}\x1b[0m"
        print(text)
    missed = sum(not row.reached for row in rows)
    print(f"\n{len(rows) - missed} reached, {missed} missed")
    for line in failed:
        print(f"not measured: {line}")


def print_json(bench, rows, failed):
    for name, values in bench.context.items():
        print(json.dumps({"context": name} | values))
    for row in rows:
        print(json.dumps(asdict(row) | {"ratio": row.ratio, "reached": row.reached}, ensure_ascii=False))
    for line in failed:
        print(json.dumps({"failed": line}))
