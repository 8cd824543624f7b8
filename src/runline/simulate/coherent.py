"""Coherent: commands that mean something only as a whole: a wager at the line that is offered, the result of a game."""

from collections.abc import Callable

from runline.domain.catalog import side_line
from runline.domain.grading import SIDES
from runline.domain.messages import Rejected
from runline.simulate.knowing import (
    AMERICAN,
    RECENT,
    Fields,
    Known,
    amount,
    entered,
    layer_seq,
    price,
    reason,
    start,
)
from runline.simulate.seldom import SELDOM, lines_of_parts


def place_wager(known: Known) -> Fields | None:
    """A wager at a line that is offered, mostly."""
    if known.book is None:
        return None
    decisions, markets = known.decisions, known.view.catalog.markets
    if not markets:
        return None
    fixtures = known.view.catalog.fixtures
    taking = [
        name
        for name, one in markets.items()
        if not one.off_board
        and fixtures[one.fixture].status == "scheduled"
        and fixtures[one.fixture].start_ns > known.now_ns
    ]
    some = list(markets)[-3 * RECENT :] if decisions.rarely(10) or not taking else taking[-3 * RECENT :]
    chosen = markets[decisions.one(some[::-1])]
    try:
        offer = known.book.lines.offer(chosen)
        line_quarters, prices = offer.line_quarters, offer.prices
    except Rejected:
        line_quarters, prices = chosen.line_quarters, chosen.prices
    sides = SIDES[chosen.kind]
    side = decisions.draw(len(sides))
    fields: Fields = {
        "player": known.key(known.book.tree.players),
        "market": chosen.name,
        "side": sides[side],
        "line_quarters": side_line(chosen.kind, sides[side], line_quarters),
        "price": prices[side] if side < len(prices) and decisions.draw(12) else price(known, ""),
        "amount_minor": amount(known, ""),
    }
    if decisions.rarely(3):
        fields["basis"] = decisions.one(("base", "risk", "to_win"))
        fields["odds_change"] = decisions.one(("accept_any", "accept_better", "exact"))
        fields["partial"] = bool(decisions.draw(2))
    return fields


def place_pair(known: Known) -> Fields | None:
    """A pair at lines of games that have not begun, mostly."""
    markets, fixtures = known.view.catalog.markets, known.view.catalog.fixtures
    offered = [one for one in markets.values() if fixtures[one.fixture].status == "scheduled"] or list(markets.values())
    if known.book is None or not offered:
        return None
    decisions = known.decisions
    legs = [decisions.one(offered[: -3 * RECENT - 1 : -1]) for _ in range(2)]
    return {
        "player": known.key(known.book.tree.players),
        "selections": [(leg.name, decisions.one(SIDES[leg.kind])) for leg in legs],
        "risk_minor": amount(known, ""),
    }


def void_leg(known: Known) -> Fields | None:
    """A leg of a ticket that has several."""
    tickets = known.book.tickets.by_number.values() if known.book else ()
    several = [one for one in tickets if one.more]
    if not several:
        return None
    chosen = known.decisions.one(several[: -RECENT - 1 : -1])
    return {"wager": chosen.number, "leg": 1 + known.decisions.draw(2), "reason": reason(known, "")}


def post_lines(known: Known) -> Fields | None:
    fixtures = known.view.catalog.fixtures
    scheduled = [name for name, one in fixtures.items() if one.status == "scheduled"]
    if not scheduled:
        return None
    decisions = known.decisions

    def line_of(kind: str, low: int, steps: int) -> Fields:
        prices = {side: decisions.one(AMERICAN) for side in SIDES[kind]}
        quarters = low + 2 * decisions.draw(steps) if steps else None
        return {"kind": kind, "period": "game", "line_quarters": quarters, "prices": prices}

    lines = [line_of("moneyline", 0, 0), line_of("spread", -12, 12), line_of("total", 30, 10)]
    lines = lines[: 3 - decisions.draw(3) * decisions.draw(2)]
    if decisions.rarely(6):
        lines = lines_of_parts(known)
    return {
        "fixture": known.one(scheduled),
        "entered_ns": entered(known, ""),
        "lines": lines,
        "confirm": bool(decisions.draw(4)),
    }


def create_fixture(known: Known) -> Fields | None:
    decisions = known.decisions
    fixtures, leagues = known.view.catalog.fixtures, known.view.catalog.leagues
    if not leagues:
        return None
    return {
        "fixture": f"G{len(fixtures) + len(known.view.catalog.archived) + 1 - decisions.draw(2) * decisions.draw(2)}",
        "league": known.key(leagues),
        "rotation": 101 + 2 * known.decisions.draw(400),
        "away": "Visitors",
        "home": "Home",
        "start_ns": start(known, ""),
    }


def confirm_result(known: Known) -> Fields | None:
    results = known.view.catalog.results
    entered = [name for name, one in results.items() if one.entered != one.confirmed]
    if not results:
        return None
    name = known.one(entered) if entered and known.decisions.draw(4) else known.key(results)
    result = results.get(name)
    return {
        "fixture": name,
        "revision": (result.revision if result else 1) - known.decisions.draw(2) * known.decisions.draw(2),
    }


def of_held_line(known: Known) -> Fields | None:
    held = known.view.held_lines.by_market
    if not held:
        return None
    one = held[known.decisions.one(list(held))]
    return {"market": one.market, "held_seq": one.held_seq - known.decisions.draw(2) * known.decisions.draw(2)}


def drop_line(known: Known) -> Fields | None:
    fields = of_held_line(known)
    return fields and fields | {"reason": reason(known, "")}


def move_line(known: Known) -> Fields | None:
    markets = known.view.catalog.markets
    if not markets:
        return None
    decisions = known.decisions
    chosen = markets[decisions.one(list(markets)[-2 * RECENT :])]
    lined = chosen.line_quarters is not None
    mode = decisions.one(("follow", "offset", "lock", "hide"))
    fields: Fields = {"market": chosen.name, "mode": mode, "reason": reason(known, "")}
    if mode == "offset":
        fields["offset_quarters"] = decisions.draw(9) - 4 if lined else 0
        fields["offset_cents"] = decisions.one((0, 5, 10))
    if mode == "lock":
        fields["line_quarters"] = (chosen.line_quarters or 0) + decisions.draw(9) - 4 if lined else None
        fields["prices"] = {side: price(known, "") for side in SIDES[chosen.kind]}
    return fields


def reopen(known: Known) -> Fields | None:
    layers = list(known.state.suspensions.layers)
    if not layers:
        return None
    scope, about = known.decisions.one(layers)
    undone = {} if known.decisions.draw(3) else {"layer_seq": layer_seq(known, "")}
    return {"scope": scope, "subject": about, "reason": reason(known, ""), **undone}


def add_reason(known: Known) -> Fields | None:
    """Why something was closed in a hurry, or what was not."""
    layers = list(known.state.suspensions.layers.values())
    if not layers:
        return None
    owing = [layer for layer in layers if layer.owes_reason]
    one = known.decisions.one(owing if owing and known.decisions.draw(6) else layers)
    about = {"scope": one.scope, "subject": one.subject, "reason": reason(known, "")}
    return {**about, "layer_seq": one.layer_seq if known.decisions.draw(6) else layer_seq(known, "")}


def restore_user(known: Known) -> Fields | None:
    gone = [one.name for one in known.state.access.users.values() if not one.active]
    return {"user": known.decisions.one(gone), "reason": reason(known, "")} if gone else None


COHERENT: dict[str, Callable[[Known], Fields | None]] = {
    **SELDOM,
    "PlaceWager": place_wager,
    "PlacePair": place_pair,
    "VoidLeg": void_leg,
    "PostLines": post_lines,
    "CreateFixture": create_fixture,
    "ConfirmResult": confirm_result,
    "ConfirmLine": of_held_line,
    "DropLine": drop_line,
    "MoveLine": move_line,
    "Reopen": reopen,
    "AddReason": add_reason,
    "RestoreUser": restore_user,
}
