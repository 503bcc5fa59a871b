"""Accounts, communities, posts and comments as the forum shows them; pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from folkmoot.domain.accounts import Profile
from folkmoot.domain.conversations import AnswerView, ThreadView, hot_rank, months_before
from folkmoot.domain.spaces import Community, Site, Standing, Totals
from folkmoot.store import microseconds
from folkmoot.surfaces.forum.render.times import optional_timestamp, stored_timestamp, timestamp
from folkmoot.surfaces.forum.schema import (
    CATEGORIES,
    CategoryView,
    CommentView,
    CommunityUserView,
    CommunityView,
    PostView,
    SiteView,
    UserView,
)
from folkmoot.text.mail import split_reply


@lru_cache(maxsize=1024)
def folded(text: str) -> str:
    """What a mail says, with the quoted tail in a block that clients show closed."""
    visible, tail = split_reply(text)
    return f"{visible.rstrip()}\n\n::: spoiler Quoted text\n{tail.strip()}\n:::" if tail.strip() else text


def content(body: str, origin: str) -> str:
    """The Markdown of a message, whatever door it came through."""
    return folded(body) if origin == "mail" else body


def user(profile: Profile, hostname: str) -> UserView:
    """An account; its address is nobody else's business (lemmy §2.1)."""
    return UserView(
        id=profile.id,
        name=profile.label,
        avatar=profile.avatar,
        email=None,
        matrix_user_id=profile.matrix_user_id,
        fedi_name=hostname,
        admin=profile.is_admin,
        banned=profile.is_banned,
        show_avatars=profile.show_avatars,
        send_notifications_to_email=profile.send_notifications_to_email,
        published=timestamp(profile.created_at),
        number_of_posts=profile.posts,
        post_score=profile.post_score,
        number_of_comments=profile.comments,
        comment_score=profile.comment_score,
    )


def admins(profiles: Sequence[Profile], creator_id: int | None, hostname: str) -> list[UserView]:
    """Administrators, the site's creator first."""
    return [user(each, hostname) for each in sorted(profiles, key=lambda each: each.id != creator_id)]


def site(site: Site, creator: Profile, totals: Totals) -> SiteView:
    """The site with what it counts of itself."""
    return SiteView(
        id=site.id,
        name=site.name,
        description=site.description,
        creator_id=site.creator_id,
        published=timestamp(site.created_at),
        updated=optional_timestamp(site.updated_at),
        enable_downvotes=site.enable_downvotes,
        open_registration=site.open_registration,
        enable_nsfw=site.enable_nsfw,
        creator_name=creator.label,
        creator_avatar=creator.avatar,
        number_of_users=totals.accounts,
        number_of_posts=totals.posts,
        number_of_comments=totals.comments,
        number_of_communities=totals.communities,
    )


def categories() -> list[CategoryView]:
    """All categories, by id."""
    return [CategoryView(id=number, name=name) for number, name in enumerate(CATEGORIES, 1)]


def community(found: Community, viewer_id: int | None, now: datetime) -> CommunityView:
    """A space as a community."""
    return CommunityView(
        id=found.id,
        name=found.name,
        title=found.title,
        description=found.description,
        category_id=found.category_id,
        creator_id=found.owner_id,
        removed=found.removed,
        published=timestamp(found.created_at),
        updated=optional_timestamp(found.updated_at),
        deleted=found.deleted,
        nsfw=found.nsfw,
        creator_name=found.owner_label,
        creator_avatar=found.owner_avatar,
        category_name=CATEGORIES[found.category_id - 1],
        number_of_subscribers=found.followers,
        number_of_posts=found.posts,
        number_of_comments=found.comments,
        hot_rank=hot_rank(found.followers, microseconds(found.created_at), microseconds(now)),
        user_id=viewer_id,
        subscribed=True if found.is_followed else None,
    )


def community_user(standing: Standing) -> CommunityUserView:
    """A follower or a moderator of a community."""
    return CommunityUserView(
        id=standing.id,
        community_id=standing.space_id,
        user_id=standing.account_id,
        published=timestamp(standing.created_at),
        user_name=standing.account_label,
        avatar=standing.account_avatar,
        community_name=standing.space_name,
    )


def posts(threads: Sequence[ThreadView], viewer_id: int | None, now: datetime) -> list[PostView]:
    """Threads as posts."""
    bumped_since = microseconds(months_before(now, 1))
    at = microseconds(now)
    return [_post(each, viewer_id, bumped_since, at) for each in threads]


def post(thread: ThreadView, viewer_id: int | None, now: datetime) -> PostView:
    """A thread as a post."""
    return posts([thread], viewer_id, now)[0]


def _post(thread: ThreadView, viewer_id: int | None, bumped_since: int, now: int) -> PostView:
    # lemmy §5.2: an old post does not come up again because somebody answers.
    active_at = thread.active_at if thread.created_at > bumped_since else thread.created_at
    updated_at = thread.updated_at
    # By position: twenty of these make a page, and names would cost a third more.
    return PostView(
        thread.id,
        thread.title,
        thread.url,
        None if thread.body is None else content(thread.body, thread.origin),
        thread.author_id,
        thread.space_id,
        thread.removed,
        thread.locked,
        stored_timestamp(thread.created_at),
        None if updated_at is None else stored_timestamp(updated_at),
        thread.deleted,
        thread.nsfw,
        thread.stickied,
        thread.preview_title,
        thread.preview_description,
        # A page's own scripts and frames are not shown.
        None,
        thread.preview_image_url,
        thread.author_is_banned,
        thread.author_is_banned_here,
        thread.author_label,
        thread.author_avatar,
        thread.space_name,
        thread.space_removed,
        thread.space_deleted,
        thread.space_nsfw,
        thread.replies,
        thread.score,
        thread.upvotes,
        thread.downvotes,
        hot_rank(thread.score, active_at, now),
        stored_timestamp(active_at),
        viewer_id,
        thread.my_vote,
        True if thread.is_followed else None,
        None,
        True if thread.is_saved else None,
    )


def comment(answer: AnswerView, viewer_id: int | None, now: datetime) -> CommentView:
    """An answer as a comment."""
    score = answer.upvotes - answer.downvotes
    # By position: a thousand of these make a thread.
    return CommentView(
        answer.id,
        answer.author_id,
        answer.thread_id,
        None if answer.parent_id == answer.thread_id else answer.parent_id,
        content(answer.body, answer.origin),
        answer.removed,
        answer.is_read,
        stored_timestamp(answer.created_at),
        None if answer.updated_at is None else stored_timestamp(answer.updated_at),
        answer.deleted,
        answer.space_id,
        answer.space_name,
        answer.author_is_banned,
        answer.author_is_banned_here,
        answer.author_label,
        answer.author_avatar,
        score,
        answer.upvotes,
        answer.downvotes,
        hot_rank(score, answer.created_at, microseconds(now)),
        viewer_id,
        answer.my_vote,
        True if answer.is_followed else None,
        True if answer.is_saved else None,
    )
