"""The library as its users use it: fields of metadata, lists, whole publications, and what goes wrong."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import huwise_utils_py as huwise
import pytest
from huwise_utils_py import HuwiseAutomationError, HuwiseConfig, HuwiseDataset

from .conftest import STOPS, exchanges

if TYPE_CHECKING:
    from airflow_socrata.emulator import OpendatasoftEmulator

#: What ``set_dataset_<name>`` is given and ``get_dataset_<name>`` returns.
FIELDS: dict[str, Any] = {
    "title": "Halts",
    "description": "<p>Where trams stop: 8 km, ä, 你好</p>",
    "keywords": ["tram", "stop"],
    "language": "de",
    "publisher": "Office of Transport",
    "theme": "mobility",
    "dcat_ap_ch_rights": "NonCommercialAllowed-CommercialAllowed-ReferenceRequired",
    "dcat_ap_ch_license": "terms_by",
    "created": "2024-01-15T10:30:00Z",
    "issued": "2024-01-15",
    "creator": "Ann",
    "contributor": "Bob",
    "contact_name": "Carla",
    "contact_email": "carla@example.org",
    "accrualperiodicity": "http://publications.europa.eu/resource/authority/frequency/DAILY",
    "relation": "https://example.org/more",
    "modified": "2026-01-02T03:04:05Z",
    "geographic_reference": ["ch_40_12"],
    "tags": ["opendata.swiss"],
}
#: Read or written in another way than by a value alone; tested below or in the calls.
OTHERS = {
    "license",
    "custom_field",
    "custom_view",
    "metadata",
    "metadata_temporal_period",
    "field_configuration",
}


def test_these_are_all_its_fields() -> None:
    getters = {
        name.removeprefix("get_dataset_") for name in huwise.__all__ if name.startswith("get_dataset_")
    }
    assert getters == set(FIELDS) | OTHERS


@pytest.mark.parametrize("name", FIELDS)
def test_field(portal: OpendatasoftEmulator, stops: HuwiseDataset, name: str) -> None:
    """It is in the configuration at once, and a publish is ordered."""
    assert getattr(huwise, f"get_dataset_{name}")(dataset_id="stops") != FIELDS[name]
    getattr(huwise, f"set_dataset_{name}")(FIELDS[name], dataset_id="stops")
    assert getattr(huwise, f"get_dataset_{name}")(dataset_uid=stops.uid) == FIELDS[name]
    assert exchanges(portal)[-2][1].endswith("/publish/")


def test_other_fields(stops: HuwiseDataset) -> None:
    assert huwise.get_dataset_license(dataset_id="stops") == "none_specified"
    huwise.set_template_metadata("internal", "license_id", "5sylls5", dataset_id="stops", publish=False)
    assert huwise.get_dataset_license(dataset_id="stops") == "5sylls5"
    huwise.set_dataset_custom_field("steward", {"name": "Bob"}, dataset_id="stops", publish=False)
    assert huwise.get_dataset_custom_field("steward", dataset_id="stops") == {"name": "Bob"}
    assert huwise.get_dataset_custom_view(dataset_id="stops") is None
    huwise.set_dataset_metadata_temporal_period("2024-01-01", "2024-12-31", dataset_id="stops", publish=False)
    period = {"start_date": "2024-01-01", "end_date": "2024-12-31"}
    assert huwise.get_dataset_metadata_temporal_period(dataset_id="stops") == period
    assert huwise.get_template_metadata("dcat", dataset_id="stops").keys() == {
        "temporal_coverage_start_date",
        "temporal_coverage_end_date",
    }


def test_a_chain_of_setters_waits_for_rest(portal: OpendatasoftEmulator, stops: HuwiseDataset) -> None:
    """Each publishes, and the next waits until that has ended: as slow as it is, it works."""
    portal.admin.settings(queued_seconds=4, processing_seconds=20)
    stops.set_title("Halts").set_description("Where trams stop").set_keywords(["halt"])
    stops._wait_for_idle()
    statuses = [status for _, path, status in exchanges(portal) if path.endswith("/status")]
    assert len(statuses) > 3 * 8
    truth = portal.admin.state("stops")
    assert truth["metadata"]["default"]["keyword"] == {"value": ["halt"]}
    assert (truth["published"], portal.admin.records("stops")) == (True, STOPS)


def test_publish_while_queued_is_refused(portal: OpendatasoftEmulator, stops: HuwiseDataset) -> None:
    portal.admin.settings(manual=True)
    huwise.set_dataset_public(dataset_id="stops")
    with pytest.raises(HuwiseAutomationError) as caught:
        huwise.set_dataset_public(dataset_id="stops")
    assert caught.value.response.status_code == 400
    assert caught.value.detail["error_code"] == "invalid_dataset_status"
    assert "'queued' but must be one of 'idle, error, limit_reached'" in caught.value.detail["message"]


def test_unpublish_and_publish(portal: OpendatasoftEmulator, stops: HuwiseDataset) -> None:
    huwise.set_dataset_public(dataset_id="stops", should_be_public=False)
    stops._wait_for_idle()
    assert portal.admin.state("stops")["published"] is False
    huwise.set_dataset_public(dataset_id="stops")
    stops._wait_for_idle()
    assert portal.admin.records("stops") == STOPS


@pytest.fixture
def many(portal: OpendatasoftEmulator) -> list[str]:
    """Ids of more datasets than a page holds; two of them are restricted."""
    for number in range(103):
        portal.admin.create_dataset(
            f"{number:06}", f"No. {number}", published=False, is_restricted=number < 2
        )
    return [f"{number:06}" for number in range(103)]


def test_lists(many: list[str]) -> None:
    assert huwise.get_number_of_datasets() == 103
    assert huwise.get_all_dataset_ids() == many
    assert huwise.get_all_dataset_ids(include_restricted=False) == many[2:]
    assert huwise.get_all_dataset_ids(max_datasets=5) == many[:5]
    assert asyncio.run(huwise.bulk_get_dataset_ids_async()) == many


def test_bulk(portal: OpendatasoftEmulator, many: list[str]) -> None:
    first, last, unknown = many[0], many[-1], "no-such-id"
    changes = [{"dataset_id": first, "title": "First"}, {"dataset_id": last, "title": "Last"}]
    done = huwise.bulk_update_metadata(changes, publish=False)
    assert {one["status"] for one in done.values()} == {"success"}
    for read in (huwise.bulk_get_metadata, run_bulk):
        found = read(dataset_ids=[first, last, unknown])
        assert found[first]["default"]["title"]["value"] == "First"
        assert found[last]["default"]["title"]["value"] == "Last"
        assert "Could not resolve" in found[unknown]["error"]


def run_bulk(**wanted: Any) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = asyncio.run(huwise.bulk_get_metadata_async(**wanted))
    return found


def test_the_dataset_id_changes_while_unpublished(portal: OpendatasoftEmulator, many: list[str]) -> None:
    huwise.update_dataset_configuration("renamed", target_dataset_id=many[0])
    uid = huwise.get_uid_by_id("renamed")
    assert portal.admin.state(uid)["dataset_id"] == "renamed"
    with pytest.raises(IndexError):
        huwise.get_uid_by_id(many[0])


def test_create_with_a_resource(portal: OpendatasoftEmulator) -> None:
    source = "https://feeds.example.org/stops.csv"
    made = huwise.create_dataset(title="Stops", dataset_id="stops", resource_source_url=source)
    (one,) = huwise.list_dataset_resources(dataset_uid=made.uid)["results"]
    huwise.upsert_dataset_resource_http(dataset_uid=made.uid, source_url=source)
    huwise.upsert_dataset_resource_http(dataset_uid=made.uid, source_url=source, title="feed")
    (same,) = huwise.list_dataset_resources(dataset_uid=made.uid)["results"]
    assert (same["uid"], same["title"]) == (one["uid"], "feed")


def test_a_restart_of_the_portal_is_survived(portal: OpendatasoftEmulator, stops: HuwiseDataset) -> None:
    for kind in ("unavailable", "bad_gateway", "throttled", "internal"):
        portal.admin.add_fault(kind, "GET", "/metadata/")
        assert stops.get_title() == "Stops"
    assert [status for _, _, status in exchanges(portal)[-8:]] == [503, 200, 502, 200, 429, 200, 500, 200]


@pytest.mark.parametrize(
    ("status", "code", "config", "uid"),
    [
        (404, "not_found", {}, "da_nothere"),
        (401, "unauthorized", {"api_key": "0" * 56}, None),
        (403, "forbidden", {"api_key": "reader"}, None),
    ],
)
def test_refusals(
    portal: OpendatasoftEmulator,
    stops: HuwiseDataset,
    status: int,
    code: str,
    config: dict[str, str],
    uid: str | None,
) -> None:
    key = portal.reader_key if config.get("api_key") == "reader" else config.get("api_key", portal.api_key)
    dataset = HuwiseDataset(uid or stops.uid, HuwiseConfig(api_key=key, domain=stops.config.domain))
    with pytest.raises(HuwiseAutomationError) as caught:
        dataset.get_title()
    assert caught.value.response.status_code == status
    assert caught.value.detail["error_code"] == code


def test_invalid_values_are_told_by_field(stops: HuwiseDataset) -> None:
    with pytest.raises(HuwiseAutomationError) as caught:
        stops.append_field_configuration({"type": "annotate", "field": "id"})
    assert caught.value.detail["error_code"] == "validation_error"
    assert caught.value.detail["detail"] == {"annotation": ["This field is required."]}
