"""`runline serve` and `runline config`, as somebody runs them."""

import os
import re
import resource
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from runline.client import Client, RefusedError
from runline.config import ServerSettings
from runline.engine.host import Host
from runline.engine.timekeeper import confirmation_file, note_file, read_note, write_note
from runline.evaluate.terminal import AGREES, verify_database
from runline.gateway.server import listen
from runline.serve import serve, warnings
from runline.shell import UNUSABLE

DAY_NS = 24 * 3_600 * 10**9
README = (Path(__file__).parents[2] / "README.md").read_text()

children: list[subprocess.Popen[str]] = []
"""The servers that run now."""


def find(pattern, text, flags=0) -> re.Match[str]:
    """Where a pattern is found."""
    found = re.search(pattern, text, flags)
    assert found, text
    return found


def runline(*words, **environment):
    return subprocess.run(
        [sys.executable, "-m", "runline", *map(str, words)],
        capture_output=True, text=True, check=False, env={**os.environ, **environment},
    )  # fmt: skip


@contextmanager
def serving(*words, quiet=True, **environment):
    """A server; (its lines so far, its address). It is stopped as by Ctrl-C, must end well, and say nothing if it is quiet."""
    command = [sys.executable, "-m", "runline", "serve", *map(str, words)]
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}
    )
    lines: list[str] = []
    children.append(child)
    assert child.stdout is not None
    try:
        for line in child.stdout:
            lines.append(line)
            if "http://" in line:
                break
        yield lines, find(r"http://\S+", lines[-1])[0]
    finally:
        child.send_signal(signal.SIGINT)
        _, complaints = child.communicate(timeout=30)
        children.remove(child)
    assert child.returncode == 0
    assert not (quiet and complaints), complaints


def test_the_signal_that_starts_stopped_streams_ends_nothing(tmp_path):
    with serving("--database", tmp_path / "book.db", "--port", 0) as (lines, address):
        user, password = find(r"user (\S+), password (\S+)", lines[0]).groups()
        children[0].send_signal(signal.SIGUSR1)
        with Client(address) as client:
            client.sign_in("house", user, password)
            client.send("CreateLeague", league="MLB", sport="baseball")


def test_that_signal_ends_no_server_that_is_still_starting(tmp_path, monkeypatch):
    found = []

    def note(main):
        found.append(signal.getsignal(signal.SIGUSR1))
        return 0

    monkeypatch.setattr("runline.serve.run", note)
    before = signal.getsignal(signal.SIGUSR1)
    try:
        assert serve(None, {("store", "path"): tmp_path / "book.db"}) == 0
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert found == [signal.SIG_IGN]


@pytest.mark.parametrize("committer", ["inline", "process"])
def test_a_new_server_shows_its_owners_password_once_and_keeps_everything(tmp_path, committer):
    database = tmp_path / "kept" / "book.db"
    words = ("--database", database, "--port", 0, "--committer", committer)
    with serving(*words) as (lines, address):
        user, password = find(r"user (\S+), password (\S+)", lines[0]).groups()
        with Client(address) as client:
            client.sign_in("house", user, password)
            client.send("CreateLeague", league="MLB", sport="baseball")
    with serving(*words) as (lines, address):
        assert len(lines) == 1
        with Client(address) as client:
            client.sign_in("house", user, password)
            assert client.ask("log", type="LeagueCreated").items
    assert verify_database(database, None, None) == AGREES


@pytest.mark.parametrize("committer", ["inline", "process"])
def test_a_server_that_is_told_to_stop_while_its_disk_takes_nothing_ends_and_says_so(tmp_path, committer):
    database = tmp_path / "book.db"
    command = [sys.executable, "-m", "runline", "serve", "--database", str(database), "--port", "0"]
    child = subprocess.Popen(
        [*command, "--committer", committer], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    try:
        assert any("http://" in line for line in child.stdout)
        helpers = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()
        for number in (child.pid, *map(int, helpers)):
            resource.prlimit(number, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        child.send_signal(signal.SIGTERM)
        _, complaints = child.communicate(timeout=60)
    finally:
        child.kill()
        child.wait()
    assert child.returncode == UNUSABLE
    assert "was not closed cleanly, though what was acknowledged is durable" in complaints.splitlines()[-1]
    assert "Traceback" not in complaints
    with serving("--database", database, "--port", 0) as (lines, _):
        assert len(lines) == 1
    assert verify_database(database, None, None) == AGREES


def test_the_owners_password_can_be_given_and_is_shown_nowhere(tmp_path):
    secret = "given-by-the-environment"
    with serving("--database", tmp_path / "book.db", "--port", 0, RUNLINE_SERVER_OWNER_PASSWORD=secret) as (
        lines,
        address,
    ):
        assert secret not in "".join(lines)
        with Client(address) as client:
            client.sign_in("house", "platform", secret)
    shown = runline("config", RUNLINE_SERVER_OWNER_PASSWORD=secret)
    assert shown.returncode == 0
    assert secret not in shown.stdout + shown.stderr
    assert "owner_password: (set, not shown)" in shown.stdout


def test_a_stream_that_is_open_does_not_hold_up_the_end(tmp_path):
    with serving("--sample", "--database", tmp_path / "book.db", "--port", 0) as (_, address):
        client = Client(address, deadline_s=1)
        client.sign_in("sample", "P1", "only-a-sample")
        frames = client.stream("wagers")
        next(frames)
    frames.close()
    client.close()


def test_the_lines_of_the_readme_place_a_first_wager(tmp_path):
    block = find(r"```sh\n(.*?)```", README, re.DOTALL)[1]
    python = find(r"```python\n(.*?)```", README, re.DOTALL)[1]
    assert len(block.strip().splitlines()) == 3
    with serving("--sample", "--database", tmp_path / "book.db", "--port", 0) as (_, address):
        here = address.removeprefix("http://")
        script = block.replace("localhost:8321", here)
        said = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout
        assert '"type":"WagerPlaced"' in said
        assert '"risk_minor":2500' in said
        code = python.replace("localhost:8321", here)
        said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        assert "'pending_minor': 2500" in said


def test_a_port_that_is_taken_is_a_clear_error(tmp_path):
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        found = runline("serve", "--database", tmp_path / "book.db", "--port", port)
    assert found.returncode == 2
    assert f"port {port} cannot be used: address already in use. Choose another port with --port" in found.stderr
    assert "Traceback" not in found.stderr


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[server]\nport = 'many'", "port"),
        ("[server]\ncolour = 1", "colour"),
        ("[server]\nproxies = ['10.0.0.0/33']", "network"),
        ("[server]\npublic_url = 'https://book.example/runline'", "public_url"),
    ],
)
def test_settings_that_cannot_be_used_are_a_clear_error(tmp_path, text, complaint):
    file = tmp_path / "runline.toml"
    file.write_text(text)
    found = runline("config", "--config", file)
    assert found.returncode == 2
    assert complaint in found.stderr
    assert str(file) in found.stderr
    assert "Traceback" not in found.stderr


def broken_certificate(folder):
    (folder / "some.pem").write_text("no certificate\n")
    return ("RUNLINE_SERVER_TLS_CERTIFICATE", folder / "some.pem"), "PEM"


def missing_certificate(folder):
    return ("RUNLINE_SERVER_TLS_CERTIFICATE", folder / "none.pem"), "none.pem: no such file"


def key_alone(folder):
    return ("RUNLINE_SERVER_TLS_KEY", folder / "key.pem"), "without tls_certificate"


@pytest.mark.parametrize("wrong", [broken_certificate, missing_certificate, key_alone])
def test_a_certificate_that_cannot_be_used_is_said_with_its_setting(tmp_path, wrong):
    (name, value), complaint = wrong(tmp_path)
    found = runline("serve", "--database", tmp_path / "book.db", "--port", 0, **{name: str(value)})
    assert found.returncode == 2
    assert name in found.stderr
    assert complaint in found.stderr
    assert "[Errno" not in found.stderr
    assert not (tmp_path / "book.db").exists()


def test_a_database_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    for place in (tmp_path, tmp_path / "file" / "book.db"):
        found = runline("serve", "--database", place, "--port", 0)
        assert found.returncode == 2
        assert str(place) in found.stderr or str(place.parent) in found.stderr
        assert "Traceback" not in found.stderr
        assert "[Errno" not in found.stderr


def test_an_address_that_is_not_of_this_machine_is_said_with_its_flag(tmp_path):
    found = runline("serve", "--database", tmp_path / "book.db", "--host", "192.0.2.1", "--port", 0)
    assert found.returncode == 2
    assert "--host" in found.stderr
    assert "[Errno" not in found.stderr


@pytest.mark.parametrize(
    ("settings", "warning"),
    [
        ({"host": "0.0.0.0"}, "plain HTTP is spoken beyond this machine"),
        ({"proxies": ("10.0.0.0/8",)}, "public_url is not https"),
        ({"public_url": "https://book.example"}, "proxies is empty"),
        ({"public_url": "http://book.example", "tls_certificate": Path("x")}, "taken for another site"),
        ({}, ""),
        ({"host": "::1"}, ""),
        ({"host": "localhost", "public_url": "https://book.example", "proxies": ("127.0.0.1/32",)}, ""),
        ({"host": "0.0.0.0", "tls_certificate": Path("x")}, ""),
    ],
)
def test_settings_that_do_not_go_together_are_warned_of_at_the_start(settings, warning):
    found = list(warnings(ServerSettings(**settings)))
    assert len(found) == bool(warning)
    assert warning in "".join(found)


def test_a_warning_is_said_and_the_server_starts_all_the_same(tmp_path):
    words = ("--database", tmp_path / "book.db", "--port", 0)
    command = [sys.executable, "-m", "runline", "serve", *map(str, words)]
    environment = {**os.environ, "RUNLINE_SERVER_PROXIES": "10.0.0.0/8"}
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    assert child.stdout is not None
    with child.stdout as said:
        address = next(found[0] for line in said if (found := re.search(r"http://\S+", line)))
        with Client(address) as client, pytest.raises(RefusedError):
            client.ask("me")
        child.send_signal(signal.SIGINT)
    assert child.stderr is not None
    with child.stderr as complaints:
        assert "warning: a proxy is believed, but public_url is not https" in complaints.read()
    assert child.wait(30) == 0


def test_flags_go_over_the_environment_and_that_goes_over_the_file(tmp_path):
    file = tmp_path / "runline.toml"
    file.write_text("[server]\nport = 1\nhost = '10.0.0.1'\n[engine]\nnode = 'n7'\n[store]\npath = 'a.db'\n")
    environment = {"RUNLINE_SERVER_PORT": "2", "RUNLINE_STORE_PATH": "b.db"}
    shown = runline("config", "--config", file, "--port", 3, **environment).stdout
    several = runline("config", RUNLINE_SERVER_PROXIES="10.0.0.0/8,::1/128").stdout
    assert 'proxies = ["10.0.0.0/8","::1/128"]' in several
    for line in ("port = 3  # --port", f'host = "10.0.0.1"  # {file}', 'path = "b.db"  # RUNLINE_STORE_PATH'):
        assert line in shown.splitlines()
    again = tmp_path / "again.toml"
    again.write_text(shown)
    values = msgspec.json.decode(runline("config", "--config", again, "--json").stdout)
    asked = msgspec.json.decode(runline("config", "--config", file, "--port", 3, "--json", **environment).stdout)
    assert values["server"]["port"] == {"value": 3, "from": "file", "name": str(again)}
    for part, settings in asked.items():
        for name, found in settings.items():
            assert values[part][name].get("value") == found.get("value")


def test_tls_by_settings(tmp_path):
    openssl = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = subprocess.run([*openssl, "-keyout", key, "-out", certificate], capture_output=True, check=False)
    assert made.returncode == 0
    file = tmp_path / "runline.toml"
    file.write_text(f"[server]\ntls_certificate = '{certificate}'\ntls_key = '{key}'\nport = 0\n")
    child = subprocess.Popen(
        [sys.executable, "-m", "runline", "serve", "--config", str(file), "--database", str(tmp_path / "book.db")],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    with child.stdout as said:
        address = next(find(r"https://\S+", line)[0] for line in said if "https://" in line)
        curl = subprocess.run(["curl", "-sk", f"{address}/v1/ready"], capture_output=True, text=True, check=True)
        assert curl.stdout == '{"ready":true}'
        with socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2]))) as plain:
            plain.sendall(b"GET /v1/ready HTTP/1.1\r\nhost: x\r\n\r\n")
            assert b"200" not in plain.recv(100)
        child.send_signal(signal.SIGINT)
    assert child.wait(30) == 0


def test_a_server_notes_the_time_and_a_person_confirms_a_clock_that_was_set(tmp_path):
    database = tmp_path / "book.db"
    with serving("--database", database, "--port", 0):
        assert runline("clock", database).returncode == 0
    note = read_note(note_file(database))
    assert note is not None
    host = Host()
    assert abs(note.now_at(host.boot_ns()) - host.wall_ns()) < note.tolerance_ns(host.boot_ns())
    # As it would be if somebody had set the host's clock a day ahead since.
    write_note(note_file(database), msgspec.structs.replace(note, now_ns=note.now_ns - DAY_NS))
    assert runline("clock", database).returncode == 1
    with serving("--database", database, "--port", 0, quiet=False):
        if not host.is_synchronised():
            assert runline("clock", database).returncode == 1
            assert runline("clock", database, "--confirm").returncode == 0
        while runline("clock", database).returncode != 0:
            pass
        assert not confirmation_file(database).exists()
