"""History: pages of what is stored, made from a snapshot of it (`History` in `engine/ports.py`), never on the engine's loop.

Rule: the same authority as at the writer, as of the position of the snapshot.
"""

import copyreg
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

import msgspec

from runline.domain.audience import Audience
from runline.domain.messages import Rejected, kind_of
from runline.domain.queries.declared import Page, require
from runline.domain.times import with_times
from runline.domain.vocabulary import Vocabulary
from runline.engine.ports import Snapshot
from runline.engine.requests import Refused, refused
from runline.reads.finding import find_page
from runline.reads.line_history import line_history_page
from runline.reads.lives import life_page
from runline.reads.logs import log_page, refusals_page, trace_page
from runline.reads.money import ledger_page, totals_page, wagers_page
from runline.reads.seen import SeenSnapshot
from runline.reads.standings import accounts_page, risk_page
from runline.reads.what_if import result_money_page, what_if_page


@cache
def vocabulary_of(level: int, *nouns: str) -> Vocabulary:
    """The vocabulary of these nouns."""
    return Vocabulary(*map(import_module, nouns), level=level)


def by_nouns(vocabulary: Vocabulary) -> tuple[Any, tuple[int | str, ...]]:
    """A vocabulary as it goes to the process in which history is read: by the names of its nouns."""
    return vocabulary_of, (vocabulary.level, *(noun.__name__ for noun in vocabulary.nouns))


copyreg.pickle(Vocabulary, by_nouns)


def answer(
    snapshot: Snapshot, vocabulary: Vocabulary, name: str, session: str, actor: str, asked: Any, now_ns: int
) -> tuple[int, bytes] | Refused:
    """(position, the page as JSON) of a query of history, or why it may not be answered. Raises StoreError."""
    try:
        seen = SeenSnapshot(snapshot, vocabulary, session, actor, now_ns)
        require(vocabulary.queries[name], kind_of(snapshot.stream), seen.audience)
        return snapshot.position, with_times(msgspec.json.encode(PAGES[name](seen, asked)))
    except Rejected as rejected:
        return refused(snapshot.position, rejected)


def standing(
    snapshot: Snapshot, vocabulary: Vocabulary, session: str, actor: str, now_ns: int
) -> tuple[int, Audience] | Refused:
    """(position, the audience) of who asks, as the tables say: also while their stream is stopped. Raises StoreError."""
    try:
        return snapshot.position, SeenSnapshot(snapshot, vocabulary, session, actor, now_ns).audience
    except Rejected as rejected:
        return refused(snapshot.position, rejected)


PAGES: dict[str, Callable[[SeenSnapshot, Any], Page]] = {
    "wagers": wagers_page,
    "wager_totals": totals_page,
    "ledger": ledger_page,
    "wager_life": life_page,
    "what_if": what_if_page,
    "result_money": result_money_page,
    "line_history": line_history_page,
    "accounts": accounts_page,
    "risk": risk_page,
    "find": find_page,
    "log": log_page,
    "refusals": refusals_page,
    "trace": trace_page,
}
"""What answers each query."""
