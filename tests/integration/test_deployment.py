"""The files of deploy/: whatever they name is there, whatever can read them takes them, and what they demand of Runline holds."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]
from tests.doubles.ports import own_port
from tests.integration.postgresql import programs
from tests.integration.test_serve import find

from runline.cli import app
from runline.cluster import limits as cluster_limits
from runline.config import ServerSettings, every_setting, variable_of
from runline.gateway.limits import BACKLOG, READY_WAIT_S, STOP_S
from runline.helpers import END_S
from runline.remote.readiness import PROBE_S
from runline.shell import VARIABLES

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
UNITS = sorted(DEPLOY.glob("systemd/*.service"))
SOCKETS = sorted(DEPLOY.glob("systemd/*.socket"))
CONTAINERFILE = DEPLOY / "Containerfile"
COMPOSE = DEPLOY / "compose" / "compose.yml"
PATRONI = DEPLOY / "patroni" / "patroni.yml"
BIN = Path(sys.executable).parent

STOPS_S = getattr(cluster_limits, "DRAINED_S_MAX", 0) + STOP_S + END_S
"""How long a process may take that is told to stop."""


def takes(words):
    """Whether the program takes a command. Raises CycloptsError if it does not."""
    app.parse_args(list(words), exit_on_error=False, print_error=False)


def seconds(text):
    """A time as these files write it, in seconds."""
    number, unit = find(r"^(\d+)(s|min)$", text).groups()
    return int(number) * {"s": 1, "min": 60}[unit]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_variable_is_one_that_the_program_knows(path):
    known = {*(variable_of(part, field.name) for part, field in every_setting()), *VARIABLES}
    inside = {"RUNLINE_DATABASE_PASSWORD"}
    assert set(re.findall(r"\bRUNLINE_[A-Z_]+\b", path.read_text())) <= known | inside


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_page_and_folder_of_the_project_that_is_named_is_there(path):
    for named in re.findall(r"\b(?:docs|deploy)/[\w/.-]*\w", path.read_text()):
        assert (ROOT / named).exists(), named


# systemd


def options(unit):
    """(section, name, value) of each line of a unit."""
    section = ""
    for line in unit.read_text().splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            name, _, value = line.partition("=")
            yield section, name, value


def option(unit, name):
    """The value of what stands in a unit once."""
    (value,) = [value for _, one, value in options(unit) if one == name]
    return value


def own(unit):
    """What is of this unit alone."""
    return {("Unit", "Description"), ("Service", "ExecStart")}


def test_units_differ_in_what_they_start_and_in_nothing_else():
    every = [[line for line in options(unit) if line[:2] not in own(unit)] for unit in UNITS]
    assert len(UNITS) == 3
    assert every[0] == every[1] == every[2]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_starts_what_there_is_and_gives_it_its_time(unit):
    program, *words = shlex.split(option(unit, "ExecStart"))
    assert program == "/opt/runline/bin/runline"
    takes(words)
    assert option(unit, "Type") == "notify"
    assert seconds(option(unit, "TimeoutStopSec")) > STOPS_S
    assert option(unit, "ProtectSystem") == "strict"
    assert option(unit, "ReadWritePaths") == option(unit, "WorkingDirectory")
    # It asks the kernel whether the clock is kept right, and for the start of the machine.
    assert "adjtimex" in [value for _, name, value in options(unit) if name == "SystemCallFilter"]
    assert not [value for _, name, value in options(unit) if name in ("ProtectClock", "ProcSubset")]


@pytest.mark.parametrize("unit", SOCKETS, ids=lambda unit: unit.stem)
def test_a_socket_is_of_a_service_and_where_that_would_listen_itself(unit):
    assert unit.with_suffix(".service") in UNITS
    assert option(unit, "ListenStream") == f"{ServerSettings().host}:{ServerSettings().port}"
    assert int(option(unit, "Backlog")) == BACKLOG
    assert {section for section, _, _ in options(unit)} == {"Unit", "Socket", "Install"}


@pytest.mark.parametrize("unit", [*UNITS, *SOCKETS], ids=lambda unit: unit.name)
def test_systemd_takes_a_unit_and_finds_it_closed(unit, tmp_path):
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd is not installed (its program systemd-analyze is missing)")
    tried = tmp_path / unit.name
    # The manager wants to know the service of a socket, too.
    for one in (unit, unit.with_suffix(".service")):
        (tmp_path / one.name).write_text(one.read_text().replace("/opt/runline/bin/", f"{BIN}/"))
    quiet = {"SYSTEMD_LOG_LEVEL": "warning", "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [analyze, "verify", "--man=no", tried], capture_output=True, text=True, check=False, env=quiet
    )
    assert (done.returncode, done.stderr) == (0, "")
    if unit in SOCKETS:
        return
    closed = subprocess.run(
        [analyze, "security", "--offline=true", "--threshold=20", "--no-pager", tried],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert closed.returncode == 0, closed.stdout


# Containers


def stages():
    """[(base, name, [(instruction, words)])] of the Containerfile."""
    found: list[tuple[str, str, list[tuple[str, str]]]] = []
    text = re.sub(r"^#.*\n", "", CONTAINERFILE.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    for line in filter(None, text.splitlines()):
        instruction, _, words = line.partition(" ")
        if instruction == "FROM":
            base, _, name = words.partition(" AS ")
            found.append((base, name, []))
        else:
            found[-1][2].append((instruction, words))
    return found


def test_the_containerfile_copies_what_is_in_the_project_and_what_it_has_made():
    names = [name for _, name, _ in stages()]
    for base, _, steps in stages():
        assert base in names or re.fullmatch(
            r"docker\.io/library/(python:3\.\d+-slim-bookworm|node:\d+-bookworm-slim)", base
        ), base
        for instruction, words in steps:
            if instruction == "COPY" and not words.startswith("--from="):
                *sources, _ = words.split()
                assert all((ROOT / source).exists() for source in sources), words
            elif instruction == "COPY":
                assert find(r"--from=(\S+)", words)[1] in names
            assert instruction in (
                "COPY",
                "RUN",
                "WORKDIR",
                "ENV",
                "USER",
                "VOLUME",
                "EXPOSE",
                "HEALTHCHECK",
                "ENTRYPOINT",
                "CMD",
            )


def test_what_is_copied_is_let_in_and_nothing_that_was_made_here():
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert rules[0] == "**"
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = {
        source
        for _, _, steps in stages()
        for instruction, words in steps
        if instruction == "COPY" and not words.startswith("--from=")
        for source in words.split()[:-1]
    }
    assert {
        re.sub(r"^(console)/.*", r"\1", re.sub(r"^(requirements)/.*", r"\1/*.txt", one)) for one in copied
    } == let_in
    assert {"src/runline/console", "console/node_modules"} <= set(rules)


def test_what_is_served_has_nothing_that_builds_and_runs_as_nobodys_user():
    base, name, steps = stages()[-1]
    assert "slim" in base
    assert name == ""
    said = dict(steps)
    assert not re.search(r"apt|npm|gcc|pip install|hatch", " ".join(words for one, words in steps if one == "RUN"))
    assert "pip uninstall" in said["RUN"]
    user, _, group = said["USER"].partition(":")
    assert user.isdigit()
    assert group.isdigit()
    assert int(user) > 0
    assert json.loads(said["ENTRYPOINT"]) == ["runline"]
    takes(json.loads(said["CMD"]))
    how, _, command = said["HEALTHCHECK"].partition(" CMD ")
    program, *words = json.loads(command)
    assert program == "runline"
    takes(words)
    times = dict(re.findall(r"--(\w+(?:-\w+)?)=(\d+s?)", how))
    assert READY_WAIT_S < PROBE_S < seconds(times["timeout"]) < seconds(times["interval"])
    environment = dict(one.split("=", 1) for one in said["ENV"].split())
    assert Path(environment["RUNLINE_STORE_PATH"]).parent == Path(json.loads(said["VOLUME"])[0])


def test_an_installed_runline_writes_nowhere_but_into_its_folder(tmp_path):
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("only an administrator makes a file system read-only")
    folder = tmp_path / "state"
    folder.mkdir()
    words = ["--database", str(folder / "book.db"), "--port", "0", "--gateways", "1"]
    alone = (
        f"mount --make-rprivate / && mount --bind {tmp_path} {tmp_path} && mount --bind {folder} {folder} && "
        f"mount -o remount,ro,bind {tmp_path} && mount -o remount,ro,bind / && "
        f"! touch {tmp_path}/x 2>/dev/null && exec {shlex.join([sys.executable, '-B', '-m', 'runline', 'serve', *words])}"
    )
    child = subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", alone], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={"PATH": os.environ["PATH"], "TMPDIR": str(folder), "HOME": "/nonexistent"},
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stderr is not None
    for line in child.stdout:
        if "http://" in line:
            break
    child.send_signal(signal.SIGTERM)
    _, complaints = child.communicate(timeout=60)
    if "mount" in complaints:
        pytest.skip("nothing can be mounted here")
    assert (child.returncode, complaints) == (0, "")


# Compose


def composed():
    """The services of the Compose file."""
    return yaml.safe_load(COMPOSE.read_text())["services"]


def test_compose_takes_its_file():
    words = ["-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_compose_starts_what_there_is_as_little_as_it_may_be():
    services = composed()
    ours = {name: one for name, one in services.items() if one["image"].startswith("runline")}
    assert ours.keys() == {"n1", "n2", "gateway"}
    volumes = yaml.safe_load(COMPOSE.read_text())["volumes"]
    for name, one in services.items():
        assert re.search(r":[\w.-]*\d", one["image"]), "an image has a version"
        assert one["read_only"]
        assert one["security_opt"] == ["no-new-privileges:true"]
        assert {volume.partition(":")[0] for volume in one["volumes"]} <= volumes.keys()
        assert name == "gateway" or one["network_mode"] == "none"
    for one in ours.values():
        takes(one["command"])
        _, program, *words = one["healthcheck"]["test"]
        assert program == "runline"
        takes(words)
        assert one["cap_drop"] == ["ALL"]
        assert one["user"] == dict(stages()[-1][2])["USER"]
        assert seconds(one["stop_grace_period"]) > STOPS_S
        assert one["depends_on"]["postgresql"]["condition"] == "service_healthy"
        folder = (COMPOSE.parent / one["build"]["context"]).resolve()
        assert folder == ROOT
        assert (folder / one["build"]["dockerfile"]) == CONTAINERFILE
    assert services["gateway"]["ports"] == ["127.0.0.1:8321:8321"]
    nodes = [words[words.index("--node") + 1] for words in (services[name]["command"] for name in ("n1", "n2"))]
    assert nodes == ["n1", "n2"]
    demanded = services["postgresql"]["environment"]["POSTGRES_INITDB_ARGS"].split()
    assert {"--data-checksums", "--encoding=UTF8"} <= set(demanded)


def test_the_example_of_the_environment_has_what_compose_asks_for():
    asked = set(re.findall(r"\$\{(\w+)", COMPOSE.read_text()))
    example = (COMPOSE.parent / "example.env").read_text()
    given = {line.partition("=")[0] for line in example.splitlines() if line and not line.startswith("#")}
    assert asked == given


# Patroni

installed = pytest.mark.skipif(find_spec("patroni") is None, reason="Patroni is not installed (make test-long does it)")


def patroni(tmp_path, **bootstrap):
    """What Patroni says of the file, with addresses and programs of this machine. bootstrap: what is otherwise."""
    text = PATRONI.read_text()
    text = re.sub(r"listen: 10\.0\.0\.11(,127\.0\.0\.1)?:\d+", lambda _: f"listen: 127.0.0.1:{own_port()}", text)
    configuration = yaml.safe_load(text)
    configuration["bootstrap"]["dcs"] |= bootstrap
    configuration["postgresql"] |= {"bin_dir": str(programs()), "data_dir": str(tmp_path / "data")}
    file = tmp_path / "patroni.yml"
    file.write_text(yaml.safe_dump(configuration))
    done = subprocess.run([BIN / "patroni", "--validate-config", file], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@installed
def test_patroni_takes_its_file(tmp_path):
    assert patroni(tmp_path) == (0, "")


@installed
def test_patroni_is_asked_whether_it_takes_it(tmp_path):
    status, said = patroni(tmp_path, ttl="soon")
    assert status == 1
    assert "bootstrap.dcs.ttl" in said


def test_patroni_is_strict_and_fast_enough():
    configuration = yaml.safe_load(PATRONI.read_text())
    dcs, local = configuration["bootstrap"]["dcs"], configuration["postgresql"]
    assert dcs["synchronous_mode"] is True
    assert dcs["synchronous_mode_strict"] is True
    assert dcs["loop_wait"] + 2 * dcs["retry_timeout"] <= dcs["ttl"]
    assert "data-checksums" in configuration["bootstrap"]["initdb"]
    assert dcs["postgresql"]["parameters"]["wal_retrieve_retry_interval"] == "200ms"
    assert local["parameters"]["password_encryption"] == "scram-sha-256"
    for line in local["pg_hba"]:
        kind, *_, method = line.split()
        assert method == "scram-sha-256"
        assert kind in ("local", "hostssl") or "127.0.0.1/32" in line
    assert all("password" not in user for user in local["authentication"].values())
