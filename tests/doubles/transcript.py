"""Transcript: everything that a season has led to, as bytes. `python -m tests.doubles.transcript SEED` prints its digest."""

import sys
from hashlib import sha256

import msgspec
from tests.doubles.deeds import season
from tests.doubles.stage import Stage


def transcript(stage: Stage) -> bytes:
    """The log of a stream and the rows that it has come to, in the order in which they came."""
    log = [
        msgspec.json.encode((seq, at_ns, actor, type(event).__name__, event)) for seq, at_ns, actor, event in stage.log
    ]
    rows = [repr((kind.table, values)).encode() for kind, table in stage.tables.items() for values in table.values()]
    return b"\n".join([*log, *rows])


def digest(seed: int) -> str:
    """The digest of a season of both streams."""
    book = season(seed, deeds=600)
    return sha256(transcript(book.house) + transcript(book)).hexdigest()


if __name__ == "__main__":
    print(digest(int(sys.argv[1])))
