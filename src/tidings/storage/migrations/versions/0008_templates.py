"""What operators write for mails, and the locale in which a user is written to.

Revision: 0008
Revises: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tidings.storage.dialects import Instant, Json

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("account", sa.Column("locale", sa.String(35)))
    op.create_table(
        "template",
        sa.Column("event", sa.String(128), nullable=False),
        sa.Column("locale", sa.String(35), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("words", Json, nullable=False),
        sa.Column("layout", sa.Text),
        sa.Column("html", sa.Text),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("event", "locale", name="pk_template"),
    )
