"""Settings: what is refused before anything is sent, and what never shows."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_socrata.client import ConfigurationError, Credentials, PortalSettings
from airflow_socrata.client.proxies import check_ca_bundle, proxy_for


@pytest.mark.parametrize(
    ("domain", "port", "scheme", "url"),
    [
        ("data.example.gov", 443, "https", "https://data.example.gov"),
        ("data.example.gov", 8443, "https", "https://data.example.gov:8443"),
        ("localhost", 8181, "http", "http://localhost:8181"),
        ("portal.localhost", 80, "http", "http://portal.localhost"),
        ("127.0.0.9", 443, "http", "http://127.0.0.9:443"),
        ("::1", 8181, "http", "http://[::1]:8181"),
        ("data.example.gov.", 443, "https", "https://data.example.gov."),
    ],
)
def test_base_url(domain: str, port: int, scheme: str, url: str) -> None:
    settings = PortalSettings(domain, port, scheme)
    assert settings.base_url == url
    assert settings.dataset_link("abcd-1234") == f"{url}/d/abcd-1234"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"domain": "https://data.example.gov"}, "host name alone"),
        ({"domain": "data.example.gov/path"}, "host name alone"),
        ({"domain": "user:pw@data.example.gov"}, "host name alone"),
        ({"domain": ""}, "host name alone"),
        ({"domain": "x" * 64 + ".example.gov"}, "host name alone"),
        ({"domain": "data..example.gov"}, "host name alone"),
        ({"domain": "data.example.gov\r\nX: y"}, "host name alone"),
        ({"domain": "data.example.gov", "scheme": "http"}, "plain http to data.example.gov is refused"),
        ({"domain": "10.0.0.1", "scheme": "http"}, "refused"),
        ({"domain": "localhost.example.gov", "scheme": "http"}, "refused"),
        ({"domain": "data.example.gov", "scheme": "ftp"}, "scheme"),
        ({"domain": "data.example.gov", "port": 0}, "port"),
        ({"domain": "data.example.gov", "port": 65536}, "port"),
        ({"domain": "data.example.gov", "connect_timeout": 0}, "above 0"),
        ({"domain": "data.example.gov", "read_timeout": float("nan")}, "above 0"),
        ({"domain": "data.example.gov", "user_agent": "a\nb"}, "user_agent"),
        ({"domain": "data.example.gov", "proxy": "socks5://proxy:1080"}, "proxy must be a URL"),
        ({"domain": "data.example.gov", "proxy": "proxy.example.gov:3128"}, "proxy must be a URL"),
        ({"domain": "data.example.gov", "proxy": "http://u:hunter2@"}, "proxy must be a URL"),
        ({"domain": "data.example.gov", "proxy": "http://u:hunter2@pro xy:1"}, "proxy must be a URL"),
        ({"domain": "data.example.gov", "proxy": "http://u:hunter2@proxy:port"}, "proxy must be a URL"),
    ],
)
def test_refused_settings(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as refused:
        PortalSettings(**values)
    assert "hunter2" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_password_in_a_pasted_address_is_not_shown() -> None:
    with pytest.raises(ConfigurationError) as refused:
        PortalSettings("https://me:hunter2@data.example.gov")
    assert "hunter2" not in str(refused.value)
    assert "data.example.gov" in str(refused.value)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"user": "u", "secret": "hunter2", "access_token": "hunter2"}, "not both"),
        ({"user": "u"}, "secret"),
        ({"secret": "hunter2"}, "API key id"),
        ({"user": "a:b", "secret": "hunter2"}, "colon"),
        ({"app_token": "hunter2\n"}, "app token"),
        ({"access_token": "hunter2 "}, "access token"),
        ({"app_token": "hünter2"}, "app token"),
    ],
)
def test_refused_credentials(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as refused:
        Credentials(**values)
    assert "hunter2" not in str(refused.value)
    assert "hünter2" not in str(refused.value)


def test_blank_fields_of_a_form_mean_none() -> None:
    assert Credentials(user="", secret="", app_token="", access_token="") == Credentials()
    assert not Credentials(app_token="t").signs_in
    assert Credentials(user="u", secret="s").signs_in
    assert Credentials(access_token="t").signs_in


def test_headers() -> None:
    assert Credentials().headers() == {}
    assert Credentials(app_token="t").headers() == {"X-App-Token": "t"}
    # RFC 7617's example with non-ASCII, in UTF-8
    assert Credentials(user="test", secret="123£").headers() == {"Authorization": "Basic dGVzdDoxMjPCow=="}


def test_nothing_secret_in_repr() -> None:
    settings = PortalSettings(
        "data.example.gov",
        credentials=Credentials("u", "hunter2", "hunter3"),
        proxy="http://me:hunter4@proxy.example.gov:3128",
    )
    assert "hunter" not in repr(settings)
    assert "hunter" not in repr(Credentials(access_token="hunter2"))


def test_redact_takes_every_form_of_a_secret_out() -> None:
    settings = PortalSettings(
        "data.example.gov",
        credentials=Credentials("u", "p/w+d", "hunter3"),
        proxy="http://me:a%2Fb%40c@proxy.example.gov:3128",
    )
    text = (
        "p/w+d p%2Fw%2Bd hunter3 dTpwL3crZA== a%2Fb%40c a/b@c http://me:a%2Fb%40c@proxy.example.gov:3128 rest"
    )
    assert settings.redact(text) == "*** *** *** *** *** *** *** rest"


def test_environment_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = PortalSettings("data.example.gov")
    assert proxy_for(settings) is None
    monkeypatch.setenv("https_proxy", "proxy.example.gov:3128")
    assert proxy_for(settings) == "http://proxy.example.gov:3128"
    assert proxy_for(PortalSettings("data.example.gov", proxy="http://own:1")) == "http://own:1"
    assert proxy_for(PortalSettings("localhost")) is None, "loopback needs none"
    monkeypatch.setenv("no_proxy", ".example.gov")
    assert proxy_for(settings) is None
    monkeypatch.delenv("no_proxy")
    monkeypatch.setenv("https_proxy", "socks5://u:hunter2@proxy:1080")
    with pytest.raises(ConfigurationError) as refused:
        proxy_for(settings)
    assert "hunter2" not in str(refused.value)


def test_ca_bundle_is_tried_before_anything_is_sent(tmp_path: Any) -> None:
    check_ca_bundle(True)
    check_ca_bundle(False)
    check_ca_bundle(str(tmp_path))
    with pytest.raises(ConfigurationError, match="does not exist"):
        check_ca_bundle(str(tmp_path / "absent.pem"))
    (tmp_path / "empty.pem").write_text("nothing")
    with pytest.raises(ConfigurationError, match="no certificates"):
        check_ca_bundle(str(tmp_path / "empty.pem"))
