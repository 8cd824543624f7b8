"""Committing: what to do when the store fails.

Rules: what may pass is retried, the same sealed batch, until a deadline. A row that can never be stored is narrowed to its
stream, and only that one stops. If it is not known whether a batch was stored, the heads tell; if it was not, it is tried once
more, for whoever was to store it has been replaced, however long it took to notice; and if the first attempt becomes durable
after all, that is no other process's work. Otherwise what is in memory of its streams is dropped and read again, and the callers
hear `unavailable`.
"""

import asyncio
import logging

from runline.engine.limits import COMMIT_RETRY_PAUSE_S, COMMIT_RETRY_S_MAX
from runline.engine.ports import Clock, Sealed, Store, StoreError, Stretch

log = logging.getLogger("runline.engine")

ELSEWHERE = "another process owns this stream"
"""Why a stream stops that somebody else has claimed."""


class CommitFailed(Exception):
    """The store cannot take a batch now: what is in memory of its streams is ahead of it and must be dropped."""


async def commit(store: Store, sealed: Sealed, clock: Clock) -> dict[str, str]:
    """Make a batch durable by the rules above. Returns the streams that cannot go on, with the reason; the others' stretches
    are durable.

    Raises CommitFailed.
    """
    deadline_ns = clock.host_ns() + int(COMMIT_RETRY_S_MAX * 1e9)
    replaced = False
    while True:
        try:
            fenced = await store.commit(sealed)
            if fenced and replaced:
                fenced -= await stored_of(store, sealed)
            return dict.fromkeys(sorted(fenced), ELSEWHERE)
        except StoreError as error:
            log.warning("commit failed (%s): %s", error.kind, error)
            # What was tried first may have become durable after all, which the second attempt stumbles over.
            if (error.kind == "lost" or replaced) and await is_stored(store, sealed):
                return {}
            if error.kind == "row":
                if len(sealed.stretches) == 1:
                    return {sealed.stretches[0].before.stream: str(error)}
                return await narrow(store, sealed, clock)
            again = error.kind == "lost" and not replaced
            replaced = replaced or again
            if error.kind in ("unreadable", "behind") or (clock.host_ns() >= deadline_ns and not again):
                raise CommitFailed(str(error)) from error
        await asyncio.sleep(COMMIT_RETRY_PAUSE_S)


async def narrow(store: Store, sealed: Sealed, clock: Clock) -> dict[str, str]:
    """Commit each stream's stretch alone, so that only the one with the bad row stops."""
    stopped: dict[str, str] = {}
    for index, stretch in enumerate(sealed.stretches):
        alone = Sealed(sealed.node, sealed.sealed_ns + index, sealed.durable_before_ns, [stretch])
        stopped |= await commit(store, alone, clock)
    return stopped


async def stored_of(store: Store, sealed: Sealed) -> set[str]:
    """The streams whose logs end as this batch would leave them, whoever owns them by now.

    Raises CommitFailed if that cannot be read.
    """
    stretches = moved(sealed)
    try:
        heads = await store.heads([stretch.after.stream for stretch in stretches])
    except StoreError as error:
        raise CommitFailed(f"Whether the batch is stored cannot be read: {error}") from error
    return {
        stretch.after.stream
        for stretch in stretches
        if (found := heads.get(stretch.after.stream)) and found.hash == stretch.after.hash
    }


def moved(sealed: Sealed) -> list[Stretch]:
    """The stretches of a batch that have events."""
    return [stretch for stretch in sealed.stretches if stretch.after.seq > stretch.before.seq]


async def is_stored(store: Store, sealed: Sealed) -> bool:
    """Whether the heads are those that this batch would have left.

    Raises CommitFailed if they are neither those before nor those after it, or cannot be read: committing a batch again that
    is stored would look as if somebody else owned its streams.
    """
    stored, most = len(await stored_of(store, sealed)), len(moved(sealed))
    if stored == most:
        return most > 0
    if stored:
        raise CommitFailed("Only some streams' heads have moved.")
    return False
