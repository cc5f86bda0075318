"""Switches: fields of a frozen dataclass with a mark, a text and perhaps choices."""

from __future__ import annotations

import dataclasses
from dataclasses import field
from typing import Any, TypeVar

S = TypeVar("S")


def switch(default: Any, mark: str, text: str, choices: tuple[str, ...] = ()) -> Any:
    """Declare a switch.

    :param mark: how sure the default is.
    :param choices: the texts that it takes; none: whatever is of the default's type.
    """
    return field(default=default, metadata={"mark": mark, "text": text, "choices": choices})


def changed(switches: S, values: dict[str, Any]) -> S:
    """Return a copy with some switches changed.

    :param values: switch names and their new values.
    :raises ValueError: a name or a value is unknown; the message names the choices.
    """
    known = {entry.name: entry for entry in dataclasses.fields(switches)}  # type: ignore[arg-type]
    checked = {}
    for name, value in values.items():
        if name not in known:
            raise ValueError(f"no switch {name!r}; the switches are {', '.join(sorted(known))}")
        checked[name] = _checked(known[name], value)
    return dataclasses.replace(switches, **checked)  # type: ignore[type-var]


def _checked(entry: dataclasses.Field[Any], value: Any) -> Any:
    choices = entry.metadata["choices"]
    if choices:
        if value not in choices:
            raise ValueError(f"switch {entry.name}: {value!r} is none of {', '.join(choices)}")
        return value
    kind: Any = type(entry.default)
    if kind is bool:
        if isinstance(value, bool):
            return value
        if str(value).lower() in {"true", "false"}:
            return str(value).lower() == "true"
    else:
        try:
            return kind(value)
        except (TypeError, ValueError):
            pass
    raise ValueError(f"switch {entry.name}: {value!r} is not {kind.__name__}")
