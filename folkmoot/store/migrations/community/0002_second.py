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
    # As spaces.relist_space would work it out.
    op.execute(
        "INSERT INTO answers (id, space_id, listed, created_at, score) SELECT m.id, m.space_id,"
        " CASE WHEN f.space_id IS NULL OR s.removed OR s.deleted THEN 0 WHEN f.nsfw THEN"
        " CASE WHEN l.space_id IS NOT NULL AND (l.visibility <> 'PUBLIC' OR (l.nonsubscriber & 1) = 0) THEN 4 ELSE 2 END"
        " WHEN l.space_id IS NOT NULL AND (l.visibility <> 'PUBLIC' OR (l.nonsubscriber & 1) = 0) THEN 3 ELSE 1 END,"
        " m.created_at, c.upvotes - c.downvotes FROM messages m JOIN scores c ON c.message_id = m.id"
        " JOIN spaces s ON s.id = m.space_id LEFT JOIN forum_faces f ON f.space_id = m.space_id"
        " LEFT JOIN list_faces l ON l.space_id = m.space_id WHERE m.id <> m.thread_id ON CONFLICT DO NOTHING"
    )
