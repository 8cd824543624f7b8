"""Readers: history is looked at in processes of their own, so that the engine's loop never waits for it."""

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from runline.engine.ports import Snapshot, StoreError
from runline.helpers import Callers, HelperEnded
from runline.store.limits import READER_SILENT_S_MAX, READERS

V = TypeVar("V")
P = ParamSpec("P")

LookHere = Callable[[str, Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]
"""(stream, function, its further arguments): what it makes of a snapshot, in a reader process."""


class ReaderProcesses:
    """Reader processes over a database. look_here: runs in each. begin, args: what each does first."""

    at_once = READERS

    def __init__(self, look_here: LookHere, begin: Callable[..., None], *args: str) -> None:
        self.look_here = look_here
        self.readers = Callers(READERS, begin, *args, silent_s_max=READER_SILENT_S_MAX)

    async def look(
        self, stream: str, read: Callable[Concatenate[Snapshot, P], V], *args: P.args, **kwargs: P.kwargs
    ) -> V:
        try:
            found: V = await self.readers.call(self.look_here, stream, read, args, kwargs)
        except HelperEnded:
            raise StoreError("lost", "the reader process has ended") from None
        return found

    def close(self) -> None:
        self.readers.close()
