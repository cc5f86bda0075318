"""What the client sends is what the contract says, for every call in both dialects."""

from __future__ import annotations

import inspect

import pytest
from contract_opendatasoft.checks import check_received, check_sent
from contract_opendatasoft.operations import OPERATIONS

from airflow_socrata.opendatasoft.automation import AutomationV1
from airflow_socrata.opendatasoft.dialect import Dialect
from airflow_socrata.opendatasoft.management import ManagementV2

NAMES = [each.name for each in OPERATIONS if each.client]


@pytest.mark.parametrize("name", NAMES)
def test_every_call(sent, name):
    seen = [each for each in sent if each.operation.name == name]
    assert seen, "no walk makes this call"
    for each in seen:
        check_sent(each)
        check_received(each)


def test_the_client_makes_no_other_call(sent):
    assert {each.operation.name for each in sent} <= set(NAMES)


def methods(of):
    return {
        name: inspect.signature(value)
        for name, value in vars(of).items()
        if inspect.isfunction(value) and not name.startswith("_")
    }


@pytest.mark.parametrize("dialect", [AutomationV1, ManagementV2])
def test_both_apis_have_the_same_methods(dialect):
    assert methods(dialect) == methods(Dialect)


@pytest.mark.parametrize("name", ["automation", "management"])
def test_the_walk_goes_through_every_method(walks, name):
    assert walks[name].methods == set(methods(Dialect))


def test_lists_are_asked_for_whole(sent):
    """The Automation API gives 20 of a list that it is not asked for more of."""
    pages = [
        each
        for each in sent
        if each.operation.name.startswith("automation: list") and "datasets" not in each.operation.name
    ]
    assert len(pages) > 8
    assert [each.operation.name for each in pages if "limit" not in each.query] == []
