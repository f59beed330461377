"""Reports on mails that were sent: who is written to no more, and what really became of a mail.

A report counts if it is about a mail of ours, which the sealed Message-ID shows, and about the address that
its reader has. Others may be anybody's, and change nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from tidings.delivery.channels.email.bounces import Kind, Report
from tidings.delivery.channels.email.message_ids import Mailed, MessageIds
from tidings.model import EVERYONE, Suppression
from tidings.storage.jobs import Attempt, JobStatus, Reason
from tidings.storage.store import Store


class Unheeded(StrEnum):
    """Why nothing follows from a report."""

    NOT_OURS = "not_ours"  # it names no mail that was sent from here
    OTHER_ADDRESS = "other_address"  # than its reader has now
    ADDRESS_STANDS = "address_stands"  # it did not arrive, for a reason that may pass
    NO_FAILURE = "no_failure"  # a delay, a receipt, or the like


@dataclass(frozen=True, kw_only=True)
class Suppressed:
    """An address to which no mail goes any more."""

    address: str
    reason: Suppression


@dataclass(frozen=True, kw_only=True)
class Ignored:
    """A recipient of whom something was reported from which nothing follows."""

    address: str | None  # as reported; None: it was not told
    reason: Unheeded


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What followed from some reports; the same reports again are answered in the same way."""

    suppressed: Sequence[Suppressed]
    ignored: Sequence[Ignored]


_REASONS = {
    Kind.HARD: (Reason.BOUNCED, JobStatus.DEAD),
    Kind.SOFT: (Reason.BOUNCED, JobStatus.DEAD),
    Kind.COMPLAINT: (Reason.COMPLAINED, JobStatus.COMPLETED),
}
"""What becomes of the job of the mail."""


async def take(store: Store, reports: Sequence[Report], message_ids: MessageIds) -> Taken:
    """Suppress the addresses that are no more, or whose readers complained, and put it on record."""
    outcomes = [await _take(store, report, message_ids) for report in reports]
    return Taken(
        suppressed=[one for one in outcomes if isinstance(one, Suppressed)],
        ignored=[one for one in outcomes if isinstance(one, Ignored)],
    )


async def _take(store: Store, report: Report, message_ids: MessageIds) -> Suppressed | Ignored:
    if report.kind is Kind.OTHER:
        return Ignored(address=report.address, reason=Unheeded.NO_FAILURE)
    mailed = message_ids.mailed(report.message_id or "")
    if mailed is None:
        return Ignored(address=report.address, reason=Unheeded.NOT_OURS)
    account = await store.accounts.account(mailed.reader_id)
    address = account and account.email
    # A complaint is its reader's, whose address it may hide or, where mail is forwarded, not know.
    if address is None or (report.kind is not Kind.COMPLAINT and report.address != address):
        return Ignored(address=report.address, reason=Unheeded.OTHER_ADDRESS)
    await _record(store, mailed, report)  # first, for a worker too locks the job before the address
    if report.kind is Kind.SOFT:
        return Ignored(address=address, reason=Unheeded.ADDRESS_STANDS)
    reason = Suppression.BOUNCE if report.kind is Kind.HARD else Suppression.COMPLAINT
    await store.suppressions.add(address, reason, await store.now())
    return Suppressed(address=address, reason=reason)


async def _record(store: Store, mailed: Mailed, report: Report) -> None:
    """Say at the job what was reported, as long as it is kept; once."""
    memberships = await store.accounts.memberships(mailed.reader_id)
    streams = [mailed.reader_id, EVERYONE, *memberships]
    found = await store.jobs.of_reader(streams, *mailed, "email")
    job = found and await store.jobs.lock(found.id)
    if job is None or job.reason in (Reason.BOUNCED, Reason.COMPLAINED):
        return
    now = await store.now()
    reason, status = _REASONS[report.kind]
    await store.jobs.overwrite(
        replace(job, status=status, reason=reason, run_at=None, finished_at=job.finished_at or now)
    )
    tried = (await store.jobs.attempts([job]))[job.id]
    said = " ".join(filter(None, (report.status, report.diagnostic)))
    attempt = Attempt(
        job_id=job.id,
        number=tried[-1].number + 1 if tried else 1,
        at=now,
        milliseconds=0,
        answer=f"{reason.value}: {said}",
    )
    await store.jobs.record([(job.stream_id, attempt)])
