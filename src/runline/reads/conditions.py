"""Conditions as they are told: what is not well now, to whom it concerns.

Rule: the house hears everything; the staff of a whole book what stops their book; everyone else, in words that name nothing, that
something which they need is not well.
"""

from collections.abc import Iterable

from runline.domain.messages import HOUSE
from runline.domain.queries.process import ConditionRow
from runline.engine.conditions import STREAM_COMPONENTS, Component, Condition, Level

PARTS: dict[Component, str] = {
    "stream": "This stream is not well.",
    "work": "Something that is due in this stream cannot be done.",
    "aside": "Something that could not be done in this stream is set aside.",
    "store": "The database is not well.",
    "committer": "What writes the database is not well.",
    "clock": "The host's clock is not well.",
    "cluster": "This node is not in its cluster, leaves it, or has no room for a copy.",
}

LEVELS: dict[Level, str] = {
    "degraded": "It goes on, but somebody should look.",
    "failing": "Commands are refused until it is well again.",
}


def conditions_told(standing: Iterable[Condition], stream: str, whole: bool) -> list[ConditionRow]:
    """What is told of what stands. stream: to whose people. whole: only to those who stand at its top.

    Reasons may name files, processes and other books.
    """
    rows: list[ConditionRow] = []
    for one in standing:
        of_stream = one.part in STREAM_COMPONENTS
        if of_stream and stream != HOUSE and one.subject not in (stream, HOUSE):
            continue
        own = of_stream and one.subject == stream
        reason = one.reason if stream == HOUSE or (own and whole) else f"{PARTS[one.part]} {LEVELS[one.level]}"
        rows.append(ConditionRow(one.part, one.subject, one.level, reason, one.since_ns))
    return sorted(rows, key=key_of)


def key_of(row: ConditionRow) -> str:
    """By what conditions are in order: each has a key of its own."""
    return f"{row.part}:{row.subject}"
