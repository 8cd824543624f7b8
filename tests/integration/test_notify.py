"""What a service manager hears of a server: that it serves, that its loop turns, and that it stops."""

import os
import signal
import socket
import subprocess
import sys

import pytest
from tests.integration.test_serve import find

from runline.notify import beat_s, serves

HEARS_S = 60


@pytest.fixture(params=["a file", "of no file"])
def manager(request, tmp_path, monkeypatch):
    """The end at which a manager hears, whose address is in the environment."""
    address = str(tmp_path / "notify") if request.param == "a file" else f"@runline-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(address.replace("@", "\0", 1) if request.param == "of no file" else address)
        heard.settimeout(HEARS_S)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        yield heard


def heard_until(manager, begins):
    """What is heard until something begins so, with it."""
    heard: list[str] = []
    while not heard or not heard[-1].startswith(begins):
        heard.append(manager.recv(4_096).decode())
    return heard


@pytest.mark.parametrize("gateways", [0, 1])
def test_a_manager_hears_that_a_server_serves_that_it_lives_and_that_it_stops(manager, tmp_path, gateways):
    command = ["serve", "--database", str(tmp_path / "book.db"), "--port", "0", "--gateways", str(gateways)]
    child = subprocess.Popen(
        [sys.executable, "-m", "runline", *command],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "WATCHDOG_USEC": "300000"},
    )  # fmt: skip
    try:
        *before, ready = heard_until(manager, "READY=1")
        assert set(before) <= {"WATCHDOG=1"}
        address = find(r"STATUS=Serving at (http://\S+)", ready)[1]
        heard_until(manager, "WATCHDOG=1")
        child.send_signal(signal.SIGTERM)
        heard_until(manager, "STOPPING=1")
        said, _ = child.communicate(timeout=HEARS_S)
        assert address in said
        assert child.returncode == 0
    finally:
        child.kill()
        child.communicate()


def test_a_manager_that_is_gone_holds_up_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nowhere"))
    serves("Serving")


@pytest.mark.parametrize(
    ("told", "every_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 10.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 10.0),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_a_watchdog_hears_a_process_three_times_in_its_time_if_it_means_it(monkeypatch, told, every_s):
    monkeypatch.setattr(os, "environ", told)
    assert beat_s() == every_s
