"""Timekeeper: whether the host's clock is to be believed, at the start and while the engine runs.

Rule: a step of the wall clock beyond a bound is not followed. While the machine runs, its own count of time shows the step, also
across a restart of Runline, by what was noted beside the database. At a start without such a note the last event's time and
the host's clock state must do. What stays doubtful is confirmed by a person on the host: whoever may write beside the database.
"""

import asyncio
import logging
import os
import shlex
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

import msgspec

from runline.domain.bounds import STEP_NS_MAX
from runline.engine.clock import SystemClock
from runline.engine.conditions import Conditions
from runline.engine.host import Host
from runline.engine.limits import IDLE_NS_MAX

log = logging.getLogger("runline.clock")

LOOK_S = 1.0
"""How often the clock is looked at."""

NOTE_LOOKS = 30
"""The time is noted beside the database at each so many looks, and at a stop."""

DRIFT_PPM = 500
"""How wrong a machine's count of time may be, in parts of a million: as far as the kernel corrects one."""


class TimeNote(msgspec.Struct, frozen=True):
    """What time it was.

    boot: which start of the machine. boot_ns: how long after it. now_ns: UTC nanoseconds.
    """

    boot: str
    boot_ns: int
    now_ns: int

    def now_at(self, boot_ns: int) -> int:
        """What time it is by this note, later in the same life of the machine."""
        return self.now_ns + boot_ns - self.boot_ns

    def tolerance_ns(self, boot_ns: int) -> int:
        """How far a clock that has not been set may be from that."""
        return STEP_NS_MAX + (boot_ns - self.boot_ns) * DRIFT_PPM // 1_000_000


def beside(database: Path, ending: str) -> Path:
    """A file beside a database, by whatever link the database is named."""
    real = Path(os.path.realpath(database))
    return real.with_name(real.name + ending)


def note_file(database: Path) -> Path:
    """Where the server notes the time."""
    return beside(database, ".clock")


def confirmation_file(database: Path) -> Path:
    """Where a person confirms that the host's clock is right."""
    return beside(database, ".clock-confirmed")


def read_note(file: Path) -> TimeNote | None:
    """A note, if there is one that can be read and is as it was written."""
    try:
        content, _, digest = file.read_bytes().partition(b"\n")
        return msgspec.json.decode(content, type=TimeNote) if digest == digest_of(content) else None
    except (OSError, msgspec.DecodeError):
        return None


def digest_of(content: bytes) -> bytes:
    """What tells a note from one that a disk has changed: one digit is a decade."""
    return blake2b(content, digest_size=16).hexdigest().encode()


def write_note(file: Path, note: TimeNote, owner: os.stat_result | None = None) -> None:
    """Write a note in one piece, readable and writable by its owner only. owner: whose file it should be, if an administrator
    writes it for them.

    Raises OSError.
    """
    draft = file.with_name(file.name + ".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        if owner is not None and os.geteuid() == 0:
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        content = msgspec.json.encode(note)
        os.write(descriptor, content + b"\n" + digest_of(content))
    finally:
        os.close(descriptor)
    draft.replace(file)


def confirm(database: Path, host: Host) -> None:
    """Confirm that the host's clock is right: a server that runs follows it within a second, the next start at once.

    Raises OSError.
    """
    note = TimeNote(host.boot_id(), host.boot_ns(), host.wall_ns())
    write_note(confirmation_file(database), note, owner=database.stat())


def hours_of(apart_ns: int) -> str:
    """How far two times are apart, in hours, minutes and seconds."""
    seconds = round(abs(apart_ns) / 1e9)
    return f"{seconds // 3_600}:{seconds // 60 % 60:02}:{seconds % 60:02} h"


def words_for(apart_ns: int, database: Path | None) -> str:
    """How far the host's clock is away, for people, and what to do about it where the time is noted beside a database."""
    direction = "ahead of" if apart_ns > 0 else "behind"
    said = f"The host's clock is {hours_of(apart_ns)} {direction} the time that is kept, which goes on without it."
    if database is None:
        return said
    path = shlex.quote(str(database.absolute()))
    return f"{said} If the host's clock is right, say so on the host: runline clock {path} --confirm"


class Timekeeper:
    """Keeps a clock for an engine.

    database: the file beside which the time is noted; without one nothing is noted and nothing can be confirmed.
    """

    def __init__(self, clock: SystemClock, conditions: Conditions, database: Path | None = None) -> None:
        self.clock = clock
        self.host = clock.host
        self.conditions = conditions
        self.database = database
        self.boot = self.host.boot_id()
        self.told_ns = 0
        self.looks = 0

    def begin(self, last_ns: int) -> None:
        """Set the clock at a start. last_ns: the time of the last event, 0 if there is none."""
        self.clock.set(self.time_at_start(last_ns))
        self.look()

    def time_at_start(self, last_ns: int) -> int:
        """What time it is, as far as it can be told."""
        wall_ns, boot_ns = self.host.wall_ns(), self.host.boot_ns()
        if self.is_confirmed(wall_ns, boot_ns) or self.host.is_synchronised():
            return wall_ns
        note = self.noted()
        if note is not None:
            expected_ns = note.now_at(boot_ns)
            return wall_ns if abs(wall_ns - expected_ns) <= note.tolerance_ns(boot_ns) else expected_ns
        if last_ns and not last_ns - STEP_NS_MAX <= wall_ns <= last_ns + IDLE_NS_MAX:
            return last_ns
        return wall_ns

    def noted(self) -> TimeNote | None:
        """What was noted in this life of the machine."""
        note = read_note(note_file(self.database)) if self.database else None
        return note if note is not None and note.boot == self.boot != "" else None

    def is_confirmed(self, wall_ns: int, boot_ns: int) -> bool:
        """Whether a person has confirmed the wall clock as it goes now. A confirmation counts once."""
        if self.database is None:
            return False
        file = confirmation_file(self.database)
        note = read_note(file)
        with suppress(OSError):
            file.unlink(missing_ok=True)
        if note is None or note.boot != self.boot:
            return False
        return abs(wall_ns - note.now_at(boot_ns)) <= note.tolerance_ns(boot_ns)

    async def run(self, moved: asyncio.Event) -> None:
        """Look at the clock as long as this runs. moved: set at each look, for whoever sleeps until a time: it may have come
        sooner than they thought, because the machine slept or the clock was put right."""
        while True:
            await asyncio.sleep(LOOK_S)
            self.look()
            moved.set()

    def look(self) -> None:
        """Compare the clocks, and say so if they are apart."""
        clock = self.clock
        clock.look()
        if clock.stepped:
            wall_ns, boot_ns = self.host.wall_ns(), self.host.boot_ns()
            if self.is_confirmed(wall_ns, boot_ns):
                log.warning("the host's clock is confirmed: time moves by %.3f s", clock.apart_ns / 1e9)
                clock.set(wall_ns)
                self.note()
        if not clock.stepped:
            self.told_ns = 0
            self.conditions.clear("clock")
        elif abs(clock.apart_ns - self.told_ns) > STEP_NS_MAX:
            self.told_ns = clock.apart_ns
            self.conditions.note("clock", "", "degraded", words_for(clock.apart_ns, self.database), clock.host_ns())
        if self.looks % NOTE_LOOKS == 0:
            self.note()
        self.looks += 1

    def note(self) -> None:
        """Note beside the database what time it is."""
        if self.database is None or not self.boot:
            return
        try:
            write_note(note_file(self.database), TimeNote(self.boot, self.host.boot_ns(), self.clock.now_ns()))
        except OSError as error:
            log.warning("the time cannot be noted: %s", error)
