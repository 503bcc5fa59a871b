"""Rules, what they do, how they fare and how they are tried (contract §2.13)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from folkmoot.surfaces.mqtt.schema.paging import Paged, PageMeta

Sql = Annotated[str, Meta(min_length=1)]


class RuleQuery(Paged):
    enable: bool | None = None
    from_: str | None = field(default=None, name="from")
    like_id: str | None = None
    like_from: str | None = None
    like_description: str | None = None
    match_from: str | None = None
    action: list[str] = []
    source: list[str] = []


class ActionObject(Struct):
    """A function of the rule engine itself; `args` are those of `RepublishArgs` or `PostArgs`."""

    function: Literal["console", "republish", "post"]
    args: dict[str, Any] = {}


class RepublishArgs(Struct):
    topic: str
    qos: int | str = "${qos}"
    retain: bool | str = "${retain}"
    payload: str = "${payload}"
    mqtt_properties: dict[str, str | int] = {}
    user_properties: str = "${user_properties}"
    direct_dispatch: bool | str = False


class PostArgs(Struct):
    """Our own: a post in a space, made by the rule's owner."""

    space: str
    title: str
    body: str = "${payload}"
    account: str | None = None


class RuleWish(Struct):
    sql: Sql
    id: str | None = None
    name: str = ""
    actions: list[str | ActionObject] = []
    enable: bool = True
    description: str = ""
    metadata: dict[str, Any] = {}


class ShownRule(Struct):
    id: str
    name: str
    sql: str
    from_: list[str] = field(name="from")
    actions: list[str | ActionObject]
    enable: bool
    description: str
    created_at: str
    last_modified_at: str
    metadata: dict[str, Any] = {}


class RulePage(Struct):
    data: list[ShownRule]
    meta: PageMeta


RuleFigures = dict[str, float]


class RuleNodeMetrics(Struct):
    node: str
    metrics: RuleFigures


class RuleMetrics(Struct):
    id: str
    metrics: RuleFigures
    node_metrics: list[RuleNodeMetrics]


class RuleTrial(Struct):
    """`context` has `event_type` and columns; those that are missing are filled with samples."""

    sql: Sql
    context: dict[str, Any] = {}


class RuleRun(Struct):
    context: dict[str, Any] = {}
    stop_action_after_template_rendering: bool = True


class Words(Struct):
    """A text in two languages."""

    en: str
    zh: str


class RuleEvent(Struct):
    event: str
    title: Words
    description: Words
    test_columns: dict[str, list[Any]]
    """Column → a sample and what it is."""
    columns: list[str]
    sql_example: str


class RuleEngine(Struct):
    ignore_sys_message: bool = True
    jq_function_default_timeout: str = "10s"
