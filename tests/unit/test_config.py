"""Settings: from a file, the environment and flags."""

import pytest

from runline.config import SettingsError, load_settings


@pytest.mark.parametrize(
    ("text", "networks"),
    [("10.0.0.0/8", ("10.0.0.0/8",)), ("10.0.0.0/8, fd00::/8", ("10.0.0.0/8", "fd00::/8")), ("", ()), (" , ", ())],
)
def test_a_list_in_the_environment_has_commas_between_and_may_be_empty(text, networks):
    settings = load_settings(None, {"RUNLINE_SERVER_EXEMPT": text, "RUNLINE_SERVER_PROXIES": text}, {})
    assert settings.server.exempt == settings.server.proxies == networks


def test_what_is_no_network_is_refused():
    with pytest.raises(SettingsError):
        load_settings(None, {"RUNLINE_SERVER_PROXIES": "the proxy"}, {})


def test_flags_go_over_the_environment_which_goes_over_the_file(tmp_path):
    file = tmp_path / "runline.toml"
    file.write_text('[server]\nport = 1\nhost = "192.0.2.1"\n[engine]\nnode = "n7"\n')
    settings = load_settings(file, {"RUNLINE_SERVER_PORT": "2", "RUNLINE_SERVER_HOST": "::1"}, {("server", "port"): 3})
    assert (settings.server.port, settings.server.host, settings.engine.node) == (3, "::1", "n7")
