"""The shell of the console: addresses, the drawer, what is found and said in one line, keys, what protects at once, tables."""

import re

import pytest
from playwright.sync_api import expect
from tests.e2e.looks import bring_axe, looks_well
from tests.e2e.test_console import PATH

TICKER = "section[aria-labelledby=ticker-title]"
DRAWER = "aside[data-drawer]"


def drawer(page):
    return page.locator(DRAWER)


def address(page):
    return page.evaluate("location.hash")


def palette(page):
    """The palette, opened by its key."""
    page.keyboard.press("Control+k")
    return page.get_by_role("dialog", name="Find and command")


def test_rooms_have_addresses_and_back_and_forward_work(seat):
    window = seat("harbor.owner")
    page = window.page
    window.room("Ticker").room("Figures")
    assert address(page) == "#/figures"
    page.go_back()
    expect(page.locator(TICKER)).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Lines", exact=True)).to_be_visible()
    page.go_forward()
    expect(page.locator(TICKER)).to_be_visible()
    page.reload()
    expect(page.locator(TICKER)).to_be_visible()


def test_a_ticket_and_its_player_open_beside_the_room_and_close_again(seat):
    window = seat("harbor.owner").room("Ticker")
    page = window.page
    row = page.locator(f"{TICKER} tbody tr[aria-rowindex]").first
    row.locator(".when a").evaluate("(link) => link.click()")
    expect(drawer(page)).to_have_attribute("data-drawer", "ticket")
    assert re.fullmatch(r"#/ticket/\d+", address(page))
    expect(drawer(page)).to_be_focused()
    drawer(page).get_by_role("link", name=re.compile("^[A-Z][0-9]+$")).first.click()
    expect(drawer(page)).to_have_attribute("data-drawer", "player")
    expect(drawer(page)).to_contain_text("available", ignore_case=True)
    expect(page.locator(TICKER)).to_be_visible()
    # One lies above the other: closing the upper one shows the lower one again.
    page.keyboard.press("Escape")
    expect(drawer(page)).to_have_attribute("data-drawer", "ticket")
    page.keyboard.press("Escape")
    expect(drawer(page)).to_have_count(0)
    assert address(page) == "#/ticker"
    page.go_back()
    expect(drawer(page)).to_have_attribute("data-drawer", "ticket")


def test_a_link_that_a_colleague_has_sent_opens_what_it_names(seat):
    page = seat("harbor.owner").page
    page.evaluate("location.hash = '#/player/A1021/ledger'")
    expect(drawer(page)).to_contain_text("A1021")
    expect(drawer(page).get_by_role("link", name="Ledger")).to_have_attribute("aria-current", "page")
    expect(drawer(page).get_by_role("region", name="Ledger of A1021")).to_be_visible()


@pytest.mark.parametrize("link", ["#/player/B1001", "#/player/A9999", "#/ticket/999999999", "#/game/none"])
def test_a_link_to_what_one_may_not_see_says_so_and_shows_nothing(seat, link):
    page = seat("agent.A1").page
    page.evaluate("(link) => (location.hash = link)", link)
    expect(drawer(page)).to_contain_text("This is not here for you.")
    expect(drawer(page).locator("dl, table")).to_have_count(0)


def test_an_address_that_is_none_is_said_and_leads_back(seat):
    page = seat("harbor.owner").page
    page.evaluate("location.hash = '#/nowhere'")
    expect(page.locator("main")).to_contain_text("Nothing has the address #/nowhere.")
    page.get_by_role("link", name="To Board").click()
    expect(page.get_by_role("heading", name="Lines", exact=True)).to_be_visible()


def test_what_is_pinned_stays_while_one_goes_on(seat):
    window = seat("harbor.owner")
    page = window.page
    page.evaluate("location.hash = '#/player/A1021'")
    drawer(page).get_by_role("button", name="Keep it here whatever else is looked at").click()
    window.room("Ticker")
    expect(drawer(page)).to_have_attribute("data-drawer", "player")
    drawer(page).get_by_role("button", name="Keep it here whatever else is looked at").click()
    window.room("Board")
    expect(drawer(page)).to_have_count(0)


def test_an_object_has_a_window_of_its_own(seat):
    page = seat("harbor.owner").page
    page.evaluate("location.hash = '#/player/A1021'")
    with page.expect_popup() as opened:
        drawer(page).get_by_role("button", name="Open in a window of its own").click()
    other = opened.value
    expect(other.locator(DRAWER)).to_contain_text("A1021")
    expect(other.get_by_role("navigation", name="Rooms")).to_have_count(0)
    expect(drawer(page)).to_have_count(0)


@pytest.mark.parametrize(("typed", "kind"), [("a1021", "player"), ("A1", "agent"), ("#{}", "ticket"), ("{}", "ticket")])
def test_things_are_found_by_what_people_type(seat, typed, kind):
    page = seat("harbor.owner").room("Ticker").page
    voids = page.get_by_role("button", name=re.compile("^Void ticket"))
    expect(voids.nth(5)).to_be_visible()
    numbers = voids.evaluate_all("(all) => all.map((one) => Number(one.getAttribute('aria-label').split(' ').at(-1)))")
    # A number of the board is a game's before it is a ticket's.
    typed = typed.format(next(one for one in numbers if not 900 < one < 940))
    found = palette(page)
    found.get_by_role("combobox").fill(typed)
    page.keyboard.press("Enter")
    expect(drawer(page)).to_have_attribute("data-drawer", kind)


def test_a_game_is_found_by_either_rotation_number_and_by_its_team(seat):
    page = seat("harbor.owner").page
    game = page.locator("section[aria-labelledby=board-title] tbody").nth(5)
    away = game.locator("td.team").first.inner_text().strip()
    home = game.locator("td.team").nth(1).inner_text().strip()
    number = int(game.locator("td.rotation").first.inner_text())
    for typed in (str(number), str(number + 1), home):
        found = palette(page)
        found.get_by_role("combobox").fill(typed)
        expect(found.get_by_role("option", name=re.compile(re.escape(away))).first).to_be_visible()
        page.keyboard.press("Escape")
        expect(found).to_have_count(0)


def test_what_is_opened_again_at_once_stays_open(seat):
    page = seat("harbor.owner").page
    found = palette(page)
    for _ in range(10):
        expect(found).to_be_visible()
        page.keyboard.press("Escape")
        # The very moment that it is closed, before its own event has come.
        page.evaluate(
            "() => window.dispatchEvent(new KeyboardEvent('keydown', { key: 'k', code: 'KeyK', ctrlKey: true }))"
        )
    expect(found.get_by_role("combobox")).to_be_focused()


def test_a_credit_limit_is_changed_in_one_line(seat):
    window = seat("harbor.owner")
    page = window.page
    palette(page).get_by_role("combobox").fill("credit A1037 777 weekly review")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Credit of A1037")
    expect(dialog).to_contain_text(re.compile(r"Credit limit of A1037: [\d,.]+ → 777\.00"))
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    assert PATH.search(window.path())


def test_what_is_wrong_with_a_line_is_said_and_what_was_typed_stays(seat):
    page = seat("harbor.owner").page
    found = palette(page)
    found.get_by_role("combobox").fill("credit A9999 500")
    page.keyboard.press("Enter")
    expect(found.get_by_role("alert")).to_contain_text("There is no player A9999 of yours.")
    assert found.get_by_role("combobox").input_value() == "credit A9999 500"


def test_everything_is_suspended_by_one_chord_and_taken_back_in_its_toast(seat):
    window = seat("harbor.owner")
    page = window.page
    closed = page.locator("section[aria-labelledby=board-title] td.status .tag", has_text="everything suspended")
    expect(page.locator("section[aria-labelledby=board-title] tbody").nth(9)).to_be_visible()
    page.keyboard.press("Alt+Shift+S")
    assert PATH.search(window.path())
    expect(closed.first).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(closed).to_have_count(0)
    expect(page.get_by_test_id("path")).to_contain_text("reopened")


def test_what_was_suspended_before_is_not_taken_back(seat):
    window = seat("harbor.owner")
    page = window.page
    for says in ("MLB: suspended", "MLB: is suspended already"):
        palette(page).get_by_role("combobox").fill("suspend MLB")
        page.keyboard.press("Enter")
        expect(page.get_by_text(says)).to_be_visible()
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    page.get_by_text("1 before").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("MLB: reopened")).to_be_visible()


def test_what_was_closed_in_a_hurry_owes_a_reason_until_one_is_given(seat):
    window = seat("harbor.owner")
    page = window.page
    game = page.locator("section[aria-labelledby=board-title] tbody").nth(6)
    game.get_by_role("button", name=re.compile(r"^Suspend \d+ ")).click()
    assert PATH.search(window.path())
    page.get_by_test_id("path").get_by_role("button", name="Add reason").click()
    owed = page.get_by_role("dialog", name="Reasons owed")
    team = game.locator("td.team").first.inner_text().strip()
    owed.get_by_role("textbox", name=re.compile(f"^Reason: .*{re.escape(team)}")).fill("pitcher scratched")
    page.keyboard.press("Enter")
    expect(owed.get_by_role("textbox", name=re.compile(re.escape(team)))).to_have_count(0)
    page.keyboard.press("Escape")
    reasons = page.evaluate(
        "async () => (await (await fetch('/v1/suspensions')).json()).items.map((one) => one.reason)"
    )
    assert "pitcher scratched" in reasons
    game.get_by_role("button", name=re.compile(r"^Reopen \d+ ")).click()
    window.act("on again")


def test_undo_takes_back_only_what_was_just_done(seat):
    window, other = seat("harbor.owner"), seat("harbor.owner")
    game = window.page.locator("section[aria-labelledby=board-title] tbody").nth(7)
    game.get_by_role("button", name=re.compile(r"^Suspend \d+ ")).click()
    assert PATH.search(window.path())
    again = other.page.locator("section[aria-labelledby=board-title] tbody").nth(7)
    again.get_by_role("button", name=re.compile(r"^Reopen \d+ ")).click()
    other.act("no need")
    again.get_by_role("button", name=re.compile(r"^Suspend \d+ ")).click()
    expect(other.page.get_by_test_id("path")).to_contain_text("suspended")
    window.page.get_by_role("button", name="Undo").click()
    expect(window.page.get_by_role("alert")).to_contain_text("Another layer closes this by now")
    expect(game).to_contain_text("game suspended")
    other.page.get_by_role("button", name="Undo").click()
    expect(game).not_to_contain_text("game suspended")


def test_the_sheet_says_every_key(seat):
    page = seat("harbor.owner").page
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keys")
    for says in ("find and command", "suspend everything, at once", "go to Ticker"):
        expect(sheet).to_contain_text(says)
    page.keyboard.press("Escape")
    expect(sheet).to_have_count(0)
    page.keyboard.press("g")
    page.keyboard.press("t")
    expect(page.locator(TICKER)).to_be_visible()


def test_light_and_dark_are_chosen_and_kept(seat):
    window = seat("harbor.owner")
    page = window.page
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(ground)
    page.keyboard.press("t")
    assert page.evaluate(ground) == light
    page.keyboard.press("t")
    dark = page.evaluate(ground)
    assert dark != light
    page.reload()
    page.wait_for_selector("[data-connection=live]")
    assert page.evaluate(ground) == dark


def test_a_table_is_sorted_filtered_and_taken_along(seat):
    page = seat("harbor.owner").page
    page.evaluate("location.hash = '#/agent/A1'")
    table = drawer(page).locator("[data-table]")
    players = table.locator("tbody tr td:first-child")
    expect(players.nth(5)).to_be_visible()
    table.get_by_role("button", name="Player", exact=True).click()
    first = players.first.inner_text()
    table.get_by_role("button", name="Player", exact=True).click()
    expect(players.first).not_to_have_text(first)
    page.keyboard.press("/")
    page.keyboard.type("A1021")
    expect(players).to_have_text(["A1021"])
    with page.expect_download() as saved:
        table.get_by_role("button", name=re.compile("^CSV")).click()
    text = saved.value.path().read_text(encoding="utf-8-sig")
    assert text.splitlines()[0] == "Player,Balance,Available,Pending"
    assert len(text.splitlines()) == 2
    page.reload()
    expect(players).to_have_text(["A1021"])


def test_rows_are_walked_and_opened_by_keys(seat):
    page = seat("harbor.owner").page
    page.evaluate("location.hash = '#/agent/A1'")
    rows = drawer(page).locator("[data-table] tbody tr.led")
    expect(rows.nth(5)).to_be_visible()
    for _ in range(3):
        page.keyboard.press("j")
    page.keyboard.press("k")
    expect(rows.nth(1)).to_be_focused()
    player = rows.nth(1).locator("td").first.inner_text()
    page.keyboard.press("Enter")
    expect(drawer(page)).to_have_attribute("data-drawer", "player")
    expect(drawer(page).get_by_role("heading", name=player)).to_be_visible()


def test_a_table_that_is_pointed_at_while_it_is_empty_shows_its_first_rows(seat):
    page = seat("harbor.owner").page
    waiting = []
    page.route("**/v1/players?agent=*", lambda route: waiting.append(route))
    page.evaluate("location.hash = '#/agent/A1'")
    table = drawer(page).get_by_role("region", name="Players of A1")
    table.hover()
    expect(table).to_contain_text("Loading …")
    for route in waiting:
        route.continue_()
    expect(table.locator("tbody tr.led").nth(5)).to_be_visible()
    page.unroute_all(behavior="ignoreErrors")


def previewed(page, line):
    """What a line of the palette comes to before it is done."""
    palette(page).get_by_role("combobox").fill(line)
    page.keyboard.press("Enter")
    preview = page.get_by_role("dialog").locator(".preview li")
    expect(preview).to_be_visible()
    return preview.inner_text()


def test_a_line_is_moved_in_one_line_and_the_other_side_keeps_the_hold(seat):
    window = seat("harbor.owner")
    page = window.page
    game = page.locator("section[aria-labelledby=board-title] tbody").nth(12)
    number = int(game.locator("td.rotation").first.inner_text())
    told = previewed(page, f"move {number} total 12½ -120 too much over")
    found = re.search(r": (.+?) → (.+?) \(locked\)", told)
    assert found, told
    before, after = found.groups()
    over, under = (cents(side.split()[1]) for side in before.split(" / "))
    assert after.split(" / ")[0] == "o12½ −120"
    assert cents(after.split(" / ")[1].split()[1]) == under - (-20 - over)
    page.keyboard.press("Enter")
    assert PATH.search(window.path())
    departure = """async () => (await (await fetch('/v1/board')).json()).items[12].markets.find((one) => one.kind === 'total')"""
    market = page.evaluate(departure)
    assert market["departure"]["mode"] == "lock"
    follow = """async (market) => (await fetch('/v1/move-line', { method: 'POST', headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ market, mode: 'follow', reason: 'as it was' }) })).status"""
    assert page.evaluate(follow, market["market"]) == 200


def cents(price):
    """How far a price is from even money."""
    number = 100 if price == "EV" else int(price.replace("−", "-"))
    return number - 100 if number > 0 else number + 100


def test_a_ticket_is_voided_and_a_user_revoked_in_one_line(seat):
    window = seat("harbor.owner").room("Ticker")
    page = window.page
    name = page.get_by_role("button", name=re.compile("^Void ticket")).first.get_attribute("aria-label")
    number = name.split()[-1]
    assert re.search(r"open → void", previewed(page, f"void {number} written twice"))
    page.keyboard.press("Enter")
    assert PATH.search(window.path())
    assert "may act → revoked" in previewed(page, "revoke agent.B left")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("path")).to_contain_text("Revoke agent.B")
    assert "revoked → may act again" in previewed(page, "restore agent.B came back")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("path")).to_contain_text("Restore agent.B")


@pytest.mark.parametrize("phone", [False, True])
@pytest.mark.parametrize("dark", [False, True])
def test_everyone_can_use_the_drawer_and_what_lies_over_the_page(seat, phone, dark):
    """axe finds nothing in the drawer, in the palette, in the sheet of keys, among the nodes and the notifications."""
    window = seat("harbor.owner", phone=phone, dark=dark, bypass_csp=True).room("Ticker")
    page = window.page
    bring_axe(page)

    number = page.get_by_role("button", name=re.compile("^Void ticket")).first.get_attribute("aria-label").split()[-1]
    game = page.evaluate("async () => (await (await fetch('/v1/board')).json()).items[5].fixture")
    for link in (
        "player/A1021/open",
        "player/A1021/ledger",
        "agent/A1",
        f"ticket/{number}",
        f"game/{game}",
        "player/none",
    ):
        page.evaluate("(link) => (location.hash = `#/${link}`)", link)
        there = drawer(page).locator("dl, [data-table]").or_(drawer(page).get_by_text("This is not here for you."))
        expect(there.first).to_be_visible()
        looks_well(page, link)
    page.keyboard.press("Escape")
    for key, what in (("Control+k", "dialog"), ("?", "dialog"), ("n", "listbox"), ("a", "heading")):
        page.keyboard.press(key)
        place = page.get_by_role("heading", name="Notifications") if what == "heading" else page.get_by_role(what)
        expect(place.first).to_be_visible()
        looks_well(page, key)
        page.keyboard.press("Escape")
    page.keyboard.press("Alt+Shift+S")
    # Who points at what was said keeps it.
    page.get_by_test_id("path").hover()
    looks_well(page, "a toast")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_test_id("path")).to_contain_text("reopened")


def test_notifications_last_until_they_are_seen_and_a_kind_can_be_turned_off(seat):
    page = seat("harbor.owner").page
    alerts = page.get_by_role("button", name=re.compile("^Alerts"))
    # What the demo began with may have gone by.
    set_role = """async () => (await fetch('/v1/set-role', { method: 'POST', headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ role: 'visitor', node: 'A1', permissions: ['board_view'], reason: 'to be told of' }) })).status"""
    assert page.evaluate(set_role) == 200
    expect(alerts).to_have_accessible_name(re.compile(r"Alerts: \d+ not seen yet"))
    page.reload()
    expect(alerts).to_have_accessible_name(re.compile(r"Alerts: \d+ not seen yet"))
    alerts.click()
    tray = page.get_by_role("list", name="Notifications, newest first")
    roles = tray.get_by_role("listitem").filter(has=page.locator(".tag", has_text=re.compile("^role$")))
    expect(roles.first).to_be_visible()
    page.get_by_text("Kinds", exact=True).click()
    page.get_by_label("role", exact=True).uncheck()
    expect(roles).to_have_count(0)
    alerts.click()
    expect(tray).to_have_count(0)
    page.reload()
    page.wait_for_selector("[data-connection=live]")
    alerts.click()
    expect(tray.get_by_role("listitem").first).to_be_visible()
    expect(roles).to_have_count(0)


MOVED_MEANWHILE = """(entries) => new Promise((done) => {
  const fell = [];
  let sum = 0;
  new PerformanceObserver((list) => {
    for (const shift of list.getEntries()) {
      sum += shift.value;
      for (const { node, previousRect, currentRect } of shift.sources)
        if (previousRect.y !== currentRect.y) fell.push((node?.outerHTML ?? node?.data ?? '').slice(0, 300));
    }
  }).observe({ type: 'layout-shift' });
  const position = () => Number(document.querySelector('[data-position]').dataset.position);
  const began = position();
  const look = () => (position() >= began + entries ? done({ fell, sum }) : requestAnimationFrame(look));
  look();
})"""
"""What has moved up or down on the page while so many entries came into the log, and how much it has moved as browsers count it:
a figure at the right that grows by a digit begins further left."""


@pytest.mark.parametrize("address", ["board", "risk", "ticker", "figures", "people", "log", "system", "agent/A1"])
def test_nothing_moves_on_a_page_that_nobody_touches(seat, address):
    page = seat("harbor.owner").page
    page.evaluate("(address) => (location.hash = `#/${address}`)", address)
    expect(page.locator("main tbody, main dl").first).to_be_visible()
    page.wait_for_timeout(1_000)
    moved = page.evaluate(MOVED_MEANWHILE, 150)
    assert moved["fell"] == []
    assert round(moved["sum"], 2) == 0
