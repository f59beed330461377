"""What README claims is what the bench printed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
KEPT: list[dict[str, Any]] = json.loads((ROOT / "bench/results/latest.json").read_text())["figures"]
FIGURES = {(figure["job"], figure["size"]): figure for figure in KEPT}
SIZES = ("200", "10,000", "1,000,000")
ROWS = {
    "mark all as seen": ("mark all seen", "the UPDATE "),
    "count what is unseen": ("count unseen", "the COUNT "),
    "first page": ("first page", "the SELECT "),
}


def number(milliseconds: float) -> str:
    return f"{milliseconds:.1f}" if milliseconds < 10 else f"{milliseconds:,.0f}"


@pytest.mark.parametrize("row", ROWS)
def test_the_table_of_costs_is_the_kept_result(row: str) -> None:
    job, theirs = ROWS[row]
    cells = [
        f"{number(FIGURES[job, size]['ours'])} ms, {theirs if size == SIZES[0] else ''}"
        f"{number(FIGURES[job, size]['theirs'])}"
        for size in SIZES
    ]
    assert f"| {row} | {' | '.join(cells)} |" in README


def test_the_cost_of_many_lanes_is_the_kept_result() -> None:
    figure = FIGURES["mark all seen, many businesses", "500×12 lanes"]
    assert f"lanes waits {number(figure['ours'])} ms\nfor a mark-all" in README
