"""The language of translations: what it gives, and what it refuses."""

from __future__ import annotations

import pytest

from airflow_socrata.emulator.imports.language import BadTranslation, compile_translation

ROW = ["Main street", "12", "-5.5", "47.5", ""]


def outputs(source: str) -> list[object]:
    return [output(ROW) for output in compile_translation(source, len(ROW))]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("[col1, col2]", ["Main street", "12"]),
        ("[ title(lower(col1)) , upper(col1) ]", ["Main Street", "MAIN STREET"]),
        ('[col1 + " no. " + col2]', ["Main street no. 12"]),
        ("['it\\'s ' + 5, 1 + 2, \"\"]", ["it's 5", 3, ""]),
        ("[replace(col1, /e/, 'E')]", ["Main strEet"]),
        ("[(col1).replace(/E/gi, 'x')]", ["Main strxxt"]),
        ("[col1.replace(/(\\w+) (\\w+)/, '$2 of $1')]", ["street of Main"]),
        ("[{latitude: col4, longitude: col3}]", [{"latitude": "47.5", "longitude": "-5.5"}]),
        (
            "[JSON.stringify({latitude:col4,longitude:col3,human_address:{city:'X'}})]",
            ['{"latitude": "47.5", "longitude": "-5.5", "human_address": {"city": "X"}}'],
        ),
    ],
)
def test_outputs(source: str, expected: list[object]) -> None:
    assert outputs(source) == expected


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("col1", r"expected \[ at character 1"),
        ("[col1", "expected , at character 6"),
        ("[col1 col2]", "expected , at character 7"),
        ("[]", "empty"),
        ("[col6]", "the file has no col6 at character 2"),
        ("[col0]", "the file has no col0"),
        ("[sum(col1)]", "there is no function sum at character 2"),
        ("[col1.trim()]", "there is no method trim"),
        ("[(function(v){return v})(col1)]", "there is no function function"),
        ('["abc]', "unexpected '\"' at character 2"),
        ("[replace(col1, /(/, '')]", "does not compile"),
        ("[replace(col1, /a/y, '')]", "flags y"),
        ("[col1] + 1", "nothing may follow"),
        ("[{latitude col1}]", "expected :"),
        ("[" + "(" * 200, "nested too deeply"),
    ],
)
def test_refusals(source: str, problem: str) -> None:
    with pytest.raises(BadTranslation, match=problem):
        outputs(source)
