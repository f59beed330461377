"""Every statement that the core sends to PostgreSQL keeps the rules for statements.

They hold on one database and on one that is spread over several servers by the key of each table; PostgreSQL
alone would accept every statement that breaks them, and show the damage under load only.

1.  Locking, reading and writing are three statements. A statement takes its snapshot before it waits for a
    lock, so one that locks and reads at once answers from before it waited. Therefore: a SELECT … FOR UPDATE
    reads the locked row and nothing else, no CTE writes, and a statement that writes reads no state of
    streams or readers but its own target (and the rows that it was handed).
2.  Where a statement reads streams and reader state, all reader state comes from one MATERIALIZED CTE, which
    names the reader by a parameter and reads no stream: two of them could be two snapshots.
3.  Which streams are meant is said by parameters, never found by a subquery or in rows handed to the
    statement alone: the servers to ask are known before it starts.
4.  Each stream-keyed table of a statement has that filter itself, beside the equality that joins it. The one
    other way is a probe: a subquery correlated by stream_id to a table that has the filter. `notification` is
    read by ids, or one stream at a time with a LIMIT or a place.
9.  A statement that writes calls no clock and makes no random value or id: these are parameters.
10. FOR UPDATE names the whole primary key by equality, and waits.

The statements are those that the suite made the core send before this file's tests, which run last, and
those of `walk`, which calls every public function of the core, so that no method of storage/ is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import MovingClock, OpenDatabase, Run
from tests.recorder import Recorder
from tests.sql_lint import classification, faults, unclassified
from tests.walk import walk

EXCEPTIONS = {
    (4, "Schedule.find"): "a service key asks by an id alone, and ix_scheduled_scheduled_id finds it",
    (4, "Schedule.due"): "a worker looks for work in every stream, by an index on when it is due",
    (4, "Schedule.next_at"): "a worker looks for work in every stream, by an index on when it is due",
    (4, "Schedule.forget"): "a worker looks for work in every stream, by an index on when it was finished",
    (4, "Jobs.ready"): "a worker looks for work in every stream, by an index on when it is due",
    (4, "Jobs.find"): "an operator asks by an id alone, and ix_job_job_id finds it",
    (4, "Jobs.lock"): "an operator asks by an id alone, and ix_job_job_id finds it",
    (4, "Jobs.newest"): "an operator looks at the newest of every stream, by an index on their ids",
    (4, "Jobs.of_notification"): "a service key asks by an id alone, and ix_job_notification_id finds them",
    (4, "Jobs.in_digest"): "a digest asks for what waits for it in any stream, and ix_job_digest finds it",
    (4, "Jobs.open_digests"): "an operator looks at what waits in every stream, by an index on digests",
    (4, "Jobs.digests"): "the record asks by ids alone, and ix_job_notification_id finds them",
    (4, "Jobs.forget"): "a worker looks for work in every stream, by an index on when it was finished",
    (4, "Jobs.stuck"): "an operator asks how much is late in every stream, by an index on when it is due",
    (4, "Jobs.due"): "an operator asks how much waits in every stream, by an index on when it is due",
    (4, "Jobs.dead"): "an operator asks what was given up in every stream, by an index on when",
    (4, "Streams.places"): "a service key withdraws by an id alone, and ix_notification_id finds it",
    (4, "Streams.forget_changes"): "a worker forgets what is old in every stream, by an index on when",
    (4, "Queue.due"): "an operator asks how much waits in every stream, by an index on when it is due",
    (4, "Queue.refused"): "an operator asks what was refused in every stream, by an index on when",
    (4, "Upkeep.due_erasures"): "a worker looks for work in every stream, by an index on when it is due",
    (4, "Upkeep.expired"): "a worker looks for work in every stream, by an index on when it is due",
    (4, "Folding.not_at"): "folding reads what is above a line, less than the marks it makes superfluous",
}
"""(rule, storage method) -> why its statement may break the rule."""

_TEXT = (Path(__file__).parent / "sql_rules.sql").read_text()
_BLOCKS = re.findall(r"^-- (?:rule (\d+)|accepted): (.+)\n((?:[^-\n].*\n)+)", _TEXT, re.MULTILINE)
REFUSED = {name: (int(rule), statement) for rule, name, statement in _BLOCKS if rule}
ACCEPTED = {name: statement for rule, name, statement in _BLOCKS if not rule}


def test_the_examples_are_all_read() -> None:
    assert {rule for rule, _ in REFUSED.values()} == {1, 2, 3, 4, 9, 10}
    assert len(REFUSED) > 35
    assert len(ACCEPTED) > 10


@pytest.mark.parametrize("name", REFUSED)
def test_a_statement_that_breaks_a_rule_is_refused(name: str) -> None:
    rule, statement = REFUSED[name]

    assert rule in {fault.rule for fault in faults(statement)}


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_statement_that_keeps_the_rules_is_accepted(name: str) -> None:
    assert faults(ACCEPTED[name]) == []


def test_every_table_is_classified_once() -> None:
    assert unclassified() == []
    assert "lane" in classification()["stream-keyed"]


def test_the_walk_leaves_no_storage_method_out(
    run: Run, postgres_url: str, open_database: OpenDatabase, clock: MovingClock, recorded: Recorder
) -> None:
    run(walk(open_database(postgres_url, clock=clock), clock))

    assert recorded.never_called() == []


def test_every_statement_keeps_the_rules(
    run: Run,
    postgres_url: str,
    open_database: OpenDatabase,
    clock: MovingClock,
    recorded: Recorder,
    tell: Callable[[str], None],
) -> None:
    if not recorded.statements:  # run by itself
        run(walk(open_database(postgres_url, clock=clock), clock))

    found = {
        (fault.rule, method): f"rule {fault.rule}, {method}: {fault.message}\n{statement}"
        for statement, methods in recorded.statements.items()
        for fault in faults(statement)
        for method in methods
    }

    assert [text for place, text in sorted(found.items()) if place not in EXCEPTIONS] == []
    assert sorted(set(EXCEPTIONS) - set(found)) == [], "an exception that nothing needs any more"
    sent = f"{len(recorded.statements)} statements, of {len(_methods(recorded))} methods of storage/"
    tell(f"{sent}, keep the rules for statements")


def _methods(recorded: Recorder) -> set[str]:
    return {method for methods in recorded.statements.values() for method in methods}
