"""Calls of the publishing service, by the links that its replies carry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import requests

BASE = "/api/publishing/v1"
CSV = b"stop_id,name,riders\na,Alder,11\nd,Doum,4\n"


class Publishing:
    """Revisions through one account's calls."""

    def __init__(self, api: Any) -> None:
        self.api = api

    def call(self, method: str, path: str, status: int, **more: Any) -> Any:
        reply: requests.Response = self.api(method, path, **more)
        assert reply.status_code == status, f"{method} {path}: {reply.status_code} {reply.text}"
        assert reply.headers["Content-Type"]
        return reply.json() if "json" in reply.headers["Content-Type"] else reply.text

    def refused(self, method: str, path: str, status: int, key: str, **more: Any) -> Any:
        body = self.call(method, path, status, **more)
        assert set(body) == {"message", "key", "params"}, body
        assert body["key"] == key, body
        return body

    def open(self, dataset: str | None = None, action: str = "update", **more: Any) -> Any:
        """Open a revision; of a new dataset when none is named."""
        body = {"action": {"type": action, **more.pop("action_more", {})}, **more}
        if dataset is None:
            body.setdefault("metadata", {"name": "Roads"})
            return self.call("POST", f"{BASE}/revision", 201, json=body)
        return self.call("POST", f"{BASE}/revision/{dataset}", 201, json=body)

    def source(self, revision: Any, filename: str = "x.csv", options: Any = None) -> Any:
        body = {"source_type": {"type": "upload", "filename": filename}, "parse_options": options or {}}
        return self.call("POST", revision["links"]["create_source"], 201, json=body)

    def send(self, source: Any, data: bytes = CSV, content_type: str = "text/csv") -> Any:
        """Send a file as a whole."""
        named = {"Content-Type": content_type}
        return self.call("POST", source["links"]["bytes"], 200, data=data, headers=named)

    def initiate(self, source: Any, content_type: str = "text/csv") -> Any:
        return self.call("POST", source["links"]["initiate"], 200, json={"content_type": content_type})

    def chunk(self, source: Any, seq: int, offset: int, data: bytes, status: int = 200) -> Any:
        path = source["links"]["chunk"].format(seq_num=seq, byte_offset=offset)
        named = {"Content-Type": "application/octet-stream"}
        return self.call("POST", path, status, data=data, headers=named)

    def commit(self, source: Any, last: int, total: int, status: int = 200) -> Any:
        path = source["links"]["commit"].format(seq_num=last, byte_offset=total)
        return self.call("POST", path, status)

    def upload(self, revision: Any, data: bytes = CSV, filename: str = "x.csv", options: Any = None) -> Any:
        return self.send(self.source(revision, filename, options), data)

    def show(self, thing: Any) -> Any:
        return self.call("GET", thing["links"]["show"], 202 if "/apply/" in thing["links"]["show"] else 200)

    def transform(self, source: Any, columns: list[Any], **more: Any) -> Any:
        schema = source["resource"]["schemas"][-1]["id"]
        path = source["links"]["input_schema_links"]["transform"].format(input_schema_id=schema)
        return self.call("POST", path, 201, json={"output_columns": columns, **more})

    def output(self, source: Any) -> Any:
        """Return the latest output schema."""
        schema = source["resource"]["schemas"][-1]["id"]
        path = source["links"]["input_schema_links"]["latest_output"].format(input_schema_id=schema)
        return self.call("GET", path, 200)

    def apply(self, revision: Any, **body: Any) -> Any:
        return self.call("PUT", revision["links"]["apply"], 200, json=body)

    def finish(self, revision: Any, **body: Any) -> Any:
        """Apply and look until it has ended."""
        task_set = self.apply(revision, **body)
        for _ in range(20):
            if task_set["resource"]["finished_at"]:
                return task_set["resource"]
            task_set = self.show(task_set)
        raise AssertionError(task_set)

    def run(self, dataset: str | None, action: str, data: bytes, **more: Any) -> Any:
        """Open, upload and apply; return revision and task set."""
        revision = self.open(dataset, action, **more)
        self.upload(revision, data)
        return revision, self.finish(revision)


def column(field_name: str, expr: str, position: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "field_name": field_name,
        "display_name": field_name,
        "position": position,
        "transform": {"transform_expr": expr},
        **more,
    }
