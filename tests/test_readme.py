"""What README claims is what the bench printed, and what it shows works."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.test_demo import demo, performed_by

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


def test_the_figures_over_http_are_the_kept_result() -> None:
    prose = " ".join(README.split())
    counts, to_hq = (FIGURES[f"HTTP count; {peer}", "8 at once"] for peer in ("SELECT 1", "hq"))
    assert f"{counts['ours']:,.0f} counts a second, which is {100 * counts['ratio']:.0f} % of" in prose
    assert f"and {to_hq['ratio']:.1f} times django-notifications-hq" in prose
    marks, to_hq = (
        FIGURES[f"HTTP mark all seen, 1,000 of them new; {peer}", "8 at once"] for peer in ("UPDATE", "hq")
    )
    assert f"{marks['ours']:,.0f} mark-alls of 1,000 new ones, {100 * marks['ratio']:.0f} % of" in prose
    assert f"and {to_hq['ratio']:.0f} times hq" in prose


# --- what it shows -----------------------------------------------------------------------------------------

URL = "http://127.0.0.1:8800"
BLOCKS = [(match[1], match[2]) for match in re.finditer(r"^```(\w+)\n(.*?)^```$", README, re.M | re.S)]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[str, dict[str, str]]]:
    """The address of a running demo, and what it says to export."""
    with demo(tmp_path_factory.mktemp("demo")) as running:
        assert running.process.stdout is not None
        address, exported = "", dict[str, str]()
        for line in running.process.stdout:
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                address = address or found[0]
            if found := re.fullmatch(r"export (\w+)='(.*)'\n", line):
                exported[found[1]] = found[2]
            elif exported:
                break
        yield address, exported


def test_the_five_minutes_run_as_printed(shown: tuple[str, dict[str, str]]) -> None:
    address, exported = shown
    [script] = [text for language, text in BLOCKS if language == "python"]

    done = subprocess.run(
        [sys.executable, "-c", script.replace(URL, address)],
        capture_output=True,
        check=False,
        text=True,
        env={**os.environ, **exported},
        timeout=60,
    )

    assert (done.returncode, done.stderr) == (0, "")
    *listed, read, undone, hours = done.stdout.splitlines()
    assert listed[0].endswith("  Invoice 20814 is paid")
    assert re.fullmatch(rf"{len(listed)} are read now, and \d+ of other topics are not", read)
    assert undone == f"{len(listed)} are unread again"
    assert hours == "QuietHours(begins='22:00', ends='07:00', time_zone='Europe/Lisbon')"


CURLS = [text.strip() for language, text in BLOCKS if language == "sh" and text.startswith("curl")]


@pytest.mark.parametrize("command", CURLS)
def test_the_calls_work_as_printed(shown: tuple[str, dict[str, str]], command: str) -> None:
    address, exported = shown
    # The shell says what curl is given; a machine need not have curl.
    given = command.replace("curl ", "printf '%s\\0' ", 1)
    done = subprocess.run(
        ["sh", "-c", given], capture_output=True, check=True, text=True, env={**os.environ, **exported}
    )

    _, status = performed_by(done.stdout.replace(URL, address).split("\0")[:-1])

    assert status in (200, 201)
