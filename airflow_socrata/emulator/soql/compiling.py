"""From sqlglot's tree to the embedded database's SQL, with SoQL's types checked on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from airflow_socrata.emulator.soql import calls
from airflow_socrata.emulator.soql.errors import malformed, query_error
from airflow_socrata.emulator.soql.values import Term, literal_for
from airflow_socrata.emulator.types.names import NUMBERS, TEXTS

if TYPE_CHECKING:
    from airflow_socrata.emulator.ids import RowIds
    from airflow_socrata.emulator.soql.parsing import Query
    from airflow_socrata.emulator.store.model import Copy

SYSTEM_FIELDS = {
    ":id": ("sid", "row_identifier"),
    ":version": ("ver", "row_version"),
    ":created_at": ("created_at", "date"),
    ":updated_at": ("updated_at", "date"),
}

_COMPARE: dict[type[exp.Expression], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.LT: "<",
    exp.LTE: "<=",
}
_ARITHMETIC: dict[type[exp.Expression], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*"}


@dataclass(frozen=True, slots=True)
class Compiled:
    """SQL with its parameters, and name and type of each column of the result."""

    sql: str
    parameters: list[Any]
    fields: list[str]
    kinds: list[str]


@dataclass(slots=True)
class Compiler:
    """Compiles expressions over one copy."""

    copy: Copy
    row_ids: RowIds | None
    system_fields: tuple[str, ...] = (":id", ":version", ":created_at", ":updated_at")
    line: str = ""
    aliases: dict[str, Term] = field(default_factory=dict)
    aggregated: bool = False

    def compile(self, query: Query) -> Compiled:
        """Return the SQL of a query.

        :raises PortalError: 400 with the code that the query coordinator uses.
        """
        self.line = query.text
        chosen = self._selection(query)
        parts = [
            f"SELECT {'DISTINCT ' if query.distinct else ''}" + ", ".join(term.shown for _, term in chosen)
        ]
        parameters = [value for _, term in chosen for value in term.shown_parameters]
        parts.append(f"FROM {self.copy.table}")
        conditions = [self._condition(query.where, "where")] if query.where is not None else []
        if query.search:
            conditions.append(self._search(query.search))
        if conditions:
            parts.append("WHERE " + " AND ".join(f"({term.sql})" for term in conditions))
            parameters += [value for term in conditions for value in term.parameters]
        group = [self.term(each) for each in query.group]
        if group:
            parts.append("GROUP BY " + ", ".join(term.sql for term in group))
            parameters += [value for term in group for value in term.parameters]
        if query.having is not None:
            having = self._condition(query.having, "having")
            parts.append(f"HAVING {having.sql}")
            parameters += having.parameters
        self._check_grouping(query, chosen, group)
        order, order_parameters = self._order(query)
        if order:
            parts.append("ORDER BY " + order)
            parameters += order_parameters
        parts.append(f"LIMIT {-1 if query.limit is None else query.limit} OFFSET {query.offset}")
        return Compiled(
            " ".join(parts), parameters, [name for name, _ in chosen], [t.kind for _, t in chosen]
        )

    def _selection(self, query: Query) -> list[tuple[str, Term]]:
        chosen: list[tuple[str, Term]] = []
        for each in query.select:
            if isinstance(each, exp.Star):
                chosen += [
                    (column.field_name, self._column(column.field_name)) for column in self.copy.columns
                ]
            elif isinstance(each, exp.Column) and each.name == ":*":
                chosen += [(name, self._system(name)) for name in self.system_fields]
            elif isinstance(each, exp.Alias):
                term = self.term(each.this)
                self.aliases[each.alias.lower()] = term
                chosen.append((each.alias.lower(), term))
            else:
                chosen.append((implicit_alias(each), self.term(each)))
                if not isinstance(each, exp.Column):
                    self.aliases.setdefault(*chosen[-1])
        names = [name for name, _ in chosen]
        for name in names:
            if names.count(name) > 1:
                raise query_error("duplicate-alias", f"There is already an alias named {name}", self.line)
        return chosen

    def _check_grouping(self, query: Query, chosen: list[tuple[str, Term]], group: list[Term]) -> None:
        if not group and not self.aggregated:
            return
        keys = {term.sql for term in group}
        for (name, term), each in zip(chosen, query.select, strict=False):
            if isinstance(each, exp.Star) or (
                not term.aggregate and not term.constant and not term.is_literal and term.sql not in keys
            ):
                raise query_error("column-not-in-group-bys", f"Column not in group bys: {name}", self.line)

    def _order(self, query: Query) -> tuple[str, list[Any]]:
        parts, parameters = [], []
        for each in query.order:
            inner = each.this if isinstance(each, exp.Ordered) else each
            term = self.term(inner)
            down = isinstance(each, exp.Ordered) and bool(each.args.get("desc"))
            first = isinstance(each, exp.Ordered) and bool(each.args.get("nulls_first"))
            parts.append(f"{term.sql} {'DESC' if down else 'ASC'} NULLS {'FIRST' if first else 'LAST'}")
            parameters += term.parameters
        return ", ".join(parts), parameters

    def _condition(self, tree: exp.Expression, clause: str) -> Term:
        term = self.term(tree)
        if term.kind not in {"checkbox", "null"}:
            raise query_error(
                f"non-boolean-{clause}", f"{clause} must be boolean, not {term.kind}", self.line
            )
        return term

    def _search(self, words: str) -> Term:
        texts = [column.sql for column in self.copy.columns if column.kind in TEXTS]
        tests, parameters = [], []
        for word in words.split():
            tests.append("(" + (" OR ".join(f"instr(soql_lower({name}), ?)" for name in texts) or "0") + ")")
            parameters += [word.lower()] * len(texts)
        return Term(" AND ".join(tests) or "1", "checkbox", parameters)

    def term(self, tree: exp.Expression) -> Term:
        """Return one expression's SQL and type."""
        if tree.args.get("negate"):
            # Newer parsers note NOT LIKE and the like inside, older ones around.
            plain = tree.copy()
            plain.set("negate", None)
            return self.term(exp.Not(this=plain))
        if isinstance(tree, exp.Paren):
            inner = self.term(tree.this)
            return inner.over(f"({inner.sql})")
        if isinstance(tree, exp.Column):
            return self._name(tree)
        if isinstance(tree, exp.Literal):
            return Term("?", "text" if tree.is_string else "number", [_literal(tree)], literal=tree.this)
        if isinstance(tree, exp.Boolean):
            return Term("1" if tree.this else "0", "checkbox", [], literal=bool(tree.this))
        if isinstance(tree, exp.Null):
            return Term("NULL", "null", [], literal=None, constant=True)
        if type(tree) in _COMPARE:
            return self._compare(tree, _COMPARE[type(tree)])
        if isinstance(tree, exp.And | exp.Or):
            return self._both(tree)
        if isinstance(tree, exp.Not):
            inner = self._boolean(tree.this)
            return inner.over(f"NOT ({inner.sql})")
        if isinstance(tree, exp.Is) and isinstance(tree.expression, exp.Null):
            inner = self.term(tree.this)
            return Term(f"{inner.sql} IS NULL", "checkbox", inner.parameters, aggregate=inner.aggregate)
        return self._operation(tree)

    def _operation(self, tree: exp.Expression) -> Term:
        if isinstance(tree, exp.In):
            return self._in(tree)
        if isinstance(tree, exp.Between):
            low = exp.GTE(this=tree.this, expression=tree.args["low"])
            high = exp.LTE(this=tree.this.copy(), expression=tree.args["high"])
            return self._both(exp.And(this=low, expression=high))
        if isinstance(tree, exp.Like):
            left, right = self._texts(tree.this, tree.expression)
            return Term.joined(f"{left.sql} LIKE {right.sql}", "checkbox", left, right)
        if isinstance(tree, exp.DPipe):
            left, right = self.term(tree.this), self.term(tree.expression)
            return Term.joined(f"({left.text} || {right.text})", "text", left, right)
        if isinstance(tree, exp.Neg):
            inner = self._numeric(tree.this)
            return Term(f"(-{inner.sql})", "number", inner.parameters, aggregate=inner.aggregate)
        if type(tree) in _ARITHMETIC or isinstance(tree, exp.Div | exp.Mod):
            return self._arithmetic(tree)
        if isinstance(tree, exp.Case):
            return calls.searched_case(self, tree)
        if isinstance(tree, exp.Anonymous):
            return calls.call(self, tree)
        if isinstance(tree, exp.Cast):
            return calls.cast(self, tree)
        raise malformed(self.line)

    def _name(self, tree: exp.Column) -> Term:
        name = tree.name
        if name.lower() in self.aliases:
            return self.aliases[name.lower()]
        if name.startswith(":"):
            if name not in SYSTEM_FIELDS:
                raise self.no_column(name, tree)
            return self._system(name)
        if self.copy.column(name.lower()) is None:
            raise self.no_column(name, tree)
        return self._column(name.lower())

    def no_column(self, name: str, tree: exp.Expression) -> Exception:
        """Return the error for a name that the dataset lacks."""
        start = tree.this.meta.get("start") if isinstance(tree.this, exp.Expression) else None
        place = self.line.lower().find(name.lower()) + 1 or (start or 0) + 1
        return query_error(
            "no-such-column",
            f"No such column: {name}",
            self.line,
            place,
            column=name,
            dataset=self.copy.table,
        )

    def _system(self, name: str) -> Term:
        sql, kind = SYSTEM_FIELDS[name]
        return Term(sql, kind, [])

    def _column(self, field_name: str) -> Term:
        column = self.copy.column(field_name)
        if column is None:
            raise query_error("no-such-column", f"No such column: {field_name}", self.line)
        if column.kind in NUMBERS:
            # Numbers are kept as text with their scale; they compare as numbers and are shown as kept.
            return Term(f"CAST({column.sql} AS NUMERIC)", column.kind, [], output=column.sql)
        return Term(column.sql, column.kind, [])

    def _boolean(self, tree: exp.Expression) -> Term:
        term = self.term(tree)
        if term.kind not in {"checkbox", "null"}:
            raise query_error(
                "type-mismatch", f"Cannot pass a value of type {term.kind} to a logical operator", self.line
            )
        return term

    def _numeric(self, tree: exp.Expression) -> Term:
        term = self.term(tree)
        if not (term.is_number or term.kind == "null"):
            raise self.mismatch("arithmetic", term.kind)
        return term

    def _texts(self, *trees: exp.Expression) -> list[Term]:
        terms = [self.term(tree) for tree in trees]
        for term in terms:
            if term.kind not in TEXTS and term.kind != "null":
                raise self.mismatch("like", term.kind)
        return terms

    def mismatch(self, function: str, kind: str) -> Exception:
        """Return the error for an argument of a type that a function does not take."""
        text = f"Cannot pass a value of type `{kind}' to function `{function}'"
        return query_error("type-mismatch", text, self.line, function=function, type=kind)

    def _both(self, tree: exp.Expression) -> Term:
        left, right = self._boolean(tree.this), self._boolean(tree.args["expression"])
        word = "AND" if isinstance(tree, exp.And) else "OR"
        return Term.joined(f"({left.sql} {word} {right.sql})", "checkbox", left, right)

    def _compare(self, tree: exp.Expression, sign: str) -> Term:
        left, right = self.term(tree.this), self.term(tree.args["expression"])
        left, right = self.alike(left, right, sign)
        return Term.joined(f"{left.sql} {sign} {right.sql}", "checkbox", left, right)

    def alike(self, left: Term, right: Term, function: str) -> tuple[Term, Term]:
        """Return both terms so that they can be compared: a literal takes the other's type."""
        if left.is_literal and not right.is_literal:
            right, left = self.alike(right, left, function)
            return left, right
        if right.is_literal:
            taken = literal_for(left.kind, right, self.row_ids)
            if taken is None:
                raise self.mismatch(function, right.kind)
            return left, taken
        if left.family != right.family and "null" not in {left.kind, right.kind}:
            raise self.mismatch(function, right.kind)
        return left, right

    def _in(self, tree: exp.In) -> Term:
        if not tree.expressions:
            raise malformed(self.line)
        left = self.term(tree.this)
        terms = [left]
        for each in tree.expressions:
            terms.append(self.alike(left, self.term(each), "in")[1])
        inside = ", ".join(term.sql for term in terms[1:])
        return Term.joined(f"{left.sql} IN ({inside})", "checkbox", *terms)

    def _arithmetic(self, tree: exp.Expression) -> Term:
        left, right = self._numeric(tree.this), self._numeric(tree.args["expression"])
        kind = "double" if "double" in {left.kind, right.kind} else "number"
        if isinstance(tree, exp.Mod):
            sql = f"soql_mod({left.sql}, {right.sql})"
        elif isinstance(tree, exp.Div):
            sql = f"(CAST({left.sql} AS REAL) / {right.sql})"
        else:
            sql = f"({left.sql} {_ARITHMETIC[type(tree)]} {right.sql})"
        return Term.joined(sql, kind, left, right)


def _literal(tree: exp.Literal) -> str | int | float:
    if tree.is_string:
        return str(tree.this)
    text = str(tree.this)
    return int(text) if text.isdigit() and len(text) < 19 else float(text)


def implicit_alias(tree: exp.Expression) -> str:
    """Return the name that SoQL gives a result column without ``as``: ``count(bbl)`` is ``count_bbl``."""
    words: list[str] = []

    def walk(each: exp.Expression) -> None:
        if isinstance(each, exp.Column):
            words.append(each.name.lower())
        elif isinstance(each, exp.Literal):
            words.append(str(each.this).lower())
        elif isinstance(each, exp.Anonymous):
            words.append(str(each.this).lower())
            for part in each.expressions:
                walk(part)
        else:
            for part in each.iter_expressions():
                walk(part)

    walk(tree)
    if isinstance(tree, exp.Column):
        return words[0]
    name = "_".join("".join(c if c.isalnum() else "_" for c in word).strip("_") for word in words)
    return name or "expr"
