"""The table: every operation of the protocol is in it or said to be coming; paths and words are the contract's."""

from __future__ import annotations

from pathlib import Path

import folkmoot.surfaces.forum
from folkmoot.surfaces.forum.routes import OPERATIONS, SOCKET_OPERATIONS
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


def test_every_operation_works_or_is_said_to_be_coming() -> None:
    works = {each.name for each in (*OPERATIONS, *SOCKET_OPERATIONS)}
    table, _, coming = README.partition("## Coming")
    listed = {line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| ")} - {"operation"}
    assert listed == works
    announced = set(coming.split("With them come")[0].replace(",", " ").replace(".", " ").split())
    for name in PROTOCOL.split():
        assert (name in works) != (name in announced), name


def test_paths_are_in_the_readme() -> None:
    for each in OPERATIONS:
        assert f"| {each.name} | `{each.method} {each.path.removeprefix('/api/v1')}` |" in README


def test_every_operation_says_what_it_does() -> None:
    for each in (*OPERATIONS, *SOCKET_OPERATIONS):
        assert each.summary.endswith("."), each.name


def test_the_categories() -> None:
    assert len(CATEGORIES) == 26
