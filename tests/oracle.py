"""The oracle: what is true of a notification for a reader, told as plainly as it can be told.

For each reader and notification there is a base and a list of raises, and every operation is applied to every
notification at once. It imports nothing from the product and knows no lane, position, line or sweep: the two
agree only if both are right. Times are handed in. A reader's operations are numbered from 1; what changes
nothing has no number.

Readers, streams, events and notifications go by ids (anything that sorts), severities, actions and scopes by
their names, levels by the numbers below.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

NEW, SEEN, READ, DISMISSED, DELETED = range(5)
RAISES = {"seen": SEEN, "read": READ, "dismiss": DISMISSED, "delete": DELETED}
UNDONE_WITHIN = timedelta(minutes=10)
EVERYONE = "everyone"


class RefusedError(Exception):
    """The operation cannot be, and nothing has changed; each of the codes is a reason."""

    def __init__(self, *codes: str) -> None:
        super().__init__(*codes)
        self.codes = codes


class Answer(NamedTuple):
    """What an operation changed; `number` is None where that is nothing."""

    number: int | None
    changed: int
    updated: int  # without those that are resolved


NOTHING = Answer(None, 0, 0)


class Shown(NamedTuple):
    """A notification as a reader sees it."""

    id: Any
    stream: Any
    event: str
    topic: str
    severity: str
    created_at: datetime
    expires_at: datetime | None
    resolved_at: datetime | None
    status: str
    level: int
    seen_at: datetime | None
    read_at: datetime | None
    dismissed_at: datetime | None
    snoozed_until: datetime | None  # only while it runs
    pinned: bool


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Some of what a reader can reach; what is left out restricts nothing."""

    scope: str | None = None
    scope_id: Any = None
    topics: frozenset[str] = frozenset()
    severities: frozenset[str] = frozenset()


ALL = Choice()


@dataclass(kw_only=True)
class Event:
    topic: str
    severity: str
    in_app: bool  # for who chose nothing
    critical: bool


@dataclass(kw_only=True)
class Stream:
    audience: str
    entries: list[Entry] = field(default_factory=list)


@dataclass(kw_only=True)
class Entry:
    """One notification, the same for all who read its stream."""

    id: Any
    stream: Any
    event: str
    severity: str
    created_at: datetime
    expires_at: datetime | None = None
    collapse_key: str | None = None
    withdrawn: bool = False
    removed: bool = False  # by retention
    resolved_at: datetime | None = None

    @property
    def place(self) -> tuple[datetime, Any]:
        """Where it stands in feed order."""
        return self.created_at, self.id

    def gone(self, at: datetime) -> bool:
        expired = self.expires_at is not None and self.expires_at <= at
        return self.withdrawn or self.removed or expired


class Raise(NamedTuple):
    number: int
    level: int
    at: datetime


@dataclass(kw_only=True)
class State:
    """One notification for one reader."""

    base: int = NEW
    kept: dict[int, datetime | None] = field(default_factory=dict)  # when the base's levels were reached
    raises: list[Raise] = field(default_factory=list)
    snoozed_until: datetime | None = None
    pinned: bool = False

    @property
    def level(self) -> int:
        return max(self.base, *(r.level for r in self.raises), NEW)

    def reached(self, level: int) -> datetime | None:
        """When the level was first reached, by what still stands."""
        times = [r.at for r in self.raises if r.level >= level]
        if self.kept.get(level) is not None:
            times.append(self.kept[level])
        return min(times, default=None)

    def hidden(self, at: datetime) -> bool:
        """Whether a snooze is running."""
        return self.snoozed_until is not None and at < self.snoozed_until

    def lower(self, base: int) -> None:
        """Begin anew from a base, with the times that belong to it."""
        self.kept = {level: self.reached(level) for level in range(SEEN, base + 1)}
        self.base, self.raises, self.snoozed_until = base, [], None

    def raise_to(self, made: Raise) -> None:
        if self.hidden(made.at):
            self.lower(NEW)
        self.raises.append(made)


@dataclass(kw_only=True)
class Operation:
    action: str
    bulk: bool
    at: datetime
    undone: bool = False


@dataclass(kw_only=True)
class Reader:
    company: bool
    joined: dict[Any, int] = field(default_factory=dict)  # stream -> how many of its entries came before
    in_app: dict[tuple[str, str], bool] = field(default_factory=dict)  # chosen for (event or topic, its key)
    states: dict[Any, State] = field(default_factory=dict)  # by notification
    operations: list[Operation] = field(default_factory=list)  # number 1 first

    def time(self, now: datetime) -> datetime:
        """The time of an operation that is made now."""
        return max([now, *(operation.at for operation in self.operations[-1:])])

    def begin(self, action: str, at: datetime, *, bulk: bool = False) -> int:
        """Put an operation on record; its number."""
        self.operations.append(Operation(action=action, bulk=bulk, at=at))
        return len(self.operations)


Pair = tuple[Entry, State]


class Oracle:
    """Every stream and reader there is."""

    def __init__(self) -> None:
        self.events: dict[str, Event] = {}
        self.streams: dict[Any, Stream] = {}
        self.readers: dict[Any, Reader] = {}

    # --- who there is -------------------------------------------------------------------------------------

    def put_event(
        self, key: str, *, topic: str, severity: str, in_app: bool = True, critical: bool = False
    ) -> None:
        """Add an event or change it; its notifications have its topic, whenever they were sent."""
        self.events[key] = Event(topic=topic, severity=severity, in_app=in_app, critical=critical)

    def open_stream(self, stream: Any, audience: str) -> None:
        self.streams[stream] = Stream(audience=audience)

    def open_reader(self, reader: Any, *, company: bool = False) -> None:
        """A user reads what is everyone's from now on; either reads the stream that bears its id."""
        who = self.readers[reader] = Reader(company=company)
        who.joined[reader] = len(self.streams[reader].entries)
        for stream, found in self.streams.items():
            if found.audience == EVERYONE and not company:
                who.joined[stream] = len(found.entries)

    def join(self, reader: Any, stream: Any, now: datetime) -> None:
        """What was appended before does not exist for the reader; joining again while joined is nothing."""
        who = self.readers[reader]
        if stream not in who.joined:
            who.joined[stream] = len(self.streams[stream].entries)
            who.begin("join", who.time(now))

    def leave(self, reader: Any, stream: Any, now: datetime) -> None:
        who = self.readers[reader]
        if who.joined.pop(stream, None) is not None:
            who.begin("leave", who.time(now))

    def switch(self, reader: Any, subject: str, key: str, now: datetime, *, on: bool) -> None:
        """In-app on or off for an event or a topic; what is off is out of reach, and comes back as it was."""
        who = self.readers[reader]
        who.in_app[subject, key] = on
        who.begin("choose", who.time(now))

    # --- streams ------------------------------------------------------------------------------------------

    def append(
        self,
        id_: Any,
        stream: Any,
        event: str,
        now: datetime,
        *,
        severity: str | None = None,
        collapse_key: str | None = None,
        expires_at: datetime | None = None,
    ) -> Entry:
        """Add what was sent; an earlier one with its collapse_key is withdrawn."""
        entries = self.streams[stream].entries
        for earlier in entries:
            if collapse_key is not None and earlier.collapse_key == collapse_key:
                earlier.withdrawn = True
        entry = Entry(
            id=id_,
            stream=stream,
            event=event,
            severity=severity or self.events[event].severity,
            created_at=max([now, *(last.created_at for last in entries[-1:])]),
            collapse_key=collapse_key,
            expires_at=expires_at,
        )
        entries.append(entry)
        return entry

    def withdraw(self, id_: Any, now: datetime) -> None:
        entry = self.entry(id_)
        if entry.gone(now):
            raise RefusedError("notification_not_found")
        entry.withdrawn = True

    def remove_up_to(self, last: Any) -> None:
        """Retention: a notification and those of its stream, event and severity before it cease to exist."""
        end = self.entry(last)
        for entry in self.streams[end.stream].entries:
            same = (entry.event, entry.severity) == (end.event, end.severity)
            entry.removed = entry.removed or (same and entry.place <= end.place)

    def entry(self, id_: Any) -> Entry:
        return next(entry for stream in self.streams.values() for entry in stream.entries if entry.id == id_)

    # --- what a reader sees -------------------------------------------------------------------------------

    def reach(self, reader: Any, choice: Choice, at: datetime) -> Iterator[Pair]:
        """What exists for the reader, deleted ones included, in no order."""
        who = self.readers[reader]
        for stream, first in who.joined.items():
            for entry in self.streams[stream].entries[first:]:
                if not entry.gone(at) and self.covers(choice, entry) and self._in_app(who, entry):
                    yield entry, who.states.setdefault(entry.id, State())

    def present(self, reader: Any, choice: Choice, at: datetime) -> list[Pair]:
        """What is there for the reader: all but what was deleted, newest first."""
        pairs = [pair for pair in self.reach(reader, choice, at) if pair[1].level < DELETED]
        return sorted(pairs, key=lambda pair: pair[0].place, reverse=True)

    def count(
        self, reader: Any, choice: Choice, at: datetime, levels: Collection[int], *, by_level: bool = False
    ) -> int:
        """How many are at one of the levels; a running snooze never counts, a resolved one only by level."""
        return sum(
            state.level in levels and not state.hidden(at) and (by_level or entry.resolved_at is None)
            for entry, state in self.present(reader, choice, at)
        )

    def show(
        self,
        reader: Any,
        choice: Choice,
        at: datetime,
        *,
        levels: Collection[int] = range(DELETED),
        by_level: bool = True,
        resolved: bool = False,
        snoozed: bool = True,
        pinned_first: bool = False,
    ) -> list[Shown]:
        """A list of those at one of the levels, or just everything.

        Unless it goes by the level, resolved ones are on it only if `resolved`, then whatever their level.
        Those whose snooze is running are on it only if `snoozed`, whatever the levels.
        """

        def listed(entry: Entry, state: State) -> bool:
            settled = entry.resolved_at is not None and not by_level
            if state.hidden(at):
                return snoozed and not settled
            return resolved if settled else state.level in levels

        pairs = [pair for pair in self.present(reader, choice, at) if listed(*pair)]
        if pinned_first:
            pairs.sort(key=lambda pair: not pair[1].pinned)
        return [self._shown(entry, state, at) for entry, state in pairs]

    def _shown(self, entry: Entry, state: State, at: datetime) -> Shown:
        return Shown(
            id=entry.id,
            stream=entry.stream,
            event=entry.event,
            topic=self.events[entry.event].topic,
            severity=entry.severity,
            created_at=entry.created_at,
            expires_at=entry.expires_at,
            resolved_at=entry.resolved_at,
            status=_status(entry, state, at),
            level=state.level,
            seen_at=state.reached(SEEN),
            read_at=state.reached(READ),
            dismissed_at=state.reached(DISMISSED),
            snoozed_until=state.snoozed_until if state.hidden(at) else None,
            pinned=state.pinned,
        )

    def covers(self, choice: Choice, entry: Entry) -> bool:
        """Whether a choice means this notification, whoever makes it."""
        audience = self.streams[entry.stream].audience
        if choice.scope == "me":
            in_scope = audience in ("user", EVERYONE)
        else:
            in_scope = choice.scope is None or (audience, entry.stream) == (choice.scope, choice.scope_id)
        of_topic = not choice.topics or self.events[entry.event].topic in choice.topics
        return in_scope and of_topic and (not choice.severities or entry.severity in choice.severities)

    def _in_app(self, who: Reader, entry: Entry) -> bool:
        """A topic that is off takes its events with it; else the event decides, else its topic.

        A company chooses nothing, and sees everything.
        """
        event = self.events[entry.event]
        of_topic = who.in_app.get(("topic", event.topic))
        of_event = who.in_app.get(("event", entry.event), event.in_app if of_topic is None else of_topic)
        return who.company or event.critical or (of_topic is not False and of_event)

    # --- what a reader does -------------------------------------------------------------------------------

    def mark(
        self, reader: Any, action: str, ids: Collection[Any], now: datetime, until: datetime | None = None
    ) -> Answer:
        """Any action on some ids; on a state that it does not suit it changes nothing."""
        at = self.readers[reader].time(now)
        if action == "snooze" and (until is None or until <= at):
            raise RefusedError("invalid_input")
        pairs = [pair for pair in self.present(reader, ALL, at) if pair[0].id in ids]
        suited = [pair for pair in pairs if self.suits(reader, action, pair, at)]
        return self._change(reader, action, suited, at, until=until)

    def mark_all(
        self, reader: Any, action: str, choice: Choice, now: datetime, up_to: Any | None = None
    ) -> Answer:
        """Raise all that is chosen, up to a notification in feed order; running snoozes are passed by."""
        at = self.readers[reader].time(now)
        covered = [pair for pair in self.present(reader, choice, at) if not pair[1].hidden(at)]
        if up_to is not None:
            if up_to not in [entry.id for entry, _ in self.present(reader, ALL, at)]:
                raise RefusedError("notification_not_found")
            covered = [pair for pair in covered if pair[0].place <= self.entry(up_to).place]
        if not any(self.suits(reader, action, pair, at) for pair in covered):
            return NOTHING
        return self._change(reader, action, covered, at, bulk=True)

    def clear_read(self, reader: Any, choice: Choice, now: datetime) -> Answer:
        """What is read, or more than that, is deleted for ever."""
        at = self.readers[reader].time(now)
        read = [
            pair
            for pair in self.present(reader, choice, at)
            if pair[1].level >= READ and not pair[1].hidden(at)
        ]
        return self._change(reader, "clear_read", read, at, bulk=True)

    def fold(self, reader: Any, now: datetime) -> None:
        """Nothing that can be seen changes, but a number is taken."""
        who = self.readers[reader]
        who.begin("fold", who.time(now))

    def undo(self, reader: Any, number: int, now: datetime) -> Answer:
        """Drop the raises of one operation, wherever they are; what can be reached now is counted."""
        who = self.readers[reader]
        at = who.time(now)
        if refusals := self.refusals_of_undo(reader, number, now):
            raise RefusedError(*refusals)
        pairs = list(self.reach(reader, ALL, at))
        before = [state.level for _, state in pairs]
        for state in who.states.values():
            state.raises = [made for made in state.raises if made.number != number]
        who.operations[number - 1].undone = True
        fallen = [pair for pair, level in zip(pairs, before, strict=True) if pair[1].level < level]
        number = who.begin("undo", at)
        return _answer(number, fallen) if fallen else NOTHING

    def refusals_of_undo(self, reader: Any, number: int, now: datetime) -> list[str]:
        """Why an operation cannot be undone; nothing if it can."""
        who = self.readers[reader]
        if not 1 <= number <= len(who.operations):
            return ["operation_not_found"]
        operation = who.operations[number - 1]
        too_late = who.time(now) > operation.at + UNDONE_WITHIN
        reasons = {
            "not_undoable": operation.action not in RAISES or operation.undone or too_late,
            "later_bulk_stands": any(later.bulk and not later.undone for later in who.operations[number:]),
        }
        return [code for code, applies in reasons.items() if applies]

    def suits(self, reader: Any, action: str, pair: Pair, at: datetime) -> bool:
        """Whether the action would change it."""
        entry, state = pair
        if action == "resolve":
            shared = self.streams[entry.stream].audience == EVERYONE
            return entry.resolved_at is None and not shared and not self.readers[reader].company
        return _SUITS[action](entry, state, at)

    def _change(
        self,
        reader: Any,
        action: str,
        pairs: list[Pair],
        at: datetime,
        *,
        until: datetime | None = None,
        bulk: bool = False,
    ) -> Answer:
        """Do the action to each, under one number, and answer for those that it suits."""
        changed = [pair for pair in pairs if self.suits(reader, action, pair, at)]
        if not changed:
            return NOTHING
        number = self.readers[reader].begin(action, at, bulk=bulk)
        answer = _answer(number, changed)
        for entry, state in pairs:
            _apply(action, entry, state, Raise(number, RAISES.get(action, NEW), at), until)
        return answer


_SUITS: dict[str, Callable[[Entry, State, datetime], bool]] = {
    **{
        action: lambda _entry, state, _at, level=level: state.level < level
        for action, level in RAISES.items()
    },
    "unread": lambda _entry, state, _at: state.level in (READ, DISMISSED),
    "restore": lambda _entry, state, _at: state.level == DISMISSED,
    "refresh": lambda _entry, state, _at: state.level in (READ, DISMISSED),
    "snooze": lambda entry, state, at: (
        state.level < DISMISSED and entry.resolved_at is None and not state.hidden(at)
    ),
    "unsnooze": lambda _entry, state, at: state.hidden(at),
    "pin": lambda _entry, state, _at: not state.pinned,
    "unpin": lambda _entry, state, _at: state.pinned,
    "clear_read": lambda _entry, state, at: READ <= state.level < DELETED and not state.hidden(at),
}


def _apply(action: str, entry: Entry, state: State, made: Raise, until: datetime | None) -> None:
    """Do one thing to one notification; `made` is the raise if the action is one, and has its time if not."""
    match action:
        case "unread":
            state.lower(SEEN)
        case "restore":
            state.lower(READ)
        case "refresh":
            state.lower(state.level)
            state.kept[READ] = made.at
        case "snooze" | "unsnooze":
            state.lower(NEW)
            state.snoozed_until = until
        case "pin" | "unpin":
            state.pinned = action == "pin"
        case "resolve":
            entry.resolved_at = made.at
        case "clear_read":
            state.lower(DELETED)
        case _:
            state.raise_to(made)


def _answer(number: int, pairs: Iterable[Pair]) -> Answer:
    changed = [entry for entry, _ in pairs]
    return Answer(number, len(changed), sum(entry.resolved_at is None for entry in changed))


def _status(entry: Entry, state: State, at: datetime) -> str:
    if entry.resolved_at is not None:
        return "resolved"
    if state.level >= DISMISSED:
        return "dismissed"
    if state.hidden(at):
        return "snoozed"
    return "seen" if state.level >= SEEN else "new"
