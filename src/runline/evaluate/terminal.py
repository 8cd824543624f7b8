"""What the evaluation commands say on the terminal."""

import time
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from runline.domain.messages import Rejected
from runline.domain.vocabulary import plain_vocabulary
from runline.engine.ports import StoreError
from runline.evaluate.anchor import make_anchor, read_anchor, signing_key
from runline.evaluate.trace import Trace, trace
from runline.evaluate.verify import Report, verify

AGREES, DIFFERS, UNREADABLE = 0, 1, 2


def key_path(database: Path) -> Path:
    """Where a database's signing key lies."""
    return database.with_name(database.name + ".key")


def public_key_path(database: Path) -> Path:
    """Where the public half lies."""
    return database.with_name(database.name + ".key.pub")


def verify_database(database: Path, folder: Path | None, public_key: str | None) -> int:
    """`runline verify`: 0 agrees, 1 differs, 2 cannot read."""
    console = Console()
    try:
        anchor = None
        if folder is not None:
            if public_key is None:
                public_key = public_key_path(database).read_text().strip()
            anchor = read_anchor(folder, public_key)
        columns = (
            TextColumn("replaying"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("events"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task("replaying")
            report = verify(database, anchor, lambda done, total: bar.update(task, completed=done, total=total))
    except (StoreError, OSError) as error:
        console.print(f"cannot verify: {error}", style="red", highlight=False, markup=False)
        return UNREADABLE
    show_report(console, report, "from the anchor" if anchor else "from nothing")
    return DIFFERS if report.differences else AGREES


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


def anchor_database(database: Path, folder: Path) -> int:
    """`runline anchor`."""
    console = Console()
    try:
        if not database.is_file():
            raise StoreError("unreadable", f"There is no database {database}.")
        key = signing_key(key_path(database))
        public = key.public_key().public_bytes_raw().hex()
        public_key_path(database).write_text(public + "\n")
        statement = make_anchor(database, folder, key, time.time_ns(), plain_vocabulary())
    except (StoreError, OSError, ValueError) as error:
        console.print(f"cannot write the anchor: {error}", style="red", highlight=False, markup=False)
        return UNREADABLE
    for head in statement.heads:
        console.print(f"{head.stream} #{head.seq:,} {head.hash.hex()}", highlight=False, soft_wrap=True)
    console.print(f"public key {public}", highlight=False, soft_wrap=True)
    return AGREES


def trace_command(database: Path, command: str) -> int:
    """`runline trace`: 0 found, 1 not known, 2 cannot read."""
    console = Console()
    try:
        found = trace(database, command)
    except (StoreError, Rejected) as error:
        console.print(f"cannot trace: {error}", style="red", highlight=False, markup=False)
        return UNREADABLE
    if found is None:
        console.print("This database does not know that command.")
        return DIFFERS
    show_trace(console, found)
    return AGREES


def show_trace(console: Console, found: Trace) -> None:
    """The steps, each with its time and how long after the one before."""
    console.print(f"command {found.command} by {found.actor} in {found.stream}", highlight=False)
    if found.refusal is not None:
        code, message = found.refusal
        console.print(f"refused: {code}. {message}", highlight=False, markup=False)
        return
    positions = ", ".join(f"#{seq:,} {kind}" for seq, kind in found.events[:8])
    more = f" and {len(found.events) - 8} more" if len(found.events) > 8 else ""
    table = Table("step", "time (UTC)", "after", box=None)
    before: int | None = None
    steps = (
        ("received", found.received_ns),
        ("queued", found.queued_ns),
        ("decided", found.decided_ns),
        ("sealed", found.sealed_ns),
        (f"committed {positions}{more}", found.durable_ns),
    )
    for step, at_ns in steps:
        if at_ns is None:
            table.add_row(step, "durable; the time was not noted", "")
            continue
        at = datetime.fromtimestamp(at_ns // 10**9, UTC).strftime("%Y-%m-%d %H:%M:%S")
        after = f"+{(at_ns - before) / 1e6:.3f} ms" if before is not None else ""
        table.add_row(step, f"{at}.{at_ns % 10**9 // 1000:06d}", after)
        before = at_ns
    console.print(table)
