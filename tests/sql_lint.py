"""Reads compiled statements and says where they break the rules that keep them right past one database.

The rules, by the numbers under which test_sql_rules.py states them. PostgreSQL itself accepts every
statement that is refused here: what breaks is the snapshot of a statement that waited for a lock, or the
statement's fitness for a database that is spread over several servers.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import sqlalchemy as sa
import sqlglot
from sqlglot import exp

from tidings.storage import tables

_WRITES = (exp.Insert, exp.Update, exp.Delete, exp.Merge)
_SCOPES = (exp.Select, *_WRITES)
_VOLATILE = re.compile(
    r"\b(?:(?:now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday|random|random_normal|setseed"
    r"|gen_random_uuid|gen_random_bytes|uuidv4|uuidv7|uuid_generate_\w+|nextval)\s*\("
    r"|(?:current_timestamp|current_time|current_date|localtimestamp|localtime)\b)",
    re.IGNORECASE,
)
_STRING = re.compile(r"'(?:[^']|'')*'")
_NUMBERED = re.compile(r"\$(\d+)")


@dataclass(frozen=True, order=True)
class Fault:
    """One rule broken by one statement."""

    rule: int
    message: str


def classification(described: str = tables.__doc__ or "") -> dict[str, frozenset[str]]:
    """What each table is keyed by, as the docstring of storage/tables.py lists it."""
    kinds = {kind: set[str]() for kind in ("stream-keyed", "reader-keyed", "replicated", "own")}
    kind: str | None = None
    for line in described.splitlines()[1:]:
        first, _, rest = line.replace("key of its own", "own").strip().partition(" ")
        if first in kinds:
            kind, names = first, rest
        else:
            names = f"{first} {rest}"
        if kind is not None:
            kinds[kind].update(names.split())
    return {kind: frozenset(names) for kind, names in kinds.items()}


_KINDS = classification()
STREAM_KEYED, READER_KEYED = _KINDS["stream-keyed"], _KINDS["reader-keyed"]
_OF = {**dict.fromkeys(STREAM_KEYED, "stream_id"), **dict.fromkeys(READER_KEYED, "reader_id")}


def faults(statement: str) -> list[Fault]:
    """Every rule that a statement of PostgreSQL's dialect breaks."""
    # sqlglot would read "$1::UUID, $2" as a string quoted in dollars.
    tree = sqlglot.parse_one(_NUMBERED.sub(r":p\1", statement), read="postgres")
    return sorted({fault for rule in _RULES for fault in rule(tree, statement)})


# --- rules 1, 9 and 10: what writes and what locks ---------------------------------------------------------


def _lock_read_write_apart(tree: exp.Expression, _text: str) -> Iterator[Fault]:
    for write in tree.find_all(*_WRITES):
        if write is not tree:
            yield Fault(1, "a CTE writes")
    if tree.find(exp.Lock):
        if not isinstance(tree, exp.Select):
            yield Fault(1, "a statement that locks rows does something else as well")
        if len(list(tree.find_all(exp.Table, exp.Subquery, exp.CTE, exp.Join, exp.Unnest))) != 1:
            yield Fault(1, "a locking SELECT reads more than the row that it locks")
    if isinstance(tree, _WRITES):
        target = _target(tree).name
        for table in _tables(tree, STREAM_KEYED | READER_KEYED):
            if table.name != target:
                yield Fault(1, f"a statement that writes {target} reads {table.name}")


def _parameters_alone(tree: exp.Expression, text: str) -> Iterator[Fault]:
    if any(tree.find_all(*_WRITES)):
        for found in _VOLATILE.findall(_STRING.sub("''", text)):
            yield Fault(9, f"a write calls {found.rstrip('( ')}")


def _locks_by_key(tree: exp.Expression, _text: str) -> Iterator[Fault]:
    for lock in tree.find_all(exp.Lock):
        scope = lock.parent
        locked = list(_tables(scope, tables.metadata.tables)) if scope else []
        if lock.args.get("wait") is not None:
            yield Fault(10, "a lock that skips or does not wait: claim by UPDATE … RETURNING instead")
        for table in locked:
            key = {column.name for column in tables.metadata.tables[table.name].primary_key.columns}
            conditions = list(_conditions(table))
            named = {name for name in key if any(_is_parameter_equality(c, table, name) for c in conditions)}
            if named != key or len(conditions) != len(key):
                yield Fault(10, f"FOR UPDATE of {table.name} by something else than its whole key")


# --- rule 2: one CTE of reader state -----------------------------------------------------------------------


def _one_cte_of_reader_state(tree: exp.Expression, _text: str) -> Iterator[Fault]:
    state = list(_tables(tree, READER_KEYED))
    if isinstance(tree, _WRITES) or not state or not any(_tables(tree, STREAM_KEYED)):
        return
    homes = {id(home): home for table in state if (home := table.find_ancestor(exp.CTE))}
    for table in state:
        if table.find_ancestor(exp.CTE) is None:
            yield Fault(2, f"{table.name} stands outside of the CTE of reader state")
        if not _is_keyed(table):
            yield Fault(2, f"{table.name} is not narrowed to one reader by a parameter")
    if len(homes) > 1:
        yield Fault(2, "reader state stands in several CTEs, each with a snapshot of its own")
    for home in homes.values():
        if not home.args.get("materialized"):
            yield Fault(2, f"the CTE {home.alias} of reader state is not MATERIALIZED")
        for table in _tables(home, STREAM_KEYED):
            yield Fault(2, f"{table.name} stands within the CTE of reader state")


# --- rules 3 and 4: streams are parameters -----------------------------------------------------------------


def _filtered_by_stream(tree: exp.Expression, _text: str) -> Iterator[Fault]:
    for table in _tables(tree, STREAM_KEYED):
        if isinstance(table.parent, exp.Insert | exp.Schema):
            continue  # the target of an INSERT: its rows say which stream
        if not _is_keyed(table):
            if any(_is_computed_filter(c, table) for c in _conditions(table)):
                yield Fault(
                    3, f"the streams of {table.name} come from a subquery or unnest, not from parameters"
                )
            else:
                yield Fault(4, f"{table.name} has no stream_id filter by parameter")
        elif table.name == "notification" and isinstance(_scope(table), exp.Select) and not _is_narrow(table):
            yield Fault(4, "notification is read over several streams, or without a LIMIT or its ids")


def _is_narrow(table: exp.Table) -> bool:
    """By ids; or one stream at a time, with a LIMIT or the very place."""
    conditions = list(_conditions(table))
    if any(_is_parameter_filter(c, table, "id") for c in conditions):
        return True
    one_stream = any(_is_parameter_equality(c, table, "stream_id") for c in conditions) or _is_probe(table)
    one_row = any(_is_equality(c, table, name) for c in conditions for name in ("position", "seq"))
    scope = _scope(table)
    return one_stream and (one_row or (scope is not None and scope.args.get("limit") is not None))


def _is_keyed(table: exp.Table) -> bool:
    """Whether a parameter says which stream (or reader) is meant, for this table itself.

    Reader-keyed tables may also be joined or correlated to one which is. A stream-keyed table may be
    correlated, not joined: a probe in a scalar or lateral subquery runs where the outer row is. The parameter
    may also stand on what a lateral subquery about this table alone finds.
    """
    key = _OF[table.name]
    if _is_filtered(table, key) or _is_probe(table) or _is_filtered_outside(table, key):
        return True
    return key == "reader_id" and _is_joined(table)


def _is_filtered_outside(table: exp.Table, key: str) -> bool:
    here = _scope(table)
    lateral = here.find_ancestor(exp.Lateral) if here else None
    outer = lateral.find_ancestor(*_SCOPES) if lateral else None
    if lateral is None or outer is None or len(list(_own_tables(here))) != 1:
        return False
    return any(
        _is_parameter_filter(condition, exp.to_table(lateral.alias), key)
        for condition in _conditions_of(outer, lateral)
    )


def _is_probe(table: exp.Table) -> bool:
    """Whether the table is correlated, by its key, to a table of an outer SELECT that a parameter filters."""
    here = _scope(table)
    outer = here.find_ancestor(*_SCOPES) if here else None
    while outer is not None:
        relations = {other.alias_or_name: other for other in _own_tables(outer) if other.name in _OF}
        for alias in _partners(table):
            if alias in relations and _is_filtered(relations[alias], _OF[table.name]):
                return True
        outer = outer.find_ancestor(*_SCOPES)
    return False


def _is_joined(table: exp.Table) -> bool:
    scope = _scope(table)
    others = {other.alias_or_name: other for other in _own_tables(scope)} if scope else {}
    key = _OF[table.name]
    return any(alias in others and _is_filtered(others[alias], key) for alias in _partners(table))


def _is_filtered(table: exp.Table, key: str) -> bool:
    return any(_is_parameter_filter(condition, table, key) for condition in _conditions(table))


def _partners(table: exp.Table) -> Iterator[str]:
    """The aliases to whose column of the same name the table's key is set equal."""
    key = _OF[table.name]
    for condition in _conditions(table):
        if isinstance(condition, exp.EQ):
            for mine, other in (
                (condition.left, condition.right),
                (condition.right, condition.left),
            ):
                if _is_column(mine, table, key) and isinstance(other, exp.Column) and other.name == key:
                    yield other.table


# --- conditions --------------------------------------------------------------------------------------------


def _conditions(table: exp.Table) -> Iterator[exp.Expression]:
    """The conditions that every row of `table` in its own SELECT, UPDATE or DELETE has to meet."""
    if (scope := _scope(table)) is not None:
        yield from _conditions_of(scope, table)


def _conditions_of(scope: exp.Expression, source: exp.Expression) -> Iterator[exp.Expression]:
    """The conditions in `scope` that every row of `source`, a table or lateral subquery, has to meet."""
    if (where := scope.args.get("where")) is not None:
        yield from _conjuncts(where.this)
    for join in scope.find_all(exp.Join):
        if join.find_ancestor(*_SCOPES) is not scope or (on := join.args.get("on")) is None:
            continue
        # An outer join's ON narrows the side that may be missing, and nothing else.
        own = any(found is source for found in join.this.find_all(exp.Table, exp.Lateral))
        if not join.side or (join.side == "LEFT" and own):
            yield from _conjuncts(on)


def _conjuncts(condition: exp.Expression) -> Iterator[exp.Expression]:
    condition = condition.unnest()
    if isinstance(condition, exp.And):
        yield from _conjuncts(condition.left)
        yield from _conjuncts(condition.right)
    else:
        yield condition


def _is_parameter_filter(condition: exp.Expression, table: exp.Table, name: str) -> bool:
    """`column = $1`, `column = ANY ($1)` or `column IN ($1, $2)`."""
    if isinstance(condition, exp.In):
        listed = condition.expressions
        return _is_column(condition.this, table, name) and bool(listed) and all(map(_is_parameter, listed))
    return _is_parameter_equality(condition, table, name) or (
        isinstance(condition, exp.EQ)
        and isinstance(condition.right, exp.Any)
        and _is_column(condition.left, table, name)
        and _is_parameter(condition.right.this)
    )


def _is_parameter_equality(condition: exp.Expression, table: exp.Table, name: str) -> bool:
    """`column = $1`"""
    return isinstance(condition, exp.EQ) and any(
        _is_column(column, table, name) and _is_parameter(value)
        for column, value in ((condition.left, condition.right), (condition.right, condition.left))
    )


def _is_equality(condition: exp.Expression, table: exp.Table, name: str) -> bool:
    return isinstance(condition, exp.EQ) and any(
        _is_column(side, table, name) for side in (condition.left, condition.right)
    )


def _is_computed_filter(condition: exp.Expression, table: exp.Table) -> bool:
    """Whether the streams of `table` come from a subquery, or from rows given to the statement."""
    if not any(_is_column(column, table, "stream_id") for column in condition.find_all(exp.Column)):
        return False
    if condition.find(exp.Select, exp.Unnest) is not None:
        return True
    scope = _scope(table)
    given = {found.alias_or_name for found in scope.find_all(exp.Unnest, exp.Values)} if scope else set[str]()
    return any(alias in given for alias in _partners(table))


def _is_column(node: exp.Expression | None, table: exp.Table, name: str) -> bool:
    if not isinstance(node, exp.Column) or node.name != name:
        return False
    return node.table == table.alias_or_name or not node.table


def _is_parameter(node: exp.Expression | None) -> bool:
    while isinstance(node, exp.Cast | exp.Paren):
        node = node.this
    return isinstance(node, exp.Placeholder | exp.Parameter | exp.Literal)


# --- tables ------------------------------------------------------------------------------------------------


def _tables(tree: exp.Expression, names: Collection[str] = _OF) -> Iterator[exp.Table]:
    """The named tables in a statement, CTEs of the same name aside."""
    ctes = {cte.alias for cte in tree.root().find_all(exp.CTE)}
    return (table for table in tree.find_all(exp.Table) if table.name in names and table.name not in ctes)


def _own_tables(scope: exp.Expression) -> Iterator[exp.Table]:
    return (table for table in scope.find_all(exp.Table) if _scope(table) is scope)


def _scope(table: exp.Expression) -> exp.Expression | None:
    return table.find_ancestor(*_SCOPES)


def _target(write: exp.Expression) -> exp.Table:
    found = write.this.find(exp.Table)
    assert isinstance(found, exp.Table)
    return found


def unclassified(metadata: sa.MetaData = tables.metadata) -> list[str]:
    """Tables of which the docstring does not say, or says twice, what they are keyed by."""
    listed = [name for names in _KINDS.values() for name in names]
    return sorted({*listed, *metadata.tables} - {name for name in metadata.tables if listed.count(name) == 1})


_RULES = (
    _lock_read_write_apart,
    _one_cte_of_reader_state,
    _filtered_by_stream,
    _parameters_alone,
    _locks_by_key,
)
