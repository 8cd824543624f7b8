"""Story: what happened in a run, for people: who did what, which fault, what differed. And its digest, by which two runs are the
same or not.
"""

from collections import deque
from hashlib import blake2b

SECOND_NS = 10**9

LINES_KEPT = 400
"""How much of the end of a run is told."""


class Wrong(Exception):
    """Something that must hold does not."""


class Story:
    """What has happened, line by line. The last lines are kept; the digest is of all."""

    def __init__(self, kept: int = LINES_KEPT) -> None:
        self.lines: deque[tuple[int, int, str]] = deque(maxlen=kept)
        self.sum = blake2b(digest_size=16)
        self.step = 0
        self.passed_ns = 0

    def tell(self, text: str) -> None:
        """Something has happened."""
        self.lines.append((self.step, self.passed_ns, text))
        self.sum.update(b"%d %d %b\n" % (self.step, self.passed_ns, text.encode("utf-8", "replace")))

    def note(self, data: bytes) -> None:
        """Something has happened that is not worth a line."""
        self.sum.update(data)

    @property
    def digest(self) -> str:
        """Of all that has happened."""
        return self.sum.hexdigest()

    def text(self) -> str:
        """The last lines, for people."""
        return "\n".join(f"step {step:>6}  {time_of(passed_ns)}  {text}" for step, passed_ns, text in self.lines)


def time_of(passed_ns: int) -> str:
    """How long after the beginning, in hours, minutes, seconds and milliseconds."""
    seconds, rest_ns = divmod(passed_ns, SECOND_NS)
    return f"{seconds // 3_600:>3}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest_ns // 1_000_000:03}"
