"""Clock: `runline clock`, for whoever looks after the host."""

from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from runline.engine.host import Host
from runline.engine.timekeeper import confirm, hours_of, note_file, read_note

AGREES, DIFFERS, UNREADABLE = 0, 1, 2


def show_clock(database: Path, *, confirmed: bool, host: Host | None = None) -> int:
    """`runline clock`: 0 the host's clock agrees with the time that is kept, or was confirmed; 1 it does not; 2 there is no such
    database, or it cannot be written beside."""
    console = Console(highlight=False, soft_wrap=True)
    host = host or Host()
    if not database.is_file():
        console.print(f"There is no database {database}.", style="red", markup=False)
        return UNREADABLE
    wall_ns, boot_ns = host.wall_ns(), host.boot_ns()
    synchronised = "synchronised" if host.is_synchronised() else "not synchronised (nothing keeps it right)"
    console.print(f"The host's clock: {utc(wall_ns)}, {synchronised}.")
    note = read_note(note_file(database))
    agrees = True
    if note is None or note.boot != host.boot_id():
        console.print("No server has noted the time here since the host was started.")
    else:
        kept_ns = note.now_at(boot_ns)
        agrees = abs(wall_ns - kept_ns) <= note.tolerance_ns(boot_ns)
        words = (
            "they agree"
            if agrees
            else f"the host's clock is {hours_of(wall_ns - kept_ns)} {'ahead' if wall_ns > kept_ns else 'behind'}"
        )
        console.print(f"The time that is kept: {utc(kept_ns)}: {words}.")
    if not confirmed:
        return AGREES if agrees else DIFFERS
    try:
        confirm(database, host)
    except OSError as error:
        console.print(f"cannot confirm: {error}", style="red", markup=False)
        return UNREADABLE
    console.print(
        "Confirmed. A running server follows the host's clock within a second, otherwise the next start does."
    )
    return AGREES


def utc(at_ns: int) -> str:
    """A time for people."""
    return datetime.fromtimestamp(at_ns // 10**9, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
