"""The committer process, seen from the engine's: batches are handed over to it, and it is looked after.

Rule: the engine's loop only hands over bytes; the committer alone writes, one batch after another. It ends when the engine's
process does. If it ends first, or does not answer and is ended, whether its last batch is stored is read from the heads.

A batch lies in memory that both share, and only its length goes down the pipe: a batch of half a megabyte through a socket
would cost the loop two copies and several wake-ups.
"""

import asyncio
import mmap
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping

from runline.domain.invariants import check
from runline.engine.limits import BATCH_BYTES_MAX, COMMAND_LOG_BYTES_MAX
from runline.engine.ports import Head, Report, Sealed, StoreError
from runline.helpers import Helper, HelperEnded
from runline.store.committer import Begin, Claim, Close, Commit, Done, Failed, Piece, decode_reply, encode
from runline.store.limits import COMMITTER_READY_S, COMMITTER_SILENT_S_MAX, COMMITTER_SLOW_S

SHARED_BYTES = 32 * 2**20
"""The memory that both share. A batch that takes more (its rows may be larger than its events) goes over in pieces."""

check(2 * (BATCH_BYTES_MAX + COMMAND_LOG_BYTES_MAX) < SHARED_BYTES, "a full batch and its rows go over at once")

LOOKS = 4
"""How often the committer is looked at within COMMITTER_SLOW_S."""


class Committing(ABC):
    """What a store with a committer process has. keep: descriptors that the committer gets as well. what: what it opens, in
    words."""

    keep: tuple[int, ...] = ()
    what: str
    report: Report

    def prepare(self) -> None:
        """Have the memory that is shared. There is no process yet."""
        self.memory = os.memfd_create("runline-batches")
        os.ftruncate(self.memory, SHARED_BYTES)
        self.shared = mmap.mmap(self.memory, SHARED_BYTES)
        self.committer: Helper | None = None
        self.starting = asyncio.Lock()
        self.watching: asyncio.Task[None] | None = None
        self.unheard: set[str] = set()
        """The streams that may have been claimed here without our having heard it."""

    @abstractmethod
    def told(self) -> Begin:
        """What the committer is told first."""

    async def order(self, order: Claim | Piece | Commit | Close) -> Done:
        """Have the committer do something, starting it if it does not run."""
        async with self.starting:
            # A batch and a claim may find at once that it has ended, and there is to be one.
            if self.committer is None or not self.committer.lives:
                await self.start()
        assert self.committer is not None
        try:
            reply: Done | Failed = decode_reply(await self.committer.send(encode(order)))
        except HelperEnded:
            self.report("committer", "", "failing", "The committer process has ended; it is replaced.")
            raise StoreError("lost", "the committer process has ended") from None
        if isinstance(reply, Failed):
            raise StoreError(reply.kind, reply.message)  # type: ignore[arg-type]
        return reply

    async def start(self) -> None:
        """Start the committer and wait until it has opened what it writes to."""
        await self.end()
        keep = (self.memory, *self.keep)
        committer = await Helper.start("runline.store.committer", str(self.memory), str(SHARED_BYTES), keep=keep)
        # The first message is no order.
        opening = committer.send(encode(self.told()))
        opened, _ = await asyncio.wait({opening}, timeout=COMMITTER_READY_S)
        try:
            reply = decode_reply(await opening) if opened else None
        except HelperEnded:
            reply = Failed("transient", "the committer process has ended before it has opened it")
        if isinstance(reply, Done):
            self.committer = committer
            self.report("committer", "", None, "")
            self.watching = self.watching or asyncio.create_task(self.watch())
            return
        opening.cancel()
        committer.stop()
        await committer.end()
        why = reply.message if reply else f"the committer process has not opened it within {COMMITTER_READY_S:g} s"
        self.report("committer", "", "failing", f"The database cannot be written: {why.rstrip('.')}.")
        raise StoreError("transient", f"{self.what}: {why}")

    async def watch(self) -> None:
        """Say so if the committer does not answer, and end it if it goes on so; the next order starts another.

        It is the looks that are counted, not the time: if this loop stood still, a reply may be there that nobody has read.
        """
        order: object = None
        looks = 0
        silent = round(LOOKS * COMMITTER_SILENT_S_MAX / COMMITTER_SLOW_S)
        while True:
            await asyncio.sleep(COMMITTER_SLOW_S / LOOKS)
            waiting = self.committer.pipe.waiting if self.committer is not None else ()
            if not waiting or waiting[0] is not order:
                if looks >= LOOKS:
                    self.report("committer", "", None, "")
                order, looks = waiting[0] if waiting else None, 0
                continue
            looks += 1
            if looks == LOOKS:
                self.report(
                    "committer", "", "degraded", f"The committer process has not answered for {COMMITTER_SLOW_S:g} s."
                )
            elif looks == silent:
                what = f"The committer process has not answered for {COMMITTER_SILENT_S_MAX:g} s"
                self.report("committer", "", "failing", f"{what}; it is ended and replaced.")
                order, looks = None, 0
                if self.committer is not None:
                    self.committer.stop()

    async def end(self) -> None:
        """Take leave of a committer that has ended, or must: it ends with the pipe."""
        committer, self.committer = self.committer, None
        if committer is not None:
            await committer.end()

    async def hand_over(self, sealed: Sealed) -> Done:
        """Have a batch made durable."""
        try:
            batch = encode(sealed)
        except (OverflowError, TypeError, ValueError) as error:
            raise StoreError("row", f"{type(error).__name__}: {error}") from error
        start = 0
        while len(batch) - start > SHARED_BYTES:
            self.shared[:] = batch[start : start + SHARED_BYTES]
            await self.order(Piece(start, SHARED_BYTES))
            start += SHARED_BYTES
        length = len(batch) - start
        self.shared[:length] = batch[start:]
        return await self.order(Commit(length, start))

    async def have_claimed(self, seen: Mapping[str, int | None]) -> dict[str, Head]:
        """Have streams claimed; the heads of those that were. It is kept in mind if nobody says which."""
        try:
            heads = {head.stream: head for head in (await self.order(Claim(dict(seen)))).heads}
        except StoreError as error:
            if error.kind == "lost":
                self.unheard.update(seen)
            raise
        self.unheard.difference_update(heads)
        return heads

    async def take_leave(self) -> None:
        """The committer ends, and nothing is shared any more."""
        if self.watching is not None:
            self.watching.cancel()
        await self.end()
        self.shared.close()
        os.close(self.memory)
