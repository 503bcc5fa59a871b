"""Makes functions of expressions: each takes a scope and returns the value. Done once per statement."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from folkmoot.errors import Invalid

from . import functions, values
from .scope import Scope
from .tree import Among, Call, Case, Const, Item, Items, Key, Name, Node, Operation, Range, Slice
from .values import ITEMS_MAX, before, bounded, integer, is_number, number, same, text, too_large, truth, wrong

Evaluate = Callable[[Scope], Any]


def compile_node(node: Node) -> Evaluate:
    """The expression as a function. Raises Invalid for a function that is unknown or has too few or many arguments."""
    match node:
        case Const(value):
            return lambda scope: value
        case Name(name):
            return lambda scope: scope.name(name)
        case Key(of, key):
            return _key(compile_node(of), key)
        case Item(of, index):
            inner, place = compile_node(of), compile_node(index)
            return lambda scope: values.item(_list(inner(scope), scope), place(scope))
        case Slice(of, first, last):
            inner, begin, end = compile_node(of), compile_node(first), compile_node(last)
            return lambda scope: values.part(_list(inner(scope), scope), begin(scope), end(scope))
        case Items(items):
            evaluates = [compile_node(each) for each in items]
            return lambda scope: [evaluate(scope) for evaluate in evaluates]
        case Range(first, last):
            begin, end = compile_node(first), compile_node(last)
            return lambda scope: _range(begin(scope), end(scope), scope)
        case Call(name, arguments):
            return _call(name, arguments)
        case Among(of, choices):
            inner, found = compile_node(of), [compile_node(each) for each in choices]
            return lambda scope: _among(inner(scope), found, scope)
        case Case(subject, branches, otherwise):
            return _case(subject, branches, otherwise)
        case Operation(operator, operands):
            return _operation(operator, operands)


def _key(inner: Evaluate, key: str) -> Evaluate:
    def evaluate(scope: Scope) -> Any:
        return values.get(inner(scope), key, scope.decode)

    return evaluate


def _list(value: Any, scope: Scope) -> Any:
    """Text that is looked into is read as JSON."""
    if not isinstance(value, str | bytes):
        return value
    try:
        return scope.decode(value)
    except Invalid:
        return None


def _range(first: Any, last: Any, scope: Scope) -> list[int]:
    begin, end = integer(first), integer(last)
    if end - begin >= ITEMS_MAX:
        raise too_large("A range")
    scope.spend(max(0, end - begin) >> 3)
    return list(range(begin, end + 1))


def _call(name: str, arguments: tuple[Node, ...]) -> Evaluate:
    function = functions.find(name, len(arguments))
    found = [compile_node(each) for each in arguments]
    run, with_scope, shift, is_shallow = function.run, function.with_scope, function.shift, function.is_shallow

    def evaluate(scope: Scope) -> Any:
        given = [argument(scope) for argument in found]
        work = 1
        for each in given:
            if isinstance(each, str | bytes):
                work += len(each) >> shift
            elif isinstance(each, list | dict):
                work += len(each) >> 3 if is_shallow else values.weigh(each) >> 4
        scope.spend(work)
        result = run(scope, *given) if with_scope else run(*given)
        if isinstance(result, str | bytes):
            scope.spend(len(result) >> 6)
        elif isinstance(result, list | dict):
            scope.spend(len(result) >> 3)
        return result

    return evaluate


def _among(value: Any, choices: list[Evaluate], scope: Scope) -> bool:
    scope.spend(len(choices))
    found = [choice(scope) for choice in choices]
    # A single list is what is looked in.
    if len(found) == 1 and isinstance(found[0], list):
        found = found[0]
        scope.spend(len(found))
    return any(same(value, each) for each in found)


def _case(subject: Node | None, branches: tuple[tuple[Node, Node], ...], otherwise: Node) -> Evaluate:
    compared = None if subject is None else compile_node(subject)
    found = [(compile_node(condition), compile_node(result)) for condition, result in branches]
    last = compile_node(otherwise)

    def evaluate(scope: Scope) -> Any:
        value = None if compared is None else compared(scope)
        for condition, result in found:
            given = condition(scope)
            if truth(given) if compared is None else same(value, given):
                return result(scope)
        return last(scope)

    return evaluate


def _operation(operator: str, operands: tuple[Node, ...]) -> Evaluate:
    left = compile_node(operands[0])
    if len(operands) == 1:
        if operator == "not":
            return lambda scope: not truth(left(scope))
        return lambda scope: -number(left(scope))
    right = compile_node(operands[1])
    if operator == "and":
        return lambda scope: truth(left(scope)) and truth(right(scope))
    if operator == "or":
        return lambda scope: truth(left(scope)) or truth(right(scope))
    run = _BINARY[operator]

    def evaluate(scope: Scope) -> Any:
        one, other = left(scope), right(scope)
        work = 1
        if isinstance(one, str | bytes) and isinstance(other, str | bytes):
            work += len(one) + len(other) >> 6
        elif isinstance(one, list | dict) and isinstance(other, list | dict):
            work += values.weigh(one) >> 4
        scope.spend(work)
        return run(one, other)

    return evaluate


def add(left: Any, right: Any) -> Any:
    """The sum of numbers, or two texts as one."""
    if is_number(left) and is_number(right):
        return bounded(left + right)
    if isinstance(left, str | bytes) and isinstance(right, str | bytes):
        return functions.joined([left, right])
    raise wrong(f"{values.shown(left)} and {values.shown(right)} cannot be added.")


def divide(left: Any, right: Any) -> float:
    """The quotient, which is never a whole number's kind."""
    dividend, divisor = number(left), number(right)
    if not divisor:
        raise wrong("Nothing can be divided by zero.")
    try:
        return dividend / divisor
    except OverflowError as error:
        raise too_large("A number") from error


def divide_whole(left: Any, right: Any) -> int:
    """The quotient without its fraction."""
    dividend, divisor = _whole(left), _whole(right)
    if not divisor:
        raise wrong("Nothing can be divided by zero.")
    quotient = abs(dividend) // abs(divisor)
    return quotient if (dividend < 0) == (divisor < 0) else -quotient


def remainder(left: Any, right: Any) -> int:
    """What `divide_whole` leaves; it has the sign of the left value."""
    dividend = _whole(left)
    return dividend - divide_whole(left, right) * _whole(right)


def _whole(value: Any) -> int:
    found = number(value)
    return found if isinstance(found, int) else math.floor(bounded(found))


_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": add,
    "-": lambda left, right: bounded(number(left) - number(right)),
    "*": lambda left, right: bounded(number(left) * number(right)),
    "/": divide,
    "div": divide_whole,
    "mod": remainder,
    "=": same,
    "!=": lambda left, right: not same(left, right),
    "<": before,
    ">": lambda left, right: before(right, left),
    "<=": lambda left, right: before(left, right) or (_comparable(left, right) and same(left, right)),
    ">=": lambda left, right: before(right, left) or (_comparable(left, right) and same(left, right)),
    "=~": lambda left, right: values.topic_matches(text(left), text(right)),
}


def _comparable(left: Any, right: Any) -> bool:
    return all(is_number(each) or isinstance(each, str) for each in (left, right))
