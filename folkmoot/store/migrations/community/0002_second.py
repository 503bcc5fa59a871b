"""The tables that the first schema did not have."""

from alembic import op

from folkmoot.store.schema import community

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # Leaves the tables alone that are there.
    community.create_all(op.get_bind(), checkfirst=True)
    # What was answered before anybody kept account of it counts as read.
    op.execute(
        "INSERT INTO replies (message_id, recipient_id, read) SELECT m.id, q.author_id, TRUE FROM messages m"
        " JOIN messages q ON q.id = m.parent_id WHERE q.author_id <> m.author_id ON CONFLICT DO NOTHING"
    )
