"""The tables that the first schema did not have."""

from alembic import op

from folkmoot.store.schema import broker

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # Leaves the tables alone that are there.
    broker.create_all(op.get_bind(), checkfirst=True)
