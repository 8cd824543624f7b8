"""The file with a committer process: read here, written on a second core."""

import logging
from collections.abc import Mapping

from runline.engine.ports import Head, Sealed, StoreError
from runline.store.committer import Begin, Close
from runline.store.committing import Committing
from runline.store.file import open_connection
from runline.store.sqlite import OpenedFile

log = logging.getLogger("runline.store")


class SqliteProcessStore(Committing, OpenedFile):
    """Reads in this process, commits in another."""

    beside = True

    def open(self) -> None:
        self.connection = open_connection(self.path, writing=False)
        self.what = str(self.path)
        # It shares the lock on the file, so that nobody else writes as long as it lives, whatever happens to this process.
        self.keep = (self.lock.descriptor,)
        self.prepare()

    def told(self) -> Begin:
        return Begin("file", str(self.path), self.tables)

    async def commit(self, sealed: Sealed) -> frozenset[str]:
        done = await self.hand_over(sealed)
        self.say_of_commit(done.overgrown_pages, done.unmarked)
        return frozenset(done.fenced)

    async def claim_all(self, seen: Mapping[str, int | None]) -> dict[str, Head]:
        # Who holds the lock on the file knows whose a claim is that nobody has answered.
        return await self.have_claimed({one: None if one in self.unheard else epoch for one, epoch in seen.items()})

    async def close(self, node: str, sealed_ns: int, durable_before_ns: int) -> None:
        # Who closes last takes the write-ahead log away, and that must be who writes.
        self.connection.close()
        try:
            await self.order(Close(node, sealed_ns, durable_before_ns))
        except StoreError as error:
            if error.kind != "lost":
                raise
            # What was acknowledged is durable; the next start goes on with the write-ahead log.
            log.warning("the file was not closed cleanly: %s", error)
        finally:
            await self.take_leave()
            self.lock.release()
