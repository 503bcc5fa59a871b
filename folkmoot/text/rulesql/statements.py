"""A statement ready to be run: what it listens to, and what it selects from columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from folkmoot.errors import Invalid

from .compiling import Evaluate, compile_node
from .parser import parse
from .scope import WORK_MAX, Scope, Surroundings
from .tree import Alias, Field
from .values import ITEMS_MAX, put, too_large, truth, weigh

_Field = tuple[Evaluate | None, Alias, bool]


class Select:
    """A compiled statement; see `run`."""

    def __init__(self, source: str) -> None:
        """Raises Invalid for what is no statement, with line and column."""
        try:
            statement = parse(source)
            self._fields = _compiled(statement.fields)
            self._does = _compiled(statement.does)
            self._each = None if statement.each is None else _compiled((statement.each,))[0]
            self._in_case = None if statement.in_case is None else compile_node(statement.in_case)
            self._where = None if statement.where is None else compile_node(statement.where)
        except RecursionError as error:
            raise Invalid("sql.limit", "The statement is nested too deep.", "sql") from error
        self.source = source
        self.topics = statement.topics
        self.is_foreach = statement.each is not None

    def run(
        self, columns: Mapping[str, Any], surroundings: Surroundings, work: int = WORK_MAX
    ) -> list[dict[str, Any]] | None:
        """What is selected: one map, with FOREACH one per item; None when WHERE does not hold.

        Raises Invalid for values that do not fit, and when there is too much to do.
        """
        scope = Scope(columns, surroundings, work)
        try:
            if self._each is None:
                return self._select(scope)
            return self._go_through(scope, self._each)
        except RecursionError as error:
            raise Invalid("sql.limit", "The statement is nested too deep.") from error

    def _select(self, scope: Scope) -> list[dict[str, Any]] | None:
        output = _evaluate(self._fields, scope)
        if self._where is not None and not truth(self._where(scope)):
            return None
        weigh(output)
        return [output]

    def _go_through(self, scope: Scope, each: _Field) -> list[dict[str, Any]] | None:
        _evaluate(self._fields, scope)
        evaluate, alias, is_own = each
        assert evaluate is not None
        found = evaluate(scope)
        if isinstance(found, str | bytes):
            found = scope.decode(found)
        if self._where is not None and not truth(self._where(scope)):
            return None
        if not isinstance(found, list):
            return []
        if len(found) > ITEMS_MAX:
            raise too_large("The list")
        name = "item" if is_own or len(alias) > 1 else str(alias[0])
        outputs = list[dict[str, Any]]()
        before = dict(scope.made)
        for item in found:
            scope.spend(1)
            scope.made = {**before, "item": item, name: item}
            if self._in_case is not None and not truth(self._in_case(scope)):
                continue
            # Without DO an item comes with all there is: everything but its other name.
            whole = {**scope.columns, **before, name: item}
            output = _evaluate(self._does, scope) if self._does else whole
            scope.spend(weigh(output) >> 6)
            outputs.append(output)
        return outputs


def _compiled(fields: tuple[Field, ...]) -> list[_Field]:
    return [(None if each.node is None else compile_node(each.node), each.alias, each.is_own) for each in fields]


def _evaluate(fields: list[_Field], scope: Scope) -> dict[str, Any]:
    """The fields' values; each is seen by those after it."""
    output: dict[str, Any] = {}
    for evaluate, alias, is_own in fields:
        if evaluate is None:
            output.update(scope.columns)
            output.update({name: value for name, value in scope.made.items() if name in output})
            continue
        scope.spend(1)
        value = evaluate(scope)
        first, inner = str(alias[0]), alias[1:]
        if not inner:
            output[first] = scope.made[first] = value
            continue
        output[first] = put(output.get(first), inner, value)
        if not is_own:
            scope.spend(len(scope.text_of(first)) >> 4)
            scope.made[first] = put(scope.name(first), inner, value)
    return output
