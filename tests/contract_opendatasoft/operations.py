"""All calls, and which one a request is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from contract_opendatasoft import automation, explore, management

if TYPE_CHECKING:
    from contract_opendatasoft.schemas import Operation, Schema


def _api(title: str, base: str, operations: tuple[Operation, ...]) -> tuple[Operation, ...]:
    return tuple(replace(each, name=f"{title}: {each.name}", path=base + each.path) for each in operations)


AUTOMATION = _api("automation", automation.BASE, automation.OPERATIONS)
MANAGEMENT = _api("management", management.BASE, management.OPERATIONS)
EXPLORE = _api("explore", explore.BASE, explore.OPERATIONS)
PUSH = _api("push", explore.PUSH, explore.PUSH_OPERATIONS)
OPERATIONS = (*AUTOMATION, *MANAGEMENT, *EXPLORE, *PUSH)

#: Of each API, by the base of its paths.
ERRORS: dict[str, Schema] = {
    automation.BASE: automation.ERROR,
    management.BASE: management.ERROR,
    explore.BASE: explore.ERROR,
    # A push answers its refusals as the Automation API does.
    explore.PUSH: automation.ERROR,
}


def operation_of(method: str, path: str) -> Operation:
    """Return the call that a request is: of several, the one with the fewest open places."""
    found = [each for each in OPERATIONS if each.method == method and each.pattern.fullmatch(path)]
    assert found, f"{method} {path} is not in the contract"
    return min(found, key=lambda each: each.places)
