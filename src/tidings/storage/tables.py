"""The tables. What each is keyed by decides where it lives past one database.

stream-keyed   stream lane notification ending change expiry erasure alert scheduled job attempt
reader-keyed   reader line sweep mark operation alert_dismissal
replicated     account business firm membership service_key api_token refresh_token
               event topic preference quiet_hours suppression consent template push_subscription
key of its own idempotency stream_ticket pace
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from tidings.storage.dialects import Instant, Json, Numbers

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

# --- streams -----------------------------------------------------------------------------------------------

# Room in each page for the new version of a row, so that an update need not touch the indexes.
OFTEN_UPDATED: dict[str, Any] = {"postgresql_with": {"fillfactor": 50}}

stream = sa.Table(
    "stream",
    metadata,
    sa.Column("stream_id", sa.Uuid, primary_key=True),  # the id of its user, business or firm
    sa.Column("audience", sa.String(16), nullable=False),
    sa.Column("head", sa.BigInteger, nullable=False),  # the highest seq
    sa.Column("last_at", Instant),  # created_at of the newest
    sa.Column("last_id", sa.Uuid),  # id of the newest
    sa.Column("changes", sa.BigInteger, nullable=False),  # the highest number in `change`
    **OFTEN_UPDATED,
)

lane = sa.Table(
    "lane",
    metadata,
    sa.Column("stream_id", sa.Uuid, primary_key=True),
    sa.Column("lane", sa.Integer, primary_key=True, autoincrement=False),  # model.lane_number
    sa.Column("event", sa.Integer, nullable=False),  # the event's catalog number
    sa.Column("severity", sa.SmallInteger, nullable=False),  # its rank
    sa.Column("head", sa.BigInteger, nullable=False),  # the highest position
    sa.Column("floor", sa.BigInteger, nullable=False),  # up to here retention has removed all
    sa.Column("last_at", Instant, nullable=False),  # created_at of the newest
    sa.Column("ended", sa.BigInteger, nullable=False),  # the highest position of an ending
    **OFTEN_UPDATED,
)

notification = sa.Table(
    "notification",
    metadata,
    sa.Column("stream_id", sa.Uuid, primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("lane", sa.Integer, nullable=False),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("id", sa.Uuid, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("occurred_at", Instant),
    sa.Column("expires_at", Instant),
    sa.Column("collapse_key", sa.Text),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("body", sa.Text),
    sa.Column("data", Json, nullable=False),
    sa.Column("actions", Json, nullable=False),
    sa.UniqueConstraint("stream_id", "lane", "position"),
    sa.Index("ix_notification_feed", "stream_id", "lane", "created_at", "id"),
    sa.Index("ix_notification_id", "id"),
    sa.Index(
        "ix_notification_collapse",
        "stream_id",
        "collapse_key",
        "seq",
        postgresql_where=sa.text("collapse_key IS NOT NULL"),
        sqlite_where=sa.text("collapse_key IS NOT NULL"),
    ),
)

# Gone and resolved ones apart, so that no count touches `notification`.
ending = sa.Table(
    "ending",
    metadata,
    sa.Column("stream_id", sa.Uuid, primary_key=True),
    sa.Column("lane", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("id", sa.Uuid, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("gone_at", Instant),  # withdrawn, or expired and seen to be so by the upkeep
    sa.Column("resolved_at", Instant),
    sa.Column("resolved_by", sa.Uuid),
)

# What became of notifications and alerts after they were there, in the order of commits: for who follows.
change = sa.Table(
    "change",
    metadata,
    sa.Column("stream_id", sa.Uuid, primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),  # 1, 2, 3 … in the stream
    sa.Column("kind", sa.String(16), nullable=False),  # model.ChangeKind
    sa.Column("at", Instant, nullable=False),
    sa.Column("lane", sa.Integer),  # where the notification stands
    sa.Column("position", sa.BigInteger),
    sa.Column("id", sa.Uuid),  # the notification's
    sa.Column("alert_id", sa.String(255)),
    sa.Index("ix_change_at", "at"),
)

# What will expire, until the upkeep turns it into an ending: so that what is yet to expire is never counted.
expiry = sa.Table(
    "expiry",
    metadata,
    sa.Column("stream_id", sa.Uuid, primary_key=True),
    sa.Column("expires_at", Instant, primary_key=True),
    sa.Column("lane", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("id", sa.Uuid, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Index("ix_expiry_expires_at", "expires_at"),
)

# What is to be erased from a user's own stream once its deletion is final.
erasure = sa.Table(
    "erasure",
    metadata,
    sa.Column("stream_id", sa.Uuid, primary_key=True),
    sa.Column("lane", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("first", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("last", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("due_at", Instant, primary_key=True),
    sa.Index("ix_erasure_due_at", "due_at"),
)

# A computed condition of a business, as long as it holds. Each time that it is raised is an episode.
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

# A notification that is to be appended later.
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

# --- readers -----------------------------------------------------------------------------------------------

reader = sa.Table(
    "reader",
    metadata,
    sa.Column("reader_id", sa.Uuid, primary_key=True),  # the user's or the business's id
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("op", sa.BigInteger, nullable=False),  # the last operation's number
    sa.Column("last_at", Instant),  # its time
    sa.Column("raised_at", Instant),  # the last operation that an undo may take back
    sa.Column("sealed", sa.BigInteger, nullable=False),  # no undo up to this operation: a clear-read
    sa.Column("unfolded", sa.BigInteger, nullable=False),  # marks written since the last folding
    sa.Index("ix_reader_unfolded", "unfolded"),
    **OFTEN_UPDATED,
)

# Up to where standing sweeps reach in each lane of a stream, at each level or a higher one, so that
# seen >= read >= dismissed >= deleted. What stands in one place of a row's lists is about one lane.
line = sa.Table(
    "line",
    metadata,
    sa.Column("reader_id", sa.Uuid, primary_key=True),
    sa.Column("stream_id", sa.Uuid, primary_key=True),
    sa.Column("lanes", Numbers, nullable=False),
    sa.Column("floor", Numbers, nullable=False),  # the lane's head when the reader joined
    sa.Column("marked", Numbers, nullable=False),  # the highest position that was marked by its id
    sa.Column("seen", Numbers, nullable=False),
    sa.Column("read", Numbers, nullable=False),
    sa.Column("dismissed", Numbers, nullable=False),
    sa.Column("deleted", Numbers, nullable=False),
    **OFTEN_UPDATED,
)

# One bulk operation's sweeps of the lanes of a stream, listed as the lines are.
sweep = sa.Table(
    "sweep",
    metadata,
    sa.Column("reader_id", sa.Uuid, primary_key=True),
    sa.Column("op", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("stream_id", sa.Uuid, primary_key=True),
    sa.Column("level", sa.SmallInteger, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("newest_at", Instant, nullable=False),  # nothing created later is covered
    sa.Column("lanes", Numbers, nullable=False),
    sa.Column("upto", Numbers, nullable=False),
    # For each lane the lines that were moved, from seen to the level, as they were: so that an undo need not
    # read the other sweeps.
    sa.Column("was", Numbers, nullable=False),
    sa.Index("ix_sweep_newest_at", "reader_id", "stream_id", "newest_at", "op"),
)

_LOWERED_OR_ENDED = "since > 0 OR raised >= 3"

mark = sa.Table(
    "mark",
    metadata,
    sa.Column("reader_id", sa.Uuid, primary_key=True),
    sa.Column("stream_id", sa.Uuid, primary_key=True),
    sa.Column("lane", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("id", sa.Uuid, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    # The base: what the last lowering set, the times it kept, and that lowering's operation.
    sa.Column("base", sa.SmallInteger, nullable=False),
    sa.Column("base_seen_at", Instant),
    sa.Column("base_read_at", Instant),
    sa.Column("base_dismissed_at", Instant),
    sa.Column("since", sa.BigInteger, nullable=False),
    sa.Column("snoozed_until", Instant),
    # The raises by id: at most one a level, with its operation and time.
    sa.Column("seen_op", sa.BigInteger),
    sa.Column("seen_at", Instant),
    sa.Column("read_op", sa.BigInteger),
    sa.Column("read_at", Instant),
    sa.Column("dismissed_op", sa.BigInteger),
    sa.Column("dismissed_at", Instant),
    sa.Column("deleted_op", sa.BigInteger),
    sa.Column("deleted_at", Instant),
    sa.Column("raised", sa.SmallInteger, nullable=False),  # the highest of them, for the index
    sa.Column("pinned_at", Instant),
    sa.Index(
        "ix_mark_exceptions",
        "reader_id",
        "stream_id",
        "lane",
        "position",
        postgresql_where=sa.text(_LOWERED_OR_ENDED),
        sqlite_where=sa.text(_LOWERED_OR_ENDED),
    ),
    sa.Index(
        "ix_mark_pinned",
        "reader_id",
        "created_at",
        "id",
        postgresql_where=sa.text("pinned_at IS NOT NULL"),
        sqlite_where=sa.text("pinned_at IS NOT NULL"),
    ),
)

# What operations did that their sweeps do not say, as long as that can be undone or told. A plain bulk
# operation has no row, for its sweeps are the record.
operation = sa.Table(
    "operation",
    metadata,
    sa.Column("reader_id", sa.Uuid, primary_key=True),
    sa.Column("op", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.String(16), nullable=False),  # model.OperationKind
    sa.Column("level", sa.SmallInteger),  # of a raise by ids, as long as it can be undone
    sa.Column("at", Instant, nullable=False),
    sa.Column("targets", Json, nullable=False),  # [stream, lane, position, id] of each mark, or
    # [business, alert] of each alert
    sa.Index("ix_operation_at", "at"),
)

# Of an episode of an alert, not of the alert: it comes back with the next.
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

# --- accounts ----------------------------------------------------------------------------------------------

account = sa.Table(
    "account",
    metadata,
    sa.Column("user_id", sa.Uuid, primary_key=True),
    sa.Column("email", sa.String(320), unique=True),  # trimmed, lower-cased
    sa.Column("password_hash", sa.Text),
    sa.Column("email_verified", sa.Boolean, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),  # active, suspended, deactivated
    sa.Column("role", sa.String(16), nullable=False),  # member, operator
    sa.Column("company_id", sa.Uuid),  # the business as whose company the user logs in
    sa.Column("time_zone", sa.String(64)),  # of the IANA database
    sa.Column("locale", sa.String(35)),  # in which the user is written to; null: any
    sa.Column("failures", sa.Integer, nullable=False),  # failed logins since failing_since
    sa.Column("failing_since", Instant),
    sa.Column("locked_until", Instant),
    sa.Column("created_at", Instant, nullable=False),
)

business = sa.Table(
    "business",
    metadata,
    sa.Column("business_id", sa.Uuid, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("firm_id", sa.Uuid),  # the firm that serves it
    sa.Column("status", sa.String(16), nullable=False),  # active, deactivated, deleted
    sa.Column("created_at", Instant, nullable=False),
)

firm = sa.Table(
    "firm",
    metadata,
    sa.Column("firm_id", sa.Uuid, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
)

membership = sa.Table(
    "membership",
    metadata,
    sa.Column("user_id", sa.Uuid, primary_key=True),
    sa.Column("stream_id", sa.Uuid, primary_key=True),  # of a business or a firm
    sa.Column("audience", sa.String(16), nullable=False),
    sa.Column("joined_at", Instant, nullable=False),
    sa.Index("ix_membership_stream_id", "stream_id", "user_id"),
)

service_key = sa.Table(
    "service_key",
    metadata,
    sa.Column("key_id", sa.Uuid, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("hash", sa.LargeBinary(32), nullable=False, unique=True),  # SHA-256
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("revoked_at", Instant),
)

api_token = sa.Table(
    "api_token",
    metadata,
    sa.Column("token_id", sa.Uuid, primary_key=True),
    sa.Column("user_id", sa.Uuid, nullable=False, index=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("hash", sa.LargeBinary(32), nullable=False, unique=True),  # SHA-256
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("expires_at", Instant),
    sa.Column("revoked_at", Instant),
    sa.Column("last_used_at", Instant),  # to the minute
)

refresh_token = sa.Table(
    "refresh_token",
    metadata,
    sa.Column("hash", sa.LargeBinary(32), primary_key=True),  # SHA-256
    sa.Column("user_id", sa.Uuid, nullable=False, index=True),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
    sa.Column("used_at", Instant),  # exchanged for its successor
    sa.Column("revoked_at", Instant),
)

# --- catalog -----------------------------------------------------------------------------------------------

topic = sa.Table(
    "topic",
    metadata,
    sa.Column("topic", sa.String(64), primary_key=True),
    sa.Column("rank", sa.Integer, nullable=False),  # the order in which topics are shown
)

event = sa.Table(
    "event",
    metadata,
    sa.Column("event", sa.String(128), primary_key=True),
    sa.Column("number", sa.Integer, nullable=False, unique=True),  # model.lane_number starts from it
    sa.Column("topic", sa.String(64), nullable=False),
    sa.Column("severity", sa.String(16), nullable=False),
    sa.Column("channels", Json, nullable=False),  # channel -> bool, the defaults
    sa.Column("in_app", sa.Boolean, nullable=False),  # the default of the channel that is a view
    sa.Column("critical", sa.Boolean, nullable=False),
    sa.Column("digest", sa.String(16), nullable=False, server_default="at_once"),  # model.Rhythm
    sa.Column("escalate_minutes", sa.Integer),  # null: it leaves the inbox at once
)

preference = sa.Table(
    "preference",
    metadata,
    sa.Column("reader_id", sa.Uuid, primary_key=True),
    sa.Column("subject", sa.String(8), primary_key=True),  # event or topic
    sa.Column("key", sa.String(128), primary_key=True),  # of the event or topic
    sa.Column("channel", sa.String(16), primary_key=True),
    sa.Column("enabled", sa.Boolean, nullable=False),
)

# When only critical events leave the inbox.
quiet_hours = sa.Table(
    "quiet_hours",
    metadata,
    sa.Column("reader_id", sa.Uuid, primary_key=True),
    sa.Column("begins", sa.SmallInteger, nullable=False),  # minutes since midnight in the time zone
    sa.Column("ends", sa.SmallInteger, nullable=False),  # not after `begins`: on the next day
    sa.Column("time_zone", sa.String(64), nullable=False),  # of the IANA database
)

# --- delivery ----------------------------------------------------------------------------------------------

# Addresses to which no e-mail goes.
suppression = sa.Table(
    "suppression",
    metadata,
    sa.Column("address", sa.String(320), primary_key=True),  # trimmed, lower-cased
    sa.Column("reason", sa.String(32), primary_key=True),  # user_unsubscribe, bounce, complaint
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("chosen", Json),  # what its user had chosen by event, which an undo brings back
)

# What somebody said about being written to, and by what means; never changed.
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

# What is to be done so that a notification reaches somebody outside the inbox, and afterwards the record of
# it: a row for each reader and channel, and one that makes these rows where many read the stream.
job = sa.Table(
    "job",
    metadata,
    sa.Column("stream_id", sa.Uuid, primary_key=True),
    sa.Column("notification_id", sa.Uuid, primary_key=True),
    sa.Column("reader_id", sa.Uuid, primary_key=True),  # whom it reaches; of a row for many the stream's id
    sa.Column("channel", sa.String(16), primary_key=True),
    sa.Column("job_id", sa.Uuid, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),  # model.JobStatus
    sa.Column("priority", sa.SmallInteger, nullable=False),  # model.Priority: the least goes first
    # Not before then. To claim one is to put this off by a lease, so that it comes back if its worker dies.
    sa.Column("run_at", Instant),  # null: it is finished
    sa.Column("claims", sa.BigInteger, nullable=False),  # how often it was; the last one alone may write
    sa.Column("attempts", sa.Integer, nullable=False),  # how often it was tried to send it
    sa.Column("reason", sa.String(32)),  # why it is as it is: model.Reason
    sa.Column("reached", sa.BigInteger),  # of many: for how many there are rows; null: it is one reader's
    sa.Column("after", sa.Uuid),  # the last of them
    sa.Column("digest", sa.Uuid),  # the notification_id of the digest that it is, or waits for
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("finished_at", Instant),
    sa.Index("ix_job_job_id", "job_id"),
    sa.Index("ix_job_notification_id", "notification_id"),
    sa.Index(
        "ix_job_due",
        "priority",
        "run_at",
        postgresql_where=sa.text("run_at IS NOT NULL"),
        sqlite_where=sa.text("run_at IS NOT NULL"),
    ),
    sa.Index(
        "ix_job_digest",
        "digest",
        postgresql_where=sa.text("digest IS NOT NULL"),
        sqlite_where=sa.text("digest IS NOT NULL"),
    ),
    sa.Index(
        "ix_job_finished_at",
        "finished_at",
        postgresql_where=sa.text("finished_at IS NOT NULL"),
        sqlite_where=sa.text("finished_at IS NOT NULL"),
    ),
    **OFTEN_UPDATED,
)

# One try to send something, and what came back.
attempt = sa.Table(
    "attempt",
    metadata,
    sa.Column("stream_id", sa.Uuid, primary_key=True),
    sa.Column("job_id", sa.Uuid, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),  # of the claim
    sa.Column("at", Instant, nullable=False),
    sa.Column("milliseconds", sa.Integer, nullable=False),
    sa.Column("answer", sa.Text, nullable=False),  # what the other side said, cut short
)

# When the next one may go: through a channel, and through it to one host ("": all of them).
pace = sa.Table(
    "pace",
    metadata,
    sa.Column("channel", sa.String(16), primary_key=True),
    sa.Column("host", sa.String(255), primary_key=True),
    sa.Column("next_at", Instant, nullable=False),
    **OFTEN_UPDATED,
)

# What mails say, as operators wrote it.
template = sa.Table(
    "template",
    metadata,
    sa.Column("event", sa.String(128), primary_key=True),  # its key; '' for every event
    sa.Column("locale", sa.String(35), primary_key=True),  # in lower case, with hyphens; '' for every locale
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("words", Json, nullable=False),
    sa.Column("layout", sa.Text),  # null: the default one
    sa.Column("html", sa.Text),  # what the layout was compiled to
    sa.Column("updated_at", Instant, nullable=False),
)

# A browser that takes web push.
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

# Opens a stream, once: a browser's EventSource sends no header, and no address should hold a token.
stream_ticket = sa.Table(
    "stream_ticket",
    metadata,
    sa.Column("hash", sa.LargeBinary, primary_key=True),  # SHA-256
    sa.Column("reader_id", sa.Uuid, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),  # the reader's
    sa.Column("expires_at", Instant, nullable=False),
    sa.Index("ix_stream_ticket_expires_at", "expires_at"),
)

# --- sending -----------------------------------------------------------------------------------------------

idempotency = sa.Table(
    "idempotency",
    metadata,
    sa.Column("scope", sa.Uuid, primary_key=True),  # the service key or reader that sent it
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("body_hash", sa.LargeBinary(32), nullable=False),
    sa.Column("answer", Json),
    sa.Column("created_at", Instant, nullable=False, index=True),
)
