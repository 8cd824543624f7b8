"""Pruned: a book of the oracle as somebody below its root may know it: with their subtree and the agents above it only."""

from copy import deepcopy
from typing import Any

from runline.simulate.oracle import Model, Prediction
from runline.simulate.oracle.state import ROOT, Book
from runline.simulate.oracle.tree import is_below, upwards


def pruned(book: Book, node: str) -> Book:
    """A copy of a book without whatever is foreign to those who stand at a node."""
    left = deepcopy(book)
    inside = [name for name in book.parents if is_below(book, node, name)]
    known = [*inside, *upwards(book, node)]
    left.users = {name: user for name, user in left.users.items() if user.node in inside}
    left.players = {name: player for name, player in left.players.items() if player.agent in inside}
    held = [user.role for user in left.users.values()]
    left.roles = {name: role for name, role in left.roles.items() if role.node in known or name in held}
    left.tickets = {number: ticket for number, ticket in left.tickets.items() if ticket.player in left.players}
    left.open = {number: ticket for number, ticket in left.open.items() if number in left.tickets}
    left.sessions = {name: session for name, session in left.sessions.items() if session.user in left.users}
    for scope, subject in list(left.layers):
        if (scope == "agent" and subject not in known) or (scope == "player" and subject not in left.players):
            del left.layers[scope, subject]
    left.parents = {name: parent for name, parent in left.parents.items() if name in known}
    return left


class Discreet(Model):
    """A model that judges every refusal of those below a book's root once more, without what is foreign to them. told: those that
    are others then."""

    def __init__(self, *args: Any, **known: Any) -> None:
        super().__init__(*args, **known)
        self.told: list[str] = []
        self.looked = 0

    def judge(
        self, stream: str, at_ns: int, actor: str, name: str, fields: dict[str, Any], **ground: Any
    ) -> Prediction:
        prediction = super().judge(stream, at_ns, actor, name, fields, **ground)
        book, refusal = self.stream(stream), prediction.refusal
        user = book.users.get(actor)
        # Ids are given once in a book: whoever chooses one learns that it is taken.
        chosen = refusal is not None and refusal.code == "already_exists"
        if isinstance(book, Book) and user is not None and user.node != ROOT and refusal is not None and not chosen:
            self.looked += 1
            self.books[stream] = pruned(book, user.node)
            without = super().judge(stream, at_ns, actor, name, fields, **ground).refusal
            self.books[stream] = book
            if without != refusal:
                self.told.append(f"{actor} sends {name} {fields}: {refusal}, without what is foreign {without}")
        return prediction
