"""A test for each call that the library makes: it succeeds, and the library understands the reply."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import huwise_utils_py
import pytest
from huwise_utils_py import HuwiseDataset, set_template_metadata
from huwise_utils_py.http import HttpClient

from .conftest import exchanges

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_socrata.emulator import OpendatasoftEmulator

UNIT = {"type": "annotate", "field": "id", "annotation": "unit", "args": ["m"]}
FEED = "https://feeds.example.org/stops.csv"


@dataclass(frozen=True)
class Known:
    """The dataset that a call is made for, and parts of it."""

    portal: OpendatasoftEmulator
    dataset: HuwiseDataset

    @property
    def truth(self) -> dict[str, Any]:
        return self.portal.admin.state(self.dataset.uid)

    def value(self, template: str, field: str) -> Any:
        return self.truth["metadata"][template][field]["value"]

    @property
    def field(self) -> dict[str, Any]:
        return self.dataset.append_field_configuration(UNIT)

    @property
    def feed(self) -> dict[str, Any]:
        return self.dataset.upsert_http_resource(source_url=FEED, title="feed", extractor_type="csvfile")


def find(known: Known) -> None:
    assert HuwiseDataset.from_id("stops").uid == known.dataset.uid


def create(known: Known) -> None:
    made = HuwiseDataset.create(title="Trees", dataset_id="trees", is_restricted=True)
    truth = known.portal.admin.state(made.uid)
    assert (truth["dataset_id"], truth["title"], truth["published"]) == ("trees", "Trees", False)


def read(known: Known) -> None:
    assert known.dataset.get_metadata()["default"]["title"]["value"] == "Stops"


def restrict(known: Known) -> None:
    rules = {"visible_fields": ["name"], "filter_query": "id > 1"}
    known.dataset.update_configuration(is_restricted=True, default_security=rules)
    reply = HttpClient(known.dataset.config).get(f"/datasets/{known.dataset.uid}/").json()
    assert reply["is_restricted"] is True
    assert rules.items() <= reply["default_security"].items()
    # Nothing else is touched.
    assert known.dataset.get_title() == "Stops"
    known.dataset.refresh()
    assert known.dataset.get_title() == "Stops"


def delete(known: Known) -> None:
    known.dataset.delete()
    assert known.portal.admin.datasets() == []


def await_idle(known: Known) -> None:
    known.portal.admin.settings(queued_seconds=4, processing_seconds=4)
    known.dataset.publish()
    known.dataset._wait_for_idle()
    assert known.truth["internal"] == "idle"


def publish(known: Known) -> None:
    known.dataset.set_title("Halts", publish=False)
    before = known.truth["data_processed"]
    known.dataset.publish()
    known.dataset._wait_for_idle()
    assert known.truth["data_processed"] > before


def unpublish(known: Known) -> None:
    known.dataset.unpublish()
    known.dataset._wait_for_idle()
    assert (known.truth["published"], known.truth["records"]) == (False, None)


def read_template(known: Known) -> None:
    assert known.dataset.get_keywords() == ["tram"]
    assert known.dataset.get_custom_field("steward") == "Ann"
    assert known.dataset.get_custom_field("never set") is None
    assert known.dataset.get_creator() is None, "a template without values"


def set_field(known: Known) -> None:
    known.dataset.set_title("Halts", publish=False, override_remote_value=True)
    assert known.value("default", "title") == "Halts"
    assert known.value("default", "keyword") == ["tram"]


def set_license(known: Known) -> None:
    known.dataset.set_license("5sylls5", license_name="CC BY 4.0", publish=False)
    assert known.value("default", "license_id") == "5sylls5"
    assert known.value("default", "license") == "CC BY 4.0"


def set_modified(known: Known) -> None:
    known.dataset.set_modified(
        "2026-01-02T03:04:05Z",
        updates_on_metadata_change=False,
        updates_on_data_change=True,
        publish=False,
    )
    assert known.value("default", "modified") == "2026-01-02T03:04:05Z"
    assert known.value("default", "modified_updates_on_metadata_change") is False
    assert known.value("default", "modified_updates_on_data_change") is True


def set_all(known: Known) -> None:
    set_template_metadata("dcat", "creator", "Office", dataset_uid=known.dataset.uid, publish=False)
    assert known.value("dcat", "creator") == "Office"
    assert known.value("custom", "steward") == "Ann"


def list_fields(known: Known) -> None:
    made = known.field
    listed = known.dataset.list_field_configurations(limit=10, offset=0)
    assert (listed["total_count"], listed["results"]) == (1, [made])


def read_field(known: Known) -> None:
    made = known.field
    assert known.dataset.retrieve_field_configuration(made["uid"]) == made


def add_field(known: Known) -> None:
    assert UNIT.items() <= known.field.items()
    assert known.truth["fields"][-1]["annotation"] == "unit"


def change_field(known: Known) -> None:
    changed = known.dataset.update_field_configuration(known.field["uid"], UNIT | {"args": ["km"]})
    assert changed["args"] == ["km"]


def delete_field(known: Known) -> None:
    known.dataset.delete_field_configuration(known.field["uid"])
    assert known.truth["fields"] == []


def list_resources(known: Known) -> None:
    (one,) = known.dataset.list_resources(limit=200)["results"]
    assert one["datasource"]["type"] == "uploaded_file"


def add_resource(known: Known) -> None:
    assert known.feed["title"] == "feed"
    assert [one["title"] for one in known.dataset.list_resources()["results"]][1:] == ["feed"]


def change_resource(known: Known) -> None:
    first = known.feed
    second = known.dataset.upsert_http_resource(source_url=f"{FEED}?of=today", title="feed")
    assert second["uid"] == first["uid"]
    assert second["relative_url"] == "/stops.csv?of=today"


def delete_resource(known: Known) -> None:
    known.dataset.delete_resource(known.feed["uid"])
    assert len(known.dataset.list_resources()["results"]) == 1


CALLS: dict[tuple[str, str], Callable[[Known], None]] = {
    ("GET", "/datasets/"): find,
    ("POST", "/datasets/"): create,
    ("GET", "/datasets/{}"): read,
    ("PUT", "/datasets/{}/"): restrict,
    ("DELETE", "/datasets/{}/"): delete,
    ("GET", "/datasets/{}/status"): await_idle,
    ("POST", "/datasets/{}/publish/"): publish,
    ("POST", "/datasets/{}/unpublish/"): unpublish,
    ("GET", "/datasets/{}/metadata/"): set_all,
    ("PUT", "/datasets/{}/metadata/"): set_all,
    ("GET", "/datasets/{}/metadata/{}/"): read_template,
    ("PUT", "/datasets/{}/metadata/{}/{}/"): set_field,
    ("PUT", "/datasets/{}/metadata/default/license/"): set_license,
    ("PUT", "/datasets/{}/metadata/default/license_id/"): set_license,
    ("PUT", "/datasets/{}/metadata/default/modified/"): set_modified,
    ("PUT", "/datasets/{}/metadata/default/modified_updates_on_metadata_change/"): set_modified,
    ("PUT", "/datasets/{}/metadata/default/modified_updates_on_data_change/"): set_modified,
    ("GET", "/datasets/{}/fields/"): list_fields,
    ("POST", "/datasets/{}/fields/"): add_field,
    ("GET", "/datasets/{}/fields/{}/"): read_field,
    ("PUT", "/datasets/{}/fields/{}/"): change_field,
    ("DELETE", "/datasets/{}/fields/{}/"): delete_field,
    ("GET", "/datasets/{}/resources/"): list_resources,
    ("POST", "/datasets/{}/resources/"): add_resource,
    ("PUT", "/datasets/{}/resources/{}/"): change_resource,
    ("DELETE", "/datasets/{}/resources/{}/"): delete_resource,
}


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_call(portal: OpendatasoftEmulator, stops: HuwiseDataset, method: str, path: str) -> None:
    CALLS[method, path](Known(portal, stops))
    made = exchanges(portal)
    pattern = re.compile(re.escape(path).replace(r"\{\}", "[^/]+"))
    assert [one for one in made if one[0] == method and pattern.fullmatch(one[1])], "the call was not made"
    assert [one for one in made if one[2] >= 400] == []


def calls_in(source: str) -> set[tuple[str, str]]:
    """Method and path of each request in a module's source."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            path, method = node.args[0], node.func.attr
            parts = path.values if isinstance(path, ast.JoinedStr) else [path]
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts)
            text = text.removeprefix("{}").partition("?")[0]
            if method in {"get", "post", "put", "patch", "delete"} and text.startswith("/"):
                found.add((method.upper(), text))
    return found


def test_these_are_all_its_calls() -> None:
    folder = Path(huwise_utils_py.__file__).parent
    assert set(CALLS) == set().union(*(calls_in(path.read_text()) for path in folder.rglob("*.py")))
    assert huwise_utils_py.__version__ == "1.5.1"
