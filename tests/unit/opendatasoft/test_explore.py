"""Explore: what the public sees, counted and exported."""

from __future__ import annotations

import io
from urllib.parse import parse_qs, urlsplit

import pytest
from unit.client.portal_servers import Answer, ScriptedPortal
from unit.opendatasoft.samples import answer

from airflow_socrata.client import ConfigurationError, MalformedReply, PortalSession
from airflow_socrata.client.multipart import FileSink
from airflow_socrata.opendatasoft import explore

BASE = "/api/explore/v2.1/catalog/datasets"
ENTRY = {
    "dataset_id": "air-quality",
    "dataset_uid": "da_k3v9qz",
    "has_records": True,
    "data_visible": True,
    "fields": [{"name": "id", "type": "int", "label": "Id"}],
    "metas": {
        "default": {
            "records_count": 336,
            "modified": "2026-02-06T15:00:00+00:00",
            "data_processed": "2026-02-06T15:13:13+00:00",
            "metadata_processed": "2026-02-06T15:13:14.500000+00:00",
        }
    },
}


def query(portal: ScriptedPortal) -> dict[str, list[str]]:
    return parse_qs(urlsplit(portal.requests[-1].path).query)


def test_entry(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(answer(ENTRY))
    entry = session.send(explore.catalog_entry("air-quality"))
    assert (entry.uid, entry.records_count, entry.has_records) == ("da_k3v9qz", 336, True)
    assert entry.data_processed == 1770390793.0
    assert entry.metadata_processed == 1770390794.5
    assert [(one.name, one.type) for one in entry.fields] == [("id", "int")]
    assert portal.requests[0].path == f"{BASE}/air-quality"


def test_count_and_records(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(*[answer({"total_count": 336, "results": [{"id": 1}]})] * 2)
    assert session.send(explore.count("air-quality", "id > 3")) == 336
    assert query(portal) == {"limit": ["1"], "where": ["id > 3"]}
    page = session.send(explore.records("air-quality", select="id", order_by="id", limit=50, offset=100))
    assert (page.total, page.records) == (336, ({"id": 1},))
    assert query(portal) == {"limit": ["50"], "offset": ["100"], "select": ["id"], "order_by": ["id"]}
    portal.default = answer({"results": []})
    with pytest.raises(MalformedReply, match="total_count"):
        session.send(explore.count("air-quality"))


@pytest.mark.parametrize(("limit", "offset"), [(101, 0), (0, 0), (100, 9_901), (10, -1)])
def test_pages_that_the_api_refuses(limit: int, offset: int) -> None:
    with pytest.raises(ConfigurationError, match="export"):
        explore.records("x", limit=limit, offset=offset)


def test_export(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(Answer(200, "id;name\n1;a\n", {"Content-Type": "text/csv"}))
    sink = FileSink(file := io.BytesIO())
    session.send(explore.export("air-quality", "csv", sink, where="id=1", options={"delimiter": ";"}))
    assert file.getvalue() == b"id;name\n1;a\n"
    assert portal.requests[0].path.startswith(f"{BASE}/air-quality/exports/csv?")
    assert query(portal) == {
        "limit": ["-1"],
        "use_labels": ["false"],
        "delimiter": [";"],
        "where": ["id=1"],
    }
    assert portal.requests[0].headers["Accept"] == "*/*"


def test_export_of_an_unknown_format() -> None:
    with pytest.raises(ConfigurationError, match="csv, geojson, json"):
        explore.export("x", "doc", FileSink(io.BytesIO()))


def test_ids_stay_in_their_place() -> None:
    assert explore.catalog_entry("a/b?c").path == f"{BASE}/a%2Fb%3Fc"
    for wrong in ("", "..", "."):
        with pytest.raises(ConfigurationError):
            explore.catalog_entry(wrong)
