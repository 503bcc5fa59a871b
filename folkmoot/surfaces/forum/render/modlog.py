"""What moderators did, as the nine lists show it (lemmy §2.10)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from folkmoot.domain.moderation import ActEntry, Acts
from folkmoot.surfaces.forum import schema
from folkmoot.surfaces.forum.render.times import optional_timestamp, timestamp

# List → the act it shows, its view, and the keys that are not the same for all.
LISTS: dict[str, tuple[Acts, type[msgspec.Struct], Callable[[ActEntry], dict[str, Any]]]] = {
    "removed_posts": (
        Acts.POST_REMOVED,
        schema.ModRemovePostView,
        lambda act: {**_post(act), "reason": act.reason, "removed": act.done},
    ),
    "locked_posts": (Acts.POST_LOCKED, schema.ModLockPostView, lambda act: {**_post(act), "locked": act.done}),
    "stickied_posts": (Acts.POST_STICKIED, schema.ModStickyPostView, lambda act: {**_post(act), "stickied": act.done}),
    "removed_comments": (
        Acts.COMMENT_REMOVED,
        schema.ModRemoveCommentView,
        lambda act: {**_comment(act), "reason": act.reason, "removed": act.done},
    ),
    "removed_communities": (
        Acts.SPACE_REMOVED,
        schema.ModRemoveCommunityView,
        lambda act: {**_community(act), **_timed(act), "removed": act.done},
    ),
    "banned_from_community": (
        Acts.SPACE_BANNED,
        schema.ModBanFromCommunityView,
        lambda act: {**_community(act), **_other(act), **_timed(act), "banned": act.done},
    ),
    "banned": (
        Acts.SITE_BANNED,
        schema.ModBanView,
        lambda act: {**_other(act), **_timed(act), "banned": act.done},
    ),
    "added_to_community": (
        Acts.SPACE_APPOINTED,
        schema.ModAddCommunityView,
        lambda act: {**_community(act), **_other(act), "removed": not act.done},
    ),
    "added": (Acts.SITE_APPOINTED, schema.ModAddView, lambda act: {**_other(act), "removed": not act.done}),
}
#: With a community asked for, these are empty (lemmy §5.9).
OF_THE_SITE = ("removed_communities", "banned", "added")


def mod_act(name: str, act: ActEntry) -> Any:
    """One entry of the list with this name."""
    _, view, keys = LISTS[name]
    return view(
        id=act.id,
        mod_user_id=act.moderator_id,
        mod_user_name=act.moderator_name,
        when_=timestamp(act.acted_at),
        **keys(act),
    )


def _community(act: ActEntry) -> dict[str, Any]:
    return {"community_id": act.space_id, "community_name": act.space_name}


def _post(act: ActEntry) -> dict[str, Any]:
    return {"post_id": act.thread_id, "post_name": act.thread_title, **_community(act)}


def _comment(act: ActEntry) -> dict[str, Any]:
    return {
        "comment_id": act.message_id,
        "comment_user_id": act.message_author_id,
        "comment_user_name": act.message_author_name,
        "comment_content": act.message_body,
        **_post(act),
    }


def _other(act: ActEntry) -> dict[str, Any]:
    return {"other_user_id": act.account_id, "other_user_name": act.account_name}


def _timed(act: ActEntry) -> dict[str, Any]:
    return {"reason": act.reason, "expires": optional_timestamp(act.expires_at)}
