"""What if: what a score would make of the wagers on a game."""

import msgspec

from runline.domain.queries.declared import Asked


class MarketMoney(msgspec.Struct):
    """What a score would make of the open tickets on a market of a game.

    wagers: how many it would settle. waiting: how many it would leave open. risk_minor, returned_minor: of those that it would
    settle, what they risk and what comes back, stakes included. book_minor: what the book wins by it (less than 0: loses).
    """

    market: str
    wagers: int
    waiting: int
    risk_minor: int
    returned_minor: int
    book_minor: int


class WhatIfAsked(Asked[MarketMoney], frozen=True, kw_only=True):
    """A final score of a game, by which its open tickets would be settled. (The periods are not asked for: what is about one of
    them waits. Whether the game was late does not count.) More than 200,000 tickets are refused (`too_many`).

    fixture: the game. away, home: its points. node: an agent of my subtree, "" for my own. player: only by that one's tickets.
    """

    fixture: str = ""
    away: int = 0
    home: int = 0
    node: str = ""
    player: str = ""


class BookMoney(msgspec.Struct):
    """What the score that was entered would make of a book's tickets on the game, once it is confirmed.

    wagers: how many it would settle, or settle otherwise than they are. waiting: how many would be open. risk_minor,
    returned_minor: of those that it would settle, what they risk and what comes back, stakes included. book_minor: what the book
    wins by it (less than 0: loses), against what it has won by how they are settled now.
    """

    book: str
    wagers: int
    waiting: int
    risk_minor: int
    returned_minor: int
    book_minor: int


class ResultMoneyAsked(Asked[BookMoney], frozen=True, kw_only=True):
    """Each book, by its name: sums over all of its tickets on the game, none of a player, an agent or a market. (Whether the game
    was late does not count.) More than 200,000 tickets of a book are refused
    (`too_many`).

    fixture: the game whose score was entered; no book is shown where none was.
    """

    fixture: str = ""
