"""Reads a statement: recursive descent, one method per level of binding.

From weakest to strongest: or, and, not, comparisons, plus and minus, times and divisions, signs, then `.key` and `[index]`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from folkmoot.errors import Invalid

from .tokens import KEYWORDS, Token, syntax_error, tokenize
from .tree import (
    Alias,
    Among,
    Call,
    Case,
    Const,
    Field,
    Item,
    Items,
    Key,
    Name,
    Node,
    Operation,
    Range,
    Slice,
    Statement,
    Step,
)

LONGEST = 65_536
DEEPEST = 32
#: Words and values; what is longer is no rule but a program.
MOST_TOKENS = 10_000

T = TypeVar("T")
_COMPARISONS = ("=", "!=", "<>", "<", ">", "<=", ">=", "=~")
_EVERYTHING: Alias = ()


def parse(source: str) -> Statement:
    """The statement. Raises Invalid, with line and column."""
    if len(source) > LONGEST:
        raise Invalid("sql.limit", f"A statement has at most {LONGEST} characters.", "sql")
    tokens = tokenize(source)
    if len(tokens) > MOST_TOKENS:
        raise Invalid("sql.limit", f"A statement has at most {MOST_TOKENS} words.", "sql")
    return _Parser(source, tokens).statement()


class _Parser:
    def __init__(self, source: str, tokens: list[Token]) -> None:
        self.source = source
        self.tokens = tokens
        self.at = 0
        self.depth = 0

    # --- words --------------------------------------------------------------------------------------------------------

    @property
    def here(self) -> Token:
        return self.tokens[self.at]

    def sign(self, *texts: str) -> str | None:
        """Takes one of these signs if it comes next."""
        token = self.here
        if token.kind == "sign" and token.text in texts:
            self.at += 1
            return token.text
        return None

    def comes(self, text: str) -> bool:
        """Whether this sign comes next."""
        return self.here.kind == "sign" and self.here.text == text

    def need(self, text: str) -> None:
        if self.sign(text) is None:
            raise self.wrong(f"{text.upper()} is expected")

    def take(self, *kinds: str) -> str | None:
        """Takes a word of one of these kinds if it comes next."""
        token = self.here
        if token.kind in kinds:
            self.at += 1
            return token.text
        return None

    def wrong(self, message: str) -> Invalid:
        return syntax_error(self.source, self.here.at, message)

    def separated(self, one: Callable[[], T]) -> list[T]:
        found = [one()]
        while self.sign(","):
            found.append(one())
        return found

    # --- clauses ------------------------------------------------------------------------------------------------------

    def statement(self) -> Statement:
        each, does, in_case = None, list[Field](), None
        if self.sign("select"):
            fields = self.separated(self.field)
        elif self.sign("foreach"):
            fields = self.separated(self.field)
            each = fields.pop()
            if each.node is None:
                raise self.wrong("FOREACH goes through a list")
            does = self.separated(self.field) if self.sign("do") else []
            in_case = self.expression() if self.sign("incase") else None
        else:
            raise self.wrong("SELECT or FOREACH is expected")
        self.need("from")
        topics = self.separated(self.topic)
        where = self.expression() if self.sign("where") else None
        self.sign(";")
        if self.here.kind != "end":
            raise self.wrong("nothing is expected here")
        return Statement(tuple(topics), tuple(fields), each, tuple(does), in_case, where)

    def topic(self) -> str:
        topic = self.take("quoted", "text")
        if not topic:
            raise self.wrong("a topic in double quotes is expected")
        if self.sign("as"):
            self.name()
        return topic

    def field(self) -> Field:
        if self.sign("*"):
            return Field(None, _EVERYTHING)
        node = self.expression()
        if self.sign("as") or self.here.kind == "name":
            return Field(node, self.alias())
        return Field(node, _own_alias(node), is_own=True)

    def alias(self) -> Alias:
        steps: list[Step] = [self.name()]
        while True:
            if self.sign("."):
                steps.append(self.key())
            elif self.sign("["):
                sign = -1 if self.sign("-") else 1
                number = self.take("number")
                if number is None or not number.isdigit() or len(number) > 9:
                    raise self.wrong("a whole number is expected")
                steps.append(sign * int(number))
                self.need("]")
            else:
                break
            if len(steps) > DEEPEST:
                raise self.wrong("this is nested too deep")
        return tuple(steps)

    def name(self) -> str:
        name = self.take("name", "quoted", "text")
        if name is None:
            raise self.wrong("a name is expected")
        return name

    def key(self) -> str:
        token = self.here
        if token.kind == "sign" and token.text in KEYWORDS:
            # After a dot every word is a key; keywords keep their spelling.
            self.at += 1
            return self.source[token.at : token.at + len(token.text)]
        key = self.take("name", "quoted", "text", "number")
        if key is None:
            raise self.wrong("a key is expected")
        return key

    # --- expressions --------------------------------------------------------------------------------------------------

    def expression(self) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.wrong("this is nested too deep")
        node = self.chain(self.conjunction, "or")
        self.depth -= 1
        return node

    def chain(self, inner: Callable[[], Node], *operators: str) -> Node:
        """Operands bound from the left; a chain is as deep as it is long, so its length is bounded too."""
        node = inner()
        count = 0
        while operator := self.sign(*operators):
            count += 1
            if count > 4 * DEEPEST:
                raise self.wrong("this chain is too long")
            node = Operation(operator, (node, inner()))
        return node

    def conjunction(self) -> Node:
        return self.chain(self.negation, "and")

    def negation(self) -> Node:
        count = 0
        while self.sign("not"):
            count += 1
        node = self.comparison()
        return Operation("not", (node,)) if count % 2 else node

    def comparison(self) -> Node:
        node = self.sum()
        if operator := self.sign(*_COMPARISONS):
            return Operation("!=" if operator == "<>" else operator, (node, self.sum()))
        negated = self.sign("not") is not None
        if negated:
            self.need("in")
        elif not self.sign("in"):
            return node
        self.need("(")
        found: Node = Among(node, tuple(self.separated(self.expression)))
        self.need(")")
        return Operation("not", (found,)) if negated else found

    def sum(self) -> Node:
        return self.chain(self.product, "+", "-")

    def product(self) -> Node:
        return self.chain(self.signed, "*", "/", "div", "mod")

    def signed(self) -> Node:
        is_negative = False
        while sign := self.sign("+", "-"):
            is_negative ^= sign == "-"
        node = self.postfix()
        if not is_negative:
            return node
        if isinstance(node, Const) and isinstance(node.value, int | float):
            return Const(-node.value)
        return Operation("-", (node,))

    def postfix(self) -> Node:
        node = self.primary()
        count = 0
        while True:
            if self.sign("."):
                node = Key(node, self.key())
            elif self.sign("["):
                first = self.expression()
                node = Slice(node, first, self.expression()) if self.sign("..") else Item(node, first)
                self.need("]")
            else:
                return node
            count += 1
            if count > DEEPEST:
                raise self.wrong("this is nested too deep")

    def primary(self) -> Node:
        token = self.here
        self.at += 1
        if token.kind == "name":
            return self.call(token) if self.sign("(") else Name(token.text)
        if token.kind in ("text", "quoted"):
            return Const(token.text)
        if token.kind == "number":
            return Const(_number(self.source, token))
        match token.text if token.kind == "sign" else "":
            case "true" | "false":
                return Const(token.text == "true")
            case "mod" | "not" if self.comes("("):
                self.at += 1
                return self.call(token)
            case "(":
                node = self.expression()
                self.need(")")
                return node
            case "[":
                return self.items()
            case "case":
                return self.case()
        self.at -= 1
        raise self.wrong("a value is expected")

    def call(self, token: Token) -> Node:
        arguments = () if self.comes(")") else tuple(self.separated(self.expression))
        self.need(")")
        return Call(token.text.lower(), arguments)

    def items(self) -> Node:
        if self.sign("]"):
            return Items(())
        first = self.expression()
        if self.sign(".."):
            found: Node = Range(first, self.expression())
        else:
            found = Items((first, *(self.separated(self.expression) if self.sign(",") else ())))
        self.need("]")
        return found

    def case(self) -> Node:
        subject = None if self.comes("when") else self.expression()
        branches = list[tuple[Node, Node]]()
        while self.sign("when"):
            condition = self.expression()
            self.need("then")
            branches.append((condition, self.expression()))
        if not branches:
            raise self.wrong("WHEN is expected")
        otherwise = self.expression() if self.sign("else") else Const(None)
        self.need("end")
        return Case(subject, tuple(branches), otherwise)


def _number(source: str, token: Token) -> int | float:
    if token.text.isdigit():
        if len(token.text) > 300:
            raise syntax_error(source, token.at, "this number is too long")
        return int(token.text)
    return float(token.text)


def _own_alias(node: Node) -> Alias:
    """Where a value goes that has no alias: a path to its own place, anything else under what it is called."""
    match node:
        case Name(name):
            return (name,)
        case Key(of, key):
            return (*_own_alias(of), key)
        case Item(of, _) | Slice(of, _, _):
            return _own_alias(of)
        case Call(name, _):
            return (name,)
        case Const(value):
            return (str(value),)
        case Operation(operator, _):
            return (operator,)
        case Items() | Range():
            return ("list",)
        case Among():
            return ("in",)
    return ("case",)
