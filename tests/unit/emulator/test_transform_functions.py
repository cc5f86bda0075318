"""The functions of transforms, one by one: mostly the examples that the vendor's documentation gives."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from airflow_socrata.emulator.dsmapi.transforms import CellError, compile_transform
from airflow_socrata.emulator.dsmapi.transforms.functions import FUNCTIONS, MISSING

POINT = {"type": "Point", "coordinates": [2, 2]}


def value(expr: str) -> Any:
    return compile_transform(expr, {}).evaluate({})


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("upper('SOMETHINg')", "SOMETHING"),
        ("lower('SOMEthing')", "something"),
        ("title_case('department of transportation')", "Department of Transportation"),
        ("title_case('a very interesting story')", "A Very Interesting Story"),
        ("title_case('First name, last name')", "First Name, Last Name"),
        ("length('hello')", Decimal(5)),
        ('length("a\\u0301")', Decimal(2)),
        ("trim('    SOMETHING    ', ' ')", "SOMETHING"),
        ("trim(',a,b,c,d,', ',')", "a,b,c,d"),
        ("trim('    SOMETHING    ', 'nope')", "    SOMETHING    "),
        ("trim_leading(',a,b,', ',')", "a,b,"),
        ("trim_trailing(',a,b,', ',')", ",a,b"),
        ("left_pad('hello', 10, 'x')", "xxxxxhello"),
        ("left_pad('hello', 10, 'xy')", "xyxyxhello"),
        ("left_pad('hello', 3, 'x')", "hello"),
        ("right_pad('hello', 8, 'x')", "helloxxx"),
        ("slice('foobar', 0, 2)", "fo"),
        ("slice('foobar', -3, 3)", "bar"),
        ("slice('foobar', -10, 1300)", ""),
        ("split_select('first,second', ',', 1)", "second"),
        ("replace('some-text-literal', '-', '_')", "some_text_literal"),
        ("replace_first('some-text-text', 'text', '')", "some--text"),
        ("contains('foobar', 'bar')", True),
        ("starts_with('foobar', 'bar')", False),
        ("regex_replace('hello 42 world', '\\d+', '')", "hello  world"),
        ("regex_replace('a-b', '(\\w)-(\\w)', '$2 ${1} $$')", "b a $"),
        ("regex_replace('a', 'a', '\\1')", "\\1"),
        ("regex_capture('hello 42 world', '(\\d+)', 0)", "42"),
        ("regex_named_capture('P Sherman 42 Way', '(?<house_number>\\d+)', 'house_number')", "42"),
        ("hash('test', 'md5')", "098F6BCD4621D373CADE4E832627B4F6"),
        ("slice(hash('test', 'sha256'), 0, 8)", "9F86D081"),
        ("url_encode('ftp://s-ite.tld/?value=put it+й')", "ftp://s-ite.tld/?value=put%20it+%D0%B9"),
        ("url_decode('https://socrata.com/some%20page')", "https://socrata.com/some page"),
        ('json_pluck_text(\'{"foo": {"bar": [1, {"baz": "hello"}]}}\', \'.foo.bar.[1].baz\')', "hello"),
        ('json_pluck_text(\'{"foo-bar": {"baz": "qux"}}\', \'.["foo-bar"].baz\')', "qux"),
        ('json_pluck(\'{"foo":[{"bar":1},{"bar":2},"no"]}\', \'.foo.[].bar?\')', "[1,2,null]"),
        ("json_pluck_number('{\"a\": [1.50]}', '.a.[0]')", Decimal("1.50")),
        ("json_pluck_boolean('{\"a\": true}', '.a')", True),
        ("json_pluck_number('{}', '.a.b')", None),
        (
            "abs(-1234567890123456789012345678901234567890)",
            Decimal("1234567890123456789012345678901234567890"),
        ),
        ("1234567890123456789012345678901 + 0.1", Decimal("1234567890123456789012345678901.1")),
    ],
)
def test_functions_of_texts_and_numbers(expr: str, expected: Any) -> None:
    assert value(expr) == expected


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("to_number('42')", Decimal(42)),
        ("to_number(' -1.50e2 ')", Decimal("-150")),
        ("to_number(true)", Decimal(1)),
        ("cast_to_number(7)", Decimal(7)),
        ("to_text(42)", "42"),
        ("to_text(1.50)", "1.50"),
        ("to_text(1 = 1)", "true"),
        ("to_text(to_point('POINT (2 2)'))", "POINT (2 2)"),
        ("to_text(to_url('about (https://a.example)'))", "about (https://a.example)"),
        ("to_boolean('TRUE') and to_boolean('1') and to_checkbox(1)", True),
        ("to_boolean('0') or to_checkbox('no')", False),
        ("to_point('POINT (2 2)')", POINT),
        ("to_point('SRID=4326;point(2 2)')", POINT),
        ("to_point('POINT (1e0 2e0)').longitude", Decimal(1)),
        ("to_line('LINESTRING (30 10, 10 30)')", "LineString"),
        ("to_polygon('POLYGON ((30 10, 40 40, 20 40, 30 10))')", "Polygon"),
        ("to_multipoint('MULTIPOINT ((10 40), (40 30))')", "MultiPoint"),
        ("to_multiline('MULTILINESTRING ((10 10, 20 20), (40 40, 30 30))')", "MultiLineString"),
        ("to_multipolygon('MULTIPOLYGON (((40 40, 20 45, 45 30, 40 40)))')", "MultiPolygon"),
        ("to_url('https://a.example')", {"url": "https://a.example"}),
        ("make_url('https://a.example', 'about')", {"url": "https://a.example", "description": "about"}),
        ("to_json('{\"hello\": [1]}')", {"hello": [1]}),
        ("reproject_to_wgs84(to_point('POINT (2 2)'))", POINT),
    ],
)
def test_casts(expr: str, expected: Any) -> None:
    found = value(expr)
    assert (found["type"] if isinstance(expected, str) and isinstance(found, dict) else found) == expected


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("to_floating_timestamp('2017-12-13')", "2017-12-13T00:00:00.000"),
        ("to_floating_timestamp('2017-12-13T8:24:53')", "2017-12-13T08:24:53.000"),
        ("to_floating_timestamp('2017-12-13T00:24:53Z')", "2017-12-13T00:24:53.000"),
        ("to_floating_timestamp('2017-12-13T00:24:53-0930')", "2017-12-13T00:24:53.000"),
        ("to_floating_timestamp('12/13/2017 1:05 PM')", "2017-12-13T13:05:00.000"),
        (
            "to_floating_timestamp('4/1/2018 1:05:26AM','%m/%d/%Y %I:%M:%S%P')",
            "2018-04-01T01:05:26.000",
        ),
        ("to_floating_timestamp('13.12.2017', '%d.%m.%Y')", "2017-12-13T00:00:00.000"),
        ("to_floating_timestamp('Sun Jul 8 00:34:60 2001', '%c')", "2001-07-08T00:34:59.000"),
        ("to_floating_timestamp('8-Jul-2001', '%v')", "2001-07-08T00:00:00.000"),
        ("to_floating_timestamp('07/08/01', '%D')", "2001-07-08T00:00:00.000"),
        ("to_floating_timestamp('2001189', '%Y%j')", "2001-07-08T00:00:00.000"),
        ("to_floating_timestamp('994518299', '%s')", "2001-07-07T15:04:59.000"),
        ("to_floating_timestamp('12:05 am, July 8, 2001', '%r')", None),
        ("to_floating_timestamp('12:05:01 am July 8, 2001', '%r %B %d, %Y')", "2001-07-08T00:05:01.000"),
        ("to_floating_timestamp('2001-07-08 1:2:3.026490', '%F %T%.f')", "2001-07-08T01:02:03.026"),
        ("to_floating_timestamp('2001-07-08 1:2:3', '%F %T%.f')", "2001-07-08T01:02:03.000"),
        ("to_fixed_timestamp('2017-11-30T23:24:53-0930')", "2017-12-01T08:54:53.000Z"),
        ("to_fixed_timestamp('2017-12-13 12:00')", "2017-12-13T12:00:00.000Z"),
        ("to_fixed_timestamp('13/12/2017 01:00 +0930', '%d/%m/%Y %R %z')", "2017-12-12T15:30:00.000Z"),
        ("to_fixed_timestamp('13/12/2017 01:00 -09:30', '%d/%m/%Y %R %:z')", "2017-12-13T10:30:00.000Z"),
        (
            "to_fixed_timestamp('2017-12-13T00:24:53.436562Z', '{ISO:Extended:Z}')",
            "2017-12-13T00:24:53.436Z",
        ),
        (
            "to_floating_timestamp(to_fixed_timestamp('2024-07-01T00:30:00Z'), 'America/New_York')",
            "2024-06-30T20:30:00.000",
        ),
        ("date_trunc_y(to_floating_timestamp('2017-12-13T01:02:03'))", "2017-01-01T00:00:00.000"),
        ("date_trunc_ym(to_fixed_timestamp('2017-12-13T01:02:03Z'))", "2017-12-01T00:00:00.000Z"),
        ("date_trunc_ymd(to_fixed_timestamp('2017-11-30T23:24:53-0930'))", "2017-12-01T00:00:00.000Z"),
        ("datetime_add_d(to_floating_timestamp('2020-01-01T11:00:00'), 5)", "2020-01-06T11:00:00.000"),
        ("datetime_add_d(to_floating_timestamp('2020-01-06T11:00:00'), -5)", "2020-01-01T11:00:00.000"),
        ("datetime_add_hh(to_fixed_timestamp('2020-01-01T23:00:00Z'), 2)", "2020-01-02T01:00:00.000Z"),
    ],
)
def test_times(expr: str, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(CellError, match="Unable to convert"):
            value(expr)
        return
    assert value(expr) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("y", 2017), ("m", 12), ("d", 13), ("hh", 8), ("mm", 24), ("ss", 53), ("dow", 3), ("woy", 50)],
)
def test_parts_of_times(name: str, expected: int) -> None:
    for stamp in (
        "to_floating_timestamp('2017-12-13T8:24:53')",
        "to_fixed_timestamp('2017-12-13T08:24:53Z')",
    ):
        assert value(f"date_extract_{name}({stamp})") == expected
    words = {"y": "year", "m": "month", "d": "day", "hh": "hour", "mm": "minute", "ss": "second"}
    word = (words | {"dow": "day_of_week", "woy": "week_of_year"})[name]
    assert value(f"to_floating_timestamp('2017-12-13T8:24:53').{word}") == expected


def test_points_and_locations() -> None:
    assert value("make_point(47.123124, -123.325232)") == {
        "type": "Point",
        "coordinates": [-123.325232, 47.123124],
    }
    assert value("make_point(47.5, -123).longitude") == -123
    assert value("parse_point('123 Main St. (42.826, -75.545)').latitude") == Decimal("42.826")
    made = "make_location('3331 39th Ave', 'Vancouver', 'WA', '98818', to_point('POINT (42 43)'))"
    assert value(f"{made}.address || '|' || {made}.city || '|' || {made}.state || '|' || {made}.zip") == (
        "3331 39th Ave|Vancouver|WA|98818"
    )
    assert value(f"location_to_point({made})") == {"type": "Point", "coordinates": [42.0, 43.0]}
    assert value("make_location(null, null, null, null)") is None
    assert value("make_location('x', null, null, null).city") is None
    assert value("location_to_point(make_location('x', 'y', 'WA', '1'))") is None
    assert value("make_location(make_point(1, 2))") == {"latitude": "1.0", "longitude": "2.0"}
    assert value("to_location('350 5th Ave, New York, NY 10118').city") == "New York"
    assert value("to_location('350 5th Ave, New York, NY 10118 (40.7, -73.9)')")["latitude"] == "40.7"
    assert value("to_location('(40.7, -73.9)').point") == {"type": "Point", "coordinates": [-73.9, 40.7]}


def test_a_hole_is_not_within() -> None:
    area = "to_multipolygon('MULTIPOLYGON (((0 0, 9 0, 9 9, 0 9, 0 0), (2 2, 4 2, 4 4, 2 4, 2 2)))')"
    assert value(f"is_within(make_point(1, 1), {area})") is True
    assert value(f"is_within(make_point(3, 3), {area})") is False
    assert value(f"is_within(make_point(10, 1), {area})") is False
    assert value(f"ensure_within(make_point(1, 1), {area}).latitude") == 1


@pytest.mark.parametrize(
    ("expr", "message"),
    [
        ("to_number('')", 'Unable to convert "" from text to number'),
        ("to_number('1,000')", 'Unable to convert "1,000" from text to number'),
        ("to_number('NaN')", 'Unable to convert "NaN" from text to number'),
        ("to_number('1_0')", 'Unable to convert "1_0" from text to number'),
        ("to_checkbox('perhaps')", 'Unable to convert "perhaps" from text to checkbox'),
        ("to_checkbox(2)", 'Unable to convert "2" from number to checkbox'),
        ("to_floating_timestamp('2017-02-29')", 'Unable to convert "2017-02-29" from text to calendar_date'),
        ("to_fixed_timestamp('soon')", 'Unable to convert "soon" from text to date'),
        (
            "to_floating_timestamp('1.2.17', '%d.%m.%Y')",
            'Unable to convert "1.2.17" from text to calendar_date',
        ),
        ("to_floating_timestamp('30/02/2017', '%d/%m/%Y')", "Unable to convert"),
        ("to_floating_timestamp('0:00 am', '%I:%M %p')", "Unable to convert"),
        ("to_point('(2, 2)')", 'Unable to convert "(2, 2)" from text to point'),
        ("to_point('POINT (2)')", 'Unable to convert "POINT (2)" from text to point'),
        ("to_point('POINT (2e2 0)')", "No point has latitude 0 and longitude 200"),
        ("to_polygon('POINT (2 2)')", 'Unable to convert "POINT (2 2)" from text to polygon'),
        ("to_point('POINT (200 2)')", "No point has latitude 2 and longitude 200"),
        ("make_point(91, 0)", "No point has latitude 91"),
        ("to_location('nowhere')", 'Unable to convert "nowhere" from text to location'),
        ("parse_point('Not an address')", 'Unable to parse an address from "Not an address"'),
        ("to_json('{')", 'Unable to convert "{" from text to json'),
        (
            "split_select('first,second', ',', 7)",
            "No token found at that position, attempted to retrieve position 7",
        ),
        ("slice('foobar', 0, -2)", "Invalid length -2. Slice length must be a nonnegative integer."),
        ("slice('foobar', 0.5, 2)", "The start must be a whole number"),
        ("left_pad('x', 5, '')", "empty text"),
        ("left_pad('x', 1e9, 'y')", "must be a whole number"),
        ("regex_capture('hello', '(\\d)', 0)", "No match"),
        ("regex_capture('4', '(\\d)', 1)", "No capture found at position 1"),
        ("regex_named_capture('4', '(?<a>\\d)', 'b')", "No capture named 'b'"),
        ("regex_replace('x', 'a' || '(', '')", "is no regular expression"),
        ("hash('x', 'sha' || '1')", "hash knows md5 and sha256"),
        ("json_pluck_text('[{\"a\": \"32\"}]', '.[a]')", 'Invalid selection from value \'[{"a":"32"}]\''),
        ("json_pluck_number('{\"a\": \"x\"}', '.a')", '"x" is no number'),
        ("json_pluck_boolean('{\"a\": 1}', '.a')", "1 is no boolean"),
        ("json_pluck('nonsense', '.a')", "as JSON"),
        ("json_pluck('{}', 'a' || 'b')", "is no path"),
        ("datetime_add_d(to_floating_timestamp('9999-12-31'), 1)", "No date lies that far"),
    ],
)
def test_values_that_do_not_fit_are_errors_of_their_cell(expr: str, message: str) -> None:
    with pytest.raises(CellError) as caught:
        value(expr)
    assert message in caught.value.message


def test_an_error_of_a_cast_names_value_and_types() -> None:
    with pytest.raises(CellError) as caught:
        value("to_point('(2, 2)')")
    assert caught.value.kind == "type_conversion_failed"
    assert caught.value.data == {"value": "(2, 2)", "source_type": "text", "target_type": "point"}


def test_no_function_is_both_there_and_missing() -> None:
    assert not set(FUNCTIONS) & set(MISSING)


# The functions of the vendor's list for transforms, as published with the API's description.
LISTED = [
    "case",
    "state_boundary",
    "starts_with",
    "split_select",
    "to_number",
    "replace",
    "contains",
    "make_location",
    "regex_replace",
    "to_fixed_timestamp",
    "to_checkbox",
    "to_polygon",
    "reproject",
    "to_floating_timestamp",
    "make_point",
    "to_multipolygon",
    "to_location",
    "location_to_point",
    "geocode",
    "upper",
    "to_line",
    "to_multipoint",
    "to_multiline",
    "xml_pluck",
    "regex_named_capture",
    "ensure_within",
    "lower",
    "http_get",
    "set_projection",
    "regex_capture",
    "to_text",
    "to_boolean",
    "is_within",
    "coalesce",
    "replace_first",
    "error",
    "geocode_esri",
    "to_point",
    "forgive",
    "reproject_to_wgs84",
    "json_pluck",
    "cast_to_date",
    "cast_to_point",
    "cast_to_multipoint",
    "cast_to_calendar_date",
    "cast_to_polygon",
    "cast_to_checkbox",
    "cast_to_text",
    "cast_to_multipolygon",
    "cast_to_line",
    "cast_to_number",
    "cast_to_multiline",
    "cast_to_location",
]


@pytest.mark.parametrize("name", LISTED)
def test_every_listed_function_is_there_or_said_to_be_left_out(name: str) -> None:
    lazy = {"case", "make_location", "coalesce", "error", "forgive"}
    assert name in FUNCTIONS or name in MISSING or name in lazy
    if name in MISSING:
        with pytest.raises(Exception, match=f"{name} cannot be used: the emulator"):
            value(f"{name}()")
