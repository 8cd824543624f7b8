"""Settings: from a file, the environment and flags; what is not known is refused, of each value its origin is known."""

import tomllib

import msgspec
import pytest

from runline.config import (
    FLAGS,
    SettingsError,
    every_setting,
    load,
    load_settings,
    settings_json,
    settings_toml,
    variable_of,
)
from runline.shell import VARIABLES


def refused(text=None, environ=None, flags=None, tmp_path=None):
    """Why settings are refused."""
    file = None
    if text is not None:
        file = tmp_path / "runline.toml"
        file.write_text(text)
    with pytest.raises(SettingsError) as found:
        load(file, environ or {}, flags or {})
    return str(found.value)


@pytest.mark.parametrize(
    ("text", "networks"),
    [("10.0.0.0/8", ("10.0.0.0/8",)), ("10.0.0.0/8, fd00::/8", ("10.0.0.0/8", "fd00::/8")), ("", ()), (" , ", ())],
)
def test_a_list_in_the_environment_has_commas_between_and_may_be_empty(text, networks):
    settings = load_settings(None, {"RUNLINE_SERVER_EXEMPT": text, "RUNLINE_SERVER_PROXIES": text}, {})
    assert settings.server.exempt == settings.server.proxies == networks


def test_flags_go_over_the_environment_which_goes_over_the_file(tmp_path):
    file = tmp_path / "runline.toml"
    file.write_text('[server]\nport = 1\nhost = "192.0.2.1"\n[engine]\nnode = "n7"\n')
    settings = load_settings(file, {"RUNLINE_SERVER_PORT": "2", "RUNLINE_SERVER_HOST": "::1"}, {("server", "port"): 3})
    assert (settings.server.port, settings.server.host, settings.engine.node) == (3, "::1", "n7")


def test_it_is_known_of_each_value_where_it_comes_from(tmp_path):
    file = tmp_path / "runline.toml"
    file.write_text('[server]\nport = 1\nhost = "192.0.2.1"\nowner_password = "in-the-file"\n')
    loaded = load(file, {"RUNLINE_SERVER_HOST": "::1"}, {("server", "port"): 0, ("store", "path"): None})
    said = settings_toml(loaded)
    for line in (
        "port = 0  # --port",
        'host = "::1"  # RUNLINE_SERVER_HOST',
        'node = "n1"  # default',
        f"# owner_password: (set, not shown), {file}",
        "# tls_key: not set",
    ):
        assert line in said.splitlines()
    assert "in-the-file" not in said
    assert tomllib.loads(said)["server"]["port"] == 0
    found = msgspec.json.decode(msgspec.json.encode(settings_json(loaded)))
    assert found["server"]["port"] == {"value": 0, "from": "flag", "name": "--port"}
    assert found["server"]["host"] == {"value": "::1", "from": "environment", "name": "RUNLINE_SERVER_HOST"}
    assert found["server"]["owner_password"] == {"set": True, "from": "file", "name": str(file)}
    assert found["store"]["path"] == {"value": "runline.db", "from": "default", "name": ""}
    assert [(part, name) for part, values in found.items() for name in values] == [
        (part, field.name) for part, field in every_setting()
    ]


def test_the_address_of_a_database_is_a_secret_and_is_checked():
    loaded = load(None, {"RUNLINE_STORE_URL": "postgresql://runline:secret@/runline"}, {})
    assert loaded.settings.store.url.endswith("/runline")
    assert "secret" not in settings_toml(loaded) + str(settings_json(loaded))
    with pytest.raises(SettingsError, match=r"--store: in \[store\], url is the address of a database of PostgreSQL"):
        load(None, {}, {("store", "url"): "book.db"})
    with pytest.raises(SettingsError, match="written by a process of its own"):
        load(None, {}, {("store", "url"): "postgresql:///runline", ("store", "committer"): "inline"})


POSTGRESQL = {"RUNLINE_STORE_URL": "postgresql:///runline"}


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        (
            {"RUNLINE_CLUSTER_ADDRESS": "unix:/run/runline/n1"},
            "RUNLINE_CLUSTER_ADDRESS is of a node, which shares a database of PostgreSQL with others: set url of [store]",
        ),
        (
            {"RUNLINE_SERVER_ROLE": "gateway"},
            "RUNLINE_SERVER_ROLE is gateway, which shares a database of PostgreSQL with others: set url of [store]",
        ),
        (
            {"RUNLINE_SERVER_ROLE": "engine", **POSTGRESQL},
            "RUNLINE_SERVER_ROLE is engine, which only nodes reach: set address of [cluster]",
        ),
        (
            {"RUNLINE_SERVER_ROLE": "gateway", "RUNLINE_CLUSTER_ADDRESS": "unix:/run/runline/n1", **POSTGRESQL},
            "RUNLINE_CLUSTER_ADDRESS is of a node, and role of [server] is gateway: set one of them",
        ),
        (
            {"RUNLINE_SERVER_ROLE": "gateway", "RUNLINE_SERVER_GATEWAYS": "2", **POSTGRESQL},
            "RUNLINE_SERVER_GATEWAYS is not for a process whose role is gateway",
        ),
        (
            {"RUNLINE_CLUSTER_ADDRESS": "10.0.0.1:8322", **POSTGRESQL},
            "RUNLINE_CLUSTER_ADDRESS: in [cluster], address: 10.0.0.1:8322 is no address of this machine, so links to",
        ),
        (
            {"RUNLINE_CLUSTER_ADDRESS": "unix:run/n1", **POSTGRESQL},
            "RUNLINE_CLUSTER_ADDRESS: in [cluster], address: 'unix:run/n1' is to be a whole path",
        ),
        (
            {"RUNLINE_CLUSTER_TLS_KEY": "/etc/runline/n1.key"},
            "RUNLINE_CLUSTER_TLS_KEY: in [cluster], tls_certificate, tls_key and tls_authority go together",
        ),
    ],
)
def test_settings_of_a_cluster_that_do_not_go_together_are_refused_in_a_sentence(environ, says):
    assert refused(environ=environ).startswith(says)


def test_a_node_reaches_others_over_a_socket_or_over_tls():
    tls = {"TLS_CERTIFICATE": "/n1.pem", "TLS_KEY": "/n1.key", "TLS_AUTHORITY": "/authority.pem"}
    for address, files in (("unix:/run/runline/n1", {}), ("127.0.0.1:8322", {}), ("10.0.0.1:8322", tls)):
        named = {f"RUNLINE_CLUSTER_{name}": path for name, path in files.items()}
        found = load_settings(None, {**POSTGRESQL, **named}, {("cluster", "address"): address}).cluster
        assert found.address == address
        assert (found.tls is not None) is bool(files)


def test_a_file_has_no_replicas_and_a_database_may_be_required_to_have_them():
    with pytest.raises(SettingsError, match="a file has no replicas: set url"):
        load(None, {"RUNLINE_STORE_REPLICAS": "required"}, {})
    environment = {"RUNLINE_STORE_REPLICAS": "required", "RUNLINE_STORE_URL": "postgresql://runline@/runline"}
    assert load(None, environment, {}).settings.store.replicas == "required"


def test_every_setting_can_be_given_by_the_environment_and_every_flag_is_one():
    names = {variable_of(part, field.name) for part, field in every_setting()}
    assert not names & set(VARIABLES)
    assert load_settings(None, {"RUNLINE_SESSIONS_PROGRAM_IDLE_S": "900"}, {}).sessions.program_idle_s == 900
    assert set(FLAGS) <= {(part, field.name) for part, field in every_setting()}


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"RUNLINE_SERVER_PROT": "1"}, ["RUNLINE_SERVER_PROT", "Did you mean RUNLINE_SERVER_PORT?", "unset"]),
        ({"RUNLINE_COLOUR": "1"}, ["RUNLINE_COLOUR", "unset RUNLINE_COLOUR"]),
        ({"RUNLINE_SERVER_PORT": "99999"}, ["RUNLINE_SERVER_PORT", "from 0 to 65535", "'99999'"]),
        ({"RUNLINE_SERVER_PORT": ""}, ["RUNLINE_SERVER_PORT", "a whole number"]),
        ({"RUNLINE_STORE_COMMITTER": "both"}, ["RUNLINE_STORE_COMMITTER", "inline or process", "'both'"]),
        ({"RUNLINE_SERVER_PROXIES": "the proxy"}, ["RUNLINE_SERVER_PROXIES", "networks such as 10.0.0.0/8"]),
        ({"RUNLINE_SERVER_PUBLIC_URL": "book.example"}, ["RUNLINE_SERVER_PUBLIC_URL", "https://book.example"]),
        ({"RUNLINE_SESSIONS_SCREEN_S": "60"}, ["RUNLINE_SESSIONS_SCREEN_S", "screen_idle_s 1800"]),
    ],
)
def test_what_is_wrong_in_the_environment_is_said_with_its_name_and_what_would_be_right(environ, says):
    said = refused(environ=environ)
    assert [part for part in says if part not in said] == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[server]\nprot = 1", ["[server] has no setting prot", "Did you mean port?"]),
        ("[sever]\nport = 1", ["no part [sever]", "Did you mean server?", "[store], [engine]"]),
        ("server = 5", ["write [server] in a line"]),
        ("[server", ["cannot be read as TOML"]),
        ("[server]\nport = 'many'", ["port of [server]", "a whole number from 0 to 65535", "'many'"]),
        ("[server]\nport = -1", ["port of [server]", "-1"]),
        ("[server]\nproxies = 'one'", ["proxies of [server]", "a list of texts"]),
        ("[store]\npath = 7", ["path of [store]", "a path"]),
        ("[server]\nowner_password = 123456789", ["owner_password of [server]", "a text"]),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_the_file_and_the_setting(tmp_path, text, says):
    said = refused(text, tmp_path=tmp_path)
    assert str(tmp_path / "runline.toml") in said
    assert [part for part in says if part not in said] == []
    assert "123456789" not in said, "a secret is not shown"


def test_what_is_wrong_with_a_flag_is_said_with_the_flag():
    assert refused(flags={("server", "port"): 99999}) == "--port takes a whole number from 0 to 65535, not '99999'"


def test_a_file_that_is_not_there_is_named_without_a_number(tmp_path):
    with pytest.raises(SettingsError) as found:
        load(tmp_path / "none.toml", {}, {})
    assert str(found.value) == f"--config: the file cannot be read: {tmp_path / 'none.toml'}: no such file or directory"


def test_our_other_names_in_the_environment_are_no_settings_and_are_let_be():
    assert load_settings(None, dict.fromkeys(VARIABLES, "x"), {}) == load_settings(None, {}, {})
