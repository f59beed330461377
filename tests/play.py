"""Plays random histories on one database: `python -m tests.play URL SEED HISTORIES`.

The database must be migrated. Says what was done, and exits with 0 if the product and the oracle agreed, with
DISAGREED if they did not, and with something else if the product broke down.
"""

from __future__ import annotations

import sys
from pathlib import Path

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis.stateful import run_state_machine_as_test

import tidings
from tests.agreement import Disagreement
from tests.arena import Arena
from tests.histories import History

STEPS = 50  # of one history
DISAGREED = 3


def play(arena: Arena, seed: int, histories: int, *, smallest: bool = True) -> None:
    """Play so many histories, the same ones for the same seed.

    Raises Disagreement, told by as small a history as can be found, or else (`smallest`) by the first.
    """
    here = type("HistoryHere", (History,), {"arena": arena})
    phases = [Phase.generate, Phase.shrink] if smallest else [Phase.generate]
    settings = hypothesis.settings(
        max_examples=histories,
        stateful_step_count=STEPS,
        phases=phases,
        deadline=None,
        database=None,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(hypothesis.seed(seed)(here), settings=settings)
    except Exception as error:
        error.add_note(f"These were the histories of seed {seed} on {arena.database.url}.")
        raise


def main(url: str, seed: str, histories: str) -> int:
    print(f"The product is that in {Path(tidings.__file__).parent.parent}.")
    arena = Arena(url)
    try:
        play(arena, int(seed), int(histories), smallest=False)
    except Disagreement as error:
        print(error, *getattr(error, "__notes__", ()), sep="\n")
        return DISAGREED
    finally:
        print(arena.tally)
        arena.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
