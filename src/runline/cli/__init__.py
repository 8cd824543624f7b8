"""The commands. Each imports what it needs, so that `runline --help` is quick."""

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from runline import __version__

app = App(name="runline", help="A real-time sportsbook execution engine.", version=__version__)

EXIT_UNREADABLE = 2


def fail(message: object) -> int:
    """Say on the terminal why something cannot be done."""
    print(f"runline: {message}", file=sys.stderr)
    return EXIT_UNREADABLE


@app.command
def demo(
    *,
    headless: bool = False,
    duration: Annotated[str | None, Parameter(name="--for")] = None,
    speed: float | None = None,
    data: Path | None = None,
    scenario: Literal["baseball", "sunday"] = "baseball",
    day: str | None = None,
    rate: float | None = None,
    seed: int = 1,
    port: int | None = None,
    committer: Literal["inline", "process"] = "process",
) -> int:
    """Run a real day through the engine: lines, wagers, results, live on a page that you can act on.

    Parameters
    ----------
    headless
        Without the page, in the terminal, until the last result; then verify everything.
    duration
        The real time into which the day is fitted: 20s, 5m (by default 5m, headless 60s).
    speed
        How many times as fast as it was the day passes, instead of --for.
    data
        A new folder to keep the database in; by default a temporary one (headless: removed at the end).
    scenario
        baseball: a day of MLB 2016. sunday: ten NFL games that close at once, ten times the wagers in the five minutes before.
    day
        The day of MLB 2016 to run, as YYYY-MM-DD (US Eastern); by default a full slate with a double-header.
    rate
        Wagers tried a second (by default 20, headless 200).
    seed
        What the simulated bettors' choices follow from.
    port
        The page's port; by default 8000, or any other if that is taken.
    committer
        Where batches are committed: in the engine's own process, or in one of its own on a second core.
    """
    from runline.demo.headless import run_demo
    from runline.demo.walkthrough import walk_through

    if headless:
        return run_demo(
            duration=duration or "60s",
            data=data,
            scenario=scenario,
            day=day,
            rate=200.0 if rate is None else rate,
            seed=seed,
            committer=committer,
        )
    return walk_through(
        duration=duration or "5m",
        speed=speed,
        data=data,
        scenario=scenario,
        day=day,
        rate=20.0 if rate is None else rate,
        seed=seed,
        port=port,
        committer=committer,
    )


@app.command
def verify(database: Path, *, anchor: Path | None = None, public_key: str | None = None) -> int:
    """Prove that log, tables and hash chain agree. Exits 0 (they do), 1 (they differ: says where) or 2 (cannot read).

    Parameters
    ----------
    database
        The SQLite file. The engine may be running.
    anchor
        Start from this anchor (a folder) instead of from nothing.
    public_key
        The key that must have signed the anchor, in hexadecimal; by default the database's own.
    """
    from runline.evaluate.terminal import verify_database

    return verify_database(database, anchor, public_key)


@app.command
def anchor(database: Path, folder: Path) -> int:
    """Write a signed anchor of a database into a new folder, to be kept elsewhere. `verify` can start from it.

    Parameters
    ----------
    database
        The SQLite file. The engine may be running.
    folder
        Where to write; it must not exist.
    """
    from runline.evaluate.terminal import anchor_database

    return anchor_database(database, folder)


@app.command
def trace(database: Path, command: str) -> int:
    """Show the way of one command: received, queued, decided, committed, each with its time.

    Parameters
    ----------
    database
        The SQLite file. The engine may be running.
    command
        The command's id (a UUIDv7).
    """
    from runline.evaluate.terminal import trace_command

    return trace_command(database, command)


@app.command
def clock(database: Path, *, confirm: bool = False) -> int:
    """Show whether the host's clock agrees with the time that a server keeps. Exits 0 (it does), 1 (it does not) or 2.

    A server does not follow a clock that was set while it ran, and not one that it cannot believe at its start; people may be
    unable to sign in meanwhile. If the host's clock is right, confirm it here.

    Parameters
    ----------
    database
        The SQLite file. The server may be running.
    confirm
        The host's clock is right: a running server follows it within a second, otherwise the next start does.
    """
    from runline.evaluate.clock import show_clock

    return show_clock(database, confirmed=confirm)


@app.command
def grade(source: Path | None = None) -> int:
    """Grade wagers by the engine's own rules: JSON lines in, one JSON line out for each. Exits 1 if any was an error.

    Parameters
    ----------
    source
        A file of JSON lines; by default the standard input.
    """
    from runline.evaluate.grade import grade_lines

    if source is None:
        return grade_lines(sys.stdin.buffer, sys.stdout.buffer)
    try:
        with source.open("rb") as lines:
            return grade_lines(lines, sys.stdout.buffer)
    except BrokenPipeError:
        raise
    except OSError as error:
        return fail(error)


@app.command
def bench(
    *names: Literal[
        "core",
        "engine",
        "settle",
        "recover",
        "http",
        "idle",
        "stream",
        "reconnect",
        "hubs",
        "catalogue",
        "both",
        "house",
        "overload",
        "growth",
        "faults",
        "pages",
    ],
    json: Path | None = None,
    quick: bool = False,
    folder: Path | None = None,
) -> int:
    """Measure, with fsync on, beside a floor taken in the same run.

    Parameters
    ----------
    names
        Which ones; all of them by default.
    json
        Also write the results into this file.
    quick
        A smoke run of seconds; its figures mean little.
    folder
        Where to put the databases; by default the system's folder for temporary files.
    """
    from runline.evaluate.bench.run import BENCHES, run_benches

    return run_benches(names or tuple(BENCHES), json, quick=quick, folder=folder)


@app.command
def serve(
    *,
    config: Path | None = None,
    database: Path | None = None,
    host: str | None = None,
    port: int | None = None,
    committer: Literal["inline", "process"] | None = None,
    sample: bool = False,
    accept_loss: bool = False,
) -> int:
    """Serve the API and the live stream over HTTP until stopped.

    Parameters
    ----------
    config
        A TOML file of settings; the environment (RUNLINE_…) goes over it, flags over both. See `runline config`.
    database
        The SQLite file; it is made if there is none.
    host
        The address to listen on; by default this machine's own only.
    port
        The port to listen on; 0 takes any free one.
    committer
        Where batches are committed: in the engine's own process, or in one of its own on a second core.
    sample
        Fill a new database with a game, a book, an agent and a player to try the API on.
    accept_loss
        Go on with a database that has lost what was durable (its log was cut or damaged, or an older copy was put back). It
        becomes another log: whoever follows it begins anew.
    """
    from runline.serve import serve as run_server

    flags = flags_of(database, host, port, committer)
    return run_server(config, flags, sample=sample, accept_loss=accept_loss)


@app.command(name="config")
def show_config(
    *,
    config: Path | None = None,
    database: Path | None = None,
    host: str | None = None,
    port: int | None = None,
    committer: Literal["inline", "process"] | None = None,
) -> int:
    """Print the settings that `runline serve` would use with the same file, environment and flags; secrets are not shown.

    Parameters
    ----------
    config
        A TOML file of settings.
    database
        The SQLite file.
    host
        The address to listen on.
    port
        The port to listen on.
    committer
        Where batches are committed.
    """
    from runline.serve import show_settings

    return show_settings(config, flags_of(database, host, port, committer))


def flags_of(
    database: Path | None, host: str | None, port: int | None, committer: str | None
) -> dict[tuple[str, str], object]:
    """The flags as settings."""
    return {
        ("store", "path"): database,
        ("server", "host"): host,
        ("server", "port"): port,
        ("store", "committer"): committer,
    }


def main() -> None:
    """The entry of the `runline` command."""
    from runline.endings import run_command

    run_command(app)
