"""Seldom: what means something only as a whole, and is done now and then: how games end, rules, roles, postponed games, feeds.

Rule: most of it is what somebody would do who knows how things stand; some of it contradicts itself.
"""

from collections.abc import Callable, Mapping
from typing import Any

from runline.domain.grading import SIDES
from runline.domain.house import House
from runline.domain.official import PERIODS, SPORTS
from runline.domain.permissions import permissions_of
from runline.simulate.knowing import AMERICAN, HOUR_NS, MINUTE_NS, Fields, Known, reason

PARTS = {"baseball": 9, "hockey": 3, "soccer": 2}
"""Periods of regulation, by sport; four of any other."""

LENGTHS = (9, 8, 5, 14, 18, 35, 43, 55, 60, 0, 90, 10_001, -1)
ZONES = ("America/New_York", "UTC", "Europe/London", "", "Nowhere/Land")
BOOKS_OPENED = 4
HOURS = (40, 12, 1, 0, 31 * 24 + 1)
SOON = (2 * HOUR_NS, 20 * MINUTE_NS, 26 * HOUR_NS, MINUTE_NS, -MINUTE_NS)


def score_of(known: Known, sport: str) -> Fields:
    """How a game of a sport ended, or how it stands."""
    decisions = known.decisions
    count = PARTS.get(sport, 4)
    score: Fields = {}
    if decisions.rarely(4):
        score["final"] = False
    parts: list[list[int]] = []
    if decisions.draw(2):
        whole = count + (1 if sport == "baseball" and decisions.rarely(3) else 0)
        ended = "final" not in score and not decisions.rarely(6)
        periods = whole if ended else decisions.draw(count + 2)
        parts = [[decisions.draw(3), decisions.draw(3)] for _ in range(periods)]
        score["periods"] = list(parts)
    if decisions.rarely(5):
        overtime = [[decisions.draw(2), decisions.draw(2)]]
        score["overtime"] = overtime
        parts += overtime
    if "periods" in score:
        home, away = sum(one[0] for one in parts), sum(one[1] for one in parts)
    else:
        home, away = decisions.draw(6), decisions.draw(6)
    score |= {"home": home + decisions.rarely(20), "away": away}
    if decisions.rarely(5):
        score["length"] = decisions.one(LENGTHS)
    if decisions.rarely(12):
        score["scheduled"] = decisions.one((2, 4, 7, 9, 3, 1))
    if decisions.rarely(12):
        score["level_after_regulation"] = True
    return score


def games(house: House, *statuses: str) -> list[str]:
    """The games of some statuses, the newest last."""
    return [name for name, one in house.catalog.fixtures.items() if one.status in statuses]


def newest(known: Known, names: list[str]) -> str:
    """One of the newest of some, or one that there is not."""
    return str(known.one(names))


def of_game(*statuses: str) -> Callable[[Known], Fields | None]:
    """What is about a game of some statuses, with a reason."""

    def make(known: Known) -> Fields | None:
        found = games(known.view, *statuses)
        return {"fixture": newest(known, found), "reason": reason(known, "")} if found else None

    return make


def enter_result(known: Known) -> Fields | None:
    begun = games(known.view, "closed", "final")
    if not begun:
        return None
    name = newest(known, begun)
    game = known.view.catalog.fixtures.get(name)
    return {"fixture": name, "score": score_of(known, game.sport if game else "football")}


def create_league(known: Known) -> Fields:
    leagues, sports = known.view.catalog.leagues, tuple(SPORTS)
    name = f"L{len(leagues) + 1 - known.decisions.draw(2) * known.decisions.draw(2)}"
    return {"league": name, "sport": known.decisions.one(sports)}


def resume(known: Known) -> Fields | None:
    late = list(known.view.lateness.postponed)
    return {"fixture": newest(known, late), "reason": reason(known, "")} if late else None


def reschedule(known: Known) -> Fields | None:
    decisions = known.decisions
    late = list(known.view.lateness.postponed)
    some = late if late and decisions.draw(3) else games(known.view, "scheduled", "closed")
    if not some:
        return None
    name = newest(known, some)
    game = known.view.catalog.fixtures.get(name)
    start_ns = known.now_ns + decisions.one(SOON)
    if game is not None and decisions.rarely(4):
        start_ns = game.start_ns + decisions.one((HOUR_NS, 0, 30 * HOUR_NS))
    return {"fixture": name, "start_ns": start_ns, "reason": reason(known, "")}


def let_stand(known: Known) -> Fields | None:
    late = list(known.view.lateness.windows_of) or list(known.view.lateness.postponed)
    stand = not known.decisions.rarely(3)
    return {"fixture": newest(known, late), "stand": stand, "reason": reason(known, "")} if late else None


def set_league_rule(known: Known) -> Fields | None:
    leagues = known.view.catalog.leagues
    if not leagues:
        return None
    decisions = known.decisions
    windows = (
        {"by": "hours", "hours": decisions.one(HOURS)},
        {"by": "date", "hours": 0, "known_stands": True},
        {"by": "hours", "hours": 1, "known_stands": True},
        {"by": "date", "hours": 0},
        None,
    )
    rule = {
        "overtime": bool(decisions.draw(2)),
        "official": decisions.one((None, 9, 30, 0, 10_001)),
        "less_if_home_leads": decisions.one((0, 1, 2, -1)),
        "decided_stands": bool(decisions.draw(2)),
        "window": decisions.one(windows),
    }
    return {
        "league": known.key(leagues),
        "rule": None if decisions.rarely(4) else rule,
        "reason": reason(known, ""),
        "market": decisions.one(("", "total", "spread", "moneyline", "three_way", "draw_no_bet")),
        "period": decisions.one(("", "game", "1h", *PERIODS)),
    }


def set_zone(known: Known) -> Fields | None:
    decisions, catalog = known.decisions, known.view.catalog
    place = decisions.one(("league", "fixture"))
    of: Mapping[str, Any] = catalog.leagues if place == "league" else catalog.fixtures
    fields = {"place": place, "subject": known.key(of), "zone": decisions.one(ZONES)}
    return {**fields, "reason": reason(known, "")}


def set_guard(known: Known) -> Fields:
    decisions = known.decisions
    scope = decisions.one(("all", "sport", "league"))
    subjects = {"sport": tuple(SPORTS), "league": tuple(known.view.catalog.leagues)}
    rules = list(known.view.guard.rules.items())
    if rules and decisions.rarely(3):
        (scope, subject, market, check), _ = decisions.one(rules)
        action = decisions.one(("default", "off", "hold"))
    else:
        subject = known.one(subjects[scope]) if scope in subjects else "x" if decisions.rarely(20) else ""
        market = decisions.one(("", "total", "spread", "moneyline"))
        check = decisions.one(("line_jump", "price_jump", "no_hold", "contradiction", "swap"))
        action = decisions.one(("hold", "alert", "off", "default"))
    return {
        "check": check,
        "action": action,
        "limit": decisions.one((100, 10, 0, 600, 10_000, 10_001, -1)),
        "scope": scope,
        "subject": subject,
        "market": market,
        "reason": reason(known, ""),
    }


def set_role(known: Known) -> Fields:
    """Of a role that there is, more or less of what it has; or a new one at some node."""
    decisions, roles = known.decisions, known.state.access.roles
    every = permissions_of("book" if known.book else "house")
    names = [name for name in roles if name != "owner"]
    if names and decisions.draw(3):
        name = decisions.one(names)
        node = roles[name].node
        held = list(roles[name].permissions)
        some = [one for one in held if decisions.draw(4)] + ([decisions.one(every)] if decisions.draw(2) else [])
    else:
        name = f"r{len(roles) + decisions.draw(2)}"
        agents = list(known.book.tree.agents) if known.book else []
        node = decisions.one(["root", *agents])
        some = [one for one in every if not decisions.draw(3)]
    permissions = some if decisions.rarely(12) else list(dict.fromkeys(some))
    return {"role": name, "node": node, "permissions": permissions, "reason": reason(known, "")}


def assign_role(known: Known) -> Fields | None:
    """Staff below the owner get another role that there is."""
    access = known.state.access
    staff = [name for name, one in access.users.items() if not one.player and one.role != "owner"]
    if not staff:
        return None
    roles = [name for name in access.roles if name != "owner"]
    role = "owner" if not roles or known.decisions.rarely(12) else known.decisions.one(roles)
    return {"user": newest(known, staff), "role": role, "reason": reason(known, "")}


def revoke_user(known: Known) -> Fields | None:
    staff = [name for name, one in known.state.access.users.items() if one.active and one.role != "owner"]
    return {"user": newest(known, staff), "reason": reason(known, "")} if staff else None


def suspend(known: Known) -> Fields:
    """Something there is is closed."""
    decisions, catalog, book = known.decisions, known.view.catalog, known.book
    subjects: dict[str, list[str]] = {
        "market": list(catalog.markets),
        "fixture": list(catalog.fixtures),
        "league": list(catalog.leagues),
        "sport": list(SPORTS),
        "kind": ["spread", "total", "moneyline"],
        "selection": [f"{name}/{SIDES[one.kind][0]}" for name, one in catalog.markets.items()],
        "feed": list(known.view.access.users),
        "silence": list(known.view.access.users),
        "all": [""],
    }
    if book is not None:
        subjects |= {"player": list(book.tree.players), "agent": list(book.tree.agents)}
    scope = decisions.one(tuple(subjects))
    why = reason(known, "") if decisions.draw(3) else "quick"
    return {"scope": scope, "subject": known.one(subjects[scope], ""), "reason": why}


def open_book(known: Known) -> Fields | None:
    """A few books are enough."""
    books = known.view.books.by_name
    return {"book": f"b{len(books) + 1}", "owner": "owner"} if len(books) < BOOKS_OPENED else None


def watch_feed(known: Known) -> Fields:
    """The one who posts all lines is watched, mostly."""
    feeds = list(known.view.access.users)
    after_ms = known.decisions.one((30_000, 5_000, 3_600_000, 1_000, 0, 999, 3_600_001))
    return {"feed": known.one(feeds[:2]), "silent_after_ms": after_ms, "reason": reason(known, "")}


def try_again(known: Known) -> Fields | None:
    aside = list(known.state.aside.by_number)
    return {"number": known.decisions.one(aside), "reason": reason(known, "")} if aside else None


def void_wager(known: Known) -> Fields | None:
    """A ticket that is open, or was settled of late."""
    numbers = list(known.book.tickets.by_number) if known.book else []
    return {"wager": known.one(numbers, 10**6), "reason": reason(known, "")} if numbers else None


def player_limits(known: Known) -> Fields | None:
    players = known.book.tree.players if known.book else {}
    if not players:
        return None
    decisions = known.decisions
    closed = [name for name, one in players.items() if not one.active]
    return {
        "player": decisions.one(closed) if closed and decisions.draw(3) else known.key(players),
        "stake_max_minor": decisions.one((None, 500_00, 40_00, 0)),
        "win_max_minor": decisions.one((None, 1_000_00, 0)),
        "active": not decisions.rarely(8),
        "reason": reason(known, ""),
    }


def lines_of_parts(known: Known) -> list[Fields]:
    """Lines of parts of a game, and of markets that have a draw."""
    decisions = known.decisions
    period = decisions.one(PERIODS[1:])
    prices = [decisions.one(AMERICAN) for _ in range(3)]
    total = {"over": prices[0], "under": prices[1]}
    three = dict(zip(("away", "home", "draw"), prices, strict=True))
    return [
        {"kind": "total", "period": period, "line_quarters": 5 + decisions.draw(30), "prices": total},
        {"kind": "three_way", "period": "game", "line_quarters": None, "prices": three},
    ]


SELDOM: dict[str, Callable[[Known], Fields | None]] = {
    "EnterResult": enter_result,
    "CreateLeague": create_league,
    "CancelFixture": of_game("scheduled", "closed", "final"),
    "ReopenFixture": of_game("cancelled", "final"),
    "PostponeFixture": of_game("scheduled", "closed"),
    "ResumeFixture": resume,
    "RescheduleFixture": reschedule,
    "LetWagersStand": let_stand,
    "SetLeagueRule": set_league_rule,
    "SetZone": set_zone,
    "SetGuard": set_guard,
    "SetRole": set_role,
    "WatchFeed": watch_feed,
    "TryAgain": try_again,
    "AssignRole": assign_role,
    "RevokeUser": revoke_user,
    "Suspend": suspend,
    "OpenBook": open_book,
    "VoidWager": void_wager,
    "SetPlayerLimits": player_limits,
}
