"""Taking a QoS 2 publish as a post only once, though the broker's memory and the post are committed apart.

A client that hears nothing sends its message again and says so. If the server was killed after the post was committed and before
the packet identifier was, only what is noted here, with the post, tells that it is there already.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from folkmoot.store import Transaction

from .model import Receipt
from .queries import key

#: How long a client may take to send something again.
_LASTS = timedelta(days=7)


def is_new_post(tx: Transaction, account_id: int, receipt: Receipt, content: str, now: datetime) -> bool:
    """Whether this is to be posted; False for what says it was sent before and was posted then. Notes it if so."""
    names = {"account": account_id, "client": key(receipt.client_id), "packet": receipt.packet_id}
    content_key = key(content)
    if receipt.is_repeated:
        where = "account_id = :account AND client_key = :client AND packet_id = :packet"
        known = tx.value(f"SELECT content_key FROM mqtt_posts WHERE {where}", **names)
        if known is not None and bytes(known) == content_key:
            return False
    tx.run("DELETE FROM mqtt_posts WHERE taken_at < :oldest", oldest=now - _LASTS)
    tx.run(
        "INSERT INTO mqtt_posts (account_id, client_key, packet_id, content_key, taken_at)"
        " VALUES (:account, :client, :packet, :content, :now) ON CONFLICT (account_id, client_key, packet_id)"
        " DO UPDATE SET content_key = excluded.content_key, taken_at = excluded.taken_at",
        content=content_key,
        now=now,
        **names,
    )
    return True
