"""What hangs on a dataset of the Opendatasoft emulator beside its records."""

from __future__ import annotations

from conformance.test_opendatasoft_publication import (
    AUTOMATION,
    ROWS,
    api,
    opendatasoft_emulator,
    opendatasoft_emulator_server,
    portal,
)

__all__ = ["api", "opendatasoft_emulator", "opendatasoft_emulator_server", "portal"]


def test_attachments_and_schedules(api, portal):
    uid = portal.admin.create_dataset("stops", "Stops", ROWS)["uid"]
    path = f"{AUTOMATION}/datasets/{uid}"
    made_one = api("POST", f"{path}/attachments/", 201, files={"file": ("read me.txt", "Hello")})
    assert api("GET", f"{path}/attachments/{made_one['uid']}/download/").text == "Hello"
    assert api("GET", f"{path}/attachments/")["total_count"] == 1
    api("DELETE", f"{path}/attachments/{made_one['uid']}/", 204)
    plan = api("POST", f"{path}/schedules/", 201, json={"cron_schedule": "0 6 * * *"})
    assert api("GET", f"{path}/schedules/")["results"] == [plan]
    assert "cron_schedule" in api("PUT", f"{path}/schedules/{plan['uid']}/", 400, json={})["detail"]


def test_alternative_exports(api, portal):
    uid = portal.admin.create_dataset("stops", "Stops", ROWS)["uid"]
    path = f"{AUTOMATION}/datasets/{uid}/alternative_exports/"
    file = {"file": ("stops.gpkg", b"\r\n--x--\0", "application/geopackage+sqlite3")}
    assert set(api("POST", path, 400, files=file)["detail"]) == {"title", "type"}
    form = {"title": "Ausgänge", "description": "All stops", "type": "uploaded_file"}
    assert set(api("POST", path, 400, data=form, files={"other": b"x"})["detail"]) == {"file"}
    made_one = api("POST", path, 201, data=form, files=file)
    assert form.items() <= made_one.items()
    assert (made_one["filename"], made_one["mimetype"]) == ("stops.gpkg", "application/geopackage+sqlite3")
    one = f"{path}{made_one['uid']}/"
    assert api("GET", f"{one}download/").content == b"\r\n--x--\0"
    changed = api("PUT", one, json={"title": "Exits", "type": "uploaded_file"})
    assert (changed["title"], changed["description"]) == ("Exits", "All stops")
    assert "title" in api("PUT", one, 400, json={"type": "uploaded_file"})["detail"]
    assert api("GET", path)["results"] == [api("GET", one)]
    api("DELETE", one, 204)
    api("GET", one, 404)


def test_feedbacks(api, portal):
    uid = portal.admin.create_dataset("stops", "Stops", ROWS)["uid"]
    (first, second) = (one["record_id"] for one in portal.admin.records("stops", ids=True))
    path = f"{AUTOMATION}/datasets/{uid}/feedbacks/"
    assert api("GET", path)["total_count"] == 0
    moved = portal.admin.add_feedback("stops", first, "It has moved")
    gone = portal.admin.add_feedback("stops", second, "It is gone", user="person")
    assert api("GET", path)["results"] == [moved, gone]
    assert api("GET", path, params={"record_id": second})["results"] == [gone]
    assert api("GET", f"{path}{moved['uid']}/") == moved
    archived = api("POST", f"{path}{moved['uid']}/archive/")
    assert archived == moved | {"is_archived": True}
    assert api("GET", path, params={"is_archived": "true"})["results"] == [archived]
    assert api("GET", path, params={"is_archived": "false"})["results"] == [gone]
    api("GET", f"{path}fe_nothere/", 404)


def test_extractors_are_guessed(api, portal):
    uid = portal.admin.create_dataset("stops", "Stops", ROWS)["uid"]
    path = f"{AUTOMATION}/datasets/{uid}/resources"
    known = api("GET", f"{AUTOMATION}/extractors/")
    separator = {"name": "separator", "type": "text", "is_mandatory": False, "default": '";"'}
    (csv,) = (one for one in known if one["type"] == "csvfile")
    assert separator in csv["parameters"]
    for name, kind in (("a.csv", "csvfile"), ("a.geojson", "geojson"), ("a.xlsx", "xlsfile")):
        datasource = {
            "type": "http",
            "connection": {"url": "https://host.example"},
            "relative_url": f"/{name}",
        }
        guessed = api("POST", f"{path}/guess_extractors/", json={"datasource": datasource})
        assert guessed[0]["type"] == kind
        assert sorted(one["type"] for one in guessed) == sorted(one["type"] for one in known)
        params = api("POST", f"{path}/guess_extractor_params/", json={"type": kind, "datasource": datasource})
        assert (params["extractor"], "separator" in params["params"]) == (kind, kind == "csvfile")
