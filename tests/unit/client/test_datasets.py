"""Creating, finding and describing whole datasets, against the emulator on both back ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from airflow_socrata.client import (
    ConfigurationError,
    InvalidRequest,
    NotFound,
    PortalSession,
    views,
)
from airflow_socrata.client.column_definitions import ColumnDefinition
from airflow_socrata.client.datasets import (
    NewDataset,
    check_resource_name,
    create_dataset,
    differences,
    find_by_resource_name,
    is_link,
    is_name_taken,
    link_of,
    list_views,
    resource_name_of,
)

if TYPE_CHECKING:
    from airflow_socrata.emulator import Emulator

COLUMNS = (
    ColumnDefinition("stop_id", "text", "Stop id"),
    ColumnDefinition("riders", "number", description="a day", format={"precision": "0"}),
    ColumnDefinition("seen_at", "floating_timestamp"),
)
IN_BOTH_BACKENDS = pytest.mark.parametrize("new_backend", [True, False], ids=["new", "old"])


def stops(**more: Any) -> NewDataset:
    return NewDataset(**({"resource_name": "stops", "name": "Stops", "columns": COLUMNS} | more))


@IN_BOTH_BACKENDS
def test_an_empty_dataset_is_created_with_all_that_was_asked(
    client: PortalSession, new_backend: bool
) -> None:
    details = {"description": "All", "tags": ("bus",), "category": "Transport", "license_id": "CC0_10"}
    new = stops(
        row_identifier="stop_id", details=details, metadata={"rowLabel": "stop"}, new_backend=new_backend
    )
    made = client.send(create_dataset(new, {"note": "x"}))
    view = client.send(views.read_view(made.id))
    assert (view.is_unpublished, view.new_backend, view.row_identifier) == (True, new_backend, "stop_id")
    assert [(c.name, c.field_name, c.data_type_name) for c in view.columns] == [
        ("Stop id", "stop_id", "text"),
        ("riders", "riders", "number"),
        ("seen_at", "seen_at", "calendar_date"),
    ]
    assert view.columns[1].description == "a day"
    assert resource_name_of(view) == "stops"
    assert {key: view.raw[key] for key in ("description", "tags", "category", "licenseId")} == {
        "description": "All",
        "tags": ["bus"],
        "category": "Transport",
        "licenseId": "CC0_10",
    }
    assert "publicdomain" in view.raw["license"]["termsLink"]
    assert view.raw["metadata"]["rowLabel"] == "stop"
    assert view.private_metadata == {"note": "x"}
    assert differences(new, view) == ()


def test_a_resource_name_is_used_once_and_found(client: PortalSession) -> None:
    with pytest.raises(NotFound):
        client.send(find_by_resource_name("stops"))
    made = client.send(create_dataset(stops()))
    found = client.send(find_by_resource_name("stops"))
    assert found is not None
    assert found.id == made.id
    with pytest.raises(InvalidRequest) as caught:
        client.send(create_dataset(stops(name="Other")))
    assert is_name_taken(caught.value)
    # Plain names may repeat.
    other = client.send(create_dataset(stops(resource_name="stops_2")))
    assert other.name == made.name
    pages = [client.send(list_views(page, 1)) for page in (1, 2, 3)]
    assert [[view.id for view in page] for page in pages] == [[made.id], [other.id], []]


def test_a_portal_that_does_not_know_the_method(client: PortalSession, emulator: Emulator) -> None:
    emulator.admin.settings(by_resource_name="none")
    with pytest.raises(InvalidRequest):
        client.send(find_by_resource_name("stops"))


def test_a_dataset_that_deletes_itself(client: PortalSession, emulator: Emulator) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    made = client.send(create_dataset(stops(delete_at=tomorrow)))
    emulator.admin.advance(86_000)
    assert client.send(views.read_view(made.id)).id == made.id
    emulator.admin.advance(500)
    with pytest.raises(NotFound):
        client.send(views.read_view(made.id))


def test_a_dataset_that_is_a_link(client: PortalSession) -> None:
    new = NewDataset("portal", "Portal", link="https://example.gov/data")
    made = client.send(create_dataset(new))
    assert is_link(made)
    assert link_of(made) == "https://example.gov/data"
    assert differences(new, made) == ()
    assert differences(NewDataset("portal", "Portal", link="https://example.org"), made) == (
        "it leads to https://example.gov/data",
    )


def test_differences_are_named(client: PortalSession) -> None:
    view = client.send(create_dataset(stops(row_identifier="stop_id")))
    columns = (ColumnDefinition("stop_id", "number"), ColumnDefinition("name", "text"), COLUMNS[2])
    assert differences(stops(columns=columns), view) == (
        "it lacks column name",
        "it has a column riders more",
        "its column stop_id is of type text, not number",
        "its row identifier is stop_id, not none",
    )
    assert differences(stops(row_identifier="stop_id", new_backend=False), view) == (
        "it is on the new back end",
    )


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"resource_name": "abcd-1234"}, "be no 4x4"),
        ({"resource_name": "a b"}, "is no resource name"),
        ({"resource_name": "stops\n"}, "is no resource name"),
        ({"metadata": ["rowLabel"]}, "metadata is an object"),
        ({"name": " "}, "name of the dataset is empty"),
        ({"columns": ()}, "at least one"),
        ({"row_identifier": "stop"}, "did you mean 'stop_id'?"),
        ({"details": {"licence_id": "x"}}, "did you mean 'license_id'?"),
        ({"details": {"tags": "bus"}}, "tags are a list"),
        ({"metadata": {"rowIdentifier": "stop_id"}}, "as row_identifier"),
        ({"delete_at": datetime(2026, 1, 1)}, "no time zone"),
        ({"link": "https://example.gov"}, "neither columns nor"),
    ],
)
def test_what_is_wrong_is_named_before_anything_is_sent(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        stops(**wrong)
    assert words in str(caught.value)


def test_resource_names() -> None:
    assert [check_resource_name(name) for name in ("stops", "Bus-Stops_2")] == ["stops", "Bus-Stops_2"]
