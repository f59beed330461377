"""Random histories, made with the product and with the oracle side by side.

A history is one example of Hypothesis's: some readers with streams and notifications of their own, then many
steps. After each the two must tell the same. What a step acts on is mostly drawn from what it would change: a
history in which nothing changes proves nothing. The tally says how often each step changed something.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from random import Random
from typing import ClassVar, TypeVar
from uuid import UUID

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.agreement import NUMBERED, VIEWS, WINDOWS, Disagreement, Witness, same, selection, witness
from tests.arena import Arena
from tests.oracle import ALL, RAISES, Answer, Choice, Oracle, Pair, RefusedError, Shown
from tidings.errors import LaterBulkStands, TidingsError
from tidings.inbox.append import append, withdraw
from tidings.inbox.folding import LEVELS, fold
from tidings.inbox.membership import join, leave, open_business, open_firm, open_user
from tidings.inbox.operations import clear_read, mark, mark_all
from tidings.inbox.preferences import choose
from tidings.inbox.retention import raise_floor
from tidings.inbox.undo import undo
from tidings.model import EVERYONE, Action, Address, Audience, Draft, Outcome, Reader, ReaderKind, Severity
from tidings.storage.store import Store

T = TypeVar("T")

MOST_USERS = 3
MOST_SENT = 40  # few things to which much happens find more than many
SECOND = timedelta(seconds=1)
MICROSECOND = timedelta(microseconds=1)
UNDO_WINDOW = timedelta(minutes=10)
SOON = (5 * SECOND, 60 * SECOND, 700 * SECOND)
PASSING = (SECOND, MICROSECOND, 20 * SECOND, 60 * SECOND, 11 * 60 * SECOND)

# (key, topic, severity, in_app, critical)
CATALOG = (
    ("order.placed", "orders", Severity.INFO, True, False),
    ("order.late", "orders", Severity.WARNING, True, False),
    ("payout.failed", "money", Severity.URGENT, True, True),
    ("payout.hint", "money", Severity.INFO, False, False),
)
KEYS = tuple(key for key, *_ in CATALOG)
TOPICS = ("orders", "money")
SENT = (KEYS[0], KEYS[0], KEYS[0], KEYS[1], KEYS[1], KEYS[2], KEYS[3])
SEVERITIES: tuple[Severity | None, ...] = (*[None] * 9, *Severity)  # None: the event's own

RAISING = ("seen", "seen", "read", "read", "dismiss", "dismiss", "delete")
LOWERING = ("restore", "unsnooze", "unread", "refresh")  # the rarest state first
BY_IDS = (*RAISES, *LOWERING, "snooze", "pin", "unpin", "resolve")

# Drawn by Hypothesis, so that what fails can be made smaller.
RANDOM = st.randoms(use_true_random=False)


class History(RuleBasedStateMachine):
    """One history. A subclass says on which arena it takes place."""

    arena: ClassVar[Arena]

    def __init__(self) -> None:
        super().__init__()
        self.oracle = Oracle()
        self.clock = self.arena.clock
        self.began = self.arena.start()
        self.random = Random(0)  # where to look, of the places that are too many to look at after every step
        self.names: dict[UUID, str] = {EVERYONE: "everyone"}
        self.readers: dict[UUID, Reader] = {}
        self.shared: dict[UUID, Audience] = {}
        self.sent: list[UUID] = []
        self.left: set[tuple[UUID, UUID]] = set()
        # Where most happens, for only several operations on one thing tell a wrong rule from a right one.
        self.usual_streams: list[UUID] = []
        self.usual_events: list[str] = []
        self.usual_reader: UUID | None = None
        self.recent: deque[UUID] = deque(maxlen=4)
        self.planned: deque[Callable[[Random], None]] = deque()  # steps that tell most in their order
        self.called = ""  # the step
        self.changed: bool | None = None  # None: what is seen tells
        self.actor: UUID | None = None
        self.views: dict[UUID, list[Shown]] = {}
        self.there: dict[UUID, list[Pair]] = {}

    # --- the world ----------------------------------------------------------------------------------------

    @initialize(random=RANDOM)
    def begin(self, random: Random) -> None:
        """Two users, a business with its company and a firm; most are members; some notifications."""
        for key, topic, severity, in_app, critical in CATALOG:
            self._put_event(key, topic, severity, in_app=in_app, critical=critical)
        self.oracle.open_stream(EVERYONE, "everyone")
        for audience, opened in ((Audience.BUSINESS, open_business), (Audience.FIRM, open_firm)):
            stream = self._named(audience.value)
            self.arena.do(opened, stream)
            self.oracle.open_stream(stream, audience.value)
            self.shared[stream] = audience
            if audience is Audience.BUSINESS:
                self._add_reader(Reader(id=stream, kind=ReaderKind.COMPANY))
        for _ in range(2):
            user = self._add_user()
            for stream in self.shared:
                if random.randrange(4) < 3:
                    self._join(user, stream)
        self.usual_streams = [random.choice([*self.readers, *self.shared, EVERYONE]) for _ in range(2)]
        self.usual_events = [random.choice(SENT) for _ in range(2)]
        self.usual_reader = random.choice([*self._users(), *self.readers])
        self._begin("begin")
        self._send([self._draft(random) for _ in range(4 + random.randrange(5))])

    @rule(random=RANDOM)
    def step(self, random: Random) -> None:
        """One rule for all steps: of many, Hypothesis would leave most out of most histories."""
        possible = [step for often, step, now in self._steps() if now for _ in range(often)]
        planned = self.planned.popleft() if self.planned else None
        (planned if planned in possible else random.choice(possible))(random)

    def _steps(self) -> Iterator[tuple[int, Callable[[Random], None], object]]:
        """(how often, what, whether it can do anything now); the first are drawn oftener than they say."""
        yield 1, self.rests, True
        yield 2, self.clears_read, self._suited("clear_read", by_filter=True)
        yield 1, self.catalog_changes, True
        yield 1, self.is_withdrawn, self._seen_by_anyone()
        yield 1, self.retention, self._seen_by_anyone()
        yield 4, self.joins, self._memberships(joined=False)
        yield 4, self.leaves, self._memberships(joined=True)
        yield 6, self.switches, True
        yield 2, self.upkeep, True
        yield 5, self.folds, self._raised_by_ids()
        yield 2, self.user_arrives, len(self._users()) < MOST_USERS
        yield 10, self.raises_by_filter, self._suited("delete", by_filter=True)
        yield 9, self.raises_by_ids, self._suited("delete")
        yield 11, self.lowers, any(self._suited(action) for action in LOWERING)
        yield 6, self.snoozes, self._suited("snooze")
        yield 5, self.pins, self._suited("pin") or self._suited("unpin")
        yield 3, self.resolves, self._suited("resolve")
        yield 2, self.acts_in_vain, self.sent
        yield 8, self.undoes, self._undoable()
        yield 1, self.undoes_whatever, True
        yield 6, self.time_comes, self._turning_points(ahead=True)
        yield 2, self.time_passes, True
        yield 1, self.clock_steps_back, True
        yield 4, self.sends, len(self.sent) < MOST_SENT

    def rests(self, _random: Random) -> None:
        """Nothing: this stands where Hypothesis leaves a step out. It does not count as one."""
        self._begin("rest")

    def user_arrives(self, _random: Random) -> None:
        self._begin("a user arrives", changed=bool(self.oracle.streams[EVERYONE].entries))
        self._tell("arrives:", self._add_user())

    def _add_user(self) -> UUID:
        user = self._named(f"user {len(self._users()) + 1}")
        self.arena.do(open_user, user)
        self.oracle.open_stream(user, "user")
        self._add_reader(Reader(id=user))
        return user

    def _add_reader(self, reader: Reader) -> None:
        self.readers[reader.id] = reader
        self.oracle.open_reader(reader.id, company=reader.kind is ReaderKind.COMPANY)

    def _users(self) -> list[UUID]:
        return [id_ for id_, reader in self.readers.items() if reader.kind is ReaderKind.USER]

    def _named(self, name: str) -> UUID:
        id_ = self.arena.new_id()
        self.names[id_] = name
        return id_

    def _put_event(self, key: str, topic: str, severity: Severity, *, in_app: bool, critical: bool) -> None:
        self.arena.put_event(key, topic, severity, in_app=in_app, critical=critical)
        self.oracle.put_event(key, topic=topic, severity=severity.value, in_app=in_app, critical=critical)

    def catalog_changes(self, random: Random) -> None:
        """An event gets another topic, or becomes critical: what is seen of it may change."""
        shown = {pair[0].event for pairs in self.there.values() for pair in pairs}
        key, _, severity, in_app, _ = random.choice([row for row in CATALOG if row[0] in shown] or CATALOG)
        event = self.oracle.events[key]
        topic, critical = event.topic, event.critical
        if random.randrange(3):
            topic = next(other for other in TOPICS if other != topic)
        else:
            critical = not critical
        self._begin("catalog")
        self._put_event(key, topic, severity, in_app=in_app or critical, critical=critical)
        self._tell(key, "is now of", topic, "critical" if critical else "")

    # --- streams ------------------------------------------------------------------------------------------

    def sends(self, random: Random) -> None:
        self._begin("send")
        self._send([self._draft(random) for _ in range(1 + random.randrange(5))])

    def _send(self, drafts: Sequence[Draft]) -> None:
        ids = self.arena.do(append, drafts)
        for id_, draft in zip(ids, drafts, strict=True):
            last = self.oracle.streams[draft.to.id].entries[-1:]
            same("the order of ids in a stream", [id_ > entry.id for entry in last], [True for _ in last])
            self.sent.append(id_)
            self.names[id_] = f"n{len(self.sent)}"
            collapses = any(
                entry.collapse_key == draft.collapse_key and not entry.gone(self.clock.at)
                for entry in self.oracle.streams[draft.to.id].entries
            )
            if draft.collapse_key is not None:
                self.arena.tally.note("collapse", collapses)
            self.oracle.append(
                id_,
                draft.to.id,
                draft.event,
                self.clock.at,
                severity=None if draft.severity is None else draft.severity.value,
                collapse_key=draft.collapse_key,
                expires_at=draft.expires_at,
            )
            self._tell(
                id_, "goes to", draft.to.id, draft.event, draft.severity or "", draft.collapse_key or ""
            )

    def _draft(self, random: Random) -> Draft:
        audiences = {
            **dict.fromkeys(self._users(), Audience.USER),
            **self.shared,
            EVERYONE: Audience.EVERYONE,
        }
        unusual = random.randrange(4) == 3
        stream = random.choice(list(audiences) if unusual else self.usual_streams)
        return Draft(
            to=Address(audience=audiences[stream], id=stream),
            event=random.choice(SENT if unusual else self.usual_events),
            title="",
            severity=random.choice(SEVERITIES),
            collapse_key=random.choice((None, None, None, "again")),
            expires_at=random.choice((*[None] * 6, *(self.clock.at + soon for soon in SOON))),
        )

    def is_withdrawn(self, random: Random) -> None:
        """What is there, or (an error) is gone already."""
        gone = [id_ for id_ in self.sent if self.oracle.entry(id_).gone(self.clock.at)]
        id_ = random.choice([*self._seen_by_anyone(), *gone[:3]])
        self._begin("withdraw")
        self._tell(id_, "is withdrawn")
        self._both(lambda: self.arena.do(withdraw, id_), lambda: self.oracle.withdraw(id_, self.clock.at))
        self.changed = None

    def retention(self, random: Random) -> None:
        id_ = random.choice(self._seen_by_anyone())
        self._begin("retention")
        self._tell(id_, "and its lane before it are removed")
        self.arena.do(self._remove_up_to, id_)
        self.oracle.remove_up_to(id_)

    async def _remove_up_to(self, store: Store, id_: UUID) -> None:
        (place,) = await store.streams.places([id_])
        await raise_floor(store, place.stream_id, place.lane, place.position)

    def _seen_by_anyone(self) -> list[UUID]:
        seen = {entry.id for pairs in self.there.values() for entry, _ in pairs}
        return [id_ for id_ in self.sent if id_ in seen]

    # --- time ---------------------------------------------------------------------------------------------

    def time_passes(self, random: Random) -> None:
        self._begin("time")
        self._move_to(self.clock.at + random.choice(PASSING))

    def time_comes(self, random: Random) -> None:
        """To the very moment when something ends, or just before or after it."""
        snoozes = self._ends_of_snoozes(ahead=True)[:1]
        end = random.choice([*snoozes, *snoozes, *self._turning_points(ahead=True)[:4]])
        self._begin("time")
        self._move_to(max(self.clock.at, end + random.choice((0, -1, 1)) * MICROSECOND))

    def clock_steps_back(self, random: Random) -> None:
        """As clocks do; but not past the end of anything, for then it depends on who looked when."""
        points = [self.began, *self._turning_points(ahead=False)]
        self._begin("clock steps back", changed=self.clock.at > points[-1])
        self._move_to(max(self.clock.at - random.choice(PASSING), points[-1]))

    def _turning_points(self, *, ahead: bool) -> list[datetime]:
        """When something ends: an expiry, a snooze, the time for an undo. Those to come, or those past."""
        entries = [entry for stream in self.oracle.streams.values() for entry in stream.entries]
        readers = self.oracle.readers.values()
        points = {entry.expires_at for entry in entries if entry.expires_at}
        points |= {*self._ends_of_snoozes(ahead=ahead)}
        points |= {
            made.at + UNDO_WINDOW for who in readers for made in who.operations if made.action in RAISES
        }
        return sorted(point for point in points if (point > self.clock.at) == ahead)

    def _ends_of_snoozes(self, *, ahead: bool) -> list[datetime]:
        states = [state for who in self.oracle.readers.values() for state in who.states.values()]
        points = {state.snoozed_until for state in states if state.snoozed_until}
        return sorted(point for point in points if (point > self.clock.at) == ahead)

    def _move_to(self, at: datetime) -> None:
        self.clock.at = at
        self._tell("it is now")

    # --- readers ------------------------------------------------------------------------------------------

    def joins(self, random: Random) -> None:
        """Late, or again: what was there before does not exist for the member."""
        user, stream = random.choice(self._memberships(joined=False))
        name = "rejoin" if (user, stream) in self.left else "join late"
        self._begin(name, changed=bool(self.oracle.streams[stream].entries))
        self._join(user, stream)

    def leaves(self, random: Random) -> None:
        """Or joins though a member, which is nothing."""
        seen = [(reader, pair[0].stream) for reader, pairs in self.there.items() for pair in pairs]
        memberships = self._memberships(joined=True)
        user, stream = random.choice([pair for pair in memberships if pair in seen] or memberships)
        if random.randrange(4) == 3:
            self._begin("join twice", changed=False)
            self._join(user, stream)
            return
        self._begin("leave")
        self._tell(user, "leaves", stream)
        self.arena.do(leave, user, stream)
        self.oracle.leave(user, stream, self.clock.at)
        self.left.add((user, stream))

    def _memberships(self, *, joined: bool) -> list[tuple[UUID, UUID]]:
        pairs = [(user, stream) for user in self._users() for stream in self.shared]
        return [pair for pair in pairs if (pair[1] in self.oracle.readers[pair[0]].joined) == joined]

    def _join(self, user: UUID, stream: UUID) -> None:
        self.arena.do(join, user, Address(audience=self.shared[stream], id=stream))
        self.oracle.join(user, stream, self.clock.at)
        self._tell(user, "joins", stream)

    def switches(self, random: Random) -> None:
        """In-app off, or on again."""
        subjects = [*[("event", key) for key in KEYS], *[("topic", topic) for topic in TOPICS]]
        anything = [(user, *subject) for user in self._users() for subject in subjects]
        off = [(user, *subject) for user, *subject in anything if not self._chosen(user, *subject)]
        shown = [(user, "event", pair[0].event) for user in self._users() for pair in self.there[user]]
        hidden = [found for found in shown if not self.oracle.events[found[2]].critical] or anything
        on = bool(off) and random.randrange(5) > 1
        user, subject, key = random.choice(off if on else random.choice((hidden, hidden, anything)))
        self._begin("in-app on" if on else "in-app off")
        self._tell(user, "switches", subject, key, "on" if on else "off")
        self.arena.do(choose, self.readers[user], subject, key, {"in_app": on})
        self.oracle.switch(user, subject, key, self.clock.at, on=on)

    def _chosen(self, user: UUID, subject: str, key: str) -> bool:
        """Whether the user let in-app on; the default of one event is off."""
        return self.oracle.readers[user].in_app.get((subject, key), key != KEYS[-1])

    # --- what readers do ----------------------------------------------------------------------------------

    def raises_by_ids(self, random: Random) -> None:
        self._mark(random.choice(RAISING), random)

    def lowers(self, random: Random) -> None:
        suits = [action for action in LOWERING if self._suited(action)]
        self._mark(random.choice([*suits, suits[0], suits[0]]), random)

    def snoozes(self, random: Random) -> None:
        duration = random.choice((*SOON, *SOON, timedelta(0)))
        self._mark("snooze", random, until=self.clock.at + duration)
        if random.randrange(2):  # what is swept while it runs does not count for it, ever
            self.planned.extend([self.raises_by_filter, self.time_comes, self.raises_by_ids])

    def pins(self, random: Random) -> None:
        self._mark(
            random.choice([action for action in ("unpin", "unpin", "pin") if self._suited(action)]), random
        )

    def resolves(self, random: Random) -> None:
        self._mark("resolve", random)

    def acts_in_vain(self, random: Random) -> None:
        """On what was sent to anyone: often not there for the reader, or in a state that forbids it."""
        action, reader = random.choice(BY_IDS), random.choice(list(self.readers))
        ids = [random.choice(self.sent) for _ in range(1 + random.randrange(2))]
        self._mark_ids(reader, action, ids, self.clock.at + SECOND if action == "snooze" else None)

    def _mark(self, action: str, random: Random, until: datetime | None = None) -> None:
        """An action on one that it suits, if there is one, and on others: that reader's, or anyone's."""
        suited = self._suited(action) or self._suited("delete")
        reader, id_ = self._one_of(suited, random)
        mine = [other for who, other in suited if who == reader]
        others = [random.choice(random.choice((mine, mine, self.sent))) for _ in range(random.randrange(3))]
        self._mark_ids(reader, action, [id_, *others], until)

    def _mark_ids(
        self, reader: UUID, action: str, ids: Sequence[UUID], until: datetime | None = None
    ) -> None:
        self._begin(f"{action} by ids" if action in RAISES else action, actor=reader)
        self._tell(reader, action, *ids, *(["until", until - self.began] if until else []))
        self._both(
            lambda: self.arena.do(mark, self.readers[reader], Action(action), ids, until=until),
            lambda: self.oracle.mark(reader, action, ids, self.clock.at, until),
        )

    def raises_by_filter(self, random: Random) -> None:
        action = random.choice(RAISING)
        suited = self._suited(action, by_filter=True) or self._suited("delete", by_filter=True)
        reader, id_ = self._one_of(suited, random)
        chosen = random.choice(self._choices(reader, id_))
        end = self._up_to(reader, id_, random)
        self._begin(f"{action} by filter", actor=reader)
        self._tell(reader, action, "all of", self._choice_in_words(chosen), *(["up to", end] if end else []))
        self._both(
            lambda: self.arena.do(
                mark_all, self.readers[reader], Action(action), selection(chosen), up_to=end
            ),
            lambda: self.oracle.mark_all(reader, action, chosen, self.clock.at, end),
        )

    def _up_to(self, reader: UUID, id_: UUID, random: Random) -> UUID | None:
        """Mostly none; else the one that is meant, or any that is there, or any at all."""
        there = [entry.id for entry, _ in self.there[reader]]
        wanted = random.choice(((None,), (None,), (None,), (id_,), there, self.sent))
        end = random.choice(wanted)
        if end not in there:
            return end
        # Of several sent at one time the last: which of them come before another is by chance.
        at = self.oracle.entry(end).created_at
        tied = [entry for entry, _ in self.there[reader] if entry.created_at == at]
        return max(tied, key=lambda entry: entry.place).id

    def clears_read(self, random: Random) -> None:
        reader, id_ = self._one_of(self._suited("clear_read", by_filter=True), random)
        choices = [found for found in self._choices(reader, id_) if not (found.topics or found.severities)]
        chosen = random.choice(choices)
        self._begin("clear read", actor=reader)
        self._tell(reader, "clears what is read of", self._choice_in_words(chosen))
        self._both(
            lambda: self.arena.do(clear_read, self.readers[reader], selection(chosen)),
            lambda: self.oracle.clear_read(reader, chosen, self.clock.at),
        )

    def _one_of(self, pairs: list[tuple[UUID, UUID]], random: Random) -> tuple[UUID, UUID]:
        """One of some (reader, notification), rather one to which something happened just now."""
        usual = [pair for pair in pairs if pair[0] == self.usual_reader]
        recent = [pair for pair in usual if pair[1] in self.recent]
        woken = [pair for pair in pairs if self._is_woken(*pair)]
        groups = [group for group in (usual, recent, recent, woken, woken, pairs) if group]
        chosen = random.choice(random.choice(groups))
        self.recent.append(chosen[1])
        return chosen

    def _is_woken(self, reader: UUID, id_: UUID) -> bool:
        """Whether a snooze of it has ended, which still decides which sweeps count."""
        state = self.oracle.readers[reader].states.get(id_)
        return bool(state and state.snoozed_until and state.snoozed_until <= self.clock.at)

    def _suited(self, action: str, *, by_filter: bool = False) -> list[tuple[UUID, UUID]]:
        """(reader, notification) where the action would change something."""
        at = self.clock.at
        return [
            (reader, pair[0].id)
            for reader, pairs in self.there.items()
            for pair in pairs
            if not (by_filter and pair[1].hidden(at)) and self.oracle.suits(reader, action, pair, at)
        ]

    def _choices(self, reader: UUID, id_: UUID | None = None) -> list[Choice]:
        """Filters, of which every one covers the notification if one is given; no filter comes twice."""
        scopes: list[tuple[str | None, UUID | None]] = [(None, None), ("me", None)]
        joined = self.oracle.readers[reader].joined
        scopes += [(audience.value, stream) for stream, audience in self.shared.items() if stream in joined]
        topics = [frozenset[str](), *[frozenset([topic]) for topic in TOPICS]]
        severities = [frozenset[str](), *[frozenset([severity.value]) for severity in Severity]]
        choices = [
            Choice(scope=scope, scope_id=scope_id, topics=some_topics, severities=some_severities)
            for scope, scope_id in scopes
            for some_topics in topics
            for some_severities in severities
        ]
        if id_ is None:
            return choices
        entry = self.oracle.entry(id_)
        return [ALL] * 4 + [choice for choice in choices if self.oracle.covers(choice, entry)]

    # --- undo ---------------------------------------------------------------------------------------------

    def undoes(self, random: Random) -> None:
        undoable = self._undoable()
        self._undo(*random.choice([made for made in undoable if made[0] == self.usual_reader] or undoable))

    def undoes_whatever(self, random: Random) -> None:
        """What cannot be undone is refused for the same reason."""
        reader = random.choice(list(self.readers))
        last = len(self.oracle.readers[reader].operations)
        out_of_order = self._to_undo([LaterBulkStands.code])
        anything = (reader, max(0, last + 1 - random.randrange(6)))
        self._undo(*random.choice([anything, random.choice(out_of_order or [anything])]))

    def _undoable(self) -> list[tuple[UUID, int]]:
        return self._to_undo([])

    def _to_undo(self, refusals: list[str]) -> list[tuple[UUID, int]]:
        """(reader, operation) whose undo is refused for exactly these reasons."""
        return [
            (reader, number)
            for reader, who in self.oracle.readers.items()
            for number in range(1, len(who.operations) + 1)
            if self.oracle.refusals_of_undo(reader, number, self.clock.at) == refusals
        ]

    def _undo(self, reader: UUID, number: int) -> None:
        made = self.oracle.readers[reader].operations[number - 1 : number]
        bulk = any(operation.bulk for operation in made)
        self._begin(f"undo by {'filter' if bulk else 'ids'}", actor=reader)
        self._tell(reader, "undoes operation", number)
        self._both(
            lambda: self.arena.do(undo, self.readers[reader], number),
            lambda: self.oracle.undo(reader, number, self.clock.at),
        )

    # --- behind the scenes --------------------------------------------------------------------------------

    def folds(self, random: Random) -> None:
        """Nothing that is seen changes."""
        reader = random.choice(self._raised_by_ids())
        if random.randrange(8):
            self._begin("time")
            self._move_to(self.clock.at + UNDO_WINDOW + MICROSECOND)
            self.agrees()
        folded = [level for level in LEVELS if self.arena.do(fold, self.readers[reader], level, least=0)]
        for _ in folded:
            self.oracle.fold(reader, self.clock.at)
        self._begin("fold", changed=bool(folded), actor=reader)
        self._tell(reader, "is folded at", *[level.name for level in folded])

    def _raised_by_ids(self) -> list[UUID]:
        """Readers who raised anything by ids."""
        return [
            reader
            for reader, who in self.oracle.readers.items()
            if any(made.action in RAISES and not made.bulk and not made.undone for made in who.operations)
        ]

    def upkeep(self, _random: Random) -> None:
        """Nothing that is seen changes."""
        self._begin("upkeep", changed=self.arena.keep_up())
        self._tell("upkeep")

    # --- both sides ---------------------------------------------------------------------------------------

    def _begin(self, step: str, *, changed: bool | None = None, actor: UUID | None = None) -> None:
        """Name the step; say who makes it, and whether it changes anything if the views do not tell."""
        self.called, self.changed, self.actor = step, changed, actor

    def _both(self, product: Callable[[], Outcome | None], oracle: Callable[[], Answer | None]) -> None:
        """Do it on both sides: the answers must be the same, and what one refuses, the other must refuse."""
        expected, told = _answer_of(oracle), _answer_of(product)
        self.changed = isinstance(expected, Answer) and expected.changed > 0
        if isinstance(expected, RefusedError) and isinstance(told, TidingsError):
            told, expected = told.code, told.code if told.code in expected.codes else expected
        with self._in_names():
            same(f"the answer of {self.called}", told, expected)

    @invariant()
    def agrees(self) -> None:
        """The two tell the same: of whoever sees something else now, of who acted, and of one other."""
        if self.called == "rest":
            return
        now = self.clock.at
        views = {reader: self.oracle.show(reader, ALL, now) for reader in self.readers}
        touched = {reader for reader in self.readers if views[reader] != self.views.get(reader)}
        self._count_step(views, touched)
        actor = self.actor or self.random.choice(list(self.readers))
        readers = {actor, *touched, self.random.choice(list(self.readers))}
        with self._in_names():
            self.arena.run(self._compare(actor, [reader for reader in self.readers if reader in readers]))
        self.views = views
        self.there = {
            reader: self._in_order(self.oracle.present(reader, ALL, now)) for reader in self.readers
        }

    def _in_order(self, pairs: Iterable[Pair]) -> list[Pair]:
        """As they were sent: the feed's order of what came to several streams at one time is by chance."""
        return sorted(pairs, key=lambda pair: self.sent.index(pair[0].id))

    def _count_step(self, views: dict[UUID, list[Shown]], touched: set[UUID]) -> None:
        tally = self.arena.tally
        tally.steps += 1
        tally.note(self.called, bool(touched) if self.changed is None else self.changed)
        if self.called == "time":
            before = {(reader, item.id): item for reader, items in self.views.items() for item in items}
            after = {(reader, item.id): item for reader, items in views.items() for item in items}
            ended = [key for key, item in before.items() if item.snoozed_until and key in after]
            tally.note("expiry", len(after) < len(before))
            tally.note("end of a snooze", any(after[key].snoozed_until is None for key in ended))

    async def _compare(self, actor: UUID, readers: Iterable[UUID]) -> None:
        """All that is seen of everything; and of what could be asked besides, a part."""
        async with self.arena.database.read() as store:
            for reader in readers:
                one = await witness(store, self.oracle, self.readers[reader], self.clock.at)
                await one.sees_the_same(self.sent)
                await self._look_at_counts(one, [ALL])
                if reader == actor:
                    await self._look_further(one)

    async def _look_further(self, one: Witness) -> None:
        random = self.random
        choice = random.choice((ALL, *self._choices(one.reader.id)))
        await self._look_at_counts(one, [ALL, choice])
        if random.random() < 0.8:
            skip, limit, pages = (
                random.randrange(99),
                random.choice((1, 2, 3, 5, 50)),
                random.choice((1, 1, 2)),
            )
            await one.pages_the_same(choice, random.choice(VIEWS), skip, limit, pages)
        else:
            number, limit = random.choice((1, 2, 3)), random.choice((1, 2, 5))
            await one.numbers_its_pages_the_same(choice, random.choice(NUMBERED), number, limit)
        if self.sent and random.random() < 0.2:
            await one.finds_the_same(choice, random.choice(self.sent))

    async def _look_at_counts(self, one: Witness, choices: Iterable[Choice]) -> None:
        for choice in choices:
            window, by_level = self.random.choice(WINDOWS), self.random.random() < 0.5
            await one.counts_the_same(choice, window, by_level=by_level)

    # --- telling ------------------------------------------------------------------------------------------

    def _tell(self, *words: object) -> None:
        """A line of the history, which is printed if it is one that fails."""
        hypothesis.note(f"{self.clock.at - self.began!s:>16}  {' '.join(map(self._word, words))}")

    def _word(self, word: object) -> str:
        return self.names.get(word, str(word)) if isinstance(word, UUID) else str(word)

    def _choice_in_words(self, choice: Choice) -> str:
        parts = [choice.scope, *choice.topics, *choice.severities]
        return " ".join(part for part in parts if part) or "everything"

    @contextmanager
    def _in_names(self) -> Iterator[None]:
        """A disagreement is told in the names of the history."""
        try:
            yield
        except Disagreement as error:
            text = str(error)
            for id_, name in self.names.items():
                text = text.replace(repr(id_), name)
            raise Disagreement(text) from None


def _answer_of(call: Callable[[], Outcome | Answer | None]) -> object:
    """What is answered, or the error that it is."""
    try:
        answer = call()
    except (TidingsError, RefusedError) as error:
        return error
    if isinstance(answer, Outcome):
        return Answer(answer.operation, answer.changed, answer.updated)
    return answer
