"""The room of the log in a real browser: found by whatever somebody asks, live under it, before and after in words."""

import time
from typing import Any
from unittest.mock import patch

import pytest
from playwright.sync_api import expect
from tests.e2e.conftest import Seat
from tests.e2e.house import house_in
from tests.e2e.looks import bring_axe, looks_well
from tests.integration.world import HOUR_NS, LINES, wager

from runline.domain.accounts import AdjustCredit
from runline.domain.board import MarketLine, PostLines
from runline.domain.fixtures import CreateFixture, CreateLeague
from runline.domain.messages import HOUSE
from runline.domain.nodes import ROOT
from runline.domain.permissions import Permission
from runline.domain.prices import Prices
from runline.domain.roles import SetRole
from runline.domain.suspension import Reopen, Suspend
from runline.domain.users import CreateUser

WAGERS = 250
"""More than a page."""

MAY_LOOK = (Permission.BOARD_VIEW, Permission.FIGURES_VIEW, Permission.LOG_VIEW)


async def set_up(place):
    """A book with a day's work behind it; ann and bob look at A1's part of it, and cid has another role than the log's."""
    world = place.world
    now_ns = world.clock.now_ns()
    await world.do(HOUSE, CreateLeague("MLB", "baseball"))
    await world.do(HOUSE, CreateFixture("G1", "MLB", 901, "Tampa Bay Rays", "Baltimore Orioles", now_ns + 48 * HOUR_NS))
    await world.do(HOUSE, PostLines("G1", now_ns, LINES))
    await world.open_book("b1", players=2)
    for _ in range(WAGERS):
        await world.do("b1", wager(amount_minor=1_00))
    await world.do("b1", SetRole("watch", ROOT, MAY_LOOK, "to look"))
    await world.do("b1", SetRole("closer", ROOT, (*MAY_LOOK, Permission.CREDIT_CHANGE), "to close"))
    await world.do("b1", SetRole("blind", ROOT, MAY_LOOK[:2], "not to look"))
    for user, node, role in (("ann", "A1", "watch"), ("bob", "A1", "closer"), ("cid", ROOT, "blind")):
        await world.do("b1", CreateUser(user, node, role))


async def to_the_hosts_time(place):
    place.world.set_clock(time.time_ns())


@pytest.fixture(scope="module")
def house(tmp_path_factory, browser):
    with house_in(tmp_path_factory.mktemp("log")) as found:
        found.do(set_up)
        found.do(to_the_hosts_time)
        yield found


@pytest.fixture
def sit(house, browser):
    """Windows of users of the book, which are closed at the end."""
    seats = []

    def sit(user, address="#/log", **options):
        one = Seat(browser, house, book="b1", **options)
        seats.append(one)
        one.sign_in(user, house.password("b1", user))
        # Rows hold still under a pointer.
        one.page.mouse.move(2, 2)
        one.page.evaluate("(address) => (location.hash = address)", address)
        return one.page

    yield sit
    for one in seats:
        one.close()


def do(house, command, by="owner"):
    """What was done, by its position."""
    return house.do(lambda place: place.world.do("b1", command, by=by)).position


def rows_of(page):
    return page.get_by_role("table", name="Entries of the log").locator("tbody tr")


def test_what_is_asked_for_is_live_and_says_before_and_after(house, sit):
    page = sit("owner", "#/log?object=player:P2")
    rows = rows_of(page)
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("no account → under A1, credit limit 10,000.00")
    do(house, AdjustCredit("P1", 9_000_00, "of another"))
    do(house, AdjustCredit("P2", 500_00, "late again"))
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("P2: credit limit: 10,000.00 → 500.00")
    expect(rows.first).to_contain_text("late again")
    do(house, AdjustCredit("P2", 700_00, "paid"), by="bob")
    expect(rows.first).to_contain_text("500.00 → 700.00")
    page.locator("[data-field=role]").fill("closer")
    page.locator("[data-field=role]").press("Enter")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("bob")
    page.get_by_role("button", name="Clear").click()
    page.locator("[data-field=actor]").fill("bob")
    page.locator("[data-field=type]").fill("credit adjusted")
    page.locator("[data-field=type]").press("Enter")
    expect(rows).to_have_count(1)
    assert "actor=bob" in page.url
    assert "type=credit" in page.url
    page.reload()
    expect(rows).to_have_count(1)


def test_what_cannot_be_asked_for_a_while_is_said_and_is_live_again_by_itself(house, sit):
    page = sit("owner", "#/log?object=player:P2&actor=bob&role=closer&type=CreditAdjusted")
    expect(page.get_by_role("table", name="Entries of the log")).not_to_have_attribute("aria-busy", "true")
    alert = page.locator("p.said")
    page.route("**/v1/log?*", lambda route: route.abort())
    do(house, AdjustCredit("P2", 800_00, "while it was away"), by="bob")
    expect(alert).to_contain_text("cannot be reached")
    page.unroute("**/v1/log?*")
    expect(rows_of(page).filter(has_text="while it was away")).to_have_count(1)
    expect(alert).to_have_count(0)
    do(house, AdjustCredit("P2", 900_00, "since then"), by="bob")
    expect(rows_of(page).filter(has_text="since then")).to_have_count(1)


def test_what_is_rare_is_found_among_much_that_is_new_and_what_was_looked_through_is_not_again(house, sit):
    page = sit("owner", "#/log?object=player:P1&actor=bob")
    expect(page.get_by_text("Nothing like that has happened.")).to_be_visible()
    held: list[Any] = []
    page.route("**/v1/log?*", lambda route: route.continue_() if held else held.append(route))
    do(house, AdjustCredit("P2", 8_000_00, "of another"))
    while not held:
        page.evaluate("null")
    # By the time it is answered much has happened.
    do(house, AdjustCredit("P1", 7_000_00, "rare"), by="bob")
    for limit in range(10):
        do(house, AdjustCredit("P2", 7_000_00 + limit, "of another"))
    with patch("runline.reads.logs.SCAN_EVENTS_MAX", 3):
        assert "since=" in held[0].request.url
        held[0].continue_()
        expect(rows_of(page).filter(has_text="rare")).to_have_count(1)
    do(house, AdjustCredit("P1", 8_000_00, "over"), by="bob")
    expect(rows_of(page)).to_have_count(2)


def test_what_is_older_is_there_without_end_and_is_taken_along(house, sit):
    page = sit("owner", "#/log?type=WagerPlaced")
    table = page.get_by_role("table", name="Entries of the log")
    page.get_by_role("button", name="Older").click()
    expect(table).to_have_attribute("aria-rowcount", str(WAGERS + 1))
    expect(page.get_by_role("button", name="Older")).to_be_disabled()
    with page.expect_download() as taken:
        page.get_by_role("button", name="CSV of the view").click()
    lines = taken.value.path().read_text("utf-8-sig").splitlines()
    assert len(lines) == WAGERS + 1
    assert "risks 1.00 to win 1.02" in lines[1]


def test_a_position_is_linked_to_and_what_may_not_be_seen_is_not_there(house, sit):
    seq = do(house, Suspend("player", "P2", "asked for it"))
    do(house, Reopen("player", "P2", "asked again"))
    page = sit("owner", f"#/log?at={seq}")
    meant = page.locator("tr.meant")
    expect(meant).to_contain_text("open → suspended")
    expect(page.get_by_text(f"Around #{seq}")).to_be_visible()
    meant.get_by_role("link").click()
    drawer = page.locator("[data-drawer=entry]")
    expect(drawer).to_contain_text("asked for it")
    drawer.get_by_role("link", name="All of player P2").click()
    expect(page.locator("[data-field=object]")).to_have_value("P2")
    page.get_by_role("button", name="Clear").click()
    expect(rows_of(page).nth(20)).to_be_visible()

    # The role that was made at the top is none of A1's business.
    made = house.do(lambda place: place.world.do("b1", SetRole("late", ROOT, MAY_LOOK, "for later"))).position
    page = sit("ann", f"#/log?at={made}")
    expect(page.get_by_text(f"#{made} is not here for you.")).to_be_visible()
    page.evaluate("(address) => (location.hash = address)", f"#/entry/{made}")
    expect(page.get_by_role("heading", name="This is not here for you.")).to_be_visible()
    page.evaluate("location.hash = '#/entry/nonsense'")
    expect(page.get_by_role("heading", name="This is not here for you.")).to_be_visible()


def test_nobody_is_told_the_role_of_those_above_them(house, sit):
    do(house, Suspend("fixture", "G1", "injury"))
    do(house, Reopen("fixture", "G1", "cleared"))
    page = sit("ann", "#/log?type=Suspended")
    row = rows_of(page).filter(has_text="injury")
    expect(row.locator("td").nth(2)).to_have_text("owner")
    expect(row.locator("td").nth(3)).to_have_text("")
    page.locator("[data-field=role]").fill("owner")
    page.locator("[data-field=role]").press("Enter")
    expect(page.get_by_text("Nothing like that has happened.")).to_be_visible()
    page = sit("owner", "#/log?type=Suspended&role=owner")
    expect(rows_of(page).filter(has_text="injury").locator("td").nth(3)).to_have_text("owner")

    page = sit("cid", "#/log")
    expect(page.get_by_role("heading", name="This is not here for you.")).to_be_visible()


def test_what_was_done_by_a_permission_is_found_live_and_each_entry_says_by_which(house, sit):
    page = sit("owner", "#/log")
    page.locator("[data-field=permission]").select_option(label="change credit")
    rows = rows_of(page)
    do(house, AdjustCredit("P1", 6_000_00, "by one permission"))
    expect(rows.filter(has_text="by one permission")).to_have_count(1)
    do(house, Suspend("player", "P1", "by another"))
    do(house, Reopen("player", "P1", "by another"))
    do(house, AdjustCredit("P1", 6_500_00, "and again"))
    expect(rows.first).to_contain_text("and again")
    expect(rows.filter(has_text="by another")).to_have_count(0)
    assert "permission=credit_change" in page.url
    page.reload()
    expect(page.locator("[data-field=permission]")).to_have_value("credit_change")
    expect(rows.first).to_contain_text("and again")
    rows.first.get_by_role("link").first.click()
    expect(page.locator("[data-drawer=entry]").locator("dt:text-is('By permission') + dd")).to_have_text(
        "change credit"
    )
    page.locator("[data-field=permission]").select_option(label="suspend")
    expect(rows.filter(has_text="by another")).to_have_count(2)
    # A session begins by nobody's permission.
    page.evaluate("location.hash = '#/log?type=SignedIn'")
    expect(rows.first).to_contain_text("has signed in")
    rows.first.get_by_role("link").first.click()
    drawer = page.locator("[data-drawer=entry]").last
    expect(drawer).to_contain_text("has signed in")
    expect(drawer.locator("dt", has_text="By permission")).to_have_count(0)


def test_what_is_asked_in_nonsense_says_so(house, sit):
    page = sit("owner", "#/log?since=yesterday")
    expect(page.get_by_role("alert")).to_have_text("yesterday is no time.")
    page.evaluate("location.hash = '#/log?object=horse:1'")
    expect(page.get_by_role("alert")).to_have_text("Say it otherwise.")
    page.evaluate("location.hash = '#/log?permission=horse'")
    expect(page.get_by_role("alert")).to_have_text("Say it otherwise.")
    page.evaluate("location.hash = '#/log?agent=nobody'")
    expect(page.get_by_role("alert")).to_contain_text("There is no such agent.")
    page.evaluate("location.hash = '#/log?type=Nothing'")
    expect(page.get_by_text("Nothing like that has happened.")).to_be_visible()
    page.evaluate("location.hash = '#/log?at=99999999'")
    expect(page.get_by_text("#99,999,999 is not here for you.")).to_be_visible()


def test_a_history_in_the_drawer_leads_to_the_room(house, sit):
    page = sit("owner", "#/player/P1/log")
    page.locator("[data-drawer=player]").get_by_role("link", name="In the log").click()
    expect(page.locator("[data-field=kind]")).to_have_value("player")
    expect(page.locator("[data-field=object]")).to_have_value("P1")
    expect(rows_of(page).first).to_contain_text("P1")


def test_the_pages_of_a_game_and_of_a_ticket_lead_to_the_log_of_them(house, sit):
    page = sit("owner", "#/game/G1/log")
    page.locator("[data-drawer=game]").get_by_role("link", name="In the log").click()
    expect(page.locator("[data-field=kind]")).to_have_value("fixture")
    expect(page.locator("[data-field=object]")).to_have_value("G1")

    number = do(house, wager(amount_minor=1_00))
    page.evaluate("(address) => (location.hash = address)", f"#/ticket/{number}")
    drawer = page.locator("[data-drawer=ticket]")
    drawer.get_by_role("link", name="In the log").click()
    expect(page.locator("[data-field=kind]")).to_have_value("wager")
    expect(page.locator("[data-field=object]")).to_have_value(str(number))
    expect(rows_of(page)).to_have_count(1)
    expect(rows_of(page)).to_contain_text("risks 1.00 to win 1.02")
    page.evaluate("(address) => (location.hash = address)", f"#/ticket/{number}")
    drawer.get_by_role("link", name=f"log #{number:,}").click()
    expect(page.get_by_text(f"Around #{number:,}")).to_be_visible()

    # Who may not see the log is sent nowhere.
    do(house, SetRole("teller", ROOT, (Permission.BOARD_VIEW, Permission.TICKER_VIEW), "to tell"))
    do(house, CreateUser("dan", ROOT, "teller"))
    page = sit("dan", f"#/ticket/{number}")
    drawer = page.locator("[data-drawer=ticket]")
    expect(drawer.locator("ol li").last).to_contain_text("Placed")
    expect(drawer.get_by_role("link", name="log")).to_have_count(0)


def test_a_market_of_which_a_line_was_refused_is_off_in_its_history_until_it_is_back(house, sit):
    async def post(place):
        for over, under in (("-105", "-11"), ("-120", "+100")):
            lines = (*LINES[:2], MarketLine("total", "game", 34, Prices(over=over, under=under)))
            await place.world.do(HOUSE, PostLines("G1", place.world.clock.now_ns(), lines))

    house.do(post)
    page = sit("owner", "#/game/G1/game:total:line")
    rows = page.locator("[data-table='game.line'] tbody tr[aria-rowindex]")
    expect(rows).to_have_count(3)
    for row, line in enumerate(("o8½ −120 / u8½ EV", "off the board", "o8½ −105 / u8½ −115")):
        expect(rows.nth(row)).to_contain_text(line)


@pytest.mark.parametrize("look", [{}, {"dark": True}, {"phone": True}, {"phone": True, "dark": True}], ids=str)
def test_the_room_has_no_faults_that_axe_finds_and_a_phone_loses_nothing(house, sit, look):
    page = sit("owner", bypass_csp=True, **look)
    bring_axe(page)
    for address, there in (
        ("#/log?type=WagerPlaced", "risks 1.00"),
        ("#/log?at=30", "Around #30"),
        ("#/entry/30", "Log #30"),
    ):
        page.evaluate("(address) => (location.hash = address)", address)
        expect(page.locator(".shell")).to_contain_text(there)
        if look.get("phone") and address.startswith("#/log"):
            # It stays open once it is.
            if not page.locator("[data-field=actor]").is_visible():
                page.locator("summary", has_text="Filter the log").click()
            expect(page.locator("[data-field=actor]")).to_be_visible()
        looks_well(page)
