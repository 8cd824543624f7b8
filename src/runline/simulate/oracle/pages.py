"""Pages: what each query shows of a stream, all of it worked out anew from what stands there."""

from dataclasses import asdict
from typing import Any

from runline.simulate.oracle.accounts import available, pending
from runline.simulate.oracle.answers import Refused, refuse_unless
from runline.simulate.oracle.asking import Page, Reader, by_node, cut, nodes_in_order, page
from runline.simulate.oracle.board import ANYTHING, PERIODS, markets_of
from runline.simulate.oracle.exposure import Taken, case_of, open_legs
from runline.simulate.oracle.exposure import exposure as exposure_of
from runline.simulate.oracle.guard import JUMPS, LIMITS, TOTALS_JUMPS
from runline.simulate.oracle.lines import offered
from runline.simulate.oracle.official import unit_of
from runline.simulate.oracle.people import ALL
from runline.simulate.oracle.prices import SIDES
from runline.simulate.oracle.rules import BOTH, IN_HOUSE, Asked
from runline.simulate.oracle.rulings import league_rules, standing
from runline.simulate.oracle.state import Book, Game, House, Known, Market, Stream
from runline.simulate.oracle.suspension import closes
from runline.simulate.oracle.tree import a_node, a_player, is_below, upwards

PLAYERS_MOST = 500
EXPOSURE_MOST = 100
BOARD_MARKETS_MOST = 400


@page("me", "", BOTH)
def me(stream: Stream, house: House, reader: Reader, asked: Asked, now_ns: int) -> Page:
    user = reader.user
    permissions = tuple(one for one in ALL if one in reader.may)
    place = {"role": user.role, "node": user.node, "player": user.player, "permissions": permissions}
    return Page([{"stream": stream.name, "user": user.name, **place}])


# The board


@page("board", "board_view", BOTH)
def board(stream: Stream, house: House, reader: Reader, asked: Asked, now_ns: int) -> Page:
    rotation, _, name = asked.after.partition(":")
    after = (int(rotation) if rotation.isdecimal() and len(rotation) < 12 else -1, name)
    games = [
        game
        for game in sorted(house.games.values(), key=lambda game: (game.rotation, game.name))
        if asked.fixture in ("", game.name)
        and asked.league in ("", game.league)
        and asked.status in ("", game.status)
        and (game.rotation, game.name) > after
    ]
    items: list[dict[str, Any]] = []
    markets = 0
    for game in games:
        if len(items) >= asked.limit or markets >= BOARD_MARKETS_MOST:
            return Page(items, f"{items[-1]['rotation']}:{items[-1]['fixture']}")
        items.append(game_row(stream, house, game, reader, now_ns))
        markets += 1 + len(items[-1]["markets"])
    return Page(items)


def game_row(stream: Stream, house: House, game: Game, reader: Reader, now_ns: int) -> dict[str, Any]:
    """A game with its markets, as a stream offers them to somebody."""
    fields = asdict(game)
    rows = [market_row(stream, house, market, reader, now_ns) for market in markets_of(house, game.name)]
    return {"fixture": fields.pop("name"), **fields, "markets": [row for row in rows if row is not None]}


def market_row(stream: Stream, house: House, market: Market, reader: Reader, now_ns: int) -> dict[str, Any] | None:
    """A market as a stream offers it to somebody; None where it does not."""
    own = stream.lines.get(market.name) if isinstance(stream, Book) else None
    sees_own = own is not None and not reader.player and "line_move" in reader.may
    closed = closed_by(stream, house, market, reader, now_ns)
    sides = SIDES[market.kind]
    line, prices = market.line, market.prices
    try:
        if isinstance(stream, Book):
            first = "home" if market.kind == "spread" else sides[0]
            line = offered(stream, market, first)[0]
            prices = tuple(offered(stream, market, side)[1] for side in sides)
        else:
            refuse_unless(not market.off, "market_closed")
    except Refused:
        if own is None or not sees_own:
            return None
        closed = closed or f"line {(market.off if own.mode != 'hide' else '') or own.mode}"
    layers = [*house.layers, *stream.layers]
    shut = [side for side in sides if ("selection", f"{market.name}/{side}") in layers] if not closed else []
    if len(shut) == len(sides):
        closed, shut = "selection", []
    departure = None
    if own is not None and sees_own:
        stands = {"house_open": not market.off, "house_line_quarters": market.line, "house_prices": market.prices}
        offsets = {"offset_quarters": own.offset_quarters, "offset_cents": own.offset_cents}
        departure = {"mode": own.mode, **offsets, **stands}
    return {
        "market": market.name,
        "kind": market.kind,
        "period": market.period,
        "line_quarters": line,
        "sides": sides,
        "prices": prices,
        "open": not closed,
        "closed_by": closed,
        "closed_sides": shut,
        "departure": departure,
    }


def closed_by(stream: Stream, house: House, market: Market, reader: Reader, now_ns: int) -> str:
    """What closes all of a market to somebody, in words; "" if nothing does."""
    game = house.games[market.game]
    if game.status != "scheduled" or now_ns >= game.start_ns:
        return "postponed" if game.name in house.postponed else "past_cutoff"
    layer = closes(house, house, market, "") or closes(stream, house, market, "")
    if layer is None and isinstance(stream, Book):
        around = [("player", reader.player), *(("agent", node) for node in upwards(stream, reader.node))]
        layer = next((place for place in around if place in stream.layers), None)
        if layer is None and reader.player and not stream.players[reader.player].active:
            layer = ("account", reader.player)
    if layer is None:
        return ""
    scope, subject = layer
    return scope if scope in ("feed", "silence") and reader.player else f"{scope} {subject}".strip()


@page("results", "board_view", BOTH)
def results(stream: Stream, house: House, reader: Reader, asked: Asked, now_ns: int) -> Page:
    rows = [
        (name, {"fixture": name, "revision": one.revision, "entered": one.entered, "confirmed": one.confirmed})
        for name, one in sorted(house.results.items())
        if asked.fixture in ("", name) and name > asked.after
    ]
    return cut(rows, asked.limit)


@page("league_rules", "board_view", BOTH)
def rules_of_league(stream: Stream, house: House, reader: Reader, asked: Asked, now_ns: int) -> Page:
    if asked.league not in house.leagues:
        return Page([])
    sport = house.leagues[asked.league]
    rules, own = league_rules(house, sport, asked.league), standing(house, asked.league)
    rows = []
    for market in SIDES:
        for period in PERIODS:
            if rules.has(period):
                row = rules.row(market, period)
                by_staff = any(place in own for place in ((market, period), (market, ""), ("", period), ("", "")))
                told = {
                    "league": asked.league,
                    "market": market,
                    "period": period,
                    "unit": unit_of(sport),
                    "overtime": row.overtime,
                    "official": row.official,
                    "less_if_home_leads": row.less_if_home_leads,
                    "decided_stands": row.decided_stands,
                    "window": rules.window_of(market, period),
                    "set_by_staff": by_staff,
                }
                rows.append((f"{market}:{period}", told))
    names = [name for name, _ in rows]
    first = names.index(asked.after) + 1 if asked.after in names else 0
    return cut(rows[first:], asked.limit)


@page("guard", "lines_post", IN_HOUSE)
def guard(stream: House, house: House, reader: Reader, asked: Asked, now_ns: int) -> Page:
    rules = {("all", "", "", check): (limit, "hold", True) for check, limit in LIMITS.items()}
    rules["all", "", "", "line_jump"] = (TOTALS_JUMPS["basketball"], "hold", True)
    rules |= {("sport", sport, "", "line_jump"): (limit, "hold", True) for sport, limit in JUMPS.items()}
    rules |= {("sport", sport, "total", "line_jump"): (limit, "hold", True) for sport, limit in TOTALS_JUMPS.items()}
    rules |= {place: (*rule, False) for place, rule in house.guard.items()}
    names = ("scope", "subject", "market", "check", "limit", "action", "default")
    rows = [(":".join(place), dict(zip(names, (*place, *rule), strict=True))) for place, rule in rules.items()]
    return cut(sorted(row for row in rows if row[0] > asked.after), asked.limit)


@page("held", "lines_post", IN_HOUSE)
def held(stream: House, house: House, reader: Reader, asked: Asked, now_ns: int) -> Page:
    rows = []
    for name, one in sorted(house.held.items()):
        prices = dict(zip(SIDES[one.kind], one.prices, strict=True))
        line = {"line_quarters": one.line, "prices": prices, "entered_ns": one.entered_ns, "reasons": one.reasons}
        row = {"market": name, "fixture": one.game, **line, "held_seq": one.seq, "held_ns": one.at_ns}
        rows.append((name, row))
    return cut([one for one in rows if one[0] > asked.after], asked.limit)


@page("layouts", "board_view", BOTH)
def layouts(stream: Stream, house: House, reader: Reader, asked: Asked, now_ns: int) -> Page:
    if asked.league not in house.leagues:
        return Page([])
    sport = house.leagues[asked.league]
    known = league_rules(house, sport, asked.league).divisions
    counts = [str(one.count) for one in known]
    rows = [
        (
            str(one.count),
            {
                "league": asked.league,
                "layout": "innings" if one.extras else {2: "halves", 3: "periods", 4: "quarters"}[one.count],
                "periods": one.count,
                "part_length": one.part,
                "unit": unit_of(sport),
                "extras_listed": one.extras,
            },
        )
        for one in known[counts.index(asked.after) + 1 if asked.after in counts else 0 :]
    ]
    return cut(rows, asked.limit)


@page("late_games", "board_view", BOTH)
def late_games(stream: Stream, house: House, reader: Reader, asked: Asked, now_ns: int) -> Page:
    rows = []
    for name in sorted({*house.postponed, *(name for name, windows in house.windows.items() if windows)}):
        since_ns, reason = house.postponed.get(name, (None, ""))
        windows = [
            {field: getattr(one, field) for field in ("start_ns", "ends_ns", "voids_ns", "status", "markets")}
            for one in house.windows.get(name, [])
        ]
        row = {
            "fixture": name,
            "start_ns": house.games[name].start_ns if name in house.games else None,
            "postponed_ns": since_ns,
            "reason": reason if isinstance(stream, House) else "",
            "windows": windows,
        }
        if name > asked.after:
            rows.append((name, row))
    return cut(rows, asked.limit)


@page("awaiting", "board_view", BOTH)
def awaiting(stream: Stream, house: House, reader: Reader, asked: Asked, now_ns: int) -> Page:
    start, _, name = asked.after.partition(":")
    after = (int(start) if start.isdecimal() and len(start) < 20 else -1, name)
    rows = []
    for game in house.games.values():
        if game.status == "closed" and (game.start_ns, game.name) > after:
            result = house.results.get(game.name, Known())
            known = {"revision": result.revision, "entered": result.entered, "confirmed": result.confirmed}
            about = {name: value for name, value in asdict(game).items() if name not in ("name", "status")}
            since_ns, _ = house.postponed.get(game.name, (None, ""))
            rows.append(
                ((game.start_ns, game.name), {"fixture": game.name, **about, "postponed_ns": since_ns, **known})
            )
    return cut(sorted(rows, key=lambda row: row[0]), asked.limit, lambda key: f"{key[0]}:{key[1]}")


# Money


@page("figures", "figures_view")
def figures(book: Book, house: House, reader: Reader, asked: Asked, now_ns: int) -> Page:
    nodes = nodes_in_order(book, reader.node)
    if asked.agent or asked.parent:
        a_node(book, reader.user, asked.agent or asked.parent)
        nodes = sorted(name for name, parent in book.parents.items() if parent == asked.parent)
        if asked.agent:
            nodes = [asked.agent] if asked.parent in ("", book.parents[asked.agent]) and not asked.after else []
        return cut([(node, agent_row(book, node)) for node in nodes if node > asked.after], asked.limit)
    if asked.after:
        nodes = nodes[nodes.index(asked.after) + 1 :] if asked.after in nodes else []
    return cut([(node, agent_row(book, node)) for node in nodes], asked.limit)


def agent_row(book: Book, node: str) -> dict[str, Any]:
    """What the players of a node and below have, risk, and have open."""
    names = [name for name, player in book.players.items() if is_below(book, node, player.agent)]
    return {
        "agent": node,
        "parent": book.parents[node],
        "balance_minor": sum(book.players[name].balance for name in names),
        "pending_minor": sum(pending(book, name) for name in names),
        "open_wagers": sum(len(book.of_player.get(name, ())) for name in names),
    }


@page("players", "figures_view", players=True, most=PLAYERS_MOST)
def players(book: Book, house: House, reader: Reader, asked: Asked, now_ns: int) -> Page:
    if reader.player:
        return Page([player_row(book, reader.player, now_ns)])
    if asked.player:
        a_player(book, reader.user, asked.player)
        return Page([player_row(book, asked.player, now_ns)])
    top = asked.agent or reader.node
    a_node(book, reader.user, top)
    keys = [(player.agent, name) for name, player in book.players.items()]
    return by_node(book, top, asked, keys, lambda name: player_row(book, name, now_ns))


def player_row(book: Book, number: str, now_ns: int) -> dict[str, Any]:
    """An account as it is now."""
    player = book.players[number]
    return {
        "player": number,
        "agent": player.agent,
        "credit_limit_minor": player.credit,
        "temporary_credit_minor": player.temporary if now_ns < player.until_ns else 0,
        "balance_minor": player.balance,
        "pending_minor": pending(book, number),
        "available_minor": available(book, number, now_ns),
        "stake_max_minor": player.stake_max,
        "win_max_minor": player.win_max,
        "active": player.active,
    }


@page("exposure", "figures_view", most=EXPOSURE_MOST)
def exposure(book: Book, house: House, reader: Reader, asked: Asked, now_ns: int) -> Page:
    node = asked.node or reader.node
    a_node(book, reader.user, node)
    prefix = f"{asked.fixture}:" if asked.fixture else ""
    legs = {
        market: taken
        for market, taken in sorted(open_legs(book, node).items())
        if market.startswith(prefix) and market > asked.after
    }
    return cut([(market, exposure_row(market, taken)) for market, taken in legs.items()], asked.limit)


def exposure_row(market: str, legs: list[Taken]) -> dict[str, Any]:
    """What a market can cost. In which words an outcome is told is not predicted."""
    risk: dict[str, int] = {}
    for leg, risk_minor, _ in legs:
        risk[leg.side] = risk.get(leg.side, 0) + risk_minor
    return {
        "market": market,
        **{which: {**case_of(market, legs, which), "outcome": ANYTHING} for which in ("worst", "best")},
        "exposure_minor": exposure_of(market, legs)["sides"],
        "risk_minor": risk,
        "wagers": len(legs),
    }
