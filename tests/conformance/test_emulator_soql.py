"""SoQL: what verification queries use, and the errors they meet."""

from __future__ import annotations

import pytest

COLUMNS = [
    ["k", "text"],
    ["n", "number"],
    ["d", "double"],
    ["flag", "checkbox"],
    ["at", "calendar_date"],
    ["place", "point"],
]
ROWS = [
    {
        "k": "a",
        "n": "9007199254740993",
        "d": 0.5,
        "flag": True,
        "at": "2024-01-31T10:00:00",
        "place": "POINT (-122.3 47.6)",
    },
    {"k": "b", "n": "10.50", "d": 1.5, "flag": False, "at": "2024-02-01T00:00:00"},
    {"k": "c", "n": "9", "d": 2.5, "at": "2025-02-01T00:00:00", "place": "POINT (-74 40.7)"},
    {"k": "O'Hare", "n": "0.1"},
    {"k": "Été", "n": "0.2", "flag": True},
]


@pytest.fixture
def table(admin):
    return admin.create_dataset("soql-2222", "S", COLUMNS, "k", ROWS)["id"]


@pytest.fixture
def ask(api, table):
    def ask(**clauses):
        return api.rows(table, **{"$" + name: value for name, value in clauses.items()})

    return ask


@pytest.mark.parametrize(
    ("where", "keys"),
    [
        ("n > 9", "a b"),
        ("n = '9.0'", "c"),
        ("n = 9007199254740993", "a"),
        ("n between 0.1 and 9", "O'Hare c Été"),
        ("k = 'O''Hare'", "O'Hare"),
        ('k = "a" or k = "b"', "a b"),
        ("k in ('a', 'c')", "a c"),
        ("k not in ('a', 'c')", "O'Hare b Été"),
        ("flag = true", "a Été"),
        ("not flag = true", "b"),
        ("flag is null", "O'Hare c"),
        ("place is not null", "a c"),
        ("at >= '2024-02-01'", "b c"),
        ("at between '2024-01-01' and '2024-12-31T23:59:59'", "a b"),
        ("date_extract_y(at) = 2024 and date_extract_m(at) = 1", "a"),
        ("date_trunc_ym(at) = '2024-02-01T00:00:00.000'", "b"),
        ("upper(k) = 'ÉTÉ'", "Été"),
        ("starts_with(k, 'O')", "O'Hare"),
        ("k like '%a%'", "O'Hare a"),
        ("k not like '%a%'", "b c Été"),
        ("contains(k, 't')", "Été"),
        ("length(k) = 6", "O'Hare"),
        ("within_box(place, 48, -123, 47, -122)", "a"),
        ("within_circle(place, 40.7, -74, 1000)", "c"),
        ("n * 2 = 18", "c"),
        ("(n - 8) / 2 = 0.5", "c"),
        ("n % 2 = 1 and n < 100", "c"),
        ("-n = -9", "c"),
        ("`k` = 'a'", "a"),
        ("coalesce(d, 0) = 0", "O'Hare Été"),
        ("K = 'a'", "a"),
    ],
)
def test_where(ask, where, keys):
    found = [row["k"] for row in ask(select="k", where=where)]
    assert sorted(found) == keys.split()


@pytest.mark.parametrize(
    ("select", "row"),
    [
        ("count(*)", {"count": "5"}),
        ("count(flag)", {"count_flag": "3"}),
        ("count(distinct flag) as kinds", {"kinds": "2"}),
        ("sum(d)", {"sum_d": 4.5}),
        ("max(at), min(at)", {"max_at": "2025-02-01T00:00:00.000", "min_at": "2024-01-31T10:00:00.000"}),
        ("max(n) as most", {"most": "9007199254740993"}),
        ("count(*) as total, 'x' as word", {"total": "5", "word": "x"}),
    ],
)
def test_aggregates(ask, select, row):
    (found,) = ask(select=select)
    assert found == row


def test_sums_are_exact(ask):
    assert ask(select="sum(n)", where="n < 1") == [{"sum_n": "0.3"}]
    assert ask(select="avg(n)", where="n < 1") == [{"avg_n": "0.15"}]


def test_group_having_order(ask, api, table):
    found = ask(select="date_extract_y(at) as year, count(*)", group="year", order="year desc")
    assert found == [{"count": "2"}, {"year": "2025", "count": "1"}, {"year": "2024", "count": "2"}]
    assert ask(select="flag, count(*) as c", group="flag", having="count(*) > 1", order="flag") == [
        {"flag": True, "c": "2"},
        {"c": "2"},
    ]


def test_order_puts_null_where_the_portal_does(ask):
    assert [row.get("d") for row in ask(select="k,d", order="d, k")] == [0.5, 1.5, 2.5, None, None]
    assert [row.get("d") for row in ask(select="k,d", order="d desc, k")] == [None, None, 2.5, 1.5, 0.5]
    assert [row.get("d") for row in ask(select="k,d", order="d desc null last, k")] == [
        2.5,
        1.5,
        0.5,
        None,
        None,
    ]


def test_pages(ask):
    pages = [ask(select="k", order=":id", limit="2", offset=str(offset)) for offset in (0, 2, 4, 6)]
    assert [len(page) for page in pages] == [2, 2, 1, 0]
    assert [row["k"] for page in pages for row in page] == [row["k"] for row in ROWS]


def test_row_ids_can_be_asked_for(api, table):
    rows = api.rows(table, **{"$select": ":id,k", "$order": ":id"})
    third = rows[2][":id"]
    assert api.rows(table, **{"$select": "k", "$where": f":id = '{third}'"}) == [{"k": "c"}]
    after = api.rows(table, **{"$select": "k", "$where": f":id > '{third}'"})
    assert [row["k"] for row in after] == ["O'Hare", "Été"]


def test_system_times_can_be_asked_for(api, admin, table):
    since = api.rows(table, **{"$select": "max(:updated_at) as latest"})[0]["latest"]
    admin.advance(5)
    api.upsert(table, [{"k": "a", "n": 1}])
    assert [row["k"] for row in api.rows(table, **{"$where": f":updated_at > '{since}'"})] == ["a"]


def test_other_forms_of_select(ask):
    assert ask(select="k, case(n > 10, 'big', true, 'small') as size", where="k in ('a','c')", order="k") == [
        {"k": "a", "size": "big"},
        {"k": "c", "size": "small"},
    ]
    assert ask(select="case when n > 10 then 'big' else 'small' end as size", where="k='c'") == [
        {"size": "small"}
    ]
    assert ask(select="k || '-' || n as both", where="k='b'") == [{"both": "b-10.50"}]
    assert ask(select="distinct flag", order="flag") == [{"flag": False}, {"flag": True}, {}]
    assert ask(select="n::text as t", where="k='b'") == [{"t": "10.50"}]


def test_whole_query_search_and_filters(ask, api, table):
    assert ask(query="select k where n < 1 order by n limit 1") == [{"k": "O'Hare"}]
    assert ask(q="hare") == [{"k": "O'Hare", "n": "0.1"}]
    assert api.rows(table, flag="true", k="a")[0]["k"] == "a"
    assert api.get(f"/resource/{table}.json?$query=select k&$where=n<1").status_code == 400


def test_default_limit_is_a_thousand(admin, api):
    admin.create_dataset("many-2222", "M", ["a"], rows=[{"a": str(n)} for n in range(1500)])
    assert len(api.rows("many-2222")) == 1000
    assert len(api.rows("many-2222", **{"$limit": "60000"})) == 1500
    assert len(api.rows("many-2222", **{"$query": "select *"})) == 1000


@pytest.mark.parametrize(
    ("clauses", "code"),
    [
        ({"select": "nope"}, "query.soql.no-such-column"),
        ({"where": "nope = 1"}, "query.soql.no-such-column"),
        ({"order": ":nope"}, "query.soql.no-such-column"),
        ({"where": "n = 'many'"}, "query.soql.type-mismatch"),
        ({"where": "k = 5"}, "query.soql.type-mismatch"),
        ({"where": "at > 'soon'"}, "query.soql.type-mismatch"),
        ({"where": "upper(n) = 'X'"}, "query.soql.type-mismatch"),
        ({"where": "n"}, "query.soql.non-boolean-where"),
        ({"where": "frobnicate(n) = 1"}, "query.soql.no-such-function"),
        ({"select": "k, count(*)"}, "query.soql.column-not-in-group-bys"),
        ({"select": "k, n as k"}, "query.soql.duplicate-alias"),
    ],
)
def test_errors_of_meaning(api, table, clauses, code):
    reply = api.get(f"/resource/{table}.json", params={"$" + k: v for k, v in clauses.items()})
    assert reply.status_code == 400
    body = reply.json()
    assert set(body) == {"message", "errorCode", "data"}
    assert body["errorCode"] == code
    assert body["message"].startswith(f"Query coordinator error: {code}; ")
    assert "position: Map(row -> 1, column -> " in body["message"]
    assert set(body["data"]["position"]) == {"row", "column", "line"}


def test_unknown_column_is_located(api, table):
    body = api.get(f"/resource/{table}.json?$select=k, nope").json()
    assert body["data"]["column"] == "nope"
    assert body["data"]["position"] == {"row": 1, "column": 11, "line": "SELECT k, nope"}


@pytest.mark.parametrize(
    "clauses",
    [
        {"where": "n ="},
        {"where": "n = 1; drop table copy_1"},
        {"where": "n = 1 limit 5"},
        {"where": "n = (select 1)"},
        {"where": "n in (select 1)"},
        {"where": "flag is 5"},
        {"select": "count(*) over (partition by k)"},
        {"select": "k from soql"},
        {"select": ""},
        {"limit": "-1"},
        {"limit": "many"},
        {"offset": "1.5"},
        {"query": "delete from copy_1"},
        {"query": "select k join other on a = b"},
    ],
)
def test_what_is_no_soql(api, admin, table, clauses):
    reply = api.get(f"/resource/{table}.json", params={"$" + k: v for k, v in clauses.items()})
    assert (reply.status_code, reply.json()["code"], reply.json()["data"]) == (
        400,
        "query.compiler.malformed",
        {},
    )
    assert len(admin.rows(table)) == 5
