"""Windows: what every query takes that is in the order of time."""

from typing import Generic

from runline.domain.queries.declared import Asked, R
from runline.domain.times import time_of


class Window(Asked[R], Generic[R], frozen=True, kw_only=True):
    """What every query of history takes that is in the order of time.

    since: only what is of that time or later, in ISO 8601 (2026-09-13T17:00:00Z, or with another zone) or in UTC nanoseconds.
    until: only what is of an earlier time than that, written likewise.
    """

    since: str = ""
    until: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        for text in (self.since, self.until):
            if text:
                time_of(text)
