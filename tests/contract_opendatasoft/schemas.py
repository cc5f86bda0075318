"""Words that the contract is written in. An object names all its keys: what is not named is neither sent nor
answered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

Schema = dict[str, Any]

ANYTHING: Schema = {}
TEXT: Schema = {"type": "string"}
NAME: Schema = {"type": "string", "minLength": 1}
WHOLE: Schema = {"type": "integer"}
BOOLEAN: Schema = {"type": "boolean"}
ANY_OBJECT: Schema = {"type": "object"}
NOTHING: Schema = {"type": "null"}
#: As the Automation API writes a time, and as the Management and Explore APIs do.
SECONDS: Schema = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"}
FINE: Schema = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$"}


def closed(required: Schema, **optional: Schema) -> Schema:
    """An object with these keys and no others."""
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": list(required),
        "additionalProperties": False,
    }


def either(*schemas: Schema) -> Schema:
    """One of these."""
    return {"anyOf": list(schemas)}


def array(items: Schema) -> Schema:
    """A list of these."""
    return {"type": "array", "items": items}


def mapping(values: Schema) -> Schema:
    """An object with whatever keys, and these values."""
    return {"type": "object", "additionalProperties": values}


def one_of(*values: Any) -> Schema:
    """One of these values."""
    return {"enum": list(values)}


def uid(prefix: str) -> Schema:
    """A uid such as ``da_k3v9qz``."""
    return {"type": "string", "pattern": f"^{prefix}_[a-z0-9]{{6,}}$"}


QUOTA = either(NOTHING, closed({"limit": WHOLE, "unit": one_of("second", "minute", "hour", "day", "month")}))
PERMISSIONS = array(one_of("explore_restricted_dataset", "edit_dataset", "publish_dataset", "manage_dataset"))
PREVIEW = closed({
    "fields": array(
        closed({
            "name": NAME,
            "label": TEXT,
            "type": NAME,
            "original_name": TEXT,
            "description": TEXT,
            "annotations": array(ANY_OBJECT),
        })
    ),
    "records": {"type": "array", "items": ANY_OBJECT, "maxItems": 20},
})
CSV_PARAMS = closed(
    {},
    headers_first_row=BOOLEAN,
    separator=TEXT,
    encoding=TEXT,
    doublequote=BOOLEAN,
    first_row_no=WHOLE,
)


@dataclass(frozen=True, slots=True)
class Operation:
    """One call.

    :param path: with the API's base; places in braces.
    :param received: schema of the JSON that is answered; ``None``: an empty body; ``bytes``: a file.
    :param statuses: of a success, as answered; a client takes any 2xx.
    :param sent: schema of the JSON that is sent; ``None``: no body; ``file``: a form with a file.
    :param query: the parameters that may be sent.
    :param client: whether the client of this project makes it.
    """

    name: str
    method: str
    path: str
    received: Schema | str | None
    sent: Schema | str | None = None
    statuses: tuple[int, ...] = (200,)
    query: tuple[str, ...] = ()
    client: bool = True
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        # Both forms of a path, with a slash at the end and without, are in live use.
        pattern = re.sub(r"\{\w+\}", "[^/]+", self.path.rstrip("/")) + "/?"
        object.__setattr__(self, "pattern", re.compile(pattern))

    @property
    def places(self) -> int:
        """How many parts of the path are open."""
        return self.path.count("{")
