"""Asking: what a server is asked, and what is followed."""

import sys
from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from runline.cli.at import At
from runline.remote.where import HERE

Most = Annotated[int, Parameter(name=("--last", "-n"), validator=Number(gte=1, lte=100_000))]


def api(
    to: str,
    /,
    *,
    method: Annotated[str | None, Parameter(name=("--method", "-X"))] = None,
    field: Annotated[list[str] | None, Parameter(name=("--field", "-f"))] = None,
    body: Annotated[str | None, Parameter(name="--input", allow_leading_hyphen=True)] = None,
    preview: bool = False,
    if_position: int | None = None,
    sent_as: Annotated[str | None, Parameter(name="--id")] = None,
    paginate: bool = False,
    include: Annotated[bool, Parameter(name=("--include", "-i"))] = False,
    at: At = HERE,
) -> int:
    """Send a command, ask a query, or call any other route: `runline api board`, `runline api VoidWager -f wager=18204`.

    Exits 0, 1 (the server refused it) or 2 (it could not be sent).

    Parameters
    ----------
    to
        A command's name (PlaceWager) or path (/v1/place-wager), a query's name (board), or any other path.
    method
        GET, POST …; by default a command is posted, and anything else is asked for unless it has a body.
    field
        NAME=VALUE, again for each field: of a command its fields (numbers and lists as JSON), of a query its parameters.
    body
        The body, as JSON, from a file, or from the standard input: -.
    preview
        Of a command: say what it would do, and change nothing.
    if_position
        Of a command: refuse it if what it is about has changed since this position.
    sent_as
        Of a command: its own id, a UUIDv7. Sent again under the same id it is executed once.
    paginate
        Of a query: all pages, each row as JSON in a line of its own.
    include
        Show the answer's status and headers too.
    """
    from runline.remote.asking import Call, ask

    return ask(
        at,
        Call(to, method or "", tuple(field or ()), body or "", preview, if_position, sent_as or "", paginate, include),
    )


def tail(
    topic: Literal["wagers", "log", "notifications"],
    /,
    *,
    least: Annotated[str | None, Parameter(name="--min")] = None,
    player: str | None = None,
    agent: str | None = None,
    game: str | None = None,
    kinds: Annotated[list[str] | None, Parameter(name="--type")] = None,
    last: Annotated[int, Parameter(name=("--last", "-n"), validator=Number(gte=0, lte=100))] = 10,
    limit: Annotated[int, Parameter(validator=Number(gte=1))] | None = None,
    resume: str | None = None,
    json: bool = False,
    at: At = HERE,
) -> int:
    """Follow what happens, live: the last events first, then each as it happens, until Ctrl-C. A cut is resumed by itself.

    Parameters
    ----------
    topic
        wagers: tickets placed, settled, voided. log: everything. notifications: what somebody should look at.
    least
        Only tickets that risk at least this amount, such as 500, and what becomes of them.
    player
        Only events of this player.
    agent
        Only events of this agent's subtree.
    game
        Only events of this game, by its id.
    kinds
        Only events of this type, such as WagerVoided; again for each.
    last
        So many of the last events first, at most 100.
    limit
        End after so many events.
    resume
        Go on where an earlier one ended: it says so at its end; with --json, in its lines.
    json
        Each event as JSON in a line of its own.
    """
    from runline.remote.tailing import Tail, tail
    from runline.remote.words import amount_of
    from runline.shell import UnusableError, complain

    try:
        wanted = Tail(
            topic,
            words_again(),
            amount_of("--min", least),
            player or "",
            agent or "",
            game or "",
            tuple(kinds or ()),
            last,
            limit or 0,
            resume or "",
            json,
        )
        return tail(at, wanted)
    except UnusableError as error:
        return complain(error)


def words_again() -> tuple[str, ...]:
    """The words of this command, without where an earlier one ended."""
    words = sys.argv[1:]
    if "--resume" in words:
        place = words.index("--resume")
        del words[place : place + 2]
    return tuple(word for word in words if not word.startswith("--resume="))


def player(number: str, /, *, json: bool = False, at: At = HERE) -> int:
    """Show an account: balance, credit limit, what is available, open tickets, the last movements of money.

    Parameters
    ----------
    number
        The account number, such as A1021.
    json
        Say it as JSON.
    """
    from runline.remote.listing import show_player

    return show_player(at, number, as_json=json)


def wagers(
    *,
    last: Most = 20,
    status: Literal["open", "settled", "void"] | None = None,
    player: str | None = None,
    agent: str | None = None,
    game: str | None = None,
    market: str | None = None,
    side: Literal["away", "home", "draw", "over", "under"] | None = None,
    least: Annotated[str | None, Parameter(name="--min")] = None,
    most: Annotated[str | None, Parameter(name="--max")] = None,
    since: str | None = None,
    until: str | None = None,
    sort: Literal["placed", "risk"] = "placed",
    json: bool = False,
    at: At = HERE,
) -> int:
    """List tickets, newest first, or those that risk most.

    Parameters
    ----------
    last
        So many.
    status
        Only those that are open, settled or void.
    player
        Only this player's.
    agent
        Only of this agent's subtree.
    game
        Only those on this game, by its id. Of a ticket's legs the first counts, as for market and side.
    market
        Only those on this market, such as NFL-101:game:spread.
    side
        Only those on this side.
    least
        Only those that risk at least this amount, such as 500.
    most
        Only those that risk at most this amount.
    since
        Only those placed at this time or later, such as 2026-09-13T17:00:00Z.
    until
        Only those placed before this time.
    sort
        By when it was placed, or by what is risked.
    json
        Each ticket as JSON in a line of its own.
    """
    from runline.remote.listing import show_wagers
    from runline.remote.words import amount_of
    from runline.shell import UnusableError, complain

    asked = {"status": status, "player": player, "agent": agent, "fixture": game, "market": market, "side": side}
    asked |= {"since": since, "until": until, "sort": sort}
    try:
        bounds = {"least_minor": amount_of("--min", least), "most_minor": amount_of("--max", most)}
    except UnusableError as error:
        return complain(error)
    filters = {name: value for name, value in (asked | bounds).items() if value}
    return show_wagers(at, last, as_json=json, **filters)


def log(
    *,
    last: Most = 20,
    kind: Annotated[str | None, Parameter(name="--type")] = None,
    actor: str | None = None,
    player: str | None = None,
    since: str | None = None,
    until: str | None = None,
    json: bool = False,
    at: At = HERE,
) -> int:
    """List the activity log, newest first. With --json each entry has the id of its command, for `runline trace`.

    Parameters
    ----------
    last
        So many entries.
    kind
        Only events of this type, such as CreditAdjusted.
    actor
        Only what this user did.
    player
        Only what concerns this player.
    since
        Only what happened at this time or later, such as 2026-09-13T17:00:00Z.
    until
        Only what happened before this time.
    json
        Each entry as JSON in a line of its own.
    """
    from runline.remote.listing import show_log

    asked = {"type": kind, "actor": actor, "player": player, "since": since, "until": until}
    return show_log(at, last, as_json=json, **{name: value for name, value in asked.items() if value})


def ready(server: str | None = None, /, *, live: bool = False) -> int:
    """Ask whether a server can record commands now; nobody needs to be signed in. For whatever watches over it.

    Exits 0 (it can), 1 (it cannot: says what is not well) or 2 (nobody answers).

    Parameters
    ----------
    server
        The server's address; by default RUNLINE_URL, else http://127.0.0.1:8321.
    live
        Ask only whether its process answers.
    """
    from runline.remote.readiness import show_readiness

    return show_readiness(server, live=live)
