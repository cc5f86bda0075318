"""What a DAG's author writes as metadata: what is taken, and what differs from the portal."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_socrata.client import ConfigurationError, View
from airflow_socrata.client.metadata import Metadata
from airflow_socrata.publication.describing import MetadataChanges

NOW = Metadata.from_json({
    "id": "road-2222",
    "name": "Roads",
    "description": None,
    "tags": ["roads", "traffic"],
    "license": "Creative Commons Attribution 4.0 International",
    "customFields": {"Publication": {"Cycle": "Weekly", "Note": "n"}, "Empty": {"a": None}},
})
VIEW = View.from_json({
    "id": "road-2222",
    "metadata": {"rowLabel": "Road"},
    "privateMetadata": {"contactEmail": "a@example.gov", "custom_fields": {"Publication": {"Steward": "Jo"}}},
})


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({}, "at least one of name, description"),
        ("text", "at least one of"),
        ({"descripton": "x"}, "did you mean 'description'"),
        ({"attributionLink": "x"}, "write 'attribution_link'"),
        ({"id": "abcd-1234"}, "metadata has no 'id'"),
        ({"attachments": []}, "metadata has no 'attachments'"),
        ({"name": " "}, "cannot be empty"),
        ({"name": None}, "cannot be empty"),
        ({"tags": "roads"}, "tags must be a list"),
        ({"tags": ["roads", ""]}, "tags must be a list"),
        ({"description": 3}, "must be a text, not int"),
        ({"contact_email": ["a"]}, "must be a text, not list"),
        ({"custom_fields": None}, "would take all custom fields away"),
        ({"custom_fields": []}, "fieldset to field to text"),
        ({"custom_fields": {"Publication": "Weekly"}}, "must be field to text"),
        ({"custom_fields": {"Publication": {"Cycle": 1}}}, "Publication.Cycle must be a text"),
    ],
)
def test_what_is_wrong_is_named(wanted: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        MetadataChanges.of(wanted)


@pytest.mark.parametrize(
    "wanted",
    [
        {"name": "Roads ", "description": "", "tags": ["Traffic", "ROADS"]},
        {"license": "CC_40_BY"},
        {"license": "creative commons attribution 4.0 international"},
        {"custom_fields": {"Publication": {"Cycle": "Weekly"}, "Empty": None, "Other": {"x": None}}},
        {"private_custom_fields": {"Publication": {"Steward": "Jo"}}},
        {"row_label": "Road", "contact_email": "a@example.gov"},
    ],
)
def test_what_is_as_wanted_is_not_sent(wanted: dict[str, Any]) -> None:
    pending = MetadataChanges.of(wanted).against(NOW, VIEW)
    assert (pending.changes, pending.in_view, pending.names) == ({}, {}, ())


@pytest.mark.parametrize(
    ("wanted", "changes", "names"),
    [
        ({"description": "d", "name": "Roads"}, {"description": "d"}, ("description",)),
        ({"tags": None}, {"tags": None}, ("tags",)),
        ({"tags": ["roads"]}, {"tags": ["roads"]}, ("tags",)),
        ({"license": "PUBLIC_DOMAIN"}, {"license": "Public Domain"}, ("license",)),
        ({"license": "OGL_OF_OUR_CITY"}, {"license": "OGL_OF_OUR_CITY"}, ("license",)),
        ({"license": None}, {"license": None}, ("license",)),
        ({"attribution_link": "https://a"}, {"attributionLink": "https://a"}, ("attribution_link",)),
        (
            {"custom_fields": {"Publication": {"Cycle": "Weekly", "Note": ""}}},
            {"customFields": {"Publication": {"Note": None}}},
            ("custom_fields.Publication.Note",),
        ),
        (
            {"custom_fields": {"Publication": None}},
            {"customFields": {"Publication": None}},
            ("custom_fields.Publication",),
        ),
        (
            {"private_custom_fields": {"Publication": {"Steward": "Bo"}}},
            {"privateCustomFields": {"Publication": {"Steward": "Bo"}}},
            ("private_custom_fields.Publication.Steward",),
        ),
    ],
)
def test_only_what_differs_is_sent(
    wanted: dict[str, Any], changes: dict[str, Any], names: tuple[str, ...]
) -> None:
    pending = MetadataChanges.of(wanted).against(NOW, VIEW)
    assert (pending.changes, pending.in_view, pending.names) == (changes, {}, names)


def test_what_only_the_view_holds() -> None:
    pending = MetadataChanges.of({"row_label": "", "contact_email": "b@example.gov"}).against(NOW, VIEW)
    assert pending.changes == {}
    assert pending.in_view == {
        "metadata": {"rowLabel": None},
        "privateMetadata": {"contactEmail": "b@example.gov"},
    }
    assert set(pending.names) == {"row_label", "contact_email"}
