"""How a file is to be read."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class ParseOptions:
    """Parse options with the portal's defaults.

    :param encoding: None to guess.
    :param header_count: how many rows stand above the data.
    :param column_header: which of these rows holds the names, from 1.
    :param parse_source: False keeps the file as it is (a blob).
    """

    encoding: str | None = None
    header_count: int = 1
    column_header: int = 1
    column_separator: str = ","
    quote_char: str = '"'
    parse_source: bool = True
    trim_whitespace: bool = True
    remove_empty_rows: bool = True

    @classmethod
    def from_json(cls, body: Mapping[str, Any] | None) -> ParseOptions:
        """Return the options of a request; what is absent or null keeps its default.

        :raises ValueError: a value that is none for its option; one line that names the option.
        """
        given = {key: value for key, value in (body or {}).items() if value is not None}
        chosen = {each.name: given[each.name] for each in fields(cls) if each.name in given}
        for name in ("parse_source", "trim_whitespace", "remove_empty_rows"):
            if name in chosen:
                chosen[name] = _truth(name, chosen[name])
        for name in ("header_count", "column_header"):
            if name in chosen:
                chosen[name] = _count(name, chosen[name])
        for name in ("encoding", "column_separator", "quote_char"):
            if name in chosen and not isinstance(chosen[name], str):
                raise ValueError(f"{name} must be a text, not {chosen[name]!r}")
        if len(chosen.get("column_separator", ",")) != 1:
            raise ValueError(f"column_separator must be one character, not {chosen['column_separator']!r}")
        if len(chosen.get("quote_char", "")) > 1:
            raise ValueError(f"quote_char must be one character or none, not {chosen['quote_char']!r}")
        return cls(**chosen)

    def to_json(self) -> dict[str, Any]:
        """Return the options as the portal shows them."""
        shown = {each.name: getattr(self, each.name) for each in fields(self)}
        return shown | {"encoding": self.encoding or "utf8"}


def _truth(name: str, value: Any) -> bool:
    # Clients are seen to send the text "false" as well.
    text = str(value).lower()
    if text not in {"true", "false"}:
        raise ValueError(f"{name} must be true or false, not {value!r}")
    return text == "true"


def _count(name: str, value: Any) -> int:
    text = str(value)
    if isinstance(value, bool) or not text.isascii() or not text.isdigit():
        raise ValueError(f"{name} must be a whole number from 0 up, not {value!r}")
    return int(text)
