"""The comparison with the oracle finds what it is for: six faults, each planted in a copy of the source.

Each looks as good as the rule it breaks, and shows itself only after a history of three to seven steps.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.play import DISAGREED

ROOT = Path(__file__).parent.parent
SEED = 1
HISTORIES = 60


@dataclass(frozen=True, kw_only=True)
class Change:
    """What to write instead of a text that stands in a file once."""

    file: str
    text: str
    instead: str


STATE, OPERATIONS, UNDO = "inbox/state.py", "inbox/operations.py", "inbox/undo.py"
WINDOWS = "storage/windows.py"

FAULTS = {
    "a pin renews the mark": [
        Change(
            file=OPERATIONS,
            text="state.pinned(one.mark, turn.at)",
            instead="state.pinned(one.mark, turn.at, turn.op)",
        ),
        Change(
            file=STATE,
            text="def pinned(mark: Mark, at: datetime | None)",
            instead="def pinned(mark: Mark, at: datetime | None, op: int = 0)",
        ),
        Change(
            file=STATE,
            text="replace(mark, pinned_at=at)",
            instead="replace(mark, pinned_at=at, since=op or mark.since)",
        ),
    ],
    "a write folds sweeps into the mark": [
        Change(
            file=STATE,
            text="    return own_raise(mark, level, op, at)\n",
            instead="    folded = replace(mark, base=state.level, base_seen_at=state.seen_at)\n"
            "    return own_raise(replace(folded, base_read_at=state.read_at), level, op, at)\n",
        )
    ],
    "clear-read spares nothing": [
        Change(
            file=OPERATIONS,
            text="return state.rebased(mark, one.item, turn.op) if one.state.level < Level.READ else None",
            instead="return None",
        )
    ],
    "an ended snooze's time is dropped": [
        Change(
            file=STATE,
            text="    return own_raise(mark, level, op, at)\n",
            instead="    return own_raise(replace(mark, snoozed_until=None), level, op, at)\n",
        )
    ],
    "undo in any order": [
        Change(
            file=UNDO,
            text="if operation < turn.sealed or await _later_bulk_stands(store, reader, operation):",
            instead="if operation < turn.sealed:",
        )
    ],
    "exceptions looked for above the line only": [
        Change(
            file=WINDOWS,
            text=".where(is_mark(state), state.c.position > lanes.c.low, state",
            instead=".where(is_mark(state), state.c.position > lanes.c.first, state",
        )
    ],
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the source, to be spoilt."""
    return Path(shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__")))


def played(source: Path, url: str) -> subprocess.CompletedProcess[str]:
    """Some histories, the same each time, with the product as it is in `source`."""
    return subprocess.run(
        [sys.executable, "-m", "tests.play", url, str(SEED), str(HISTORIES)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{source}{os.pathsep}{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_copy_agrees_with_the_oracle(source: Path, sqlite_url: str) -> None:
    done = played(source, sqlite_url)

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"The product is that in {source}" in done.stdout


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str, source: Path, sqlite_url: str) -> None:
    for change in FAULTS[fault]:
        path = source / "tidings" / change.file
        text = path.read_text()
        assert text.count(change.text) == 1, f"{change.file} does not have it once: {change.text}"
        path.write_text(text.replace(change.text, change.instead))

    done = played(source, sqlite_url)

    assert f"The product is that in {source}" in done.stdout
    assert done.returncode == DISAGREED, done.stdout + done.stderr
