"""From SoQL text to sqlglot's tree.

SoQL is close to SQL; what differs is changed in the token list before parsing: ``:id`` and ``:*`` are names,
``case(…)`` is a function, ``null last`` stands for ``NULLS LAST``, back-ticks quote names and both kinds of
quotes make texts.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import Token, TokenType, exp, parser, tokens
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError

from airflow_socrata.emulator.soql.errors import malformed


class SoQL(Dialect):
    """The dialect: quoting, and no function that sqlglot would know better than the compiler."""

    NULL_ORDERING = "nulls_are_large"

    class Tokenizer(tokens.Tokenizer):
        """Back-ticks quote names, single and double quotes make texts."""

        IDENTIFIERS = ["`"]  # noqa: RUF012 (sqlglot's way of saying it)
        QUOTES = ["'", '"']  # noqa: RUF012

    class Parser(parser.Parser):
        """Calls stay what they are."""

        FUNCTIONS = {}  # noqa: RUF012
        FUNCTION_PARSERS = {}  # noqa: RUF012


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query and the text it came from, clause by clause."""

    select: tuple[exp.Expression, ...] = (exp.Star(),)
    where: exp.Expression | None = None
    group: tuple[exp.Expression, ...] = ()
    having: exp.Expression | None = None
    order: tuple[exp.Expression, ...] = ()
    limit: int | None = None
    offset: int = 0
    distinct: bool = False
    search: str | None = None
    text: str = ""


_LEADS = {
    "select": "",
    "where": "SELECT * WHERE ",
    "group": "SELECT * GROUP BY ",
    "having": "SELECT * GROUP BY x HAVING ",
    "order": "SELECT * ORDER BY ",
}


def parse_clause(clause: str, text: str) -> exp.Select:
    """Parse one clause.

    :param clause: ``select``, ``where``, ``group``, ``having`` or ``order``.
    :raises PortalError: 400 when the text is not just that clause.
    """
    lead = "SELECT " if clause == "select" else _LEADS[clause]
    tree = parse_query(lead + text, text)
    allowed = {"expressions", clause, "distinct" if clause == "select" else clause}
    allowed |= {"group"} if clause == "having" else set()
    extra = [name for name, value in tree.args.items() if value and name not in allowed]
    if extra:
        raise malformed(text)
    return tree


def parse_query(text: str, shown: str | None = None) -> exp.Select:
    """Parse a whole query.

    :raises PortalError: 400 when it is no SoQL.
    """
    try:
        stream = _soql_tokens(SoQL().tokenize(text))
        trees = SoQL().parser().parse(stream, text)
    except SqlglotError:
        raise malformed(shown or text) from None
    if len(trees) != 1 or not isinstance(trees[0], exp.Select):
        raise malformed(shown or text)
    return trees[0]


def _soql_tokens(stream: list[Token]) -> list[Token]:
    changed: list[Token] = []
    position = 0
    while position < len(stream):
        token = stream[position]
        following = stream[position + 1] if position + 1 < len(stream) else None
        if token.token_type is TokenType.COLON and following is not None:
            if following.token_type is TokenType.STAR:
                changed.append(_named(following, ":*"))
            else:
                changed.append(_named(following, ":" + following.text))
            position += 2
            continue
        if following is not None and _is_function_case(token, following):
            changed.append(Token(TokenType.VAR, "case_of", token.line, token.col, token.start, token.end))
        elif token.token_type is TokenType.NULL and following is not None and _is_end(following):
            changed.append(Token(TokenType.VAR, "NULLS", token.line, token.col, token.start, token.end))
        else:
            changed.append(token)
        position += 1
    return changed


def _named(token: Token, name: str) -> Token:
    return Token(TokenType.IDENTIFIER, name, token.line, token.col, token.start, token.end)


def _is_function_case(token: Token, following: Token) -> bool:
    return token.token_type is TokenType.CASE and following.token_type is TokenType.L_PAREN


def _is_end(token: Token) -> bool:
    return token.text.lower() in {"first", "last"}


def whole_number(text: str, parameter: str) -> int:
    """Return a limit or offset.

    :raises PortalError: 400 when it is no whole number from 0 up.
    """
    if not text.isdigit():
        raise malformed(f"{parameter}={text}")
    return int(text)
