"""Links are followed as they are given, and never lead away from the portal."""

from __future__ import annotations

import pytest

from airflow_socrata.client import ConfigurationError, LinkMissing
from airflow_socrata.client.links import Links, config_path, revision_path, revisions_path, source_path


def test_template_is_filled() -> None:
    links = Links({"chunk": "/s/1/chunk/{seq_num}/{byte_offset}"})
    assert links.path("chunk", seq_num=0, byte_offset=4096) == "/s/1/chunk/0/4096"


def test_value_cannot_change_the_path() -> None:
    assert Links({"show": "/config/{name}"}).path("show", name="a/../b?x#y") == "/config/a%2F..%2Fb%3Fx%23y"


def test_nested_templates_keep_what_is_not_known_yet() -> None:
    links = Links({"below": {"rows": "/i/{input}/rows/{output}", "deep": {"x": "/{input}/{output}"}}})
    inner = links.group("below", input=3)
    assert inner.path("rows", output=9) == "/i/3/rows/9"
    assert inner.group("deep", output=9).path("x") == "/3/9"
    assert not links.group("nothing").values


def test_absent_link_is_named() -> None:
    with pytest.raises(LinkMissing, match="no link 'restore'"):
        Links({"show": "/x"}).path("restore")
    with pytest.raises(LinkMissing, match="wants 'seq_num'"):
        Links({"chunk": "/{seq_num}"}).path("chunk")
    with pytest.raises(LinkMissing, match="no link 'group'"):
        Links({"group": {}}).path("group")


@pytest.mark.parametrize(
    "link", ["https://other.example/x", "@other.example/x", ".other.example/x", ":80/x", "x", ""]
)
def test_link_to_another_host_is_not_followed(link: str) -> None:
    with pytest.raises(LinkMissing, match="no path on the portal"):
        Links({"show": link}).path("show")


def test_line_ends_cannot_get_into_a_request() -> None:
    assert Links({"show": "/x y\r\nHost: z"}).path("show") == "/x%20y%0D%0AHost:%20z"


def test_own_links_come_before_those_of_the_parent() -> None:
    both = Links({"show": "/own"}).over(Links({"show": "/parent", "rows": "/rows"}))
    assert (both.path("show"), both.path("rows")) == ("/own", "/rows")


def test_entry_points() -> None:
    assert revisions_path(None) == "/api/publishing/v1/revision"
    assert revision_path("abcd-1234", 0) == "/api/publishing/v1/revision/abcd-1234/0"
    assert source_path(7) == "/api/publishing/v1/source/7"
    assert config_path("road events/2") == "/api/publishing/v1/config/road%20events%2F2"


def test_entry_points_check_what_they_are_given() -> None:
    with pytest.raises(ConfigurationError, match="dataset id"):
        revisions_path("../x")
    for seq in (-1, True, "4"):
        with pytest.raises(ConfigurationError, match="no number of a revision"):
            revision_path("abcd-1234", seq)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="config is empty"):
        config_path(" ")
