"""What holds in the demo world just now: its live alerts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tidings.demo.people import BAKERY, FREIGHT, Organisation
from tidings.model import Severity


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One live alert."""

    business: Organisation
    id: str
    kind: str
    severity: Severity
    title: str
    body: str
    data: Mapping[str, str] = field(default_factory=dict[str, str])


CONDITIONS = (
    Condition(
        business=FREIGHT,
        id="auction-NW-2041",
        kind="unsigned_auction",
        severity=Severity.WARNING,
        title="NW-2041 is won, and not signed",
        body="Rotterdam to Basel, 22 t of paper. The carrier keeps the lorry until Friday noon.",
        data={"service_code": "NW-2041"},
    ),
    Condition(
        business=FREIGHT,
        id="signature",
        kind="missing_signature",
        severity=Severity.INFO,
        title="Your signature is not on file",
        body="Upload it once, and auctions can be signed with one click.",
    ),
    Condition(
        business=BAKERY,
        id="low-cash",
        kind="low_cash",
        severity=Severity.URGENT,
        title="Friday's payroll is not covered",
        body="Harbour Bank holds 6,120.00 EUR; wages and flour come to 8,400.00 EUR.",
    ),
)
