"""What comes back for mails: how it is read, whom it suppresses, and that nobody can forge it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import office as offices
from tests import reports
from tests.conftest import MovingClock, Run
from tests.reports import ADA
from tests.web import SECRET, Web, anything_goes, everyone, own
from tidings.delivery import record
from tidings.delivery import worker as worker_module
from tidings.delivery.channels.contract import Letter, Outgoing, Retry
from tidings.delivery.channels.email.bounces import LARGEST, MOST_RECIPIENTS, Kind, Report, parse
from tidings.delivery.channels.email.message_ids import Mailed, MessageIds
from tidings.delivery.channels.email.statuses import says_no_such_address, status_of
from tidings.delivery.policy import may_email
from tidings.delivery.record import Delivery
from tidings.delivery.reports import Ignored, Suppressed, Unheeded, take
from tidings.errors import InvalidInput, TooMany
from tidings.identity.tokens import issue_service_key
from tidings.inbox import leaving
from tidings.inbox.append import append
from tidings.inbox.catalog import put_event
from tidings.model import Address, Draft, Severity, Suppression
from tidings.storage.engine import Database
from tidings.storage.jobs import JobStatus, Reason
from tidings.storage.store import Store

ID = "<01a21debb246720f9c2ba6c385eff9c5.00000000000040008000000000000002.abf81ef435689b01@acme.example>"
MESSAGE = {"Content-Type": "message/rfc822"}

# --- how it is read ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "status", "said"),
    [
        (reports.postfix(ID), "5.1.1", 'unknown user: "ada"'),
        (reports.exim(ID), "5.1.1", f"550 5.1.1 <{ADA}>: Recipient address rejected: User unknown"),
        (
            reports.exchange(ID),
            "5.1.10",
            "550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found by SMTP address lookup",
        ),
        (
            reports.gmail(ID),
            "5.2.1",
            "550-5.2.1 The email account that you tried to reach is inactive. For more 550-5.2.1 "
            "information, ask whoever runs it. 550 5.2.1 ask 5b1f17b1804b1-4806ee1 - mx",
        ),
        (reports.encoded(ID), "5.1.2", None),
        (b"From MAILER-DAEMON  Mon Mar  2 09:30:01 2026\n" + reports.postfix(ID), "5.1.1", None),
        (reports.postfix(ID, diagnostic="550 5.1.1 no type", status=""), "5.1.1", "550 5.1.1 no type"),
    ],
    ids=["postfix", "exim", "exchange", "gmail", "encoded", "piped", "bare"],
)
def test_a_failure_is_read_in_every_servers_shape(raw: bytes, status: str, said: str | None) -> None:
    (report,) = parse(raw)

    assert (report.kind, report.address, report.status) == (Kind.HARD, ADA, status)
    assert report.message_id == ID
    assert said in (report.diagnostic, None)


def test_a_complaint_is_read_with_the_address_that_it_tells() -> None:
    told = "Original-Rcpt-To: <bob@example.org>\n"
    raws = [reports.complaint(ID), reports.complaint(ID, told=told), reports.complaint(ID, to="redacted")]

    found = [parse(raw) for raw in raws]

    assert [one.kind for (one,) in found] == [Kind.COMPLAINT] * 3
    assert [one.address for (one,) in found] == [ADA, "bob@example.org", None]
    assert {(one.message_id, one.diagnostic, one.status) for (one,) in found} == {(ID, "abuse", None)}


@pytest.mark.parametrize("raw", [reports.complaint(ID, kind="not-spam"), reports.complaint(ID, kind="fraud")])
def test_other_feedback_is_no_complaint(raw: bytes) -> None:
    assert [one.kind for one in parse(raw)] == [Kind.OTHER]


@pytest.mark.parametrize(
    ("code", "action", "kind"),
    [
        ("5.1.1", "failed", Kind.HARD),
        ("5.1.2", "Failed", Kind.HARD),
        ("5.1.3", "failed", Kind.HARD),
        ("5.1.6", "failed", Kind.HARD),
        ("5.1.10 (no mail here)", "failed", Kind.HARD),
        ("5.2.1", "failed", Kind.HARD),
        ("5.1.0", "failed", Kind.SOFT),  # Exchange says so to senders whom it denies
        ("5.1.8", "failed", Kind.SOFT),  # our own address
        ("5.1.11", "failed", Kind.SOFT),
        ("5.2.2", "failed", Kind.SOFT),
        ("5.2.10", "failed", Kind.SOFT),
        ("5.3.0", "failed", Kind.SOFT),
        ("5.4.4", "failed", Kind.SOFT),
        ("5.7.1", "failed", Kind.SOFT),
        ("4.1.1", "failed", Kind.SOFT),
        ("4.4.7", "failed", Kind.SOFT),
        ("5.0.0", "failed", Kind.SOFT),
        ("", "failed", Kind.SOFT),
        ("4.4.1", "delayed", Kind.OTHER),
        ("5.1.1", "delayed", Kind.OTHER),
        ("2.0.0", "delivered", Kind.OTHER),
        ("2.0.0", "relayed", Kind.OTHER),
        ("5.1.1", "", Kind.OTHER),
    ],
)
def test_only_an_address_that_is_no_more_is_a_hard_failure(code: str, action: str, kind: Kind) -> None:
    (report,) = parse(reports.postfix(ID, status=code, action=action))
    assert report.kind is kind


def test_the_status_stands_before_what_the_server_quotes() -> None:
    (report,) = parse(reports.postfix(ID, status="5.7.1", diagnostic="smtp; 550 5.1.1 no such user"))
    assert (report.kind, report.status) == (Kind.SOFT, "5.7.1")


def test_a_status_stands_at_the_beginning_and_is_whole() -> None:
    answers = ["5.1.1 no", "550 5.1.1 no", "550-5.1.1 no", "5.1.1"]
    assert [status_of(one) for one in answers] == ["5.1.1"] * 4
    assert [status_of(one) for one in ("no 5.1.1", "5.1.1000", "5.1", "3.1.1", "")] == [None] * 5
    assert not says_no_such_address(None)


def test_of_a_mail_that_was_forwarded_the_address_is_told_to_which_it_was_sent() -> None:
    (report,) = parse(reports.postfix(ID, "ada@elsewhere.example", original=ADA))
    assert report.address == ADA


def test_each_recipient_is_told_up_to_a_hundred() -> None:
    found = parse(reports.postfix(ID, recipients=MOST_RECIPIENTS))

    assert len({one.address for one in found}) == MOST_RECIPIENTS
    with pytest.raises(TooMany):
        parse(reports.postfix(ID, recipients=MOST_RECIPIENTS + 1))


# --- what nobody should send -------------------------------------------------------------------------------


def _headed(headers: bytes, body: bytes = b"") -> bytes:
    return headers + b"\n\n" + body


def _typed(parameters: bytes) -> bytes:
    return _headed(b"Content-Type: multipart/report" + parameters)


_STATUS = b"--b\nContent-Type: message/delivery-status\n\n"
_OPEN = _typed(b"; boundary=b")

NO_REPORTS = {
    "nothing": b"",
    "a null": b"\0",
    "no message": b"\xff\xfe\x00" * 1000,
    "a mail": _headed(b"From: ada@example.org\nSubject: I am away", b"Until Monday."),
    "headers alone": b"Content-Type: multipart/report; boundary=b",
    "no boundary": _typed(b""),
    "a boundary that is none": _typed(b"; boundary=\xff\0\xed\xa0\x80"),
    "a boundary of no ASCII": _typed(b"; boundary*=utf-8''%f0%9f%92%8c"),
    "a boundary of half a pair": _typed(b"; boundary*=utf-16''%00%d8"),
    "a boundary in no charset": _typed(b"; boundary*=nonsense''b%ff"),
    "a boundary in a charset that fails": _typed(b"; boundary*=undefined''b%ff"),
    "a boundary in a charset of nothing": _typed(b"; boundary*=\0''b"),
    "one part alone": _OPEN + b"--b\n\nnothing\n--b--\n",
    "an endless header": b"Subject: " + b"x" * 1_000_000,
    "endless headers": b"a:b\n" * 500_000,
    "endless parameters": _typed(b";" * 60_000),
    "endless quotes": _typed(b';"' * 30_000),
    "endless parts": _OPEN + b"--b\n\n" * 500_000,
    "parts in parts": b"".join(
        b"Content-Type: multipart/report; boundary=%d\n\n--%d\n" % (n, n) for n in range(20_000)
    ),
    "messages in messages": b"Content-Type: message/rfc822\n\n" * 50_000,
    "comments in comments": _headed(b"Content-Type: " + b"(" * 60_000),
}


@pytest.mark.parametrize("name", NO_REPORTS)
def test_what_is_no_report_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        parse(NO_REPORTS[name])


TOO_LONG = {
    "The message": reports.postfix(ID) + b"x" * LARGEST,
    "Its headers": b"Subject: " + b"x" * 66_000 + b"\n" + reports.postfix(ID),
    "What it tells of recipients": reports.postfix(
        ID, diagnostic="smtp; no\n" + "a:b\n\n" * 90 + "a:b\n" * 75_000
    ),
}


@pytest.mark.parametrize("what", TOO_LONG)
def test_a_report_that_is_too_long_is_refused(what: str) -> None:
    with pytest.raises(InvalidInput, match=rf"^{what} (is|are) longer than \d+ octets\.$"):
        parse(TOO_LONG[what])


REPORTS = {
    "no recipient": (_OPEN + _STATUS + b"Reporting-MTA: dns; x\n\n--b--\n", 0),
    "no fields": (_OPEN + _STATUS + b"\n\n\n--b--\n", 0),
    "no address": (_OPEN + _STATUS + b"Final-Recipient: rfc822;\nAction: failed\n", 1),
    "an address of octets": (_OPEN + _STATUS + b"Final-Recipient: rfc822; \xff\0@\xed\xa0\x80\n", 1),
    "an endless address": (_OPEN + _STATUS + b"Final-Recipient: rfc822; " + b"(" * 50_000 + b"\n", 1),
    "blanks without end": (_OPEN + _STATUS + b"Final-Recipient: x\n" + b" " * 60_000 + b"\n", 1),
    "no base64": (
        _OPEN + _STATUS[:-1] + b"Content-Transfer-Encoding: base64\n\n\xff=!\n--b--\n",
        0,
    ),
    "uuencoded": (_OPEN + _STATUS[:-1] + b"Content-Transfer-Encoding: x-uue\n\nbegin 666 x\n", 0),
    "feedback of nothing": (_OPEN + b"--b\nContent-Type: message/feedback-report\n\n--b--\n", 1),
}


@pytest.mark.parametrize("name", REPORTS)
def test_what_is_half_a_report_tells_what_it_can(name: str) -> None:
    raw, recipients = REPORTS[name]
    found = parse(raw)

    assert [one.kind in (Kind.SOFT, Kind.OTHER) for one in found] == [True] * recipients
    assert all(one.message_id is None for one in found)


def test_what_is_told_can_be_shown_and_kept() -> None:
    raw = reports.postfix(ID, diagnostic="smtp; \x00 \x1b[31m Zoë \u202e" + "x" * 5000)
    raw = raw.replace(b"rfc822;ada@", b"rfc822;\xff\x00\xed\xa0\x80@")

    (report,) = parse(raw)

    for text in (report.diagnostic, report.address, report.message_id):
        assert text is not None
        assert text.isprintable()
        text.encode()
        assert len(text) <= 2000


@pytest.fixture(scope="module", params=["postfix", "exchange", "encoded", "complaint"])
def sample(request: pytest.FixtureRequest) -> bytes:
    make: Callable[[str], bytes] = getattr(reports, request.param)
    return make(ID)


@anything_goes
@given(data=st.data())
def test_what_is_made_of_a_report_is_read_or_refused(sample: bytes, data: st.DataObject) -> None:
    raw = bytearray(sample)
    for _ in range(data.draw(st.integers(1, 5))):
        at, length = data.draw(st.integers(0, len(raw))), data.draw(st.integers(0, 60))
        raw[at : at + length] = data.draw(
            st.binary(max_size=20)
            | st.sampled_from(
                [b"\n\n", b"*0*=", b'"', b"=?utf-8?b?", b"--", b"\r", b"utf-16''", b"\xed\xa0\x80"]
            )
        )
    try:
        found = parse(bytes(raw))
    except InvalidInput:
        return
    for report in found:
        assert all(
            text is None or text.isprintable()
            for text in (report.address, report.diagnostic, report.message_id)
        )


@anything_goes
@given(content=st.binary(max_size=300))
def test_octets_are_read_or_refused(content: bytes) -> None:
    head = b"Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n"
    for raw in (content, head + content, b"Content-Type: multipart/report; " + content):
        with suppress(InvalidInput):
            assert all(isinstance(one, Report) for one in parse(raw))


# --- whose it is -------------------------------------------------------------------------------------------


def test_a_message_id_tells_what_was_mailed_to_whom_and_nobody_can_make_one() -> None:
    ids, notification, reader = MessageIds(b"secret"), uuid4(), uuid4()
    made = ids.of(notification, reader, "acme.example")

    assert ids.mailed(made) == ids.mailed(made.strip("<>")) == Mailed(notification, reader)
    assert MessageIds(b"another").mailed(made) is None
    first, second, seal = made.strip("<").partition("@")[0].split(".")
    for forged in (
        f"<{second}.{first}.{seal}@acme.example>",
        f"<{first}.{uuid4().hex}.{seal}@acme.example>",
        f"<{first}.{second}.{'0' * 16}@acme.example>",
        f"<{first}.{second}@acme.example>",
        f"<x{first}.{second}.{seal}@acme.example>",
        "<20260302093001.AAF7A242933@mail.example.org>",
        "",
    ):
        assert ids.mailed(forged) is None


class Post(offices.Post):
    """In the place of a mail server, which knows the addresses."""

    async def prepare(self, store: Store, reader_id: UUID, letter: Letter) -> Outgoing | Reason:
        account = await store.accounts.account(reader_id)
        assert account is not None
        assert account.email is not None
        if not await may_email(store, account.email, critical=letter.critical):
            return Reason.SUPPRESSED
        return Outgoing(address=account.email, host="example.org", content=(reader_id, ""))


class Office:
    """Ada, who is mailed, and what is reported on that."""

    def __init__(self, run: Run, database: Database, clock: MovingClock) -> None:
        self.run, self.database, self.clock = run, database, clock
        self.web, self.post = Web(run, database, clock), Post()
        self.ids = MessageIds(SECRET.encode())
        self.business = self.web.business()
        self.ada = self.web.user(self.business, email=ADA)
        self.web.write(
            lambda store: put_event(
                store,
                "paid",
                topic="billing",
                severity=Severity.INFO,
                channels={"email": True},
                critical=True,
            )
        )

    def mailed(self, to: Address | None = None) -> tuple[UUID, str]:
        """One more mail to Ada: the notification, and the Message-ID."""
        draft = Draft(to=to or own(self.ada), event="paid", title="Paid")
        (id_,) = self.web.write(lambda store: append(store, [draft]))
        self.work()
        return id_, self.ids.of(id_, self.ada, "acme.example")

    def work(self) -> None:
        worker = worker_module.Worker(self.database, leaving, {"email": self.post})
        self.run(worker.work_off())

    def take(self, raw: bytes) -> list[Suppressed | Ignored]:
        async def taken(store: Store) -> list[Suppressed | Ignored]:
            found = await take(store, parse(raw), self.ids)
            return [*found.suppressed, *found.ignored]

        return self.web.write(taken)

    def delivery(self, notification_id: UUID) -> Delivery:
        """Ada's."""
        found = self.web.write(lambda store: record.of_notification(store, notification_id, limit=10))
        (one,) = [one for one in found if one.job.reader_id == self.ada]
        return one

    def suppressed(self, address: str = ADA) -> frozenset[Suppression]:
        return self.web.write(lambda store: store.suppressions.reasons(address))


@pytest.fixture
def office(run: Run, database_url: str, clock: MovingClock) -> Generator[Office]:
    database = Database(database_url, clock=clock, synchronous="NORMAL", channels=("email",))
    yield Office(run, database, clock)
    run(database.dispose())


def test_who_bounced_is_mailed_no_more_and_it_is_on_record(office: Office) -> None:
    id_, message_id = office.mailed()
    sent_at, reported_at = office.clock.at, office.clock.move(minutes=5)

    assert office.take(reports.postfix(message_id)) == [Suppressed(address=ADA, reason=Suppression.BOUNCE)]

    delivery = office.delivery(id_)
    assert (delivery.job.status, delivery.job.reason) == (JobStatus.DEAD, Reason.BOUNCED)
    assert (delivery.job.attempts, delivery.job.finished_at) == (1, sent_at)
    assert [(one.number, one.at, one.answer) for one in delivery.attempts] == [
        (1, sent_at, "taken"),
        (2, reported_at, 'bounced: 5.1.1 unknown user: "ada"'),
    ]
    later, _ = office.mailed()
    assert office.delivery(later).job.reason is Reason.SUPPRESSED


def test_the_same_report_again_is_answered_alike_and_changes_nothing(office: Office) -> None:
    id_, message_id = office.mailed()
    first = office.take(reports.postfix(message_id))
    before = office.delivery(id_)
    office.clock.move(hours=1)

    assert office.take(reports.postfix(message_id)) == first
    assert office.delivery(id_) == before
    assert office.suppressed() == {Suppression.BOUNCE}


def test_what_failed_for_another_reason_is_on_record_and_its_address_stands(office: Office) -> None:
    id_, message_id = office.mailed()
    raw = reports.postfix(message_id, status="5.2.2", diagnostic="smtp; 552 5.2.2 the mailbox is full")

    assert office.take(raw) == [Ignored(address=ADA, reason=Unheeded.ADDRESS_STANDS)]
    delivery = office.delivery(id_)
    assert delivery.job.reason is Reason.BOUNCED
    assert delivery.attempts[-1].answer == "bounced: 5.2.2 552 5.2.2 the mailbox is full"
    assert office.suppressed() == set()


def test_a_delay_says_nothing(office: Office) -> None:
    id_, message_id = office.mailed()
    before = office.delivery(id_)

    raw = reports.postfix(message_id, status="4.4.1", action="delayed")
    assert office.take(raw) == [Ignored(address=ADA, reason=Unheeded.NO_FAILURE)]
    assert office.delivery(id_) == before


@pytest.mark.parametrize(
    "told", [{}, {"to": "redacted"}, {"told": "Original-Rcpt-To: <ada@elsewhere.example>\n"}]
)
def test_a_complaint_is_its_readers_whatever_address_it_tells(office: Office, told: dict[str, str]) -> None:
    id_, message_id = office.mailed()

    taken = office.take(reports.complaint(message_id, **told))

    assert taken == [Suppressed(address=ADA, reason=Suppression.COMPLAINT)]
    assert office.suppressed() == {Suppression.COMPLAINT}
    delivery = office.delivery(id_)
    assert (delivery.job.status, delivery.job.reason) == (JobStatus.COMPLETED, Reason.COMPLAINED)
    assert delivery.attempts[-1].answer == "complained: abuse"


def test_what_everyone_is_told_is_on_record_for_each(office: Office) -> None:
    for to in (office.business, everyone):
        id_, message_id = office.mailed(to)
        office.take(reports.complaint(message_id))
        assert office.delivery(id_).job.reason is Reason.COMPLAINED
        office.web.write(lambda store: store.suppressions.remove(ADA, Suppression.COMPLAINT))


def test_what_nobody_of_us_sent_changes_nothing(office: Office) -> None:
    id_, message_id = office.mailed()
    before, stranger = office.delivery(id_), MessageIds(b"a guess")
    guesses = [
        stranger.of(id_, office.ada, "acme.example"),
        f"<{id_.hex}.{office.ada.hex}@acme.example>",
        message_id.replace(id_.hex, uuid4().hex),
        "<1@acme.example>",
        "",
    ]
    for guess in guesses:
        for raw in (reports.postfix(guess), reports.complaint(guess)):
            assert office.take(raw) == [Ignored(address=ADA, reason=Unheeded.NOT_OURS)]
    assert office.suppressed() == set()
    assert office.delivery(id_) == before


def test_a_report_on_another_address_than_the_readers_changes_nothing(office: Office) -> None:
    bob = office.web.user(email="bob@example.org")
    id_, message_id = office.mailed()
    before = office.delivery(id_)

    for raw in (reports.postfix(message_id, "bob@example.org"), reports.postfix(message_id, "@")):
        (ignored,) = office.take(raw)
        assert isinstance(ignored, Ignored)
        assert ignored.reason is Unheeded.OTHER_ADDRESS
    assert office.suppressed("bob@example.org") == office.suppressed() == set()
    assert office.delivery(id_) == before

    # Whoever has another address by now is not to suffer for the old one; nor is who has none.
    nobody = office.ids.of(id_, uuid4(), "acme.example")
    nowhere = office.ids.of(id_, office.web.user(), "acme.example")
    for message_id in (office.ids.of(id_, bob, "acme.example"), nobody, nowhere):
        assert office.take(reports.postfix(message_id)) == [
            Ignored(address=ADA, reason=Unheeded.OTHER_ADDRESS)
        ]
    assert office.take(reports.complaint(nowhere)) == [Ignored(address=ADA, reason=Unheeded.OTHER_ADDRESS)]


def test_of_several_recipients_each_is_answered(office: Office) -> None:
    _, message_id = office.mailed()
    first, second, third = office.take(reports.postfix(message_id, recipients=3))

    assert first == Suppressed(address=ADA, reason=Suppression.BOUNCE)
    assert [second, third] == [
        Ignored(address=f"no.{number}@many.example", reason=Unheeded.OTHER_ADDRESS) for number in (1, 2)
    ]


def test_what_bounced_is_not_tried_again(office: Office) -> None:
    office.post.answers = [Retry(answer="no answer within 30 seconds")]
    id_, message_id = office.mailed()
    assert office.delivery(id_).job.status is JobStatus.FAILED

    office.take(reports.postfix(message_id, status="5.7.1"))

    job = office.delivery(id_).job
    assert (job.status, job.reason, job.run_at) == (JobStatus.DEAD, Reason.BOUNCED, None)
    assert job.finished_at == office.clock.at


def test_what_is_no_more_on_record_counts_all_the_same(office: Office) -> None:
    id_, message_id = office.mailed()
    office.clock.move(days=31)
    office.run(record.forget(office.database))
    assert office.web.write(lambda store: record.of_notification(store, id_, limit=10)) == []

    office.take(reports.complaint(message_id))
    assert office.suppressed() == {Suppression.COMPLAINT}


# --- over HTTP ---------------------------------------------------------------------------------------------


class Backend:
    """Asks as a product's backend does."""

    def __init__(self, office: Office) -> None:
        self.office = office
        key = office.web.write(lambda store: issue_service_key(store, "backend"))[1]
        self.headers = {"Authorization": f"Bearer {key}", **MESSAGE}

    def post(self, content: bytes, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.office.web.ask("POST", "/v1/bounces", headers=self.headers | named, content=content)


@pytest.fixture
def backend(office: Office) -> Backend:
    return Backend(office)


def test_a_report_is_taken_over_http(office: Office, backend: Backend) -> None:
    id_, message_id = office.mailed()

    answer = backend.post(reports.postfix(message_id, recipients=2))

    assert (answer.status_code, answer.json()) == (
        200,
        {
            "suppressed": [{"address": ADA, "reason": "bounce"}],
            "ignored": [{"address": "no.1@many.example", "reason": "other_address"}],
        },
    )
    path = f"/v1/notifications/{id_}/deliveries"
    (item,) = office.web.ask("GET", path, headers=backend.headers).json()["items"]
    assert (item["status"], item["reason"]) == ("dead", "bounced")
    assert item["attempts"][-1]["answer"].startswith("bounced: 5.1.1")
    assert backend.post(reports.complaint("", to="redacted")).json()["ignored"] == [
        {"address": None, "reason": "not_ours"}
    ]


def test_a_report_with_a_key_is_answered_as_the_first_time(office: Office, backend: Backend) -> None:
    _, message_id = office.mailed()
    first = backend.post(reports.postfix(message_id), Idempotency_Key="1")
    again = backend.post(reports.postfix(message_id), Idempotency_Key="1")
    other = backend.post(reports.exim(message_id), Idempotency_Key="1")

    assert (again.status_code, again.json()) == (200, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    assert other.json()["code"] == "idempotency_mismatch"


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"", "message/rfc822", 422, "invalid_input"),
        (b"Subject: Out of office\n\nUntil Monday.", "message/rfc822", 422, "invalid_input"),
        (reports.postfix(ID, recipients=101), "Message/RFC822; x=y", 422, "too_many"),
        (reports.postfix(ID), "application/json", 415, "unsupported_media_type"),
        (reports.postfix(ID), "", 415, "unsupported_media_type"),
        (b"x" * (LARGEST + 1), "message/rfc822", 413, "body_too_large"),
    ],
)
def test_what_is_no_report_is_a_problem(
    backend: Backend, content: bytes, kind: str, status: int, code: str
) -> None:
    answer = backend.post(content, Content_Type=kind)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_the_document_tells_that_a_message_is_wanted(office: Office) -> None:
    document = office.web.ask("GET", "/docs/native/openapi.json").json()
    operation = document["paths"]["/v1/bounces"]["post"]

    assert list(operation["requestBody"]["content"]) == ["message/rfc822"]
    assert {"200", "401", "413", "415", "422"} <= set(operation["responses"])
