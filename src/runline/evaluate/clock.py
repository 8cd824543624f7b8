"""Clock: `runline clock`, for whoever looks after the host."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
from rich.console import Console

from runline.engine.host import Host
from runline.engine.timekeeper import confirm, hours_of, note_file, read_note
from runline.shell import complain, reason_of, to_paste
from runline.store.where import Place

AGREES, DIFFERS = 0, 1


class Clocks(msgspec.Struct, frozen=True):
    """The times, in UTC nanoseconds. kept_ns: that a server keeps; None if none has noted it since the host was started.

    synchronised: whether something keeps the host's clock right. agrees: whether the host's clock agrees with what is kept.
    """

    host_ns: int
    synchronised: bool
    kept_ns: int | None
    agrees: bool
    confirmed: bool = False


def show_clock(database: Place, *, confirmed: bool, as_json: bool = False, host: Host | None = None) -> int:
    """`runline clock`: 0 the host's clock agrees with the time that is kept, or was confirmed; 1 it does not; 2 there is no such
    database, or it cannot be written beside."""
    if isinstance(database, str):
        return complain("a server over PostgreSQL notes no time: keep its host's clock right by NTP")
    host = host or Host()
    if not database.is_file():
        return complain(f"There is no database {database}.")
    clocks = look(database, host)
    if confirmed:
        try:
            confirm(database, host)
        except OSError as error:
            return complain(f"cannot confirm: {reason_of(error)}. Whoever may write beside the database can")
        clocks = msgspec.structs.replace(clocks, confirmed=True)
    if as_json:
        print(msgspec.json.encode(clocks).decode())
    else:
        say(Console(highlight=False, soft_wrap=True), database, clocks)
    return AGREES if clocks.agrees or clocks.confirmed else DIFFERS


def look(database: Path, host: Host) -> Clocks:
    """Read both clocks."""
    wall_ns, boot_ns = host.wall_ns(), host.boot_ns()
    note = read_note(note_file(database))
    if note is None or note.boot != host.boot_id():
        return Clocks(wall_ns, host.is_synchronised(), None, True)
    kept_ns = note.now_at(boot_ns)
    return Clocks(wall_ns, host.is_synchronised(), kept_ns, abs(wall_ns - kept_ns) <= note.tolerance_ns(boot_ns))


def say(console: Console, database: Path, clocks: Clocks) -> None:
    """Say it to people."""
    synchronised = "synchronised" if clocks.synchronised else "not synchronised (nothing keeps it right)"
    console.print(f"The host's clock: {utc(clocks.host_ns)}, {synchronised}.")
    if clocks.kept_ns is None:
        console.print("No server has noted the time here since the host was started.")
    else:
        apart_ns = clocks.host_ns - clocks.kept_ns
        words = "they agree"
        if not clocks.agrees:
            words = f"the host's clock is {hours_of(apart_ns)} {'ahead' if apart_ns > 0 else 'behind'}"
        console.print(f"The time that is kept: {utc(clocks.kept_ns)}: {words}.")
    if clocks.confirmed:
        console.print(
            "Confirmed. A running server follows the host's clock within a second, otherwise the next start does."
        )
    elif not clocks.agrees:
        console.print("If the host's clock is right, confirm it:\n")
        console.print(to_paste("clock", database, "--confirm"), markup=False)


def utc(at_ns: int) -> str:
    """A time for people."""
    return datetime.fromtimestamp(at_ns // 10**9, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
