"""sodapy 2.2.0, unmodified, over HTTPS."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import requests
from conformance import shapes
from sodapy import Socrata

COLUMNS = [
    {"name": "Stop", "fieldName": "stop", "dataTypeName": "text"},
    {"name": "Riders", "fieldName": "riders", "dataTypeName": "number"},
]


@pytest.fixture
def client(tls_portal, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", tls_portal.ca_file)
    monkeypatch.setenv("NO_PROXY", "localhost")
    domain = f"{tls_portal.domain}:{tls_portal.port}"
    with Socrata(domain, tls_portal.app_token, tls_portal.username, tls_portal.password) as made:
        yield made


@pytest.fixture
def dataset(client):
    return client.create("Stops", columns=COLUMNS, row_identifier="stop", new_backend=True)["id"]


def rows(count):
    return [{"stop": f"s{n:04d}", "riders": n} for n in range(count)]


def test_create_makes_an_unpublished_view(client):
    view = client.create(
        "Foo Bar",
        description="d",
        columns=COLUMNS,
        row_identifier="stop",
        tags=["foo", "bar"],
        category="Cat",
    )
    assert (
        shapes.missing(shapes.CREATED | {"description": "str", "tags": "list", "category": "str"}, view) == {}
    )
    assert view["publicationStage"] == "unpublished"
    assert view["tags"] == ["foo", "bar"]


def test_create_without_a_name_says_why(client):
    with pytest.raises(
        requests.HTTPError, match=r"400 Client Error: Bad Request.\n\tYou must specify a name"
    ):
        client.create("")


def test_upsert_json_then_csv_file(client, dataset):
    assert client.upsert(dataset, rows(3)) == {
        "Rows Created": 3,
        "Rows Updated": 0,
        "Rows Deleted": 0,
        "Errors": 0,
    }
    file = io.BytesIO(b"stop,riders,:deleted\ns0001,,true\ns0002,22,\nnew,1,\n")
    done = client.upsert(dataset, file)
    assert done == {"Rows Created": 1, "Rows Updated": 1, "Rows Deleted": 1, "Errors": 0}
    assert client.get(dataset, order="stop") == [
        {"stop": "new", "riders": "1"},
        {"stop": "s0000", "riders": "0"},
        {"stop": "s0002", "riders": "22"},
    ]


def test_replace_swaps_all_rows(client, dataset):
    client.upsert(dataset, rows(5))
    assert client.replace(dataset, rows(2))["Rows Created"] == 2
    assert [row["stop"] for row in client.get(dataset, order="stop")] == ["s0000", "s0001"]
    assert client.replace(dataset, [])["Rows Created"] == 0
    assert client.get(dataset) == []


def test_get_pages_filters_and_counts(client, dataset):
    client.upsert(dataset, rows(2500))
    assert len(client.get(dataset)) == 1000
    page = client.get(dataset, limit=10, offset=2495, order=":id")
    assert [row["stop"] for row in page] == [f"s{n}" for n in range(2495, 2500)]
    assert len(list(client.get_all(dataset, order=":id"))) == 2500
    assert client.get(dataset, select="count(*)") == [{"count": "2500"}]
    assert client.get(dataset, where="riders > 2498") == [{"stop": "s2499", "riders": "2499"}]
    assert client.get(dataset, stop="s0007") == [{"stop": "s0007", "riders": "7"}]
    assert client.get(dataset, query="select max(riders) as most") == [{"most": "2499"}]
    assert client.get(dataset, content_type="csv", limit=1, order="stop") == [
        ["stop", "riders"],
        ["s0000", "0"],
    ]
    assert ":id" in client.get(dataset, exclude_system_fields="false", limit=1)[0]


def test_metadata_is_read_and_updated(client, dataset):
    assert client.get_metadata(dataset)["id"] == dataset
    changed = client.update_metadata(
        dataset, {"category": "Transport", "attributionLink": "https://example.gov"}
    )
    assert changed["category"] == "Transport"
    assert client.get_metadata(dataset)["attributionLink"] == "https://example.gov"
    assert client.get_metadata(dataset)["name"] == "Stops"


def test_permission_is_pending_until_publish(client, dataset, tls_portal):
    assert client.set_permission(dataset, "public").status_code == 200
    view = client.get_metadata(dataset)
    assert "grants" not in view
    assert view["pendingGrants"] == [{"inherited": False, "type": "viewer", "flags": ["public"]}]
    published = client.publish(dataset)
    assert published["id"] == dataset
    assert published["publicationStage"] == "published"
    assert "publicationDate" in published
    assert published["grants"] == view["pendingGrants"]
    client.set_permission(dataset, "private")
    assert "grants" not in client.get_metadata(dataset)


def test_delete_row_and_dataset(client, dataset):
    client.upsert(dataset, rows(2))
    assert client.delete(dataset, row_id="s0001") == [{"typ": "delete", "id": "s0001"}]
    with pytest.raises(requests.HTTPError, match="404 Client Error"):
        client.delete(dataset, row_id="s0001")
    assert client.delete(dataset).status_code == 200
    with pytest.raises(requests.HTTPError) as failed:
        client.get_metadata(dataset)
    assert shapes.types_of(failed.value.response.json()) == shapes.ERROR_404


def test_working_copy_cycle(client, dataset):
    """Copy, load, publish, discard, as far as sodapy's own calls reach."""
    client.upsert(dataset, rows(2))
    client.publish(dataset)
    draft = client._perform_request(
        "post", f"/api/views/{dataset}/publication.json", params={"method": "copy"}
    )
    client.upsert(draft["id"], [{"stop": "s0000", "riders": 99}])
    assert client.get(dataset, stop="s0000")[0]["riders"] == "0"
    assert client.publish(draft["id"])["id"] == dataset
    assert client.get(dataset, stop="s0000")[0]["riders"] == "99"
    draft = client._perform_request(
        "post", f"/api/views/{dataset}/publication.json", params={"method": "copySchema"}
    )
    client.delete(draft["id"])
    assert len(client.get(dataset)) == 2


def test_error_bodies_reach_the_user(client, dataset, tls_portal):
    with pytest.raises(requests.HTTPError, match="Illegal field name sent: nope"):
        client.upsert(dataset, [{"stop": "a", "nope": 1}])
    with pytest.raises(requests.HTTPError, match="no-such-column"):
        client.get(dataset, select="nope")
    domain = f"{tls_portal.domain}:{tls_portal.port}"
    with (
        Socrata(domain, tls_portal.app_token) as stranger,
        pytest.raises(requests.HTTPError, match=r"403 Client Error: Forbidden\.\n\tYou must be logged in"),
    ):
        stranger.upsert(dataset, rows(1))
    with (
        Socrata(domain, tls_portal.app_token, tls_portal.username, "wrong") as wrong,
        pytest.raises(requests.HTTPError, match="401 Client Error"),
    ):
        wrong.get_metadata(dataset)
    with (
        Socrata(domain, "no-such-token") as unknown,
        pytest.raises(requests.HTTPError, match="Invalid app_token specified"),
    ):
        unknown.get(dataset)


def test_oauth_token(client, dataset, tls_portal):
    domain = f"{tls_portal.domain}:{tls_portal.port}"
    with Socrata(domain, tls_portal.app_token, access_token=tls_portal.access_token) as oauth:
        assert oauth.upsert(dataset, rows(1))["Rows Created"] == 1


def test_views_that_are_files(client, tls_portal):
    made = client.create_non_data_file(
        {}, {"file": ("notes.txt", io.BytesIO(b"hello\r\nthere\n"), "text/plain")}
    )
    assert (made["viewType"], made["blobFilename"], made["blobMimeType"]) == (
        "blobby",
        "notes.txt",
        "text/plain",
    )
    assert made["blobFileSize"] == 13
    again = client.replace_non_data_file(made["id"], {}, {"file": ("new.txt", io.BytesIO(b"new"))})
    assert (again["id"], again["blobFilename"], again["blobFileSize"]) == (made["id"], "new.txt", 3)
    assert again["blobId"] != made["blobId"]
    # Bytes that are no text come through as they are.
    whole = bytes(range(256)) * 3
    bare = client.create_non_data_file({}, {"file": ("x.bin", io.BytesIO(whole))})
    assert tls_portal.portal.files[bare["blobId"]][0] == whole


def test_catalog_and_attachments(client, dataset, tls_portal, tmp_path):
    tls_portal.admin.create_dataset("cata-2222", "Bicycle counts", ["a"])
    tls_portal.admin.add_file("cata-2222", "notes.txt", "hello")
    found = client.datasets()
    assert [entry["resource"]["id"] for entry in found] == ["cata-2222"]
    assert found[0]["resource"]["columns_field_name"] == ["a"]
    files = client.download_attachments("cata-2222", download_dir=str(tmp_path))
    assert [Path(file).read_text() for file in files] == ["hello"]
