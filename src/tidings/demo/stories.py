"""What happens in the demo world: for each topic one event of each severity, and the words it is told in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from tidings.model import Severity

INFO, WARNING, URGENT = Severity.INFO, Severity.WARNING, Severity.URGENT


@dataclass(frozen=True, kw_only=True)
class Story:
    """One event of the catalog; the texts are filled in with `facts`."""

    event: str
    topic: str
    severity: Severity
    title: str
    body: str
    action: str | None = None  # the label of a button

    def told(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Title, body, data and actions of a notification."""
        actions = [{"label": self.action, "url": f"https://app.example/{facts['reference']}"}]
        return {
            "title": self.title.format(**facts),
            "body": self.body.format(**facts),
            "data": {name: facts[name] for name in ("reference", "amount", "currency")},
            "actions": actions if self.action else [],
        }


def _story(event: str, severity: Severity, title: str, body: str, action: str | None = None) -> Story:
    topic = event.partition(".")[0]
    return Story(event=event, topic=topic, severity=severity, title=title, body=body, action=action)


STORIES = (
    _story(
        "anomaly.explained",
        INFO,
        "Fuel spend is back to normal",
        "Last week's fuel card charges of {amount} {currency} match the {route} runs again.",
    ),
    _story(
        "anomaly.duplicate_payment",
        WARNING,
        "Possible duplicate payment to {vendor}",
        "Two payments of {amount} {currency} left within a day, both naming {reference}.",
        "Compare them",
    ),
    _story(
        "anomaly.unusual_outflow",
        URGENT,
        "Unusual outflow of {amount} {currency}",
        "A transfer to {vendor}, a payee nobody has approved, is four times the monthly average.",
        "Review the transfer",
    ),
    _story(
        "billing.invoice_paid",
        INFO,
        "{customer} paid {reference}",
        "{amount} {currency} arrived and was matched to the invoice.",
    ),
    _story(
        "billing.invoice_overdue",
        WARNING,
        "{reference} is 14 days overdue",
        "{customer} owes {amount} {currency}. The second reminder went out this morning.",
        "Open the invoice",
    ),
    _story(
        "billing.card_declined",
        URGENT,
        "The subscription card was declined",
        "{amount} {currency} could not be charged. The workspace turns read-only in 3 days.",
        "Update the card",
    ),
    _story(
        "ap_approvals.approved",
        INFO,
        "Your bill from {vendor} was approved",
        "{reference} over {amount} {currency} goes out with Friday's payment run.",
    ),
    _story(
        "ap_approvals.requested",
        WARNING,
        "{vendor} awaits your approval",
        "{reference}, {amount} {currency}: carrier charges for {route}, due in 5 days.",
        "Approve or decline",
    ),
    _story(
        "ap_approvals.due_today",
        URGENT,
        "Approve {reference} today to keep the discount",
        "{vendor} grants 2 % on {amount} {currency} until midnight.",
        "Approve now",
    ),
    _story(
        "plaid.connected",
        INFO,
        "Your account at {bank} is connected",
        "Transactions of the last 24 months are being imported.",
    ),
    _story(
        "plaid.login_required",
        WARNING,
        "{bank} asks you to sign in again",
        "No transactions since {day}. It takes a minute.",
        "Reconnect",
    ),
    _story(
        "plaid.revoked",
        URGENT,
        "{bank} has revoked the connection",
        "Cash figures are frozen at {amount} {currency} until another account is linked.",
        "Link an account",
    ),
    _story(
        "month_end.closed",
        INFO,
        "{month} is closed",
        "The books are locked; the statements are in your documents.",
        "Read the statements",
    ),
    _story(
        "month_end.task_open",
        WARNING,
        "{month}: accruals for {vendor} are missing",
        "About {amount} {currency} of carrier costs were delivered and not yet billed.",
        "Post the accrual",
    ),
    _story(
        "month_end.deadline",
        URGENT,
        "{month} closes tomorrow with open tasks",
        "Bank reconciliation and the payroll journal are not signed off.",
        "Open the checklist",
    ),
    _story(
        "ledger.posted",
        INFO,
        "Journal {reference} was posted",
        "{amount} {currency} from clearing to revenue, {month}.",
    ),
    _story(
        "ledger.unbalanced_import",
        WARNING,
        "An imported journal does not balance",
        "{reference} is off by {amount} {currency}; it waits in drafts.",
        "Open the draft",
    ),
    _story(
        "ledger.period_reopened",
        URGENT,
        "{month} was reopened",
        "Entries after the audit sign-off change the filed figures by {amount} {currency}.",
        "See what changed",
    ),
    _story(
        "notes.mentioned",
        INFO,
        "{person} mentioned you on {reference}",
        "“Can you check whether {customer} got the proof of delivery for {route}?”",
        "Reply",
    ),
    _story(
        "notes.question",
        WARNING,
        "{person} asks about {reference}",
        "“Is the {amount} {currency} a deposit or revenue? I need it for the return.”",
        "Answer",
    ),
    _story(
        "notes.blocking",
        URGENT,
        "{person} cannot go on without you",
        "The VAT return of {month} waits for the customs papers of {route}.",
        "Upload the papers",
    ),
    _story(
        "email_ingest.received",
        INFO,
        "A bill from {vendor} came in by mail",
        "Read as {reference}, {amount} {currency}, due in 30 days.",
        "Check it",
    ),
    _story(
        "email_ingest.unreadable",
        WARNING,
        "An attachment of {vendor} could not be read",
        "The scan is too dark. Please type the amount yourself.",
        "Open the scan",
    ),
    _story(
        "email_ingest.changed_details",
        URGENT,
        "{vendor} writes from another address, with another IBAN",
        "{reference} over {amount} {currency} is on hold until somebody has called them.",
        "Verify the vendor",
    ),
    _story(
        "reconciliation.matched",
        INFO,
        "{bank} is reconciled up to {day}",
        "38 transactions matched, none left over.",
    ),
    _story(
        "reconciliation.unmatched",
        WARNING,
        "{amount} {currency} at {bank} match nothing",
        "A payout of the creator programme? {customer} expected a similar sum on {day}.",
        "Match it",
    ),
    _story(
        "reconciliation.balance_differs",
        URGENT,
        "{bank} and the ledger differ by {amount} {currency}",
        "The gap appeared on {day} and grows.",
        "Find the difference",
    ),
    _story(
        "manual.announcement",
        INFO,
        "New: sponsorship payouts in one report",
        "Campaign, agreed rate and received amount side by side, by creator.",
    ),
    _story(
        "manual.reminder",
        WARNING,
        "Please send the receipts for {route}",
        "Tolls and two nights, about {amount} {currency} altogether.",
        "Upload receipts",
    ),
    _story(
        "manual.escalation",
        URGENT,
        "{customer} threatens to withhold payment",
        "The load of {reference} arrived damaged; they want an answer by {day}.",
        "Call them",
    ),
)

_FACTS: Mapping[str, tuple[str, ...]] = {
    "customer": (
        "Alder & Finch Retail",
        "Costa Verde Foods",
        "Brightwater Clinics",
        "Studio Okapi",
        "Hanse Paper",
    ),
    "vendor": (
        "TransAlpin Carriers",
        "Kite Cloud Hosting",
        "Oakline Leasing",
        "Rapid Tyres",
        "Lumen Camera Hire",
    ),
    "person": ("Priya Raman", "Tomas Berg", "Wen Zhao", "Jonas Falk"),
    "bank": ("Harbour Bank", "First Meridian", "Kredit Union Nord"),
    "route": ("Rotterdam to Basel", "Gdańsk to Lyon", "Porto to Turin", "Malmö to Graz"),
    "month": ("September", "October", "November"),
    "day": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday"),
    "currency": ("EUR", "EUR", "USD", "SEK"),
}


def facts(random: Random) -> dict[str, Any]:
    """Something to tell a story with."""
    chosen: dict[str, Any] = {name: random.choice(values) for name, values in _FACTS.items()}
    amount = f"{random.randrange(4_000, 1_900_000) / 100:,.2f}"
    return chosen | {"amount": amount, "reference": f"INV-{random.randrange(10_000, 99_999)}"}
