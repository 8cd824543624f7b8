"""Stands: all that stands in a stream on the stage, in the shape of the oracle's figures."""

from typing import Any

from tests.doubles.stage import Stage

from runline.domain.book import Book
from runline.domain.ledger import LedgerEntry
from runline.domain.tickets import Ticket
from runline.simulate.figures import figures, of_row


def stands(stage: Stage) -> dict[str, Any]:
    """The figures of a stream, as the product has them."""
    return figures(stage.state, stage.stored(Ticket) if isinstance(stage.state, Book) else ())


def entries(stage: Stage) -> dict[int, dict[str, Any]]:
    """The ledger's entries, as the oracle tells them."""
    return {row.number: of_row(row, "number") for row in stage.stored(LedgerEntry)}
