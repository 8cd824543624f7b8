"""The page tells the truth: while it loads, when games have begun, to whoever only hears it, and at every width."""

import re

import pytest
from playwright.sync_api import expect
from tests.e2e.conftest import Demo, Seat

TICKER = "section[aria-labelledby=ticker-title]"
BOARD = "section[aria-labelledby=board-title]"
RISK = "section[aria-labelledby=risk-title]"
FIGURES = "section[aria-labelledby=figures-title]"

NAMES = """() => [...document.querySelectorAll('button')].filter((one) => one.checkVisibility())
    .map((one) => one.getAttribute('aria-label') ?? one.innerText.trim())"""

CUT_OFF = """(selector) => [...document.querySelectorAll(selector)].filter((one) => one.checkVisibility() && one.innerText.trim())
    .filter((one) => one.scrollWidth > one.clientWidth + 1 || one.getBoundingClientRect().right > window.innerWidth
      || (one.closest('.scroll') && one.getBoundingClientRect().right > one.closest('.scroll').getBoundingClientRect().right + 1))
    .map((one) => one.innerText)"""


@pytest.fixture(scope="module")
def sunday(tmp_path_factory, browser):
    """A Sunday of football that is over soon: games begin, and their results come."""
    running = Demo(tmp_path_factory.mktemp("sunday"), "--for", "90s", "--scenario", "sunday", "--rate", "30")
    yield running
    running.stop()


def test_a_game_that_has_begun_keeps_its_name_everywhere(browser, sunday):
    player = Seat(browser, sunday, phone=True).sign_in("A1021")
    page = player.page
    # Of those that begin first: their results come while we look.
    begins = "(games) => games.toSorted((one, other) => one.start_ns - other.start_ns)[0].rotation"
    first = page.evaluate(f"async () => ({begins})((await (await fetch('/v1/board')).json()).items)")
    game = page.locator("section.game", has_text=re.compile(rf"^\s*{first}\b"))
    away, home = (one.strip() for one in re.split(r"\bat\b", game.get_by_role("heading").inner_text()))
    game.locator(".market").nth(2).get_by_role("button").first.click()
    slip = page.get_by_role("form", name="Slip")
    slip.locator("[data-field=risk]").fill("1")
    placed = player.place()
    number = re.search(r"#[\d,]+", placed.inner_text())
    assert number
    placed.get_by_role("link", name="My wagers").click()
    ticket = page.locator("li.ticket", has_text=f"{number[0]} ")
    expect(ticket.locator(".tag")).to_have_text(re.compile("won|lost|push"), timeout=90_000)
    expect(ticket).to_contain_text(away.split(maxsplit=1)[1])
    expect(ticket).to_contain_text(f"at {home}")
    expect(ticket).to_contain_text("paid")
    expect(ticket).to_contain_text(re.compile(rf"final: {away.split(maxsplit=1)[1]} \d+, {home} \d+"))
    player.close()
    # Whoever comes afterwards has never seen these games on a board.
    late = Seat(browser, sunday).sign_in("harbor.owner").room("Ticker")
    late.page.get_by_role("button", name="Settled", exact=True).click()
    rows = late.page.locator(f"{TICKER} tbody tr[aria-rowindex]")
    expect(rows.nth(5).locator(".wide")).to_contain_text(re.compile(r"^\s*\d+ [A-Z]"))
    late.page.locator(f"{TICKER} .scroll").hover()
    expect(rows.locator(".wide", has_text=re.compile(r"^\s*#"))).to_have_count(0)
    for text in rows.all_inner_texts():
        assert re.search(r"^\d\d:\d\d:\d\d\s+[A-Z]\d+\s+\d+ [A-Z].*(won|lost|push|void)", text, re.DOTALL), text
        assert len(re.findall(r"[\d,]+\.\d\d", text)) == 2, "what was risked, and what was returned"
    late.page.get_by_role("button", name="Placed", exact=True).click()
    expect(rows.first).to_be_visible()
    expect(rows.filter(has_text="settled")).to_have_count(0)
    for room in ("Ticker", "Risk", "Figures"):
        late.room(room)
        expect(late.page.locator("main section")).to_be_visible()
        expect(late.page.locator("main")).not_to_contain_text(re.compile(r"\d{4}_\d\d_"))
    late.close()


def test_a_player_far_down_the_board_sees_the_ticket_where_they_look(seat):
    player = seat("A1021", phone=True)
    page = player.page
    page.locator("section.game").nth(12).locator(".market").nth(2).get_by_role("button").last.click()
    slip = page.get_by_role("form", name="Slip")
    slip.locator("[data-field=to_win]").fill("3.00")
    expect(slip.locator("[data-field=risk]")).to_have_value(re.compile(r"^\d+\.\d\d$"))
    placed = player.place()
    expect(placed).to_be_in_viewport(ratio=1)
    expect(placed).to_be_focused()
    expect(placed).to_contain_text(re.compile(r"Ticket #[\d,]+ is placed"))
    # What is risked is whole cents: what they win may be a cent beside it.
    expect(placed).to_contain_text(re.compile(r"to win (2\.99|3\.0[01])"))
    expect(slip).to_have_count(0)
    placed.get_by_role("button", name="Done").click()
    expect(placed).to_have_count(0)


def test_a_players_buttons_say_whose_they_are(seat):
    page = seat("A1021", phone=True).page
    game = page.locator("section.game").nth(5)
    away, home = (one.strip() for one in re.split(r"\bat\b", game.get_by_role("heading").inner_text()))
    for place in (0, 2):
        sides = game.locator(".market").nth(place).get_by_role("button")
        expect(sides.first).to_contain_text(away.split(maxsplit=1)[1])
        expect(sides.last).to_contain_text(home)
    totals = game.locator(".market").nth(1).get_by_role("button")
    expect(totals.first).to_contain_text("over")
    expect(totals.last).to_contain_text("under")


def test_nothing_is_said_to_be_empty_while_it_loads(seat):
    window = seat()
    window.page.route("**/v1/stream*", lambda route: None)
    window.page.fill("[name=user]", "harbor.owner")
    window.page.fill("[name=password]", "in-real-time")
    window.page.get_by_role("button", name="Sign in").click()
    for room, section in (("Board", BOARD), ("Ticker", TICKER), ("Figures", FIGURES), ("Risk", RISK)):
        window.room(room)
        expect(window.page.locator(section)).to_contain_text("Loading …")
        assert not re.search(r"No \w+|Nothing", window.page.locator("main").inner_text())
    window.page.unroute_all(behavior="ignoreErrors")


def test_what_is_done_does_not_move_the_page_under_the_pointer(seat):
    owner = seat("harbor.owner").try_it()
    board = owner.page.locator(BOARD)
    expect(board.locator("tbody").nth(9)).to_be_visible()
    before = board.bounding_box()
    owner.page.get_by_role("button", name="Change a limit").click()
    expect(owner.page.locator("[data-result=limit]")).to_be_visible()
    expect(owner.page.get_by_test_id("path")).to_be_visible()
    assert board.bounding_box() == before


@pytest.mark.parametrize("user", ["harbor.owner", "A1021"])
def test_every_button_has_a_name_of_its_own(seat, user):
    window = seat(user)
    page = window.page
    expect(page.locator("button:visible").nth(40)).to_be_visible()
    names = page.evaluate(NAMES)
    assert len(names) > 40
    assert sorted(set(names)) == sorted(names)
    if user == "harbor.owner":
        window.room("Ticker")
        expect(page.locator(f"{TICKER} tbody tr[aria-rowindex]").nth(20)).to_be_visible()
        names = page.evaluate(NAMES)
        assert sorted(set(names)) == sorted(names)
        window.room("Figures")
        page.locator(FIGURES).get_by_role("button", name=re.compile("^. A1$")).click()
        page.get_by_role("button", name="Users of A", exact=True).click()
        expect(page.get_by_role("button", name="Revoke agent.A")).to_be_visible()
        names = page.evaluate(NAMES)
        assert len(names) > 20
        assert sorted(set(names)) == sorted(names)


def test_a_language_that_is_none_leaves_the_page_as_it_is(seat):
    script = "Object.defineProperty(Navigator.prototype, 'language', { get: () => 'en-US@posix', configurable: true })"
    window = seat("harbor.owner", script=script)
    page = window.page
    expect(page.locator(f"{BOARD} tbody").nth(5)).to_be_visible()
    window.room("System")
    expect(page.locator(".chart canvas")).to_be_visible()


@pytest.mark.parametrize("width", [360, 1280, 1440])
def test_no_price_and_no_amount_is_cut_off(seat, width):
    window = seat("harbor.owner", phone=width == 360, width=width)
    page = window.page
    expect(page.locator(f"{BOARD} tbody").nth(5)).to_be_visible()
    for cells in (f"{BOARD} tr:not(.head) td.number", f"{BOARD} .price"):
        assert page.evaluate(CUT_OFF, cells) == [], cells
    window.room("Ticker")
    expect(page.locator(f"{TICKER} tbody tr[aria-rowindex]").nth(20)).to_be_visible()
    page.locator(TICKER).hover()
    assert page.evaluate(CUT_OFF, f"{TICKER} td.number, {TICKER} .figure") == []
    window.room("Risk")
    expect(page.locator(f"{RISK} tbody tr").nth(5)).to_be_visible()
    assert page.evaluate(CUT_OFF, f"{RISK} .says") == []


def test_the_root_and_the_only_one_below_it_are_said_once_and_credit_has_its_own_head(seat):
    page = seat("harbor.owner").room("Figures").page
    figures = page.locator(FIGURES)
    expect(figures.locator("tbody th").first).to_have_text("root / harbor.master")
    figures.get_by_role("button", name=re.compile("^. A1$")).click()
    heads = figures.locator("tr.heads th")
    expect(heads.nth(3)).to_have_text("Credit limit")
    limit = figures.locator("tr.inner", has_text="A1030").locator("td").nth(3)
    expect(limit).to_have_text(re.compile(r"^[\d,]+\.\d\d$"))
    figures.get_by_role("button", name="Users of root and harbor.master").click()
    expect(figures.get_by_role("button", name="Revoke harbor.owner")).to_be_visible()


def test_the_keyboard_skips_to_the_room(seat):
    page = seat("harbor.owner").page
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Skip to the room")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_a_player_reads_why_their_ticket_is_void_at_once_and_afterwards(seat):
    player = seat("A1021", phone=True)
    page = player.page
    page.locator("section.game").nth(7).locator(".market").nth(2).get_by_role("button").first.click()
    page.get_by_role("form", name="Slip").locator("[data-field=risk]").fill("5")
    placed = player.place()
    number = re.search(r"#([\d,]+)", placed.inner_text())
    assert number
    placed.get_by_role("link", name="My wagers").click()
    ticket = page.locator("li.ticket", has_text=f"#{number[1]} ")
    expect(ticket).to_be_visible()
    void = """async (wager) => (await fetch('/v1/void-wager', { method: 'POST', headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ wager, reason: 'wrong price' }) })).status"""
    assert seat("harbor.owner").page.evaluate(void, int(number[1].replace(",", ""))) == 200
    expect(ticket).to_contain_text("void: wrong price")
    page.reload()
    page.get_by_role("link", name="Settled").click()
    expect(ticket).to_contain_text("void: wrong price")
    expect(ticket).to_contain_text(re.compile(r"^\d+ [A-Z]\D+[+−]\d+, moneyline"))


def test_on_a_phone_nothing_of_a_wager_lies_over_something_else(seat):
    page = seat("harbor.owner", phone=True).room("Ticker").page
    expect(page.locator(f"{TICKER} tbody tr[aria-rowindex]").nth(20)).to_be_visible()
    page.locator(f"{TICKER} .scroll").hover()
    over = """(rows) => [...document.querySelectorAll(rows)]
        .filter((row) => row.querySelector('.wide'))
        .map((row) => ['.when', '.wide'].map((cell) => row.querySelector(cell).getBoundingClientRect()))
        .filter(([first, second]) => first.bottom > second.top + 1).length"""
    assert page.evaluate(over, f"{TICKER} tbody tr[aria-rowindex]") == 0
