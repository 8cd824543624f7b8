"""Listening: what a process logs as a fault of its own."""

import logging
from collections.abc import Callable

from runline.engine.ports import StoreError
from runline.simulate.loop import OWNER

SENT_ERRORS = (StoreError,)
"""What a process logs that was sent to it."""


class Listening(logging.Handler):
    """Hears what a process logs as a fault of its own. wrong: told of it. is_planted: whether it was to fail."""

    def __init__(
        self, wrong: Callable[[str, BaseException], None], is_planted: Callable[[BaseException], bool]
    ) -> None:
        super().__init__(logging.ERROR)
        self.wrong = wrong
        self.is_planted = is_planted

    def emit(self, record: logging.LogRecord) -> None:
        owner = OWNER.get()
        if owner is not None and owner.dead:
            return
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and not isinstance(error, SENT_ERRORS) and not self.is_planted(error):
            self.wrong(f"a fault was logged: {record.getMessage()}: {type(error).__name__}: {error}", error)
