"""Accounts: requests and answers (lemmy §4.1)."""

from __future__ import annotations

from typing import Annotated

import msgspec

from folkmoot.surfaces.forum.schema.views import CommentView, CommunityUserView, PostView, UserView
from folkmoot.surfaces.forum.schema.words import Request, Signed, SortType


class Login(Request):
    username_or_email: str
    password: str


class Register(Request):
    username: str
    password: str
    password_verify: str
    admin: bool
    email: str | None = None
    show_nsfw: bool | None = None


class BanUser(Signed):
    user_id: int
    ban: bool
    reason: str | None = None
    expires: int | None = None


class AddAdmin(Signed):
    user_id: int
    added: bool


class AdminsResponse(msgspec.Struct):
    admins: list[UserView]


class GetUserDetails(Signed):
    sort: SortType
    user_id: int | None = None
    username: str | None = None
    page: int | None = None
    limit: int | None = None
    community_id: int | None = None
    saved_only: bool | None = None


class SaveUserSettings(Signed):
    """What is left out stays as it is (lemmy §9)."""

    show_nsfw: bool
    theme: str
    default_sort_type: Annotated[int, msgspec.Meta(ge=0, le=6)]
    default_listing_type: Annotated[int, msgspec.Meta(ge=0, le=2)]
    lang: str | None = None
    avatar: str | None = None
    email: str | None = None
    matrix_user_id: str | None = None
    new_password: str | None = None
    new_password_verify: str | None = None
    old_password: str | None = None
    show_avatars: bool | None = None
    send_notifications_to_email: bool | None = None


class DeleteAccount(Signed):
    password: str


class PasswordReset(Request):
    email: str


class PasswordChange(Request):
    token: str
    password: str
    password_verify: str


class GetUserDetailsResponse(msgspec.Struct):
    user: UserView
    follows: list[CommunityUserView]
    moderates: list[CommunityUserView]
    comments: list[CommentView]
    posts: list[PostView]
    admins: list[UserView]


class PasswordResetResponse(msgspec.Struct):
    """Nothing: whether the mail arrives is seen there."""


class LoginResponse(msgspec.Struct):
    jwt: str


class BanUserResponse(msgspec.Struct):
    user: UserView
    banned: bool


class UserJoinResponse(msgspec.Struct):
    user_id: int
