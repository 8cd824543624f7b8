"""The console in a real browser, over a running demo: what each sees, every action, every button, and what may go wrong."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.e2e.conftest import PASSWORD, Demo, Seat
from tests.e2e.looks import bring_axe, looks_well

PATH = re.compile(r"durable [\d.]+ ms · on \d+ screens? in [\d.]+ ms · log #[\d,]+")


ROOMS = {
    "Board": "Lines",
    "Risk": "Risk",
    "Ticker": "Wagers",
    "Figures": "Figures",
    "People": "Players and agents",
    "Log": "Activity log",
    "System": "The engine just now",
}
"""The rooms of a book's owner, and what stands at their heads."""


def found_in(pattern, text):
    """What the pattern's group holds."""
    found = re.search(pattern, text)
    assert found, text
    return found[1]


def one_line(text):
    return re.sub(r"\s+", " ", text)


def test_a_password_that_is_wrong_is_said_and_what_was_typed_stays(seat):
    page = seat().page
    page.fill("[name=user]", "harbor.owner")
    page.fill("[name=password]", "not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert page.input_value("[name=user]") == "harbor.owner"


@pytest.mark.parametrize(
    ("user", "sees_log"),
    [("harbor.owner", True), ("agent.A", False), ("agent.A1", False)],
)
def test_each_sees_what_they_may(seat, user, sees_log):
    window, refused = seat(), []
    page = window.page
    page.on("response", lambda answer: refused.append(answer.url) if answer.status >= 400 else None)
    window.sign_in(user)
    rooms = page.get_by_role("navigation", name="Rooms")
    for room, heading in ROOMS.items():
        if room == "Log" and not sees_log:
            expect(rooms.get_by_role("link", name=room, exact=True)).to_have_count(0)
            page.evaluate("location.hash = '#/log'")
            expect(page.get_by_role("heading", name="This is not here for you.")).to_be_visible()
            expect(page.get_by_role("heading", name=heading, exact=True)).to_have_count(0)
        else:
            window.room(room)
            expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    alerts = page.get_by_role("button", name=re.compile("^Alerts"))
    expect(alerts).to_have_count(1 if sees_log else 0)
    if sees_log:
        alerts.click()
        expect(page.get_by_role("heading", name="Notifications", exact=True)).to_be_visible()
    window.room("Ticker")
    expect(page.locator("section[aria-labelledby=ticker-title] tbody tr[aria-rowindex]").nth(2)).to_be_visible()
    may_act = user == "harbor.owner"
    expect(page.get_by_role("button", name="Suspend all")).to_have_count(1 if may_act else 0)
    voids = page.get_by_role("button", name=re.compile("^Void ticket"))
    if user == "agent.A1":
        expect(voids).to_have_count(0)
    else:
        expect(voids.first).to_be_visible()
    assert refused == []


def test_an_agent_sees_their_own_players_only(seat):
    page = seat("agent.A1").room("Ticker").page
    rows = page.locator("section[aria-labelledby=ticker-title] tbody tr[aria-rowindex] td:nth-child(2)")
    expect(rows.nth(3)).to_be_visible()
    names = [name for name in rows.all_inner_texts() if not name.startswith("#")]
    assert names
    assert all(re.fullmatch(r"A10[0-9]{2}", name) for name in names), names


def test_a_node_can_be_looked_at(seat):
    page = seat("harbor.owner").room("Figures").page
    page.get_by_role("button", name="Look at the whole book").click()
    page.get_by_role("combobox", name="Find an agent").fill("B")
    expect(page.get_by_role("option", name="B", exact=True)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    rows = page.locator("section[aria-labelledby=figures-title] tbody th")
    expect(rows).to_have_text([re.compile(name) for name in ("B", "B1", "B2", "B3", "B4")])


def test_a_game_is_suspended_and_reopened(seat):
    owner = seat("harbor.owner")
    board = owner.page.locator("section[aria-labelledby=board-title]")
    game = board.locator("tbody").last
    game.get_by_role("button", name=re.compile(r"^Suspend \d+ ")).click()
    assert PATH.search(owner.path())
    expect(game.locator("td.closed").first).to_be_visible()
    expect(game).to_contain_text("game suspended")
    game.get_by_role("button", name=re.compile(r"^Reopen \d+ ")).click()
    assert PATH.search(one_line(owner.act("dry again")))
    expect(game.locator("td.closed")).to_have_count(0)


@pytest.mark.parametrize("what", ["all", "MLB"])
def test_everything_or_a_league_is_suspended_and_reopened(seat, what):
    owner = seat("harbor.owner")
    board = owner.page.locator("section[aria-labelledby=board-title]")
    owner.page.get_by_role("button", name=f"Suspend {what}").click()
    assert PATH.search(owner.path())
    expect(board.locator("td.closed").nth(20)).to_be_visible()
    expect(
        board.locator("td.status").get_by_text(f"{'everything' if what == 'all' else what} suspended").first
    ).to_be_visible()
    owner.page.get_by_role("button", name=f"Reopen {what}").click()
    assert PATH.search(one_line(owner.act("on again")))


def test_a_market_is_suspended_and_reopened(seat):
    owner = seat("harbor.owner")
    game = owner.page.locator("section[aria-labelledby=board-title] tbody").nth(9)
    game.get_by_role("button", name=re.compile("Move the total")).first.click()
    owner.page.get_by_role("button", name=re.compile("Suspend the total")).click()
    assert PATH.search(owner.path())
    owner.page.get_by_role("button", name=re.compile("Reopen the total")).click()
    assert PATH.search(one_line(owner.act("balanced")))


def open_players(seat, agent="A1"):
    figures = seat.room("Figures").page.locator("section[aria-labelledby=figures-title]")
    figures.get_by_role("button", name=re.compile(f"^. {agent}$")).click()


def test_a_credit_limit_is_changed_and_the_preview_says_so(seat):
    owner = seat("harbor.owner")
    open_players(owner)
    owner.page.get_by_role("button", name="Change the credit of A1030").click()
    dialog = owner.page.get_by_role("dialog")
    dialog.locator("[data-field=limit]").fill("garbage")
    dialog.locator("[data-field=reason]").fill("weekly review")
    dialog.get_by_role("button", name="Preview").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Write an amount")
    assert dialog.locator("[data-field=limit]").input_value() == "garbage"
    dialog.locator("[data-field=limit]").fill("12,345.50")
    dialog.get_by_role("button", name="Preview").click()
    expect(dialog).to_contain_text(re.compile(r"Credit limit of A1030: [\d,.]+ → 12,345\.50; available"))
    dialog.get_by_role("button", name="Do it").click()
    dialog.wait_for(state="hidden")
    assert PATH.search(one_line(owner.page.get_by_test_id("path").inner_text()))
    row = owner.page.locator("tr.inner", has_text="A1030")
    expect(row).to_contain_text("12,345.50")
    owner.page.get_by_test_id("path").get_by_role("button", name="trace").click()
    expect(owner.page.get_by_role("dialog")).to_contain_text("handed to the store")


def test_a_wager_is_voided(seat):
    owner = seat("harbor.owner").room("Ticker")
    # The ticker runs on; the button is taken as it is just now.
    owner.page.get_by_role("button", name=re.compile("^Void ticket")).first.evaluate("button => button.click()")
    assert PATH.search(one_line(owner.act("written twice")))


def test_a_user_is_revoked_and_their_screen_is_cut_and_restored(seat):
    owner, agent = seat("harbor.owner"), seat("agent.A")
    owner.room("Figures").page.get_by_role("button", name="Users of A", exact=True).click()
    owner.page.get_by_role("button", name="Revoke agent.A", exact=True).click()
    assert PATH.search(one_line(owner.act("left")))
    expect(agent.page.locator("[data-connection]")).to_have_attribute("data-connection", "refused")
    expect(agent.page.get_by_text("Your access has been revoked, and this session with it")).to_be_visible()
    agent.page.fill("[name=password]", PASSWORD)
    agent.page.get_by_role("button", name="Sign in").click()
    expect(agent.page.get_by_role("alert").filter(has_text="Your access has been revoked")).to_be_visible()
    owner.page.get_by_role("button", name="Restore agent.A", exact=True).click()
    assert PATH.search(one_line(owner.act("came back")))
    agent.sign_in("agent.A")


def test_a_permission_that_goes_while_a_dialog_is_open_is_said_and_what_was_typed_stays(seat):
    owner, agent = seat("harbor.owner"), seat("agent.A")
    open_players(agent)
    agent.page.get_by_role("button", name="Change the credit of A1031").click()
    field = agent.page.locator("[data-field=limit]")
    field.fill("777.00")
    owner.room("Figures").page.get_by_role("button", name="Users of A", exact=True).click()
    owner.page.get_by_role("button", name="Revoke agent.A", exact=True).click()
    owner.act("left")
    expect(agent.page.locator("[data-connection]")).to_have_attribute("data-connection", "refused")
    assert field.input_value() == "777.00"
    owner.page.get_by_role("button", name="Restore agent.A", exact=True).click()
    owner.act("came back")
    agent.sign_in("agent.A")
    assert field.input_value() == "777.00"


def test_two_people_who_edit_one_limit_do_not_overwrite_each_other(seat):
    one, other = seat("harbor.owner"), seat("harbor.owner")
    for window, limit in ((one, "800"), (other, "900")):
        open_players(window)
        window.page.get_by_role("button", name="Change the credit of A1033").click()
        dialog = window.page.get_by_role("dialog")
        dialog.locator("[data-field=limit]").fill(limit)
        dialog.locator("[data-field=reason]").fill("review")
        dialog.get_by_role("button", name="Preview").click()
        expect(dialog.get_by_role("button", name="Do it")).to_be_visible()
    one.page.get_by_role("button", name="Do it").click()
    one.page.get_by_role("dialog").wait_for(state="hidden")
    other.page.get_by_role("button", name="Do it").click()
    expect(other.page.get_by_role("dialog").get_by_role("alert")).to_contain_text("Somebody has changed this")
    assert other.page.locator("[data-field=limit]").input_value() == "900"
    other.page.get_by_role("button", name="Preview").click()
    other.page.get_by_role("button", name="Do it").click()
    other.page.get_by_role("dialog").wait_for(state="hidden")


HOUR_OFF = """
const now = Date.now.bind(Date);
Date.now = () => now() + 3_600_000;
Object.defineProperty(performance, 'timeOrigin', { value: performance.timeOrigin + 3_600_000 });
"""


def test_a_clock_that_is_an_hour_off_changes_nothing(seat):
    owner = seat("harbor.owner", script=HOUR_OFF)
    # An hour in milliseconds has seven digits.
    expect(owner.page.locator("[data-connection]")).to_contain_text(re.compile(r"live, (\d\.\d|\d{1,5}) ms"))
    starts = owner.page.locator("section[aria-labelledby=board-title] tbody tr td.status").first
    expect(starts).to_contain_text(re.compile(r"^\s*\d+:\d\d"))
    open_players(owner)
    owner.page.get_by_role("button", name="Change the credit of A1034").click()
    assert PATH.search(one_line(owner.act("review", limit="650")))


def test_a_session_that_ends_leaves_what_was_typed(seat):
    owner, other = seat("harbor.owner"), seat("harbor.owner")
    open_players(owner)
    owner.page.get_by_role("button", name="Change the credit of A1035").click()
    field = owner.page.locator("[data-field=limit]")
    field.fill("543.21")
    ended = other.page.evaluate(
        """async () => {
          const rows = (await (await fetch('/v1/sessions?limit=1000')).json()).items
            .filter((row) => row.user === 'harbor.owner').sort((a, b) => b.started_ns - a.started_ns);
          const mine = rows[0].session;
          for (const row of rows.slice(1)) {
            await fetch('/v1/end-session', { method: 'POST', headers: { 'content-type': 'application/json' },
              body: JSON.stringify({ session: row.session, reason: 'test' }) });
          }
          return rows.length;
        }"""
    )
    assert ended > 1
    expect(owner.page.get_by_text("Your session has ended. Sign in again; what you wrote")).to_be_visible()
    assert field.input_value() == "543.21"
    owner.sign_in("harbor.owner")
    assert field.input_value() == "543.21"
    assert PATH.search(one_line(owner.act("review")))


def test_a_player_wagers_at_a_price_that_moves_and_sees_it_among_their_own(seat):
    owner, player = seat("harbor.owner"), seat("A1021", phone=True)
    page = player.page
    game = page.locator("section.game").nth(10)
    team = game.get_by_role("heading").inner_text().split(" at ")[0].split(" ", 1)[1]
    game.locator(".market").nth(2).get_by_role("button").first.click()
    slip = page.get_by_role("form", name="Slip")
    slip.locator("[data-field=risk]").fill("a lot")
    player.refused("Write an amount")
    slip.locator("[data-field=risk]").fill("5")
    row = owner.page.locator("section[aria-labelledby=board-title] tbody", has_text=team)
    row.get_by_role("button", name=re.compile("Move the moneyline")).first.click()
    owner.page.get_by_role("button", name=re.compile("^Move the moneyline .* with a reason$")).click()
    owner.act("early money", cents="15")
    accept = slip.get_by_role("button", name="Accept the new price")
    expect(accept).to_be_visible()
    accept.click()
    number = found_in(r"#([\d,]+)", player.place().inner_text())
    page.get_by_test_id("placed").get_by_role("link", name="My wagers").click()
    ticket = page.locator("li.ticket", has_text=f"#{number} ")
    expect(ticket).to_be_visible()
    # It moves by itself: the owner voids it.
    done = owner.page.evaluate(
        """async (wager) => (await fetch('/v1/void-wager', { method: 'POST', headers: { 'content-type': 'application/json' },
             body: JSON.stringify({ wager, reason: 'test' }) })).status""",
        int(number.replace(",", "")),
    )
    assert done == 200
    expect(ticket).to_contain_text("void")


def test_more_than_the_credit_is_refused_in_words(seat):
    player = seat("A1021", phone=True)
    player.page.locator("section.game").nth(12).locator(".market").nth(2).get_by_role("button").first.click()
    player.page.get_by_role("form", name="Slip").locator("[data-field=risk]").fill("99999")
    player.refused("At most")


def result_of(page, name):
    return page.locator(f"[data-result={name}]")


def test_every_button_of_try_it_says_what_it_measured(seat):
    owner, agent = seat("harbor.owner").try_it(), seat("agent.A")
    page = owner.page
    page.get_by_role("button", name="Change a limit").click()
    expect(result_of(page, "limit")).to_contain_text(re.compile(r"durable [\d.]+ ms, on \d+ screens? in"))
    page.get_by_role("button", name=re.compile("^Revoke or restore")).click()
    expect(result_of(page, "revoke")).to_contain_text("of their sessions ended with it")
    expect(agent.page.locator("[data-connection]")).to_have_attribute("data-connection", "refused")
    page.get_by_role("button", name=re.compile("^Revoke or restore")).click()
    expect(result_of(page, "revoke")).to_contain_text("may act again")
    page.get_by_role("button", name="Ten times the load").click()
    expect(result_of(page, "load")).to_contain_text("wagers/s are tried now")
    page.get_by_role("button", name="The usual load").click()
    expect(result_of(page, "load")).to_contain_text("usual load again")


def test_the_engine_is_killed_and_what_was_acknowledged_is_there(seat):
    owner = seat("harbor.owner").try_it()
    page = owner.page
    page.get_by_role("button", name="Kill the engine").click()
    expect(page.locator("[data-connection]")).to_have_attribute("data-connection", "lost")
    expect(page.locator("[data-connection]")).to_contain_text(re.compile(r"reconnecting, as of \d\d:\d\d:\d\d"))
    expect(result_of(page, "kill")).to_contain_text("acknowledged before, is there", timeout=30_000)
    expect(page.locator("[data-connection]")).to_have_attribute("data-connection", "live")


def test_what_was_typed_stays_when_the_server_cannot_be_reached(seat):
    owner = seat("harbor.owner")
    page = owner.page
    open_players(owner)
    page.get_by_role("button", name="Change the credit of A1036").click()
    dialog = page.get_by_role("dialog")
    dialog.locator("[data-field=limit]").fill("612")
    dialog.locator("[data-field=reason]").fill("review")
    page.route("**/v1/adjust-credit*", lambda route: route.abort())
    dialog.get_by_role("button", name="Preview").click()
    expect(dialog.get_by_role("alert")).to_contain_text("cannot be reached")
    assert dialog.locator("[data-field=limit]").input_value() == "612"
    page.unroute("**/v1/adjust-credit*")
    assert PATH.search(one_line(owner.act("review")))


def test_a_server_that_says_nothing_is_not_shown_as_live(seat, demo):
    page = seat("harbor.owner").page
    (engine,) = (int(one) for one in Path(f"/proc/{demo.child.pid}/task/{demo.child.pid}/children").read_text().split())
    os.kill(engine, signal.SIGSTOP)
    try:
        expect(page.locator("[data-connection]")).to_have_attribute("data-connection", "lost")
        expect(page.locator("[data-connection]")).to_contain_text(re.compile(r"reconnecting, as of \d\d:\d\d:\d\d"))
    finally:
        os.kill(engine, signal.SIGCONT)
    expect(page.locator("[data-connection]")).to_have_attribute("data-connection", "live")


def test_the_demo_says_at_the_end_what_happened_and_it_verifies(browser, tmp_path):
    demo = Demo(tmp_path, "--for", "5m", "--rate", "50")
    window = Seat(browser, demo).sign_in("harbor.owner").room("Ticker")
    expect(window.page.locator("section[aria-labelledby=ticker-title] tbody tr[aria-rowindex]").nth(20)).to_be_visible()
    window.close()
    said = demo.stop()
    assert demo.child.returncode == 0
    assert f"runline verify {demo.database}" in said
    assert re.search(r"harbor +[\d,]+ +[\d,]+", said)
    done = subprocess.run(
        [sys.executable, "-m", "runline", "verify", str(demo.database)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("user", ["", "harbor.owner", "agent.A1", "A1021"])
@pytest.mark.parametrize("phone", [False, True])
@pytest.mark.parametrize("dark", [False, True])
def test_everyone_can_use_it(seat, user, phone, dark):
    """axe finds nothing in any room, on a desktop and on a phone, light and dark."""
    # The page's policy lets no script in; axe is one.
    window = seat(user, phone=phone, dark=dark, bypass_csp=True)
    page = window.page
    if user:
        games = page.locator("section[aria-labelledby=board-title] tbody" if "." in user else "section.game")
        expect(games.nth(5)).to_be_visible()
    bring_axe(page)
    for room in [room for room in ROOMS if "." in user and (room != "Log" or user == "harbor.owner")] or [""]:
        if room:
            window.room(room)
            expect(page.get_by_role("heading", name=ROOMS[room], exact=True)).to_be_visible()
        looks_well(page, room)
