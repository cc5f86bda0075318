"""Answers as the vendor's portals give them, in the words of both APIs."""

from __future__ import annotations

import json
from typing import Any

from unit.client.portal_servers import Answer

from airflow_socrata.client import Reply
from airflow_socrata.client.messages import Headers

UID = "da_k3v9qz"


def answer(body: Any, status: int = 200, **headers: str) -> Answer:
    """A JSON answer."""
    return Answer(
        status, json.dumps(body), {name.replace("_", "-"): value for name, value in headers.items()}
    )


LOST = Answer(how="drop")
EMPTY_404 = Answer(404, "")
NO_CONTENT = Answer(204, "", {"Content-Length": "0"})

DATASET: dict[str, Any] = {
    "uid": UID,
    "dataset_id": "air-quality",
    "is_published": True,
    "is_restricted": False,
    "created_at": "2025-05-01T09:00:00Z",
    "updated_at": "2025-05-02T09:00:00Z",
    "default_security": {
        "is_data_visible": True,
        "visible_fields": None,
        "filter_query": "",
        "api_calls_quota": None,
    },
    "metadata": {"default": {"title": {"value": "Air quality"}, "language": {"value": "en"}}},
}
MGMT_DATASET: dict[str, Any] = {
    "dataset_id": "air-quality",
    "dataset_uid": UID,
    "metas": {
        "default": {"title": "Air quality", "language": "en"},
        "publishing": {"published": True},
    },
    "last_modified": "2023-03-01T08:00:00.120331+00:00",
    "visibility": "domain",
    "status": {"name": "idle"},
}


def page(*items: dict[str, Any], total: int | None = None) -> Answer:
    """A page of the Automation API."""
    count = len(items) if total is None else total
    return answer({"total_count": count, "next": None, "previous": None, "results": list(items)})


def mgmt_page(*items: dict[str, Any]) -> Answer:
    """A list of datasets of the Management API."""
    return answer({"nhits": len(items), "datasets": list(items)})


def status(name: str, since: str = "2026-02-06T15:13:13Z", **more: Any) -> Answer:
    """A status of the Automation API."""
    body = {
        "status": name,
        "since": since,
        "is_published": True,
        "previous": None,
        "next": None,
        "message": None,
        "records_errors": [],
        "params": {},
    }
    return answer({**body, **more})


def resource(
    uid: str = "re_p4x1aa", title: str = "obs", file: str = "obs.csv", **more: Any
) -> dict[str, Any]:
    """A resource of the Automation API."""
    return {
        "uid": uid,
        "type": "csvfile",
        "title": title,
        "display_name": title,
        "params": {"separator": ";", "encoding": "utf-8"},
        "datasource": {
            "type": "uploaded_file",
            "file": {
                "uid": file,
                "filename": file,
                "mimetype": "text/csv",
                "created_at": "2025-05-01T09:00:00Z",
            },
        },
        "extraction_infos": {"label": "CSV", "type": "csvfile"},
        "origin": {"label": "File", "type": "uploaded_file"},
        "updated_at": "2025-05-02T09:00:00Z",
        **more,
    }


def version(uid: str, created_at: str, **more: Any) -> dict[str, Any]:
    """A version of the Automation API."""
    return {"uid": uid, "sections": ["data"], "can_restore": True, "created_at": created_at, **more}


def change(number: int, timestamp: str = "2023-03-01T08:00:00+00:00", **more: Any) -> dict[str, Any]:
    """A change of the Management API."""
    return {"change_uid": number, "timestamp": timestamp, "sections": ["metadata"], **more}


AUTO_BUSY = answer(
    {
        "error_code": "invalid_dataset_status",
        "message": "Invalid precondition, dataset status is 'queued' but must be one of"
        " 'idle, error, limit_reached'",
    },
    400,
)
MGMT_BUSY = answer(
    {
        "status_code": 400,
        "message": "Invalid precondition, dataset status is 'queued' but must be one of"
        " 'idle, error, limit_reached'",
        "raw_params": {
            "authorized_origin_status": "idle, error, limit_reached",
            "current_status": "queued",
        },
        "raw_message": "Invalid precondition, dataset status is '{current_status}' but must be one of"
        " '{authorized_origin_status}'",
        "error_key": "InvalidDatasetStatusPreconditionException",
    },
    400,
)
AUTO_404 = answer({"error_code": "not_found", "message": "Not found."}, 404)


def reply(body: Any, status: int = 200) -> Reply:
    """A reply as a call's ``parse`` takes it."""
    return Reply(status, Headers(), json.dumps(body).encode())
