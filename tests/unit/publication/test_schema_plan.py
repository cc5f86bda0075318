"""The schema plan: which steps, in which order, and which wishes are refused."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_socrata.client import ConfigurationError, View
from airflow_socrata.publication.schema_change import SchemaChange
from airflow_socrata.publication.schema_plan import Former, plan_of
from airflow_socrata.publication.schema_steps import Action, SchemaPlan, SchemaRefused

COLUMNS: dict[str, dict[str, Any]] = {
    "event_id": {"dataTypeName": "text", "name": "Event id", "description": "Its number"},
    "street": {"dataTypeName": "text", "name": "Street", "format": {"align": "left"}},
    "lanes": {"dataTypeName": "number", "name": "Lanes"},
}


def view(columns: dict[str, dict[str, Any]] = COLUMNS, identifier: str | None = "event_id") -> View:
    listed = [
        {"id": number, "fieldName": name, "position": number, **more}
        for number, (name, more) in enumerate(columns.items(), 1)
    ]
    metadata = {} if identifier is None else {"rowIdentifier": identifier}
    return View.from_json({"id": "road-evnt", "name": "Roads", "columns": listed, "metadata": metadata})


FORMER = Former({column.field_name: column for column in view().columns}, "event_id")


def column(field_name: str, kind: str = "text", **more: Any) -> dict[str, Any]:
    return {"field_name": field_name, "data_type": kind, **more}


def plan(standing: View | None = None, former: Former | None = FORMER, **wanted: Any) -> SchemaPlan:
    return plan_of(standing or view(), SchemaChange.of(**wanted), former)


def steps(made: SchemaPlan) -> list[str]:
    return [f"{step.action.name} {step.column}".strip() for step in made.steps]


ALL = [column(name, str(more["dataTypeName"])) for name, more in COLUMNS.items()]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"columns": ALL}, []),
        ({"columns": [*ALL, column("b", "boolean"), column("a")]}, ["ADD b", "ADD a"]),
        ({"columns": ALL[1:], "others": "keep"}, []),
        ({"columns": ALL[:2], "others": "drop"}, ["DROP lanes"]),
        ({"columns": ALL[::-1]}, []),
        ({"columns": [column("a"), *ALL[::-1]], "reorder": True}, ["ADD a", "ORDER"]),
        ({"columns": [column("street", "number")], "others": "keep", "guessed": True}, []),
        (
            {"columns": [column("lanes", name="LANES")], "others": "keep", "guessed": True},
            [],
        ),
        (
            {
                "columns": [column("street", "number")],
                "others": "keep",
                "guessed": True,
                "allow_type_change": True,
            },
            ["DROP street", "ADD street"],
        ),
        ({"add": [column("lanes", "number")]}, []),
        ({"add": [column("lanes", "number", name="No. of lanes")]}, ["CHANGE lanes"]),
        ({"drop": ["lanes", "gone"]}, ["DROP lanes"]),
        ({"change": {"street": {"name": " Street ", "description": None, "format": {"bold": None}}}}, []),
        ({"change": {"street": {"field_name": "road"}}}, ["CHANGE street"]),
        ({"change": {"event_id": {"field_name": "key"}}}, ["CHANGE event_id"]),
        ({"row_identifier": "event_id"}, []),
        ({"row_identifier": "lanes"}, ["IDENTIFY lanes"]),
        ({"row_identifier": ""}, ["RELEASE event_id"]),
        (
            {"row_identifier": "lanes", "drop": ["event_id"]},
            ["RELEASE event_id", "DROP event_id", "IDENTIFY lanes"],
        ),
        (
            {"change": {"event_id": {"data_type": "number"}}, "allow_type_change": True},
            ["RELEASE event_id", "DROP event_id", "ADD event_id", "IDENTIFY event_id"],
        ),
        (
            {"change": {"event_id": {"field_name": "key", "data_type": "number"}}, "allow_type_change": True},
            ["RELEASE event_id", "DROP event_id", "ADD key", "IDENTIFY key"],
        ),
    ],
)
def test_steps(wanted: dict[str, Any], expected: list[str]) -> None:
    assert steps(plan(**wanted)) == expected


def test_a_changed_format_keeps_its_other_keys() -> None:
    (step,) = plan(change={"street": {"format": {"bold": True}}}).steps
    assert step.changes == {"format": {"align": "left", "bold": True}}
    (step,) = plan(change={"street": {"format": {"align": None}}}).steps
    assert step.changes == {"format": {}}


def test_a_column_of_another_type_keeps_name_description_and_place() -> None:
    made = plan(change={"event_id": {"data_type": "number"}}, allow_type_change=True)
    (definition,) = [step.definition for step in made.steps if step.definition is not None]
    assert (definition.name, definition.description, definition.position) == ("Event id", "Its number", 1)


def test_what_a_killed_try_has_left_is_planned_to_the_same_end() -> None:
    """Whatever step was the last one: the rest leads to the columns of a clean run."""
    wanted = {"change": {"event_id": {"field_name": "key", "data_type": "number"}}, "allow_type_change": True}
    rest = {name: more for name, more in COLUMNS.items() if name != "event_id"}
    dropped = view(rest, identifier=None)
    assert steps(plan(dropped, **wanted)) == ["ADD key", "IDENTIFY key"]
    (definition,) = [step.definition for step in plan(dropped, **wanted).steps if step.definition is not None]
    assert (definition.name, definition.position) == ("Event id", 1)
    added = view({"key": {"dataTypeName": "number", "name": "Event id"}, **rest}, identifier=None)
    assert steps(plan(added, **wanted)) == ["IDENTIFY key"]
    done = view({"key": {"dataTypeName": "number", "name": "Event id"}, **rest}, identifier="key")
    assert steps(plan(done, **wanted)) == []


def test_a_rename_that_was_done_is_not_done_again() -> None:
    renamed = view({"key" if name == "event_id" else name: more for name, more in COLUMNS.items()}, "key")
    assert steps(plan(renamed, change={"event_id": {"field_name": "key"}})) == []
    lost = view({"key" if name == "event_id" else name: more for name, more in COLUMNS.items()}, None)
    assert steps(plan(lost, change={"event_id": {"field_name": "key"}})) == ["IDENTIFY key"]


def test_columns_that_the_platform_computes_are_left_alone() -> None:
    region = {":@computed_region_x": {"dataTypeName": "number"}}
    made = plan(view({**COLUMNS, **region}), columns=ALL[::-1], others="drop", reorder=True)
    assert steps(made) == ["ORDER"]
    assert made.steps[0].order == ("lanes", "street", "event_id", ":@computed_region_x")


REFUSED = [
    ({"columns": ALL[:1]}, "lacks: street, lanes. Pass others='keep'"),
    ({"add": [column("lanes")]}, "is of type number, not text"),
    ({"columns": [*ALL[:2], column("lanes")]}, "allow_type_change=True"),
    ({"change": {"stret": {"name": "x"}}}, "no column 'stret' to change; did you mean 'street'"),
    ({"change": {"gone": {"data_type": "text"}}}, "no column 'gone' to change"),
    ({"change": {"street": {"field_name": "lanes"}}}, "which is there already"),
    ({"drop": ["event_id"]}, "is the row identifier and would be dropped"),
    ({"columns": ALL[1:], "others": "drop"}, "is the row identifier and would be dropped"),
    ({"row_identifier": "lane"}, "no column 'lane' for a row identifier; did you mean 'lanes'"),
    (
        {"add": [column("place", "point")], "row_identifier": "place"},
        "of type point cannot be the row identifier",
    ),
    ({"drop": list(COLUMNS), "row_identifier": ""}, "no column left"),
]


@pytest.mark.parametrize(("wanted", "words"), REFUSED)
def test_a_wish_that_cannot_be_or_loses_too_much_is_refused(wanted: dict[str, Any], words: str) -> None:
    with pytest.raises(SchemaRefused) as refused:
        plan(**wanted)
    assert words in str(refused.value)
    assert refused.value.permanent


def test_a_draft_without_a_published_view_asks_for_what_a_killed_try_could_not_tell() -> None:
    with pytest.raises(SchemaRefused, match="give the whole column 'lanes' as add"):
        plan(former=None, change={"lanes": {"data_type": "text"}}, allow_type_change=True)
    wanted = {"add": [column("event_id", "number")], "allow_type_change": True}
    with pytest.raises(SchemaRefused, match="pass row_identifier='event_id'"):
        plan(former=None, **wanted)
    made = plan(former=None, row_identifier="event_id", **wanted)
    assert made.steps[-1].action is Action.IDENTIFY


WRONG = [
    ({}, "no change of columns"),
    ({"columns": []}, "the list of columns is empty"),
    ({"columns": ALL, "drop": ["lanes"]}, "either columns"),
    ({"add": [column("a", "nummer")]}, "there is no type 'nummer'; did you mean 'number'"),
    ({"add": [column("a"), column("a")]}, "two columns have the field name 'a'"),
    ({"add": [column("A b")]}, "such as a_b"),
    ({"add": ["a"]}, "a column is an object"),
    ({"drop": "lanes"}, "drop is a list of field names"),
    ({"drop": [5]}, "drop is a list of field names"),
    ({"change": ["lanes"]}, "change is field name to what changes"),
    ({"change": {"lanes": {"type": "text"}}}, "has no key 'type'; did you mean 'data_type'"),
    ({"change": {"lanes": {}}}, "is an object with name, description"),
    ({"change": {"lanes": {"data_type": "txt"}}}, "there is no type 'txt'; did you mean 'text'"),
    ({"change": {"lanes": {"field_name": "No"}}}, "is no field name"),
    ({"change": {"lanes": {"name": " "}}}, "needs a name that people can read"),
    ({"change": {"lanes": {"format": "bold"}}}, "format of column 'lanes' is an object"),
    (
        {"change": {"a": {"field_name": "c"}, "b": {"field_name": "c"}}},
        "two columns would get the field name 'c'",
    ),
    ({"change": {"a": {"field_name": "b"}, "b": {"field_name": "a"}}}, "given up by one column and taken"),
    ({"change": {"a": {"field_name": "b"}}, "add": [column("a")]}, "given up by one column and taken"),
    ({"change": {"a": {"field_name": "b"}}, "drop": ["b"]}, "given up by one column and taken"),
    ({"drop": ["a"], "add": [column("a")]}, "to be dropped and to be changed or added"),
    ({"drop": ["a"], "row_identifier": "a"}, "to be dropped and to be the row identifier"),
    ({"columns": ALL, "others": "forget"}, "it is one of refuse, keep, drop"),
]


@pytest.mark.parametrize(("wanted", "words"), WRONG)
def test_a_wish_is_checked_before_anything_is_sent(wanted: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as wrong:
        SchemaChange.of(**wanted)
    assert words in str(wrong.value)


def test_a_wish_is_kept_as_plain_data() -> None:
    wanted = SchemaChange.of(
        add=[column("b", "floating_timestamp", name="B", position=2, format={"view": "date"})],
        change={"street": {"data_type": "number", "format": {"bold": None}}},
        drop=["lanes"],
        row_identifier="b",
        allow_type_change=True,
    )
    assert wanted.add[0].data_type == "calendar_date"
    assert SchemaChange.from_json(wanted.to_json()) == wanted
    whole = SchemaChange.of(columns=ALL, others="keep", reorder=True, guessed=True)
    assert SchemaChange.from_json(whole.to_json()) == whole


def test_the_plan_is_a_table() -> None:
    made = plan(drop=["lanes"], change={"street": {"name": "Road"}}, add=[column("b", name="B")])
    assert made.table().splitlines() == [
        "step           column  now             wanted",
        "-------------  ------  --------------  ------------",
        "drop column    lanes   number",
        "change column  street  name: 'Street'  name: 'Road'",
        "add column     b                       text 'B'",
    ]
    assert made.loses == ("lanes",)
    assert plan(columns=ALL).table() == "The columns of road-evnt are as wanted."
