"""From tokens to a tree: SoQL expressions as transforms write them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from airflow_socrata.emulator.dsmapi.transforms.errors import CompileError
from airflow_socrata.emulator.dsmapi.transforms.lexing import Token, tokenize
from airflow_socrata.emulator.dsmapi.transforms.tree import Call, Column, Literal

if TYPE_CHECKING:
    from airflow_socrata.emulator.dsmapi.transforms.tree import Node

# How deep brackets and powers may be nested, and how deep the tree may become: a chain of so many operators.
_DEEPEST_NESTING = 40
_DEEPEST_TREE = 250
_COMPARISONS = frozenset({"=", "==", "!=", "<>", "<", "<=", ">", ">="})
_WORDS = frozenset({"and", "or", "not", "is", "null", "in", "like", "between", "true", "false"})
_CONSTANTS = {"true": True, "false": False, "null": None}
# From loose to tight, below the comparisons.
_LEVELS = (("||",), ("+", "-"), ("*", "/", "%"))


def parse(expr: str) -> Node:
    """Return the tree of an expression.

    :raises CompileError: it is no expression; the position is where it stops being one.
    """
    tree = _Parser(expr).whole()
    left = [(tree, 1)]
    while left:
        node, depth = left.pop()
        if depth > _DEEPEST_TREE:
            raise CompileError("The expression is nested too deeply", expr, node.place)
        if isinstance(node, Call):
            left += [(each, depth + 1) for each in node.arguments]
    return tree


class _Parser:
    def __init__(self, expr: str) -> None:
        self.expr = expr
        self.tokens = tokenize(expr)
        self.place = 0
        self.depth = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.place]

    def unexpected(self, wanted: str) -> CompileError:
        problem = f"Expected {wanted}, found {self.token.shown}"
        return CompileError(problem, self.expr, self.token.place)

    def take(self, *signs: str) -> Token | None:
        token = self.token
        if token.kind == "sign" and token.text in signs:
            self.place += 1
            return token
        return None

    def word(self, word: str) -> Token | None:
        token = self.token
        if token.kind == "name" and token.text.lower() == word:
            self.place += 1
            return token
        return None

    def need(self, sign: str) -> None:
        if self.take(sign) is None:
            raise self.unexpected(repr(sign))

    def need_word(self, word: str) -> None:
        if self.word(word) is None:
            raise self.unexpected(word)

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > _DEEPEST_NESTING:
            raise CompileError("The expression is nested too deeply", self.expr, self.token.place)

    def whole(self) -> Node:
        tree = self.either()
        if self.token.kind != "end":
            raise self.unexpected("the end of the expression")
        return tree

    def either(self) -> Node:
        self.deeper()
        left = self.both()
        while token := self.word("or"):
            left = Call("or", (left, self.both()), token.place)
        self.depth -= 1
        return left

    def both(self) -> Node:
        left = self.negated()
        while token := self.word("and"):
            left = Call("and", (left, self.negated()), token.place)
        return left

    def negated(self) -> Node:
        turns = []
        while token := self.word("not"):
            turns.append(token)
        tree = self.compared()
        for token in reversed(turns):
            tree = Call("not", (tree,), token.place)
        return tree

    def compared(self) -> Node:
        left = self.level(0)
        while True:
            if token := self.take(*_COMPARISONS):
                left = Call(token.text, (left, self.level(0)), token.place)
            elif token := self.word("is"):
                name = "#IS_NOT_NULL" if self.word("not") else "#IS_NULL"
                self.need_word("null")
                left = Call(name, (left,), token.place)
            else:
                found = self.predicate(left)
                if found is None:
                    return left
                left = found

    def predicate(self, left: Node) -> Node | None:
        start = self.token
        prefix = "#NOT_" if self.word("not") else "#"
        if self.word("in"):
            return Call(prefix + "IN", (left, *self.arguments()), start.place)
        if self.word("like"):
            return Call(prefix + "LIKE", (left, self.level(0)), start.place)
        if self.word("between"):
            low = self.level(0)
            self.need_word("and")
            return Call(prefix + "BETWEEN", (left, low, self.level(0)), start.place)
        if prefix != "#":
            raise self.unexpected("in, like or between")
        return None

    def level(self, number: int) -> Node:
        if number == len(_LEVELS):
            return self.signed()
        left = self.level(number + 1)
        while token := self.take(*_LEVELS[number]):
            left = Call(token.text, (left, self.level(number + 1)), token.place)
        return left

    def signed(self) -> Node:
        signs = []
        while token := self.take("-", "+"):
            signs.append(token)
        tree = self.power()
        for token in reversed(signs):
            if isinstance(tree, Literal) and isinstance(tree.value, Decimal):
                tree = Literal(tree.value.copy_negate() if token.text == "-" else tree.value, token.place)
            else:
                tree = Call(f"unary {token.text}", (tree,), token.place)
        return tree

    def power(self) -> Node:
        base = self.followed()
        token = self.take("^")
        if token is None:
            return base
        self.deeper()
        exponent = self.signed()
        self.depth -= 1
        return Call("^", (base, exponent), token.place)

    def followed(self) -> Node:
        tree = self.single()
        while True:
            if token := self.take("."):
                name = self.token
                if name.kind not in {"name", "quoted"}:
                    raise self.unexpected("the name of a part")
                self.place += 1
                tree = Call("." + name.text.lower(), (tree,), token.place)
            elif token := self.take("::"):
                name = self.token
                if name.kind != "name":
                    raise self.unexpected("a type")
                self.place += 1
                tree = Call("to_" + name.text.lower(), (tree,), token.place)
            else:
                return tree

    def single(self) -> Node:
        token = self.token
        if self.take("("):
            tree = self.either()
            self.need(")")
            return tree
        if token.kind == "number":
            self.place += 1
            return Literal(Decimal(token.text), token.place)
        if token.kind == "text":
            self.place += 1
            return Literal(token.text, token.place)
        if token.kind == "quoted":
            self.place += 1
            return Column(token.text, token.place)
        if token.kind == "name":
            return self.named(token)
        raise self.unexpected("a value")

    def named(self, token: Token) -> Node:
        word = token.text.lower()
        if word in _CONSTANTS:
            self.place += 1
            return Literal(_CONSTANTS[word], token.place)
        if word in _WORDS:
            raise self.unexpected("a value")
        self.place += 1
        following = self.token
        if following.kind == "sign" and following.text == "(":
            return Call(word, self.arguments(), token.place)
        return Column(token.text, token.place)

    def arguments(self) -> tuple[Node, ...]:
        self.need("(")
        if self.take(")"):
            return ()
        found = [self.either()]
        while self.take(","):
            found.append(self.either())
        self.need(")")
        return tuple(found)
