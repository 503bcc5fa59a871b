"""What is shown beside a thread's link; whoever fetches pages is elsewhere."""

from __future__ import annotations

from folkmoot.domain.conversations.queries import get_thread
from folkmoot.events import ThreadPreviewed
from folkmoot.store import Transaction
from folkmoot.text.previews import Preview


def keep_preview(tx: Transaction, thread_id: int, url: str, preview: Preview) -> None:
    """Keep the preview of a thread's link in place of any before, unless it has another link by now. Raises NotFound."""
    thread = get_thread(tx, thread_id)
    if thread.url != url:
        return
    tx.run(
        "INSERT INTO link_previews (thread_id, title, description, image_url) VALUES (:id, :title, :description, :image)"
        " ON CONFLICT (thread_id) DO UPDATE SET title = excluded.title, description = excluded.description,"
        " image_url = excluded.image_url",
        id=thread_id,
        title=preview.title,
        description=preview.description,
        image=preview.image_url,
    )
    tx.record(ThreadPreviewed(thread_id, thread.space_id))


def forget_preview(tx: Transaction, thread_id: int) -> None:
    """Forget what was shown beside a thread's link."""
    tx.run("DELETE FROM link_previews WHERE thread_id = :id", id=thread_id)
