"""Checkpoints: copying the WAL into the database beside the writer, so that no commit waits for it.

A connection of its own copies on a thread of its own. While the writer goes on, there is always a little that is not copied yet;
when it is little enough the writer copies it itself, between two commits, and begins the WAL anew with the next. The WAL is
bounded: beyond its bound the writer copies all of it.
"""

import logging
import os
import threading

import apsw

log = logging.getLogger("runline.store")

CHECKPOINT_PAGES = 4_096
"""Pages in the WAL from which on it is copied: 16 MiB."""

REST_PAGES = 256
"""Pages that the writer copies itself: a millisecond or two."""

ROUNDS_MAX = 8
"""How often the thread copies what has come meanwhile, before the writer copies the rest however much it is."""

WAL_PAGES_MAX = 65_536
"""Pages in the WAL (256 MiB) beyond which the writer waits for the copying."""

NICENESS = 10
"""Of the thread, as for `nice`: about a tenth of the time that others get who want the same core."""


class Checkpointer:
    """Checkpoints of one file. writer: the connection that commits; beside: another one to the same file, for the thread."""

    def __init__(self, writer: apsw.Connection, beside: apsw.Connection) -> None:
        self.writer = writer
        self.beside = beside
        self.pages = 0
        self.copying = False
        self.rest_due = False
        self.ending = False
        self.wanted = threading.Event()
        # The hook takes the place of the writer's own checkpoints.
        writer.set_wal_hook(self.committed)
        self.thread = threading.Thread(target=self.run, name="checkpoints", daemon=True)
        self.thread.start()

    def committed(self, connection: apsw.Connection, name: str, pages: int) -> int:
        """A commit has left so many pages in the WAL."""
        self.pages = pages
        return apsw.SQLITE_OK

    def after_commit(self) -> None:
        """Between two commits, when nobody waits: have the WAL copied, or copy the rest of it."""
        if self.rest_due or self.pages >= WAL_PAGES_MAX:
            self.copy(self.writer)
            self.rest_due = False
        elif self.pages >= CHECKPOINT_PAGES and not self.copying:
            self.copying = True
            self.wanted.set()

    def run(self) -> None:
        """The thread. It yields to whoever executes and commits: nobody waits for it."""
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        while True:
            self.wanted.wait()
            self.wanted.clear()
            if self.ending:
                return
            copied = self.copy(self.beside)
            for _ in range(ROUNDS_MAX - 1):
                if self.pages - copied <= REST_PAGES or self.ending:
                    break
                copied = self.copy(self.beside)
            self.rest_due = True
            self.copying = False

    def copy(self, connection: apsw.Connection) -> int:
        """Copy what can be copied now without waiting for anyone. Returns how many pages of the WAL are copied."""
        try:
            return connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)[1]
        except apsw.Error as error:
            # Nothing is lost: what is durable lies in the WAL, and the next commit asks again.
            log.warning("a checkpoint failed: %s: %s", type(error).__name__, error)
            return self.pages

    def close(self) -> None:
        """End the thread and its connection; the writer's stays open."""
        self.ending = True
        self.wanted.set()
        self.thread.join()
        self.beside.close()
