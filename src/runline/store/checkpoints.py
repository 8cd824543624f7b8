"""Checkpoints: copying the WAL into the database beside the writer, so that no commit waits for it.

A connection of its own copies on a thread of its own. While the writer goes on, there is always a little that is not copied yet;
when it is little enough the writer copies it itself, between two commits, and begins the WAL anew with the next. The WAL is
bounded: beyond its bound the writer copies all of it. What somebody still looks at cannot be copied over; then copying is tried
again only once as much again has come, and not at every commit.
"""

import logging
import os
import threading

import apsw

from runline.store.limits import CHECKPOINT_PAGES, REST_PAGES, ROUNDS_MAX, WAL_PAGES_MAX

log = logging.getLogger("runline.store")

NICENESS = 10
"""Of the thread, as for `nice`: about a tenth of the time that others get who want the same core."""


class Checkpointer:
    """Checkpoints of one file. writer: the connection that commits; beside: another one to the same file, for the thread."""

    def __init__(self, writer: apsw.Connection, beside: apsw.Connection) -> None:
        self.writer = writer
        self.beside = beside
        self.pages = 0
        self.wanted_at = CHECKPOINT_PAGES
        self.must_at = WAL_PAGES_MAX
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
        if pages < self.pages:
            self.wanted_at, self.must_at = CHECKPOINT_PAGES, WAL_PAGES_MAX
        self.pages = pages
        return apsw.SQLITE_OK

    def after_commit(self) -> None:
        """Between two commits, when nobody waits: have the WAL copied, or copy the rest of it."""
        if self.rest_due or self.pages >= self.must_at:
            self.copy(self.writer)
            self.wanted_at = self.pages + CHECKPOINT_PAGES
            self.must_at = max(WAL_PAGES_MAX, self.wanted_at)
            self.rest_due = False
        elif self.pages >= self.wanted_at and not self.copying:
            self.copying = True
            self.wanted.set()

    @property
    def overgrown_pages(self) -> int:
        """How many pages the WAL has, if that is beyond its bound; else 0."""
        return self.pages if self.pages > WAL_PAGES_MAX else 0

    def run(self) -> None:
        """The thread. It yields to whoever executes and commits: nobody waits for it."""
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        while True:
            self.wanted.wait()
            self.wanted.clear()
            if self.ending:
                return
            copied = before = self.copy(self.beside)
            for _ in range(ROUNDS_MAX - 1):
                if self.pages - copied <= REST_PAGES or self.ending:
                    break
                before, copied = copied, self.copy(self.beside)
                if copied == before:
                    break
            self.rest_due = True
            self.copying = False

    def copy(self, connection: apsw.Connection) -> int:
        """Copy what can be copied now without waiting for anyone. Returns how many pages of the WAL are copied."""
        try:
            return connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)[1]
        except apsw.Error as error:
            # Nothing is lost: what is durable lies in the WAL, and the next commit asks again.
            log.warning("a checkpoint failed: %s: %s", type(error).__name__, error)
            return 0

    def close(self) -> None:
        """End the thread and its connection; the writer's stays open."""
        if self.ending:
            return
        self.ending = True
        self.wanted.set()
        self.thread.join()
        self.beside.close()
