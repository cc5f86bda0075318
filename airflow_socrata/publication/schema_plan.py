"""The schema plan: what would change in a dataset's columns, in an order that the portal takes.

Columns are dropped before others are added, as a column of another type takes the field name of the one
before it; the row identifier is let go of before its column is dropped, and set when its column is there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow_socrata.client.column_definitions import (
    IDENTIFIER_TYPES,
    ColumnDefinition,
    canonical_type,
    nearest,
)
from airflow_socrata.publication.schema_change import EDITS
from airflow_socrata.publication.schema_steps import Action, SchemaPlan, SchemaRefused, Step

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_socrata.client import Column, View
    from airflow_socrata.publication.schema_change import SchemaChange


@dataclass(frozen=True, slots=True)
class Former:
    """What a draft was before: an earlier try may have dropped a column and not added it anew.

    :param columns: the published columns by field name.
    :param row_identifier: field name of the row identifier before this change, or None.
    """

    columns: Mapping[str, Column]
    row_identifier: str | None


def plan_of(view: View, wanted: SchemaChange, former: Former | None = None) -> SchemaPlan:
    """Compare a view's columns with the wanted ones.

    :param former: None: the view was never published, or is what the public sees.
    :raises SchemaRefused: a column does not exist or is in the way, or values would be lost that were not
        given up.
    """
    plan = _Plan(view, wanted, former)
    if wanted.columns is not None:
        plan.whole(wanted.columns)
    else:
        plan.single()
    return plan.finished()


class _Plan:
    """A plan in the making."""

    def __init__(self, view: View, wanted: SchemaChange, former: Former | None) -> None:
        self._view, self._wanted = view, wanted
        self._is_alone = former is None
        self._former = former or Former({}, view.row_identifier)
        self._standing = {c.field_name: c for c in view.columns if not c.field_name.startswith(":")}
        self._steps: dict[Action, list[Step]] = {action: [] for action in Action}
        self._renamed: dict[str, str] = {}

    # --- what is wanted ---

    def whole(self, columns: Sequence[ColumnDefinition]) -> None:
        """Plan for a whole schema."""
        for column in columns:
            self._want(column)
        named = {column.field_name for column in columns}
        others = [name for name in self._standing if name not in named]
        if others and self._wanted.others == "refuse":
            raise SchemaRefused(
                f"{self._view.id} has columns that the wanted schema lacks: {', '.join(others)}. Pass"
                " others='keep' to leave them, or others='drop' to drop them with their values."
            )
        if self._wanted.others == "drop":
            for name in others:
                self._drop(self._standing[name])

    def single(self) -> None:
        """Plan for single changes."""
        for name in self._wanted.drop:
            if name in self._standing:
                self._drop(self._standing[name])
        for name, edit in self._wanted.change.items():
            self._edit(name, edit)
        for column in self._wanted.add:
            self._want(column)

    @property
    def dropped(self) -> set[str]:
        """The columns that are dropped for good or for another type."""
        return {step.column for step in self._steps[Action.DROP]}

    # --- columns ---

    def _want(self, column: ColumnDefinition) -> None:
        standing = self._standing.get(column.field_name)
        if standing is None:
            self._add(self._like_former(column))
            return
        guessed = self._wanted.guessed
        if _kind(standing) != column.data_type and (self._wanted.allow_type_change or not guessed):
            self._retype(standing, self._like_former(replace(column, name="") if guessed else column))
            return
        if guessed:
            return
        told = {"name": column.name, "description": column.description, "format": column.format}
        self._change(standing, {key: value for key, value in told.items() if value})

    def _edit(self, name: str, edit: Mapping[str, Any]) -> None:
        new_name = str(edit.get("field_name", name))
        standing = self._standing.get(name) or self._standing.get(new_name)  # renamed by an earlier try
        if standing is None:
            if "data_type" not in edit or name not in self._former.columns:
                raise SchemaRefused(
                    f"{self._view.id} has no column {name!r} to change{nearest(name, self._standing)}"
                )
            self._add(self._edited(name, edit))  # dropped by an earlier try
            return
        if standing.field_name != new_name:
            if new_name in self._standing:
                raise SchemaRefused(
                    f"{self._view.id}: column {name!r} cannot be renamed to {new_name!r}, which is there"
                    " already"
                )
            self._renamed[name] = new_name
        if edit.get("data_type", _kind(standing)) != _kind(standing):
            if self._is_alone:
                raise SchemaRefused(
                    f"{self._view.id} was never published: give the whole column {name!r} as add=[...], with"
                    " its new type and allow_type_change=True, instead of a change of its type."
                )
            self._retype(standing, self._edited(name, edit))
            return
        self._change(standing, {key: value for key, value in edit.items() if key != "data_type"})

    def _edited(self, name: str, edit: Mapping[str, Any]) -> ColumnDefinition:
        """Return the column that takes the place of one of another type."""
        new = ColumnDefinition(
            str(edit.get("field_name", name)),
            edit["data_type"],
            str(edit.get("name") or ""),
            str(edit.get("description") or ""),
            _merged({}, edit.get("format") or {}),
        )
        return self._like_former(new, name)

    def _like_former(self, column: ColumnDefinition, name: str | None = None) -> ColumnDefinition:
        """Return a column with the name, description and place of the published one that it replaces."""
        was = self._former.columns.get(name or column.field_name)
        if was is None:
            return column
        return replace(
            column,
            name=column.name or was.name,
            description=column.description or was.description,
            position=column.position or was.position,
        )

    def _change(self, standing: Column, told: Mapping[str, Any]) -> None:
        changes: dict[str, Any] = {}
        now, wanted = [], []
        for key, value in told.items():
            was = getattr(standing, key)
            new = _merged(was, value or {}) if key == "format" else str(value or "").strip()
            if (was.strip() if isinstance(was, str) else dict(was)) == new:
                continue
            changes[EDITS[key]] = new
            now.append(f"{key}: {_shown(was)}")
            wanted.append(f"{key}: {_shown(new)}")
        if changes:
            self._step(
                Action.CHANGE,
                standing.field_name,
                "; ".join(now),
                "; ".join(wanted),
                standing=standing,
                changes=changes,
            )

    def _add(self, column: ColumnDefinition) -> None:
        words = column.data_type + (f" {column.name!r}" if column.name else "")
        self._step(Action.ADD, column.field_name, "", words, definition=column)

    def _drop(self, standing: Column, wanted: str = "") -> None:
        self._step(Action.DROP, standing.field_name, _kind(standing), wanted, standing=standing)

    def _retype(self, standing: Column, column: ColumnDefinition) -> None:
        if not self._wanted.allow_type_change:
            raise SchemaRefused(
                f"{self._view.id}: column {standing.field_name!r} is of type {_kind(standing)}, not"
                f" {column.data_type}. A portal does not change types: the column would be dropped and added"
                " anew, and its values be lost. Pass allow_type_change=True to do so."
            )
        self._drop(standing, f"{column.data_type}, empty")
        self._add(column)

    def _step(self, action: Action, column: str, now: str, wanted: str, **more: Any) -> None:
        self._steps[action].append(Step(action, column, now, wanted, **more))

    # --- the row identifier, the order, the end ---

    def finished(self) -> SchemaPlan:
        """Return the plan."""
        identifier = self._identify()
        if self._wanted.reorder and self._wanted.columns is not None:
            self._order([column.field_name for column in self._wanted.columns])
        if not self._after():
            raise SchemaRefused(f"{self._view.id} would have no column left; a dataset has at least one.")
        return SchemaPlan(
            self._view.id,
            tuple(step for action in Action for step in self._steps[action]),
            tuple(self._after()),
            identifier,
        )

    def _after(self) -> dict[str, str]:
        """Return field names and types as they will be, in order."""
        dropped = self.dropped
        after = {
            self._renamed.get(name, name): _kind(column)
            for name, column in self._standing.items()
            if name not in dropped
        }
        for step in self._steps[Action.ADD]:
            if step.definition is not None:
                after[step.column] = step.definition.data_type
        return after

    def _identify(self) -> str | None:
        now, wanted, before = (
            self._view.row_identifier,
            self._wanted.row_identifier,
            self._former.row_identifier,
        )
        follows = None if before is None else self._wanted.change.get(before, {}).get("field_name", before)
        will_be = follows if wanted is None else wanted or None
        goes = now is not None and now in self.dropped
        if now is None is will_be or (
            now is not None and not goes and will_be == self._renamed.get(now, now)
        ):
            return will_be
        self._check_identifier(will_be)
        if goes and wanted is None and self._is_alone:
            raise SchemaRefused(
                f"{self._view.id}: column {now!r} is the row identifier and is dropped on the way: pass"
                f" row_identifier={will_be!r} to have it again."
            )
        if now is not None and (goes or will_be is None):
            self._step(Action.RELEASE, now, "row identifier", "none")
        if will_be is not None:
            self._step(Action.IDENTIFY, will_be, now or "none", will_be)
        return will_be

    def _check_identifier(self, name: str | None) -> None:
        after = self._after()
        if name is None:
            return
        if name not in after and self._wanted.row_identifier is None:
            raise SchemaRefused(
                f"{self._view.id}: column {name!r} is the row identifier and would be dropped. Pass"
                " row_identifier with another column, or '' for none."
            )
        if name not in after:
            raise SchemaRefused(
                f"{self._view.id} would have no column {name!r} for a row identifier{nearest(name, after)}"
            )
        if after[name] not in IDENTIFIER_TYPES:
            raise SchemaRefused(
                f"{self._view.id}: column {name!r} of type {after[name]} cannot be the row identifier"
                f" (types that can: {', '.join(sorted(IDENTIFIER_TYPES))})"
            )

    def _order(self, wanted: Sequence[str]) -> None:
        after = list(self._after())
        order = [*(name for name in wanted if name in after), *(name for name in after if name not in wanted)]
        if order != after:
            hidden = [c.field_name for c in self._view.columns if c.field_name.startswith(":")]
            shown = (", ".join(after), ", ".join(order))
            self._steps[Action.ORDER].append(Step(Action.ORDER, "", *shown, order=(*order, *hidden)))


def _kind(column: Column) -> str:
    return canonical_type(column.data_type_name) or column.data_type_name


def _merged(now: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """Return a format with what was told; None takes a key away."""
    return {key: value for key, value in {**now, **told}.items() if value is not None}


def _shown(value: Any) -> str:
    return repr(value if isinstance(value, str) else dict(value))
