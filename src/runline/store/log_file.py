"""The log's file as its writer has it: the connection that commits, the checkpoints beside it, and the mark behind it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import apsw

from runline.engine.ports import Head, Sealed
from runline.store.batches import BatchTimes
from runline.store.checkpoints import Checkpointer
from runline.store.file import open_connection, store_error
from runline.store.mark import MarkKeeper
from runline.store.opening import CLOSED, Opening, count_commit, last_opening
from runline.store.statements import HEAD
from runline.store.tables import BATCHES, Tables, insert
from runline.store.writing import Numbers, claim_stream, undone, write_batch


class LogFile:
    """The writing side of a file that is opened. process: who has the lock, for those who find it held.

    Raises StoreError.
    """

    def __init__(self, path: Path, process: int) -> None:
        self.connection = open_connection(path, writing=True)
        try:
            opening = last_opening(self.connection)
        except apsw.Error as error:
            self.connection.close()
            raise store_error(error) from error
        assert opening is not None
        self.opening = opening
        self.times = BatchTimes()
        self.numbers = Numbers(self.connection)
        self.mark = MarkKeeper(path, opening.log, opening.number, process)
        self.move(opening)
        self.checkpointer = Checkpointer(self.connection, open_connection(path, writing=True))

    def commit(self, sealed: Sealed, tables: Tables) -> frozenset[str]:
        """Make a batch durable; returns the streams that another process owns. tables: of its rows.

        Raises StoreError.
        """
        fenced, opening = write_batch(self.connection, self.opening, sealed, tables, self.times, self.numbers)
        self.move(opening)
        return fenced

    def claim(self, seen: Mapping[str, int | None]) -> list[Head]:
        """Become the owner of streams, one after the other; returns the heads of those that were claimed. seen: as for
        `Store.claim_all`. Raises StoreError."""
        heads: list[Head] = []
        for stream, epoch in seen.items():
            self.numbers.forget(stream)
            opening = claim_stream(self.connection, self.opening, stream, epoch)
            if opening is not None:
                self.move(opening)
                rows: list[Any] = self.connection.execute(HEAD, (stream,)).fetchall()
                heads.append(Head(*rows[0]))
        return heads

    @property
    def beside(self) -> tuple[int, str]:
        """What is wrong beside the commits: (pages of the WAL, if it is beyond its bound, why the mark cannot be written)."""
        return self.checkpointer.overgrown_pages, self.mark.failure

    def move(self, opening: Opening) -> None:
        """So far it is durable."""
        self.opening = opening
        self.mark.move(opening.commits, opening.hash)

    def after_commit(self) -> None:
        """Between two commits, when nobody waits."""
        self.checkpointer.after_commit()

    def close(self, node: str, sealed_ns: int, durable_before_ns: int) -> None:
        """Stop cleanly: keep the time at which the last batch was durable (0: there was none), copy everything into the
        database, and leave it alone (and its mark).

        Raises StoreError.
        """
        connection = self.connection
        try:
            self.checkpointer.close()
            connection.execute("BEGIN IMMEDIATE")
            if durable_before_ns:
                connection.execute(insert(BATCHES), (node, sealed_ns, durable_before_ns))
            connection.execute(CLOSED, (self.opening.number,))
            opening = count_commit(connection, self.opening, b"closed")
            connection.execute("COMMIT")
            self.move(opening)
            try:
                connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            except apsw.BusyError:
                # Somebody looks at an old state: then the write-ahead log stays, and the next start goes on with it.
                pass
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)
        except Exception as error:
            raise undone(connection, error) from error
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Let go of the file as it is."""
        self.checkpointer.close()
        self.connection.close()
        self.mark.close()
