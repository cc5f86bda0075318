"""The words that arguments of operators choose from: light, as every parse of a DAG file imports them."""

from __future__ import annotations

import enum
from typing import Literal, TypeAlias

#: How a working copy is made: with the rows of the published dataset, or with its columns only.
Method: TypeAlias = Literal["copy", "copySchema"]

#: How a draft is made: as a working copy, or as a revision.
DraftMethod: TypeAlias = Literal["copy", "copySchema", "revision"]

#: What applying a revision does with the rows of the uploaded file.
Action: TypeAlias = Literal["update", "replace", "delete"]

#: Who may see a dataset after a revision.
Permission: TypeAlias = Literal["public", "private"]

#: What an import does with the rows of a working copy.
Mode: TypeAlias = Literal["append", "replace"]

#: What becomes of columns that a whole schema does not name.
Others: TypeAlias = Literal["refuse", "keep", "drop"]

#: What a task does where a steward must approve: wait, succeed as submitted, or fail.
OnFirstApproval: TypeAlias = Literal["wait", "submit", "fail"]

#: What to do where a portal stops at its record limit.
OnLimit: TypeAlias = Literal["fail", "accept"]

#: Seconds for which Explore is looked at again where it does not show what was published.
LONGEST_GRACE = 120.0

#: Seconds for which a copy or publish call may still be in flight after the process that sent it is gone.
IN_FLIGHT = 60.0


class ExistingCopy(enum.StrEnum):
    """What to do with a person's working copy that is open already."""

    FAIL = "fail"
    DISCARD = "discard"
    ADOPT = "adopt"


class OnApproval(enum.StrEnum):
    """What rollback does with a draft that waits for approval."""

    LEAVE = "leave"
    WITHDRAW = "withdraw"
