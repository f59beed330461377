"""The table of what the contracts demand names a test for each demand, or says what it comes with."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
LEAST = {"Scoped": 100, "Personal": 96, "Company": 39}
"""How many demands there are; a contract does not lose any."""

_ROW = re.compile(r"^\| (\d+) \| (.+) \| (.+) \|$")
_TEST = re.compile(r"`(tests/test_\w+\.py)::(test_\w+)`")
_REASON = re.compile(r"^Not yet: .{20,}\.$")


class Demand(NamedTuple):
    number: int
    words: str
    proof: str


def demands() -> dict[str, list[Demand]]:
    """The rows of each contract's table."""
    found: dict[str, list[Demand]] = {}
    rows: list[Demand] = []
    for line in (ROOT / "docs/contracts.md").read_text().splitlines():
        if line.startswith("## "):
            rows = found.setdefault(line.removeprefix("## "), [])
        elif match := _ROW.match(line):
            rows.append(Demand(int(match[1]), match[2].strip(), match[3].strip()))
        else:
            assert not line.startswith("|") or line in ("| no. | demand | proof |", "|---|---|---|"), line
    return found


def names_in(path: Path) -> set[str]:
    return {node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)}


def test_no_demand_is_lost() -> None:
    for contract, least in LEAST.items():
        rows = demands()[contract]
        assert [row.number for row in rows] == list(range(1, len(rows) + 1))
        assert len({row.words for row in rows}) == len(rows) >= least


@pytest.mark.parametrize("contract", LEAST)
def test_every_demand_has_a_test_that_exists_or_a_reason(contract: str) -> None:
    there = {path: names_in(ROOT / path) for path in sorted({name for name, _ in _named(contract)})}
    unproven = [f"{path}::{test}" for path, test in _named(contract) if test not in there[path]]
    bare = [row for row in demands()[contract] if not _is_proven(row.proof)]

    assert (unproven, bare) == ([], [])


def _named(contract: str) -> list[tuple[str, str]]:
    return [named for row in demands()[contract] for named in _TEST.findall(row.proof)]


def _is_proven(proof: str) -> bool:
    """Tests and nothing else, or a sentence that says why there are none yet."""
    return not _TEST.sub("", proof).replace("<br>", "") or bool(_REASON.match(proof))
