"""The table: every operation of the protocol is in it; paths and words are the contract's."""

from __future__ import annotations

from pathlib import Path

import folkmoot.surfaces.forum
from folkmoot.surfaces.forum.routes import OPERATIONS
from folkmoot.surfaces.forum.schema import CATEGORIES

README = (Path(folkmoot.surfaces.forum.__file__).parent / "README.md").read_text()

# lemmy §4.7
PROTOCOL = """
Login Register CreateCommunity CreatePost ListCommunities ListCategories GetPost GetCommunity CreateComment EditComment
SaveComment CreateCommentLike GetPosts CreatePostLike EditPost SavePost EditCommunity FollowCommunity
GetFollowedCommunities GetUserDetails GetReplies GetUserMentions EditUserMention GetModlog BanFromCommunity
AddModToCommunity CreateSite EditSite GetSite AddAdmin BanUser Search MarkAllAsRead SaveUserSettings TransferCommunity
TransferSite DeleteAccount PasswordReset PasswordChange CreatePrivateMessage EditPrivateMessage GetPrivateMessages
UserJoin GetComments GetSiteConfig SaveSiteConfig
"""
# What came with the next versions.
LATER = """
DeletePost RemovePost LockPost StickyPost DeleteComment RemoveComment MarkCommentAsRead DeleteCommunity RemoveCommunity
MarkUserMentionAsRead DeletePrivateMessage MarkPrivateMessageAsRead PostJoin CommunityJoin GetCaptcha
"""


def test_every_operation_of_the_protocol_is_there() -> None:
    works = {each.name for each in OPERATIONS}
    assert works == set(PROTOCOL.split()) | set(LATER.split())
    for heading, names in (("## What works", PROTOCOL), ("## Clients", LATER)):
        table = README.partition(heading)[2].partition("##")[0]
        listed = {line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| ")} - {"operation"}
        assert listed == set(names.split())


def test_paths_are_in_the_readme() -> None:
    for each in OPERATIONS:
        assert f"| {each.name} | `{each.method} {each.path.removeprefix('/api/v1')}` |" in README


def test_every_operation_says_what_it_does() -> None:
    for each in OPERATIONS:
        assert each.summary.endswith("."), each.name


def test_the_categories() -> None:
    assert len(CATEGORIES) == 26
