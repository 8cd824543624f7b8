"""Bounds: how many of something there may be (the page of limits, in its names), and how what many want is shared out."""

from runline.simulate.oracle.answers import Refused, refuse_unless
from runline.simulate.oracle.state import ROOT, Book, Stream, User
from runline.simulate.oracle.tree import is_below, upwards

MOST = {
    "AGENTS_MAX": 20_000,
    "ARCHIVED_MAX": 5_000_000,
    "BOOKS_MAX": 10_000,
    "BOOK_LINES_MAX": 100_000,
    "EARLIER_STARTS_MAX": 50,
    "FEEDS_MAX": 1_000,
    "FIXTURES_MAX": 500_000,
    "GUARD_RULES_MAX": 1_000,
    "HELD_LINES_MAX": 10_000,
    "LEAGUES_MAX": 10_000,
    "MARKETS_MAX": 2_000_000,
    "MARKETS_PER_POST_MAX": 64,
    "MOVED_WAGERS_MAX": 1_000,
    "OPEN_WAGERS_MAX": 5_000_000,
    "PLAYERS_MAX": 1_000_000,
    "ROLES_MAX": 5_000,
    "ROLES_PER_NODE_MAX": 100,
    "RULINGS_PER_LEAGUE_MAX": 500,
    "SESSIONS_MAX": 100_000,
    "SESSIONS_PER_USER_MAX": 32,
    "SET_ASIDE_MAX": 10_000,
    "SETTLE_SLICE_WAGERS": 64,
    "STAFF_MAX": 100_000,
    "SUSPENSIONS_MAX": 10_000,
    "SUSPENSIONS_PER_NODE_MAX": 1_000,
    "WISHES_MAX": 1_000,
}

KEPT = 8
"""One part in so many is kept for the staff of the whole stream."""


def one_more(name: str, there: int) -> None:
    """There is room for one more."""
    refuse_unless(there < MOST[name], "too_many", most=MOST[name])


def where_held(stream: Stream, what: str) -> list[str]:
    """The node of each of the agents, players, users (who are no players), roles or sessions of a stream."""
    if what == "agents":
        return list(stream.parents) if isinstance(stream, Book) else []
    if what == "roles":
        return [role.node for role in stream.roles.values()]
    if what == "sessions":
        return [stream.users[session.user].node for session in stream.sessions.values()]
    return [user.node for user in stream.users.values() if bool(user.player) == (what == "players")]


def room(stream: Stream, user: User, name: str, what: str) -> None:
    """There is room for one more that a user wants. Of what is left to those below the root, no branch of the tree holds more
    than it leaves free."""
    nodes, most = where_held(stream, what), MOST[name]
    if user.node != ROOT:
        most -= most // KEPT
        branch = upwards(stream, user.node)[-2]
        own = sum(1 for node in nodes if is_below(stream, branch, node))
        if len(nodes) < most and own >= most - len(nodes):
            raise Refused("too_many", most=own)
    refuse_unless(len(nodes) < most, "too_many", most=most)
