"""Finding: whose name or number begins with what somebody has typed, of what they may see."""

from collections.abc import Collection, Iterator
from itertools import islice
from typing import TypeVar

from runline.domain.access import User
from runline.domain.bounds import IDENTIFIER_LENGTH_MAX
from runline.domain.catalog import OVER, Fixture
from runline.domain.hierarchy import Agent, Player
from runline.domain.messages import HOUSE
from runline.domain.nodes import ROOT
from runline.domain.permissions import Permission
from runline.domain.queries.declared import Page
from runline.domain.queries.finding import FindAsked, Hit
from runline.domain.state import Row
from runline.domain.tickets import Ticket
from runline.reads.limits import FIND_GAMES_MAX, NAMES_PASSED_MAX
from runline.reads.seen import SeenSnapshot
from runline.reads.tickets import wager_rows
from runline.reads.windows import number_of

R = TypeVar("R", bound=Row)


def find_page(seen: SeenSnapshot, asked: FindAsked) -> Page:
    """What begins with a text, some of each kind."""
    text = asked.text.strip()
    if not text or len(text) > IDENTIFIER_LENGTH_MAX or not text.isprintable():
        return Page([])
    return Page([*people(seen, text, asked.limit), *games(seen, text, asked.limit), *ticket(seen, text)])


def people(seen: SeenSnapshot, text: str, limit: int) -> Iterator[Hit]:
    """The players, the agents, then the staff of the asker's subtree."""
    audience = seen.audience
    if audience.player:
        return
    if audience.may(Permission.FIGURES_VIEW) and seen.snapshot.stream != HOUSE:
        for player in named(seen, Player, "agent", text, limit):
            yield Hit("player", player.number, "", player.agent, player.number, status_of(player.active))
        for agent in named(seen, Agent, "name", text, limit):
            yield Hit("agent", agent.name, "", agent.parent, "", "active")
    if audience.may(Permission.ROLES_MANAGE):
        for user in named(seen, User, "node", text, limit, player=("",)):
            yield Hit("user", user.name, user.role, user.node, "", status_of(user.active))


def status_of(active: bool) -> str:
    """Whether somebody may act at all."""
    return "active" if active else "revoked"


def named(
    seen: SeenSnapshot, row_type: type[R], node: str, text: str, limit: int, **having: Collection[str]
) -> list[R]:
    """The first rows of the asker's subtree whose names begin with a text, in whichever letters. node: the field that says where
    they stand."""
    if seen.within is not None:
        having[node] = seen.within
    found: dict[str, R] = {}
    for way in dict.fromkeys((text, text.upper(), text.lower(), text.capitalize())):
        walked = islice(seen.snapshot.named(row_type, way, having), NAMES_PASSED_MAX)
        found.update((row.key(), row) for row in islice((row for row in walked if row is not None), limit))
    return [found[name] for name in sorted(found)][:limit]


def games(seen: SeenSnapshot, text: str, limit: int) -> Iterator[Hit]:
    """Games by a rotation number or a word of a team: those not over by their start, then the others, the latest first."""
    if not seen.audience.may(Permission.BOARD_VIEW):
        return
    typed = text.casefold()
    walked = islice(seen.house.named(Fixture, "", {}), FIND_GAMES_MAX)
    found = [game for game in walked if game is not None and is_meant(game, typed)]
    found.sort(key=lambda game: (game.status in OVER, -game.start_ns if game.status in OVER else game.start_ns))
    for game in found[:limit]:
        yield Hit("game", game.name, f"{game.rotation} {game.away} at {game.home}", "", "", game.status)


def is_meant(game: Fixture, typed: str) -> bool:
    """Whether a game's number, or a word of its teams or of its id, begins with what was typed."""
    if typed.isdecimal() and (str(game.rotation).startswith(typed) or str(game.rotation + 1).startswith(typed)):
        return True
    words = f" {game.away} {game.home} {game.name}".casefold()
    return f" {typed}" in words


def ticket(seen: SeenSnapshot, text: str) -> Iterator[Hit]:
    """The ticket of a number."""
    number, audience = number_of(text), seen.audience
    if number is None or seen.snapshot.stream == HOUSE:
        return
    if not audience.may(Permission.TICKER_VIEW) and not audience.player:
        return
    one = seen.snapshot.row(Ticket, number) if number <= seen.snapshot.position else None
    if one is None or (audience.player and one.player != audience.player):
        return
    if seen.below("", seen.node_of_player(one.player) or ROOT):
        row = wager_rows(seen)(one)
        yield Hit("ticket", str(one.number), row.selection, row.agent, one.player, one.status)
