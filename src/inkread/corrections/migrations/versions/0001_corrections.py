"""The table of corrections."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the table and the index that lists the doubtful first."""
    op.create_table(
        "corrections",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("content_sha256", sa.String(64), nullable=False),
        sa.Column("person", sa.String(64), nullable=False),
        sa.Column("glyph", sa.LargeBinary, nullable=False),
        sa.Column("picture", sa.LargeBinary),
        sa.Column("read", sa.String(32), nullable=False),
        sa.Column("confidence", sa.Double, nullable=False),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("model_sha256", sa.String(64), nullable=False),
        sa.Column("label", sa.String(32)),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("person", "content_sha256", name="one_per_person_and_content"),
        sqlite_autoincrement=True,  # the id of a deleted one is not used again
    )
    op.create_index("corrections_doubtful", "corrections", ["confidence", "id"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("corrections")
