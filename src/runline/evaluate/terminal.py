"""What the evaluation commands say on the terminal."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from runline.domain.messages import Rejected
from runline.domain.vocabulary import plain_vocabulary
from runline.engine.ports import StoreError
from runline.evaluate.anchor import make_anchor, read_anchor, signing_key
from runline.evaluate.migrate import Migrated, migrate
from runline.evaluate.trace import Trace, steps_of, trace
from runline.evaluate.verify import Report, verify
from runline.shell import UnusableError, complain, in_words, reason_of
from runline.store.where import Place

AGREES, DIFFERS, UNREADABLE = 0, 1, 2

EVENTS_SHOWN = 8
"""Events of one command that are named by `trace`."""


def key_path(database: Place) -> Path:
    """Where a database's signing key lies, unless another is named. Raises UnusableError."""
    if isinstance(database, str):
        raise UnusableError("there is no place beside PostgreSQL for the key that signs. Name its file with --key")
    return database.with_name(database.name + ".key")


def public_key_path(key: Path) -> Path:
    """Where the public half of a key lies."""
    return key.with_name(key.name + ".pub")


Note = Callable[[int, int], None]
"""Told (done, in all)."""


@contextmanager
def progress(**units: str) -> Iterator[list[Note]]:
    """Bars on the terminal, if the complaints go to one: of what is done, in which unit, each from when it is told of first."""
    what, unit = TextColumn("{task.description}"), TextColumn("{task.fields[unit]}")
    console = Console(stderr=True)
    columns = (what, BarColumn(), MofNCompleteColumn(), unit, TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:

        def noted(task: TaskID) -> Note:
            return lambda done, total: bars.update(task, completed=done, total=total, visible=True)

        yield [noted(bars.add_task(done, unit=unit, visible=False)) for done, unit in units.items()]


def say_json(found: Any) -> None:
    """Say something as JSON, in one line."""
    print(msgspec.json.encode(found).decode())


def refuse(what: str, error: Exception, *, as_json: bool) -> int:
    """Say why something cannot be done."""
    if as_json:
        code = error.code if isinstance(error, Rejected) else "unreadable"
        say_json({"error": {"code": code, "message": reason_of(error)}})
        return UNREADABLE
    return complain(f"{what}: {reason_of(error)}")


def verify_database(database: Place, folder: Path | None, public_key: str | None, *, as_json: bool = False) -> int:
    """`runline verify`: 0 agrees, 1 differs, 2 cannot read."""
    try:
        anchor = None if folder is None else read_anchor(folder, public_key or kept_public_key(database))
        with progress(replaying="events") as (note,):
            report = verify(database, anchor, note)
    except (StoreError, UnusableError, OSError) as error:
        return refuse("cannot verify", error, as_json=as_json)
    if as_json:
        verified = {"verified": not report.differences, "from": str(folder) if folder else None}
        say_json(verified | msgspec.to_builtins(report))
    else:
        show_report(Console(), report, "from the anchor" if anchor else "from nothing")
    return DIFFERS if report.differences else AGREES


def kept_public_key(database: Place) -> str:
    """The public half of a database's own key, which `runline anchor` has written beside it. Raises UnusableError."""
    if isinstance(database, str):
        raise UnusableError("name the key that must have signed the anchor with --public-key")
    file = public_key_path(key_path(database))
    try:
        return file.read_text().strip()
    except (OSError, ValueError) as error:
        raise UnusableError(
            f"the key that must have signed the anchor cannot be read: {reason_of(error)}. Name it with --public-key"
        ) from None


def show_report(console: Console, report: Report, start: str) -> None:
    """Counts, then the verdict."""
    events = sum(report.streams.values())
    rows = sum(report.rows.values())
    console.print(
        f"{events:,} events of {len(report.streams)} streams replayed {start}, "
        f"{rows:,} rows of {len(report.rows)} tables compared.",
        highlight=False,
    )
    for difference in report.differences:
        console.print(f"  differs: {difference}", style="red", highlight=False, markup=False)
    if report.differences:
        console.print(f"NOT verified: {len(report.differences)} differences.", style="bold red")
    else:
        console.print("Verified: log = tables = chain.", style="bold green")


def anchor_database(database: Place, folder: Path, key_file: Path | None = None, *, as_json: bool = False) -> int:
    """`runline anchor`: 0 it is written, 2 it cannot be."""
    console = Console()
    try:
        if isinstance(database, Path) and not database.is_file():
            raise StoreError("unreadable", f"There is no database {database}.")
        if folder.exists():
            raise UnusableError(f"{folder} is there already: an anchor needs a new folder")
        key_file = key_file or key_path(database)
        key = signing_key(key_file)
        public = key.public_key().public_bytes_raw().hex()
        public_key_path(key_file).write_text(public + "\n")
        with progress(copying="rows") as (note,):
            statement = make_anchor(database, folder, key, time.time_ns(), plain_vocabulary(), note)
    except (StoreError, UnusableError, OSError, ValueError) as error:
        return refuse("cannot write the anchor", error, as_json=as_json)
    if as_json:
        heads = {head.stream: {"position": head.seq, "hash": head.hash.hex()} for head in statement.heads}
        say_json({"folder": str(folder), "public_key": public, "heads": heads})
        return AGREES
    for head in statement.heads:
        console.print(f"{head.stream} #{head.seq:,} {head.hash.hex()}", highlight=False, soft_wrap=True, markup=False)
    console.print(f"public key {public}", highlight=False, soft_wrap=True)
    return AGREES


def migrate_database(source: Place, target: Place, *, as_json: bool = False) -> int:
    """`runline migrate`: 0 it is kept, 1 it is not the same, 2 it cannot be copied."""
    try:
        with progress(copying="rows", replaying="events") as (copying, replaying):
            found = migrate(source, target, plain_vocabulary(), copying, replaying)
    except (StoreError, OSError) as error:
        return refuse("cannot migrate", error, as_json=as_json)
    if as_json:
        say_json({"kept": not found.differences} | msgspec.to_builtins(found))
    else:
        show_migrated(Console(), found)
    return DIFFERS if found.differences else AGREES


def show_migrated(console: Console, found: Migrated) -> None:
    """What was copied, then the verdict."""
    events, rows = found.rows["events"], sum(found.rows.values())
    console.print(
        f"{events:,} events of {len(found.streams)} streams, {rows:,} rows of {len(found.rows)} tables copied.",
        highlight=False,
    )
    for difference in found.differences:
        console.print(f"  differs: {difference}", style="red", highlight=False, markup=False)
    if found.differences:
        console.print(f"NOT kept: {len(found.differences)} differences.", style="bold red")
    else:
        console.print("Kept: every head and row is the same, and log = tables = chain.", style="bold green")


def trace_command(database: Place, command: str, *, as_json: bool = False) -> int:
    """`runline trace`: 0 found, 1 not known, 2 cannot read."""
    try:
        found = trace(database, command)
    except (StoreError, Rejected) as error:
        return refuse("cannot trace", error, as_json=as_json)
    if as_json:
        say_json(found)
    elif found is None:
        print("This database does not know that command.")
    else:
        show_trace(Console(), found)
    return DIFFERS if found is None else AGREES


def show_trace(console: Console, found: Trace) -> None:
    """The steps, each with its time and how long after the command was received."""
    console.print(f"The way of a command: {found.command}, in {found.stream}", highlight=False, markup=False)
    if found.refusal is not None:
        code, message = found.refusal
        console.print(f"refused to {found.actor or 'nobody known'}: {code}. {message}", highlight=False, markup=False)
        return
    for seq, kind in found.events[:EVENTS_SHOWN]:
        console.print(f"#{seq:,} {in_words(kind)} by {found.actor}", highlight=False, markup=False)
    if len(found.events) > EVENTS_SHOWN:
        console.print(f"and {len(found.events) - EVENTS_SHOWN:,} more", highlight=False)
    table = Table("step", "time (UTC)", "after", box=None, pad_edge=False)
    for step, at_ns in steps_of(found):
        if at_ns is None:
            # Noted with the next batch; the end of the process may have come first. The events are durable all the same.
            table.add_row(step, "noted with the next batch", "")
            continue
        at = datetime.fromtimestamp(at_ns // 10**9, UTC).strftime("%Y-%m-%d %H:%M:%S")
        after = "" if found.received_ns is None else f"{(at_ns - found.received_ns) / 1e6:.3f} ms"
        table.add_row(step, f"{at}.{at_ns % 10**9 // 1000:06d}", after)
    console.print(table)
