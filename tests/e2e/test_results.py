"""The desk for results in a real browser: a score is written by keys, its money seen, confirmed, corrected and taken back."""

import re
import time
from typing import Any

import pytest
from playwright.sync_api import expect
from tests.e2e.conftest import Seat
from tests.e2e.house import house_in
from tests.e2e.looks import bring_axe, looks_well
from tests.integration.world import HOUR_NS, LINES, wager

from runline.domain.board import PostLines
from runline.domain.fixtures import CreateFixture, CreateLeague
from runline.domain.grading import Score
from runline.domain.messages import HOUSE
from runline.domain.nodes import ROOT
from runline.domain.permissions import Permission
from runline.domain.results import EnterResult
from runline.domain.roles import SetRole
from runline.domain.users import CreateUser

CLERK = (
    Permission.BOARD_VIEW,
    Permission.FIGURES_VIEW,
    Permission.LOG_VIEW,
    Permission.FIXTURES_MANAGE,
    Permission.RESULT_ENTER,
    Permission.RESULT_CONFIRM,
)
ROLES = {
    "clerk": CLERK,
    "typist": (Permission.BOARD_VIEW, Permission.RESULT_ENTER),
    "blind": (Permission.BOARD_VIEW, Permission.RESULT_CONFIRM),
    "watcher": (Permission.BOARD_VIEW, Permission.FIGURES_VIEW, Permission.LOG_VIEW),
    "feed": (Permission.RESULT_ENTER,),
}
GAMES = (
    ("G1", "MLB", 901, "Tampa Bay Rays", "Baltimore Orioles", 1),
    ("G2", "MLB", 903, "Minnesota Twins", "New York Yankees", 2),
    ("G3", "NFL", 451, "New York Jets", "Buffalo Bills", 2),
    ("G4", "MLB", 905, "Houston Astros", "Kansas City Royals", 48),
)
"""Each begins so many hours after it was set up."""

BY_INNINGS = Score(5, 3, periods=((1, 0), (0, 0), (0, 0), (4, 1), (0, 0), (0, 2), (0, 0), (0, 0), (0, 0)))


async def set_up(place):
    """Three games that have begun and one that has not; two wagers on the first, and who may do what in the house."""
    world = place.world
    await world.do(HOUSE, CreateLeague("MLB", "baseball"))
    await world.do(HOUSE, CreateLeague("NFL", "football"))
    now_ns = world.clock.now_ns()
    for name, league, rotation, away, home, hours in GAMES:
        await world.do(HOUSE, CreateFixture(name, league, rotation, away, home, now_ns + hours * HOUR_NS))
        await world.do(HOUSE, PostLines(name, now_ns, LINES))
    await world.open_book("b1", players=2)
    await world.open_book("b2")
    await world.do("b1", wager(amount_minor=100_00))
    await world.do("b1", wager("P2", 55_00, "away", price="-110"))
    await world.do("b2", wager(amount_minor=20_00))
    for role, may in ROLES.items():
        await world.do(HOUSE, SetRole(role, ROOT, may, "results"))
        await world.do(HOUSE, CreateUser(f"the.{role}", ROOT, role))
    world.set_clock(time.time_ns())
    await world.until(HOUSE, lambda house: house.catalog.fixtures["G2"].status == "closed")
    await world.until(HOUSE, lambda house: house.catalog.fixtures["G3"].status == "closed")


@pytest.fixture
def house(tmp_path, browser):
    with house_in(tmp_path) as found:
        found.do(set_up)
        yield found


@pytest.fixture
def sit(house, browser):
    """Windows of users of the house, which are closed at the end."""
    seats = []

    def sit(user, stream=HOUSE, **options):
        one = Seat(browser, house, book=stream, **options)
        seats.append(one)
        return one.sign_in(user, house.password(stream, user))

    yield sit
    for one in seats:
        one.close()


def sheet_of(page):
    return page.locator("[data-sheet]")


def standing(house, fixture):
    """(status, what is entered, what is official) of a game in the house."""

    async def read(place):
        def look(house):
            result = house.catalog.results.get(fixture)
            return house.catalog.fixtures[fixture].status, result and result.entered, result and result.confirmed

        return await place.world.read(HOUSE, look)

    return house.do(read)


def test_a_result_is_written_by_keys_alone_its_money_seen_and_confirmed(house, sit):
    page = sit("the.clerk").room("Results").page
    rows = page.get_by_role("table", name="Games that wait").locator("tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.first).to_contain_text("901")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Inning 1, Tampa Bay Rays")).to_be_focused()
    for inning in "000102000":
        page.keyboard.type(inning)
        page.keyboard.press("Enter")
    for inning in "10040000":
        page.keyboard.type(inning)
        page.keyboard.press("Enter")
    sheet = sheet_of(page)
    expect(sheet.locator("[data-total=away]")).to_have_text("3")
    expect(sheet.locator("[data-total=home]")).to_have_text("5")
    # The home side leads and does not bat: that half-inning is left empty.
    page.keyboard.press("Enter")
    confirm = sheet.get_by_role("button", name="Confirm 3–5")
    expect(confirm).to_be_focused()
    assert standing(house, "G1") == (
        "closed",
        BY_INNINGS,
        None,
    )
    money = sheet.locator("[data-money]")
    expect(money.get_by_role("row", name=re.compile("^b1 "))).to_have_text(
        re.compile(r"b1\s*2\s*0\s*155\.00\s*202\.00\s*loses 47\.00")
    )
    expect(money.get_by_role("row", name=re.compile("^b2 "))).to_contain_text("loses 20.40")
    expect(money.get_by_role("row", name=re.compile("^All "))).to_contain_text("loses 67.40")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("path")).to_contain_text("durable")
    expect(sheet).to_contain_text("3–5 is official.")
    assert standing(house, "G1")[::2] == (
        "final",
        BY_INNINGS,
    )
    expect(rows).to_have_count(2)
    onward = page.get_by_role("link", name=re.compile("^Next: 451|^Next: 903"))
    expect(onward).to_be_focused()


def test_what_a_feed_has_entered_is_confirmed_by_one_key_and_then_corrected_and_taken_back(house, sit):
    window = sit("the.clerk").room("Results")
    page, sheet = window.page, sheet_of(window.page)
    rows = page.get_by_role("table", name="Games that wait").locator("tbody tr")
    expect(rows).to_have_count(3)
    house.do(lambda place: place.world.do(HOUSE, EnterResult("G1", Score(5, 3)), by="the.feed"))
    first = rows.filter(has_text="901")
    expect(first).to_contain_text("to confirm")
    expect(first).to_contain_text("3–5")
    first.click()
    expect(sheet).to_contain_text("3–5 was entered by the.feed")
    expect(sheet.get_by_role("button", name="Confirm 3–5")).to_be_focused()
    page.keyboard.press("Enter")
    expect(sheet).to_contain_text("3–5 is official.")

    # Corrected: another score, and what it makes against what was settled.
    sheet.get_by_label("Total, Tampa Bay Rays").fill("6")
    page.keyboard.press("Control+Enter")
    expect(sheet).to_contain_text("6–5 was entered by the.clerk")
    expect(sheet).to_contain_text("3–5 was official before.")
    expect(sheet.locator("[data-money]").get_by_role("row", name=re.compile("^b1 "))).to_contain_text("wins 97.00")
    sheet.get_by_role("button", name="Confirm 6–5").click()
    expect(sheet).to_contain_text("6–5 is official.")
    assert standing(house, "G1") == ("final", Score(5, 6), Score(5, 6))
    page.get_by_role("button", name="Known").click()
    known = page.get_by_role("table", name="Games that are over").locator("tbody tr")
    expect(known).to_have_count(1)
    known.click()

    sheet.get_by_role("button", name="Reopen").click()
    window.act("the wrong game")
    expect(sheet).to_contain_text("Nobody has said how it ended.")
    assert standing(house, "G1") == ("closed", None, None)
    expect(known).to_have_text(["No game is over yet."])


def entered(house, sit):
    """The clerk's page and sheet of a game of which the feed has entered a score, 3-5."""
    house.do(lambda place: place.world.do(HOUSE, EnterResult("G1", Score(5, 3)), by="the.feed"))
    page = sit("the.clerk").page
    page.evaluate("location.hash = '#/results?game=G1'")
    return page, sheet_of(page)


def test_what_is_entered_is_over_with_its_answer_and_a_key_that_is_held_confirms_nothing(house, sit):
    page, sheet = entered(house, sit)
    confirming: list[Any] = []
    held: list[Any] = []
    expect(sheet.get_by_role("button", name="Confirm 3–5")).to_be_focused()
    page.on("request", lambda request: confirming.append(request) if "confirm-result" in request.url else None)
    sheet.get_by_label("Total, Tampa Bay Rays").fill("6")
    page.route("**/v1/results?*", lambda route: held.append(route))
    page.keyboard.press("Control+Enter")
    expect(page.get_by_test_id("path")).to_contain_text("durable")
    while not held:
        page.evaluate("null")
    # It is entered, and what is to be confirmed is not known yet.
    expect(sheet.get_by_role("button", name="Enter the score")).to_be_disabled()
    expect(sheet.get_by_role("button", name=re.compile("^Confirm"))).to_be_disabled()
    with page.expect_request("**/v1/result_money?*") as money:
        page.unroute("**/v1/results?*")
        for route in held:
            route.fallback()
    assert re.search(r"at_least=[1-9]", money.value.url)
    expect(sheet.get_by_role("button", name="Confirm 6–5")).to_be_focused()
    # (The second of two without its being let go is one that repeats.)
    sheet.get_by_label("Total, Tampa Bay Rays").focus()
    page.keyboard.down("Enter")
    sheet.get_by_role("button", name="Confirm 6–5").focus()
    page.keyboard.down("Enter")
    expect(sheet.get_by_role("button", name="Confirm 6–5")).to_be_enabled()
    assert confirming == []
    page.keyboard.up("Enter")
    page.keyboard.press("Enter")
    expect(sheet).to_contain_text("6–5 is official.")
    assert len(confirming) == 1


def test_a_confirmation_that_was_lost_and_one_of_another_score_are_two_commands(house, sit):
    page, sheet = entered(house, sit)
    ids: list[str] = []

    def lose(route):
        ids.append(route.request.headers["idempotency-key"])
        route.abort()

    page.route("**/v1/confirm-result?*", lose)
    sheet.get_by_role("button", name="Confirm 3–5").click()
    expect(sheet.get_by_role("alert")).to_contain_text("unreachable")
    sheet.get_by_role("button", name="Confirm 3–5").click()
    while len(ids) < 2:
        page.evaluate("null")
    expect(sheet.get_by_role("alert")).to_contain_text("unreachable")
    house.do(lambda place: place.world.do(HOUSE, EnterResult("G1", Score(6, 3)), by="the.feed"))
    sheet.get_by_role("button", name="Confirm 3–6").click()
    while len(ids) < 3:
        page.evaluate("null")
    assert ids[0] == ids[1] != ids[2]


def test_what_a_proxy_says_of_a_server_that_fails_leaves_it_unknown_whether_a_score_was_entered(house, sit):
    page, sheet = entered(house, sit)
    ids: list[str] = []
    answers = [
        {"status": 502, "content_type": "text/html", "body": "<h1>Bad Gateway</h1>"},
        {"status": 200, "content_type": "application/json", "body": '{"posit'},
        {"status": 503, "json": {"error": {"code": "unavailable", "message": "Not now."}}},
        {"status": 401, "json": {"error": {"code": "not_signed_in", "message": "Sign in."}}},
        {"status": 409, "json": {"error": {"code": "not_over", "message": "It goes on."}}},
    ]

    def lose(route):
        ids.append(route.request.headers["idempotency-key"])
        route.fulfill(**answers[len(ids) - 1])

    page.route("**/v1/enter-result?*", lose)
    sheet.get_by_label("Total, Tampa Bay Rays").fill("6")
    for said in ("http_502", "SyntaxError", "unavailable", "not_signed_in", "not_over"):
        sheet.get_by_role("button", name="Enter the score").click()
        expect(sheet.get_by_role("alert")).to_contain_text(said)
    page.unroute("**/v1/enter-result?*")
    with page.expect_request("**/v1/enter-result?*") as sent:
        sheet.get_by_role("button", name="Enter the score").click()
    assert len({*ids}) == 1
    # It was refused, for certain: what is sent then is another one.
    assert sent.value.headers["idempotency-key"] != ids[0]


def test_a_game_that_is_late_or_called_off_says_so(house, sit):
    window = sit("the.clerk")
    page, sheet = window.page, sheet_of(window.page)
    page.evaluate("location.hash = '#/results?game=G2'")
    sheet.get_by_role("button", name="Postpone").click()
    window.act("rain")
    expect(sheet).to_contain_text("Postponed or broken off since")
    sheet.get_by_role("button", name="It goes on").click()
    window.act("dry again")
    expect(sheet).not_to_contain_text("Postponed")
    sheet.get_by_role("button", name="Call off").click()
    expect(page.get_by_role("dialog")).to_contain_text("every wager on it is void")
    window.act("flood")
    expect(sheet).to_contain_text("It was called off")
    expect(sheet.get_by_role("button", name="Enter the score")).to_have_count(0)
    assert standing(house, "G2")[0] == "cancelled"


def test_what_is_written_wrong_is_said_in_its_cell_and_nothing_is_lost(house, sit):
    page = sit("the.clerk").page
    page.evaluate("location.hash = '#/results?game=G3'")
    sheet = sheet_of(page)
    said = sheet.get_by_role("alert")
    away, home = (
        (lambda quarter: sheet.get_by_label(f"Quarter {quarter}, New York Jets")),
        (lambda quarter: sheet.get_by_label(f"Quarter {quarter}, Buffalo Bills")),
    )
    expect(away(1)).to_be_focused()
    page.keyboard.press("Control+Enter")
    expect(said).to_have_text("Write the score.")
    for quarter, points in enumerate("7030", 1):
        away(quarter).fill(points)
        home(quarter).fill("3")
    home(3).fill("-3")
    page.keyboard.press("Control+Enter")
    expect(said).to_contain_text("Quarter 3, Buffalo Bills: write a number of points.")
    expect(home(3)).to_be_focused()
    expect(home(3)).to_have_attribute("aria-invalid", "true")
    home(3).fill("")
    page.keyboard.press("Control+Enter")
    expect(said).to_have_text("Quarter 3, Buffalo Bills is missing.")
    home(3).fill("3")
    sheet.get_by_label("The game").select_option("called")
    sheet.get_by_label("Played, in minutes").fill("20")
    page.keyboard.press("Control+Enter")
    expect(said).to_have_text("")
    sheet.get_by_role("button", name="Enter the score").click()
    expect(said).to_contain_text("not_gradable")
    expect(away(1)).to_have_value("7")
    # Meanwhile somebody else has entered one: what is written here stays.
    house.do(lambda place: place.world.do(HOUSE, EnterResult("G3", Score(0, 1)), by="the.feed"))
    expect(sheet).to_contain_text("1–0 was entered")
    expect(away(1)).to_have_value("7")
    sheet.get_by_label("The game").select_option("final")
    sheet.get_by_role("button", name="Overtime").click()
    sheet.get_by_label("Overtime 1, New York Jets").fill("6")
    sheet.get_by_label("Overtime 1, Buffalo Bills").fill("0")
    page.keyboard.press("Control+Enter")
    expect(sheet.get_by_role("button", name="Confirm 16–12")).to_be_focused()
    assert standing(house, "G3")[1] == Score(12, 16, periods=((3, 7), (3, 0), (3, 3), (3, 0)), overtime=((0, 6),))


def test_each_role_has_its_own_part_of_the_desk(house, sit):
    house.do(lambda place: place.world.do(HOUSE, EnterResult("G1", Score(5, 3)), by="the.feed"))
    page = sit("the.typist").room("Results").page
    page.evaluate("location.hash = '#/results?game=G1'")
    sheet = sheet_of(page)
    expect(sheet).to_contain_text("somebody else does")
    expect(sheet.locator("[data-money]")).to_have_count(0)
    expect(sheet.get_by_role("button", name="Call off")).to_have_count(0)

    page = sit("the.blind").room("Results").page
    page.evaluate("location.hash = '#/results?game=G1'")
    sheet = sheet_of(page)
    expect(sheet).to_contain_text("shown to who may see figures")
    expect(sheet.get_by_label("Total, Tampa Bay Rays")).to_be_disabled()
    expect(sheet.get_by_role("button", name="Confirm 3–5")).to_be_enabled()

    for user, stream in (("the.watcher", HOUSE), ("owner", "b1")):
        page = sit(user, stream).page
        expect(page.get_by_role("navigation", name="Rooms").get_by_role("link", name="Board")).to_be_visible()
        expect(page.get_by_role("navigation", name="Rooms").get_by_role("link", name="Results")).to_have_count(0)
        page.evaluate("location.hash = '#/results?game=G1'")
        expect(page.get_by_role("heading", name="This is not here for you.")).to_be_visible()


@pytest.mark.parametrize("look", [{}, {"dark": True}, {"phone": True}, {"phone": True, "dark": True}], ids=str)
def test_the_desk_has_no_faults_that_axe_finds_and_a_phone_loses_nothing(house, sit, look):
    house.do(lambda place: place.world.do(HOUSE, EnterResult("G1", Score(5, 3)), by="the.feed"))
    page = sit("the.clerk", bypass_csp=True, **look).page
    bring_axe(page)
    for address, there in (
        ("#/results", "903"),
        ("#/results?game=G1", "loses 47.00"),
        ("#/results?game=G2", "Inning 9"),
    ):
        page.evaluate("(address) => (location.hash = address)", address)
        expect(page.locator("main")).to_contain_text(there)
        looks_well(page)
