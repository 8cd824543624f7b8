"""The room of risk and a game's page: what each side costs, in whose view, who is on it, what a result would make of it."""

import re

import pytest
from playwright.sync_api import expect
from tests.e2e.conftest import ask, does
from tests.e2e.looks import bring_axe, looks_well
from tests.e2e.test_shell import address, drawer

DAY = ("--speed", "1")
"""As slow as it was: no game begins meanwhile, and the demo's traders are busy with the first."""

RISK = "section[aria-labelledby=risk-title]"
ROWS = f"{RISK} tbody tr.led"

SHOWN = """(selector) => [...document.querySelectorAll(selector)].map((row) => ({
  worst: row.querySelector('.worst b')?.innerText.replaceAll(',', ''),
  loses: !!row.querySelector('.worst .bad'),
  cells: [...row.querySelectorAll('a.cell')].map(
    (cell) => [...cell.querySelectorAll('.says')].map((one) => one.innerText.trim())),
}))"""
"""What each row of the matrix says, all at one moment."""

SAYS = re.compile(r"(loses|wins) ([\d,]+)|even")


def matrix(page):
    """The matrix, once it is there and nobody points at it: then it is in order."""
    page.mouse.move(5, 500)
    expect(page.locator(ROWS).nth(5)).to_be_visible()
    return page.locator(RISK)


def minor(text):
    """What the book loses by what a side says, in whole units."""
    found = SAYS.fullmatch(text)
    assert found, text
    size = int((found[2] or "0").replace(",", ""))
    return size if found[1] == "loses" else -size


def rounded(cents):
    """An amount as the page rounds it, won or lost: halves away from nothing."""
    return (abs(cents) + 50) // 100 * (1 if cents > 0 else -1)


def test_every_game_with_money_on_it_is_there_the_worst_first_and_each_side_says_what_it_costs(seat):
    page = seat("harbor.owner").room("Risk").page
    matrix(page)
    # The day has only begun: wagers come one after the other.
    expect(page.locator(ROWS).nth(10)).to_be_visible(timeout=90_000)
    page.mouse.move(5, 500)
    rows = page.evaluate(SHOWN, ROWS)
    assert len(rows) > 10
    worst = [int(row["worst"] or 0) * (1 if row["loses"] else -1) for row in rows]
    assert worst == sorted(worst, reverse=True)
    for row, most in zip(rows, worst, strict=True):
        sides = [minor(text) for cell in row["cells"] for text in cell]
        assert len(sides) in (2, 4, 6)
        assert max(sides) <= most


def test_a_player_s_view_is_what_the_server_answers_of_them(seat):
    page = seat("harbor.owner").room("Risk").page
    # The day has only begun: somebody has wagered before long.
    player, pending = "", 0
    while not pending:
        page.wait_for_timeout(200)
        players = ask(page, "players?agent=B1&limit=500")
        player, pending = max(((one["player"], one["pending_minor"]) for one in players), key=lambda one: one[1])
    does(page, "suspend", scope="player", subject=player, reason="compared")
    page.locator("[data-field=who]").fill(player.lower())
    page.keyboard.press("Enter")
    expect(page.get_by_role("navigation", name="Whose view")).to_contain_text(player)
    assert address(page) == f"#/risk?player={player}"
    expected = ask(page, f"risk?player={player}")
    games = {row["fixture"] for row in expected}
    page.mouse.move(5, 500)
    expect(page.locator(ROWS)).to_have_count(len(games))
    said = [minor(text) for row in page.evaluate(SHOWN, ROWS) for cell in row["cells"] for text in cell]
    assert sorted(said) == sorted(rounded(cost) for row in expected for cost in row["exposure_minor"].values())
    # Their tickets are found from a cell, and the way back is the address.
    page.locator(f"{ROWS} a.cell").first.click()
    expect(page.get_by_role("table", name="Tickets of all history").locator("tbody tr").first).to_contain_text(player)
    page.go_back()
    expect(page.locator(ROWS)).to_have_count(len(games))


def test_the_view_goes_node_by_node_down_and_up_and_a_link_says_whose_it_is(seat):
    page = seat("harbor.owner").room("Risk").page
    path = page.get_by_role("navigation", name="Whose view")
    below = page.get_by_role("region", name="Right below")
    for node in ("harbor.master", "A", "A1"):
        below.get_by_role("button", name=re.compile(f"^{re.escape(node)} ")).click()
        expect(path.locator("[aria-current]")).to_have_text(node)
        assert address(page) == f"#/risk?node={node}"
    expect(below.get_by_role("button", name=re.compile("^A10"))).not_to_have_count(0)
    expect(page.get_by_role("button", name="Look at A1")).to_be_visible()
    page.keyboard.press("u")
    expect(path.locator("[aria-current]")).to_have_text("A")
    path.get_by_role("button", name="whole book").click()
    expect(path.locator("[aria-current]")).to_have_text("whole book")
    assert address(page) == "#/risk"
    # A colleague opens the link.
    page.goto(f"{page.url.split('#')[0]}#/risk?node=A2")
    page.reload()
    expect(path.locator("[aria-current]")).to_have_text("A2")
    expect(path).to_contain_text(re.compile("whole book.*harbor.master.*A.*A2", re.DOTALL))
    page.locator("[data-field=who]").fill("nobody")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("There is no agent or player nobody of yours.")


def test_an_agent_sees_their_own_risk_and_no_other_s(seat):
    page = seat("agent.A1").room("Risk").page
    matrix(page)
    path = page.get_by_role("navigation", name="Whose view")
    expect(path.locator("[aria-current]")).to_have_text("A1")
    expect(path.get_by_role("button")).to_have_count(0)
    page.locator("[data-field=who]").fill("B1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("There is no agent or player B1 of yours.")
    for link in ("#/risk?node=B1", "#/risk?player=B1021"):
        page.goto(f"{page.url.split('#')[0]}{link}")
        page.reload()
        expect(page.locator("main")).to_contain_text("This is not here for you.")
        expect(page.locator(ROWS)).to_have_count(0)


def test_the_game_in_hand_is_suspended_by_one_key(seat):
    window = seat("harbor.owner").room("Risk")
    page = window.page
    matrix(page)
    page.keyboard.press("j")
    page.keyboard.press("j")
    row = page.locator(ROWS).nth(1)
    expect(row).to_be_focused()
    away = row.locator("a.game span").first.inner_text().split(maxsplit=1)[1]
    page.keyboard.press("s")
    told = page.get_by_test_id("path")
    expect(told).to_contain_text(f"{away} at ")
    expect(told).to_contain_text("suspended")
    page.get_by_role("button", name="Undo").click()
    expect(told).to_contain_text("reopened")


def test_the_matrix_is_filtered_and_taken_along(seat):
    page = seat("harbor.owner").room("Risk").page
    matrix(page)
    name = page.locator(f"{ROWS} a.game span").first.inner_text().split(maxsplit=1)[1]
    page.keyboard.press("/")
    page.keyboard.type(name)
    # (Who plays twice that day has two rows.)
    expect(page.locator(ROWS).filter(has_not_text=name)).to_have_count(0)
    with page.expect_download() as saved:
        page.get_by_role("button", name=re.compile("^CSV")).click()
    head, *lines = saved.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert head == "Game,At worst,Spread,Total,Money,Wagers,At risk"
    assert len(lines) == page.locator(ROWS).count() in (1, 2)
    for line in lines:
        assert name in line
        assert re.search(r"over (loses|wins|even)", line)
    page.locator(RISK).get_by_role("searchbox").fill("no such team")
    expect(page.locator(RISK)).to_contain_text("Nothing is found by “no such team”.")


def quiet_game(page):
    """A game with money on it whose figures stand still, since nothing is taken on it any more; with what it costs."""
    exposed = {row["market"].split(":")[0] for row in ask(page, "exposure?limit=100")}
    game = next(one for one in ask(page, "board") if one["fixture"] in exposed and one["rotation"] > 912)
    does(page, "suspend", scope="fixture", subject=game["fixture"], reason="compared")
    return game, ask(page, f"exposure?fixture={game['fixture']}")


def test_who_is_on_a_side_is_two_actions_from_the_board(seat):
    page = seat("harbor.owner").page
    game, _ = quiet_game(page)
    market = f"{game['fixture']}:game:total"
    page.locator(f"tbody[data-fixture='{game['fixture']}'] td.team a").first.click()
    drawer(page).get_by_role("link", name="Total", exact=True).click()
    players = drawer(page).locator("[data-table='game.players']")
    expect(players.locator("tbody tr.led").first).to_be_visible()
    assert address(page) == f"#/game/{game['fixture']}/game%3Atotal"
    expected = [
        (one["key"], side, f"{one['risk_minor'] / 100:,.2f}")
        for side in ("over", "under")
        for one in ask(page, f"wager_totals?market={market}&side={side}&by=player&status=open&limit=1000")
    ]
    told = """(all) => all.map((row) => [0, 1, 3].map((place) => row.cells[place].innerText.trim()))"""
    expect(players.locator("tbody tr.led")).to_have_count(len(expected))
    assert sorted(map(tuple, players.locator("tbody tr.led").evaluate_all(told))) == sorted(expected)
    players.get_by_role("combobox", name="Side").select_option("under")
    expect(players.locator("tbody tr.led")).to_have_count(sum(side == "under" for _, side, _ in expected))
    # The same by one: from what the market costs at worst, under its lines.
    page.keyboard.press("Escape")
    page.locator(f"tbody[data-fixture='{game['fixture']}'] tr.worst a").nth(1).click()
    expect(players.locator("tbody tr.led").first).to_be_visible()


def test_a_cell_opens_the_tickets_of_its_market_in_the_drawer(seat):
    page = seat("harbor.owner").room("Risk").page
    matrix(page)
    game, _ = quiet_game(page)
    market = f"{game['fixture']}:game:moneyline"
    page.locator(f"a.cell[href='#/game/{game['fixture']}/game%3Amoneyline']").click()
    expect(page.locator(RISK)).to_be_visible()
    drawer(page).get_by_role("link", name="Tickets", exact=True).click()
    rows = drawer(page).locator("[data-table='game.tickets'] tbody tr.led")
    expected = ask(page, f"wagers?market={market}&limit=1000")
    expect(rows).to_have_count(len(expected))
    assert rows.locator("td:first-child").all_inner_texts() == [f"#{one['number']:,}" for one in expected]


def test_what_a_result_would_make_of_the_money_is_told_by_score_and_by_outcome(seat):
    page = seat("harbor.owner").page
    game, _ = quiet_game(page)
    page.evaluate("(fixture) => (location.hash = `#/game/${fixture}/if`)", game["fixture"])
    said = page.get_by_test_id("supposed")
    expect(said).to_have_text("Write a final score, or choose an outcome.")
    page.locator("[data-field=away]").fill("3")
    page.locator("[data-field=home]").fill("7")

    def told(away, home):
        money = sum(
            one["book_minor"] for one in ask(page, f"what_if?fixture={game['fixture']}&away={away}&home={home}")
        )
        return (
            f"The book {'loses' if money < 0 else 'wins'} {abs(money) / 100:,.2f}"
            if money
            else "The book comes out even"
        )

    expect(said).to_contain_text(told(3, 7))
    table = drawer(page).get_by_role("table", name="What the score would make of the open tickets")
    expect(table.locator("tfoot")).to_contain_text(told(3, 7).removeprefix("The book "))
    choice = page.get_by_label("or an outcome")
    chosen = choice.locator("option", has_text=re.compile("^total: .*the worst")).get_attribute("value")
    choice.select_option(chosen)
    away, home = (int(page.locator(f"[data-field={side}]").input_value()) for side in ("away", "home"))
    worst = next(
        one for one in ask(page, f"exposure?fixture={game['fixture']}") if one["market"].endswith("game:total")
    )
    low, high = worst["worst"]["low"], worst["worst"]["high"]
    assert low is None or low <= away + home
    assert high is None or away + home <= high
    expect(said).to_contain_text(told(away, home))
    row = table.locator("tbody tr", has_text="total")
    lost = worst["worst"]["exposure_minor"]
    expect(row).to_contain_text(f"{'loses' if lost > 0 else 'wins'} {abs(lost) / 100:,.2f}")
    # What is no score says nothing.
    page.locator("[data-field=home]").fill("-1")
    expect(said).to_have_text("Write a final score, or choose an outcome.")


def test_the_line_s_history_is_drawn_beside_the_money_and_stands_in_a_table(seat):
    page = seat("harbor.owner").page
    game, _ = quiet_game(page)
    market = f"{game['fixture']}:game:total"
    prices = {"over": "-120", "under": "+100"}
    does(page, "move-line", market=market, mode="lock", line_quarters=50, prices=prices, reason="for its history")
    page.evaluate("(fixture) => (location.hash = `#/game/${fixture}/game:total:line`)", game["fixture"])
    place = drawer(page)
    expect(place.locator(".plot canvas")).to_be_visible()
    rows = place.locator("[data-table='game.line'] tbody tr[aria-rowindex]")
    expect(rows.first).to_contain_text("o12½ −120 / u12½ EV")
    history = ask(page, f"line_history?market={market}&limit=1000")
    assert {"LinePosted", "LineMoved"} <= {one["event"]["type"] for one in history}
    expect(rows).to_have_count(len(history))
    placed = ask(page, f"wagers?market={market}&limit=1000")
    on_over = sum(one["risk_minor"] for one in placed if one["side"] == "over" and one["status"] != "void")
    expect(rows.first).to_contain_text(f"{on_over / 100:,.2f}")
    expect(place.locator("figcaption")).to_contain_text(
        re.compile("line of over.*money on over.*money on under", re.DOTALL)
    )
    does(page, "move-line", market=market, mode="follow", reason="as it was")
    expect(rows).to_have_count(len(history) + 1)


def test_an_agent_has_no_line_history_and_a_player_no_risk(seat):
    page = seat("agent.A1").page
    game = ask(page, "board")[10]["fixture"]
    page.evaluate("(fixture) => (location.hash = `#/game/${fixture}/game:total`)", game)
    expect(drawer(page).get_by_role("link", name="Players", exact=True)).to_have_attribute("aria-current", "true")
    expect(drawer(page).get_by_role("link", name="Line", exact=True)).to_have_count(0)
    expect(drawer(page).get_by_role("link", name="Log", exact=True)).to_have_count(0)
    expect(drawer(page).get_by_role("link", name="What if", exact=True)).to_be_visible()
    player = seat("A1021").page
    expect(player.get_by_role("link", name="Risk")).to_have_count(0)


@pytest.mark.parametrize("phone", [False, True])
@pytest.mark.parametrize("dark", [False, True])
def test_everyone_can_use_the_matrix_and_a_game_s_page(seat, phone, dark):
    window = seat("harbor.owner", phone=phone, dark=dark, bypass_csp=True).room("Risk")
    page = window.page
    bring_axe(page)

    page.mouse.move(5, 500)
    expect(page.locator(ROWS).nth(5)).to_be_visible()
    looks_well(page, "the matrix")
    page.evaluate("location.hash = '#/risk?player=A1021'")
    expect(page.get_by_role("navigation", name="Whose view")).to_contain_text("A1021")
    looks_well(page, "a player's view")
    game = ask(page, "board")[9]["fixture"]
    for part in ("", "/game:total", "/game:moneyline:tickets", "/game:spread:line", "/if", "/log"):
        page.evaluate("(address) => (location.hash = address)", f"#/game/{game}{part}")
        expect(drawer(page).locator("[data-table]")).to_be_visible()
        expect(drawer(page).locator("tr.skeleton")).to_have_count(0)
        looks_well(page, part)
