"""Live alerts, scheduled sending, quiet hours, unsubscribing, web push subscriptions; when a token was used.

Revision: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tidings.storage.dialects import Instant, Json

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

alert = sa.Table(
    "alert",
    metadata,
    sa.Column("stream_id", sa.Uuid, primary_key=True),  # the business's
    sa.Column("alert_id", sa.String(255), primary_key=True),  # chosen by the backend
    sa.Column("episode", sa.Uuid, nullable=False),
    sa.Column("kind", sa.String(64), nullable=False),
    sa.Column("severity", sa.SmallInteger, nullable=False),  # its rank
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("body", sa.Text),
    sa.Column("data", Json, nullable=False),
    sa.Column("raised_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
)

scheduled = sa.Table(
    "scheduled",
    metadata,
    sa.Column("stream_id", sa.Uuid, primary_key=True),
    sa.Column("scheduled_id", sa.Uuid, primary_key=True),
    sa.Column("send_at", Instant, nullable=False),
    sa.Column("draft", Json, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("finished_at", Instant),  # appended, refused or called off
    sa.Column("notification_id", sa.Uuid),  # what it became
    sa.Column("refusal", sa.Text),  # why it became nothing
    sa.Index("ix_scheduled_scheduled_id", "scheduled_id"),
    sa.Index(
        "ix_scheduled_due",
        "send_at",
        "scheduled_id",
        postgresql_where=sa.text("finished_at IS NULL"),
        sqlite_where=sa.text("finished_at IS NULL"),
    ),
    sa.Index(
        "ix_scheduled_finished_at",
        "finished_at",
        postgresql_where=sa.text("finished_at IS NOT NULL"),
        sqlite_where=sa.text("finished_at IS NOT NULL"),
    ),
)

alert_dismissal = sa.Table(
    "alert_dismissal",
    metadata,
    sa.Column("reader_id", sa.Uuid, primary_key=True),
    sa.Column("stream_id", sa.Uuid, primary_key=True),
    sa.Column("alert_id", sa.String(255), primary_key=True),
    sa.Column("episode", sa.Uuid, nullable=False),
    sa.Column("op", sa.BigInteger, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("by_filter", sa.Boolean, nullable=False),  # a part of a bulk operation
    sa.Index("ix_alert_dismissal_op", "reader_id", "op"),
)

quiet_hours = sa.Table(
    "quiet_hours",
    metadata,
    sa.Column("reader_id", sa.Uuid, primary_key=True),
    sa.Column("begins", sa.SmallInteger, nullable=False),  # minutes since midnight in the time zone
    sa.Column("ends", sa.SmallInteger, nullable=False),  # not after `begins`: on the next day
    sa.Column("time_zone", sa.String(64), nullable=False),  # of the IANA database
)

suppression = sa.Table(
    "suppression",
    metadata,
    sa.Column("address", sa.String(320), primary_key=True),  # trimmed, lower-cased
    sa.Column("reason", sa.String(32), primary_key=True),  # user_unsubscribe, bounce, complaint
    sa.Column("created_at", Instant, nullable=False),
)

consent = sa.Table(
    "consent",
    metadata,
    sa.Column("consent_id", sa.Uuid, primary_key=True),
    sa.Column("address", sa.String(320), nullable=False),
    sa.Column("user_id", sa.Uuid),  # who had the address then
    sa.Column("granted", sa.Boolean, nullable=False),
    sa.Column("source", sa.String(64), nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Index("ix_consent_address", "address", "at"),
)

push_subscription = sa.Table(
    "push_subscription",
    metadata,
    sa.Column("subscription_id", sa.Uuid, primary_key=True),
    sa.Column("user_id", sa.Uuid, nullable=False),
    sa.Column("endpoint", sa.Text, nullable=False, unique=True),
    sa.Column("p256dh", sa.Text, nullable=False),
    sa.Column("auth", sa.Text, nullable=False),
    sa.Column("user_agent", sa.Text),
    sa.Column("active", sa.Boolean, nullable=False),  # off once its push service says it is gone
    sa.Column("created_at", Instant, nullable=False),
    sa.Index("ix_push_subscription_user_id", "user_id", "created_at"),
)


def upgrade() -> None:
    metadata.create_all(op.get_bind())
    op.add_column("api_token", sa.Column("last_used_at", Instant))
