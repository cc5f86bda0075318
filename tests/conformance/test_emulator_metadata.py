"""The emulator's Metadata API and attachments, as any client sees them."""

from __future__ import annotations

import pytest

BASE = "/api/views/metadata/v1"
FIELDSETS = [
    {
        "name": "Publication",
        "fields": [
            {"name": "Cycle", "required": True, "options": ["Weekly", "Monthly"]},
            {"name": "Steward", "private": True},
            {"name": "Note"},
        ],
    }
]


@pytest.fixture
def ruled(admin, stops) -> str:
    admin.metadata_rules(["Transit"], FIELDSETS)
    return stops


class TestReading:
    def test_every_documented_field_is_there_and_blank_ones_are_null(self, api, stops):
        shown = api.get(f"{BASE}/{stops}").json()
        texts = {"id", "name", "domain", "dataUri", "webUri", "provenance"}
        times = {"createdAt", "updatedAt", "dataUpdatedAt", "metadataUpdatedAt"}
        blank = {"description", "category", "license", "attribution", "attributionLink", "externalId", "tags"}
        fields = {"customFields", "privateCustomFields"}
        assert set(shown) == texts | times | blank | fields | {"hideFromCatalog", "hideFromDataJson"}
        assert [name for name in blank | fields if shown[name] is not None] == []
        assert shown["provenance"] == "OFFICIAL"
        assert shown["createdAt"].endswith("+0000")

    def test_private_fields_are_for_those_who_may_edit(self, api, anonymous, viewer, stops):
        api("PATCH", f"{BASE}/{stops}", json={"privateCustomFields": {"Publication": {"Steward": "Jo"}}})
        assert "privateCustomFields" not in anonymous.get(f"{BASE}/{stops}").json()
        assert "privateCustomFields" not in viewer.get(f"{BASE}/{stops}").json()
        shown = api.get(f"{BASE}/{stops}").json()
        assert shown["privateCustomFields"] == {"Publication": {"Steward": "Jo"}}
        assert api.get(f"/api/views/{stops}.json").json()["privateMetadata"]["custom_fields"] == {
            "Publication": {"Steward": "Jo"}
        }

    def test_pages_hold_public_datasets(self, admin, anonymous, stops):
        ids = [stops] + [admin.create_dataset(name=f"D{n}")["id"] for n in range(4)]
        admin.create_dataset(name="Private", permission="private")
        admin.create_dataset(name="Draft", published=False)
        assert [one["id"] for one in anonymous.get(BASE).json()] == ids
        pages = [anonymous.get(BASE, params={"limit": 2, "page": n}).json() for n in (1, 2, 3, 4)]
        assert [[one["id"] for one in page] for page in pages] == [ids[:2], ids[2:4], ids[4:], []]
        assert anonymous.get(BASE, params={"page": 0}).status_code == 400
        assert anonymous.get(BASE, params={"method": "help"}).text


class TestChanging:
    def test_what_is_not_named_stays_and_null_takes_away(self, api, ruled):
        first = {"tags": ["a"], "customFields": {"Publication": {"Cycle": "Weekly", "Note": "n"}}}
        assert api("PATCH", f"{BASE}/{ruled}", json=first).status_code == 200
        api("PATCH", f"{BASE}/{ruled}", json={"customFields": {"Publication": {"Note": None}}})
        shown = api.get(f"{BASE}/{ruled}").json()
        assert (shown["tags"], shown["customFields"]) == (["a"], {"Publication": {"Cycle": "Weekly"}})
        api("PATCH", f"{BASE}/{ruled}", json={"customFields": {"Publication": None}, "tags": None})
        shown = api.get(f"{BASE}/{ruled}").json()
        assert (shown["tags"], shown["customFields"]) == (None, None)

    def test_a_licence_goes_by_name_and_stands_in_the_view_by_id(self, api, portal, stops):
        api("PATCH", f"{BASE}/{stops}", json={"license": "Open Data Commons Attribution License"})
        view = api.get(f"/api/views/{stops}.json").json()
        assert view["licenseId"] == "ODC_BY"
        assert view["license"]["termsLink"].endswith("/by/1.0/")
        portal.admin.settings(metadata_license_form="id")
        assert api.get(f"{BASE}/{stops}").json()["license"] == "ODC_BY"

    def test_a_verdict_changes_nothing(self, api, ruled):
        wanted = {"name": "New", "license": "None", "category": "Nonexistent"}
        reply = api("PATCH", f"{BASE}/{ruled}?validateOnly=true&strict=true", json=wanted)
        assert reply.status_code == 200
        assert [one["field"] for one in reply.json()["errors"]] == ["license"]
        assert [one["field"] for one in reply.json()["warnings"]] == [
            "category",
            "customFields.Publication.Cycle",
        ]
        fits = {"name": "New", "customFields": {"Publication": {"Cycle": "Weekly"}}}
        reply = api("PATCH", f"{BASE}/{ruled}?validateOnly=true", json=fits)
        assert (reply.json()["name"], reply.json()["errors"], reply.json()["warnings"]) == ("New", [], [])
        shown = api.get(f"{BASE}/{ruled}").json()
        assert (shown["name"], shown["customFields"]) == ("Stops", None)

    def test_warnings_refuse_only_what_is_strict(self, api, ruled):
        strict = api("PATCH", f"{BASE}/{ruled}?strict=true", json={"category": "Nonexistent"})
        assert (strict.status_code, strict.json()["code"]) == (400, "invalid_request")
        assert api("PATCH", f"{BASE}/{ruled}", json={"category": "Nonexistent"}).status_code == 200

    @pytest.mark.parametrize(
        "body",
        [
            {"id": "test-test"},
            {"name": " "},
            {"tags": "a"},
            {"descriptoin": "x"},
            {"customFields": {"Publication": {"Cycle": "Daily"}}},
            {"customFields": {"Publication": {"Steward": "private"}}},
            {"customFields": {"Unknown": {"a": "b"}}},
            [],
        ],
    )
    def test_what_is_wrong_is_refused(self, api, ruled, body):
        before = api.get(f"{BASE}/{ruled}").json()
        assert api("PATCH", f"{BASE}/{ruled}", json=body).status_code == 400
        assert api.get(f"{BASE}/{ruled}").json() == before

    def test_only_those_with_the_right_change_it(self, anonymous, viewer, stops):
        assert anonymous("PATCH", f"{BASE}/{stops}", json={"name": "x"}).status_code == 403
        assert viewer("PATCH", f"{BASE}/{stops}", json={"name": "x"}).status_code == 403


class TestAttachments:
    def test_a_form_and_raw_bytes_become_assets(self, api, stops):
        form = api.post("/api/assets", files={"file": ("Ä b.pdf", b"%PDF-1", "application/pdf")}).json()
        raw = api.post("/api/assets", data=b"raw", headers={"X-File-Name": "raw%20file.txt"}).json()
        old = api.post(f"/api/views/{stops}/files.txt", files={"file": ("old.txt", b"old")})
        assert (form["nameForOutput"], raw["nameForOutput"]) == ("Ä b.pdf", "raw file.txt")
        assert old.headers["Content-Type"].startswith("text/plain")
        for asset, data in ((form, b"%PDF-1"), (raw, b"raw"), (old.json(), b"old")):
            assert api.get(f"/api/assets/{asset['id']}").content == data
            assert api.get(f"/api/views/{stops}/files/{asset['id']}?download=true").content == data

    def test_a_put_replaces_the_whole_metadata(self, api, admin, stops):
        admin.add_file(stops, "dictionary.pdf")
        api.put(f"/api/views/{stops}.json", json={"metadata": {"rowLabel": "Stop"}})
        assert "attachments" not in api.get(f"/api/views/{stops}.json").json()["metadata"]

    @pytest.mark.parametrize("method", ["copy", "copySchema"])
    def test_they_are_kept_over_copy_and_publish(self, api, admin, stops, method):
        made = admin.add_file(stops, "dictionary.pdf", "words")
        fields = {"customFields": {"Publication": {"Note": "n"}}}
        api("PATCH", f"{BASE}/{stops}", json=fields)
        copy = api.open_copy(stops, method)
        assert api.get(f"/api/views/{copy}.json").json()["metadata"]["attachments"] == [made]
        assert api.publish(copy).status_code == 200
        view = api.get(f"/api/views/{stops}.json").json()
        assert view["metadata"]["attachments"] == [made]
        assert view["metadata"]["custom_fields"] == fields["customFields"]
        assert api.get(f"/api/views/{stops}/files/{made['assetId']}").text == "words"

    def test_a_lost_file_is_still_listed(self, api, admin, stops):
        made = admin.add_file(stops, "dictionary.pdf")
        admin.lose_file(made["assetId"])
        assert api.get(f"/api/views/{stops}.json").json()["metadata"]["attachments"] == [made]
        assert api.get(f"/api/views/{stops}/files/{made['assetId']}").status_code == 404
