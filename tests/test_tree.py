"""Guards the tree: who imports whom, how long a file may be, what must be documented."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from folkmoot import events
from folkmoot.config import Config

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "folkmoot"

# Each concept may import those listed before it.
CONCEPTS = (
    *("accounts", "spaces", "subscriptions", "conversations", "outbox", "votes"),
    *("patches", "moderation", "inbox", "campaigns", "broker"),
    *("authentication", "authorization", "monitoring", "bridges", "rules"),
)
SURFACES = ("forum", "lists", "newsletter", "mqtt", "web")
_LEAVES = {"ids", "errors", "events"}
_HOUSE = {"config", "errors", "store", "domain", "net", "events", "ids"}
# What each part of the package may import of the package; a surface also its own files, a concept those before it.
LAW: dict[str, set[str]] = {
    "ids": set(),
    "errors": set(),
    "wire": set(),
    "events": {"ids"},
    "text": {"errors"},
    "config": {"errors"},
    "store": {"errors", "events"},
    "domain": {"ids", "errors", "events", "text", "wire", "store"},
    "net": {"wire", "errors"},
    "delivery": {"domain", "wire", "text", "net", "store", "events", "errors"},
    "house": _HOUSE,
    "surfaces": {"domain", "wire", "text", "net", "store", "house", "config", "events", "errors", "ids"},
}
NEVER = ("utils", "helpers", "common", "core", "base", "misc", "manager", "service")


def sources() -> Iterator[Path]:
    return (path for path in sorted(PACKAGE.rglob("*.py")) if "migrations" not in path.parts)


def imported(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line and dotted parts, below `folkmoot`, of everything of ours that a file imports."""
    tree = ast.parse(path.read_text())
    package = list(path.relative_to(ROOT).with_suffix("").parts)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level] if node.level else []
            module = [*above, *(node.module.split(".") if node.module else [])]
            names = [[*module, alias.name] for alias in node.names]
        else:
            continue
        for name in names:
            if name[0] == "folkmoot" and len(name) > 1:
                yield node.lineno, name[1:]


def breach(path: Path, target: list[str]) -> str | None:
    here = path.relative_to(PACKAGE).with_suffix("").parts
    part, wanted = here[0], target[0]
    if part not in LAW or wanted == "__version__":
        return None
    if part == wanted:
        if part == "domain" and len(here) > 1 and len(target) > 1 and here[1] != target[1]:
            return _concept_breach(here[1], target[1])
        if part == "surfaces" and len(here) > 1 and len(target) > 1 and here[1] != target[1]:
            return "a surface imports another"
        return None
    if wanted not in LAW[part]:
        return f"{part} imports {wanted}"
    if wanted == "domain" and len(target) > 3 and part != "domain":
        return "reaches into a concept's files"
    return None


def _concept_breach(here: str, wanted: str) -> str | None:
    if wanted not in CONCEPTS or here not in CONCEPTS:
        return f"{here} or {wanted} is no concept that the law knows"
    return None if CONCEPTS.index(wanted) < CONCEPTS.index(here) else f"{here} imports {wanted}, which comes after it"


def test_the_import_law_is_kept() -> None:
    breaches = [
        f"{path.relative_to(ROOT)}:{line}: {problem}"
        for path in sources()
        for line, target in imported(path)
        if (problem := breach(path, target))
    ]
    assert not breaches, "\n".join(breaches)


@pytest.mark.parametrize(
    ("file", "target", "broken"),
    [
        ("surfaces/forum/handlers.py", "surfaces.lists.render", True),
        ("surfaces/forum/handlers.py", "delivery.mail", True),
        ("surfaces/forum/handlers.py", "domain.accounts", False),
        ("surfaces/forum/handlers.py", "domain.accounts.queries.find_account", True),
        ("domain/accounts/actions.py", "domain.spaces", True),
        ("domain/votes/actions.py", "domain.conversations", False),
        ("domain/votes/actions.py", "net.http", True),
        ("wire/mqtt/codec.py", "errors", True),
        ("text/mail/message.py", "store", True),
        ("app/mail.py", "delivery.mail", False),
        ("surfaces/mqtt/stream.py", "app.broker", True),
    ],
)
def test_the_law_would_notice(file: str, target: str, broken: bool) -> None:
    assert bool(breach(PACKAGE / file, target.split("."))) is broken


def test_inside_a_concept_imports_go_from_actions_to_queries_to_model() -> None:
    order = {"model": 0, "queries": 1, "actions": 2}
    breaches = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sources()
        for line, target in imported(path)
        if path.stem in order
        and target[:2] == list(path.relative_to(PACKAGE).parts[:2])
        and len(target) > 2
        and order.get(target[2], -1) > order[path.stem]
    ]
    assert not breaches, "\n".join(breaches)


def test_async_stays_at_the_rim() -> None:
    inside = ("domain", "wire", "text", "ids.py", "errors.py", "events.py", "config.py")
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources()
        if path.relative_to(PACKAGE).parts[0] in inside
        for node in ast.walk(ast.parse(path.read_text()))
        # A Protocol may describe what is asynchronous without being it.
        if isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith)
    ]
    assert not found, "\n".join(found)


def test_surfaces_speak_no_sql() -> None:
    sql = re.compile(r"\b(SELECT .* FROM|INSERT INTO|UPDATE \w+ SET|DELETE FROM)\b", re.S)
    found = [
        str(path.relative_to(ROOT))
        for path in (PACKAGE / "surfaces").rglob("*.py")
        if any(
            isinstance(node, ast.Constant) and isinstance(node.value, str) and sql.search(node.value)
            for node in ast.walk(ast.parse(path.read_text()))
        )
    ]
    assert not found


def test_files_are_short_and_say_what_they_are_for() -> None:
    for path in sources():
        text = path.read_text()
        assert text.count("\n") <= 400, f"{path.relative_to(ROOT)} has {text.count(chr(10))} lines; split it"
        assert ast.get_docstring(ast.parse(text)) or not text.strip() or path.name == "__init__.py", (
            f"{path.relative_to(ROOT)} does not say what it is in charge of"
        )


def test_names_say_something() -> None:
    assert not [path for path in sources() if path.stem in NEVER]


def test_every_surface_has_a_readme() -> None:
    for surface in SURFACES:
        assert (PACKAGE / "surfaces" / surface / "README.md").is_file(), surface


def test_every_setting_is_documented() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text()
    missing = [
        f"{section.name}.{key.name}"
        for section in msgspec.structs.fields(Config)
        for key in msgspec.structs.fields(section.type)
        if f"`{section.name}.{key.name}`" not in text
    ]
    assert not missing


def test_every_event_is_documented() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    assert not [kind for kind in events.kinds() if f"`{kind}`" not in text]


def test_every_command_is_documented() -> None:
    import click

    from folkmoot.commands import _folkmoot

    text = (ROOT / "README.md").read_text()
    context = click.Context(_folkmoot)
    for name in _folkmoot.list_commands(context):
        assert f"folkmoot {name}" in text, name


def test_nothing_outside_is_named() -> None:
    """Pages and styles that we serve ask no other host for anything."""
    outside = re.compile(r"""(?:src|href|url)\s*[=(]\s*["']?https?://""")
    served = [p for p in (PACKAGE / "surfaces").rglob("*") if p.suffix in (".html", ".css", ".js", ".svg")]
    assert served
    assert not [str(path) for path in served if outside.search(path.read_text())]
