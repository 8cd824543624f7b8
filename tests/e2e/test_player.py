"""The player's site in a real browser: from the board to a ticket's number, what may come between, and what is theirs to read."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect
from tests.e2e.conftest import Seat, ask, does
from tests.e2e.looks import bring_axe, looks_well

DAY = ("--speed", "1")
"""As slow as it was: no game begins meanwhile, and the house moves hardly a line."""

TAPS_MAX = 4
"""From the board to a ticket's number; a price that moves in between is confirmed by one more."""

VIEWS = ("board", "wagers", "wagers?which=settled", "account", "rules")
ROWS = 50
"""Rows of a page of the site's lists."""


def choose(page, game=3, market=2):
    """Press the last price of a market; returns the slip."""
    page.locator("section.game").nth(game).locator(".market").nth(market).get_by_role("button").last.click()
    slip = page.get_by_role("form", name="Slip")
    expect(slip).to_be_visible()
    return slip


def number_of(placed):
    found = re.search(r"#([\d,]+)", placed.inner_text())
    assert found
    return int(found[1].replace(",", ""))


@pytest.fixture
def account(seat, browser, demo):
    """Opens accounts that are nobody else's: (account number, the owner's page)."""
    owner = seat("harbor.owner").page
    made = iter(range(1, 100))

    def opened(name):
        number = f"{name}{next(made)}"
        does(owner, "create-player", player=number, agent="A1", credit_limit_minor=100_00)
        does(owner, "set-password", user=number, password="in-real-time")
        return number, owner

    return opened


def test_from_the_board_to_a_tickets_number_it_takes_few_taps(seat):
    page = seat("A1021", phone=True).page
    slip = choose(page)
    slip.get_by_role("button", name="Risk 10", exact=True).click()
    taps, placed = 2, page.get_by_test_id("placed")
    while not placed.is_visible():
        button = slip.locator("button.main:not(:disabled)")
        expect(button.or_(placed).first).to_be_visible()
        if placed.is_visible():
            break
        taps += button.inner_text() == "Place wager"
        button.click()
        expect(placed.or_(button).first).to_be_visible()
        # A price that moved while it was under way: it is confirmed, and this tap counted for nothing.
        taps -= slip.get_by_role("alert").is_visible()
    assert taps <= TAPS_MAX
    expect(placed).to_be_in_viewport(ratio=1)
    expect(placed).to_contain_text(re.compile(r"Ticket #[\d,]+ is placed\."))
    expect(placed).to_contain_text("risk 10.00 to win ")


def test_either_half_of_the_amount_is_written_and_the_other_follows(seat):
    page = seat("A1021", phone=True).page
    slip = choose(page, game=4)
    halves = """(form) => [form.querySelector('.quote').textContent, ...['risk', 'to_win']
        .map((half) => form.querySelector(`[data-field=${half}]`).value)]"""

    def stands(written):
        quote, risk, win = slip.evaluate(halves)
        price = int(re.sub("[^-0-9]", "", quote.replace("−", "-").split()[-1].replace("EV", "+100")))
        profit = price / 100 if price > 0 else 100 / -price
        other = float(risk) * profit if written == "risk" else float(win) / profit
        assert abs(float(win if written == "risk" else risk) - other) <= 0.0051, (quote, risk, win)
        return float(risk), float(win)

    slip.locator("[data-field=risk]").fill("73.5")
    assert stands("risk")[0] == 73.5
    slip.locator("[data-field=to_win]").fill("40")
    assert stands("to_win")[1] == 40
    slip.get_by_role("button", name="To win 100", exact=True).click()
    assert stands("to_win")[1] == 100
    slip.locator("[data-field=risk]").fill("x")
    expect(slip.locator("[data-field=to_win]")).to_have_value("")
    slip.get_by_role("button", name="Cancel").click()
    expect(slip).to_have_count(0)


def test_an_answer_that_is_lost_is_asked_for_again_and_the_wager_is_placed_once(seat, account):
    number, _ = account("L")
    player = seat(number, phone=True)
    page = player.page
    slip = choose(page, game=5)
    slip.locator("[data-field=risk]").fill("7")
    lost = []

    def lose(route):
        answer = route.fetch()
        if answer.status == 200:
            lost.append(answer.json()["events"][0]["wager"])
            route.abort()
        else:
            route.fulfill(response=answer)

    page.route("**/v1/place-wager*", lose)
    while not lost:
        slip.locator("button.main:not(:disabled)").click()
        expect(slip.get_by_role("alert").or_(slip.locator("button.main", has_text="Place wager")).first).to_be_visible()
    expect(slip.get_by_role("alert")).to_contain_text("Nobody knows yet whether it was placed")
    for half in ("risk", "to_win"):
        expect(slip.locator(f"[data-field={half}]")).to_be_disabled()
    expect(slip.locator("[data-field=risk]")).to_have_value("7")
    page.unroute("**/v1/place-wager*")
    slip.get_by_role("button", name="Try again").click()
    assert [number_of(page.get_by_test_id("placed"))] == lost
    page.get_by_test_id("placed").get_by_role("link", name="My wagers").click()
    expect(page.locator("li.ticket")).to_have_count(1)


def test_what_is_under_way_stays_as_it_was_sent_whatever_is_pressed_meanwhile(seat, account):
    number, _ = account("U")
    page = seat(number, phone=True).page
    slip = choose(page, game=5)
    slip.locator("[data-field=risk]").fill("7")
    main, alert = slip.locator("button.main"), slip.get_by_role("alert")
    buttons = page.locator("section.game").nth(5).locator(".market").nth(2).get_by_role("button")
    held: list[Any] = []
    ids: list[str] = []
    lost: list[Any] = []

    def press_all():
        # Also what no browser would let anybody press.
        for button in (buttons.last, buttons.first):
            button.dispatch_event("click")
        expect(page.locator("section.game [aria-pressed=true]")).to_have_count(1)
        expect(buttons.last).to_have_attribute("aria-pressed", "true")
        expect(buttons.first).to_have_attribute("aria-disabled", "true")

    page.route("**/v1/place-wager*", lambda route: held.append(route))
    while not lost:
        slip.locator("button.main:not(:disabled)").click()
        # The first press may only have confirmed a price that moved.
        if main.inner_text() != "Placing …":
            continue
        press_all()
        expect(slip.get_by_role("button", name="Cancel")).to_be_disabled()
        while not held:
            page.evaluate("null")
        route = held.pop()
        ids.append(route.request.headers["idempotency-key"])
        answer = route.fetch()
        if answer.status == 200:
            lost.append(answer.json()["events"][0]["wager"])
            route.abort()
            expect(alert).to_contain_text("look for it in My wagers")
        else:
            route.fulfill(response=answer)
            expect(slip.locator("button.main:not(:disabled)")).to_be_visible()
    press_all()
    page.unroute("**/v1/place-wager*")
    with page.expect_request("**/v1/place-wager*") as sent:
        main.click()
    assert sent.value.headers["idempotency-key"] == ids[-1]
    placed = page.get_by_test_id("placed")
    assert [number_of(placed)] == lost
    placed.get_by_role("link", name="My wagers").click()
    expect(page.locator("li.ticket")).to_have_count(1)


def test_one_of_which_nobody_knows_is_given_up_and_looked_for_in_the_wagers(seat, account):
    number, _ = account("G")
    page = seat(number, phone=True).page
    slip = choose(page, game=5)
    slip.locator("[data-field=risk]").fill("7")
    page.route("**/v1/place-wager*", lambda route: route.fulfill(status=502, body="the proxy's own words"))
    give_up = slip.get_by_role("link", name="Give up")
    while not give_up.is_visible():
        slip.locator("button.main:not(:disabled)").click()
        expect(give_up.or_(slip.locator("button.main", has_text="Place wager")).first).to_be_visible()
    expect(slip.get_by_role("alert")).to_contain_text("Nobody knows yet whether it was placed")
    give_up.click()
    expect(page.get_by_role("link", name="My wagers")).to_have_attribute("aria-current", "page")
    expect(slip).to_have_count(0)


def test_what_was_typed_is_kept_when_the_session_ends_and_is_placed_after_signing_in_again(seat, account):
    number, owner = account("S")
    player = seat(number, phone=True)
    page = player.page
    slip = choose(page, game=6)
    slip.locator("[data-field=risk]").fill("4.25")
    ended = owner.evaluate(
        """async (user) => { const rows = (await (await fetch(`/v1/sessions?user=${user}`)).json()).items;
          for (const row of rows) await fetch('/v1/end-session', { method: 'POST', headers: { 'content-type':
              'application/json' }, body: JSON.stringify({ session: row.session, reason: 'test' }) });
          return rows.length; }""",
        number,
    )
    assert ended == 1
    expect(page.get_by_role("dialog", name="Sign in again")).to_be_visible()
    player.sign_in(number)
    expect(page.get_by_role("dialog", name="Sign in again")).to_be_hidden()
    expect(slip.locator("[data-field=risk]")).to_have_value("4.25")
    placed = player.place()
    expect(placed).to_contain_text("risk 4.25 to win ")
    wager = number_of(placed)
    placed.get_by_role("link", name="My wagers").click()
    ticket = page.locator("li.ticket", has_text=f"#{wager:,} ")
    expect(ticket).to_have_count(1)
    # The site hears what the new session hears.
    does(owner, "void-wager", wager=wager, reason="wrong price")
    expect(ticket).to_contain_text("void: wrong price")


def test_a_market_that_closes_in_the_slip_says_so_and_takes_nothing_until_it_is_open(seat):
    owner, page = seat("harbor.owner").page, seat("A1021", phone=True).page
    slip = choose(page, game=8)
    slip.locator("[data-field=risk]").fill("6")
    button = slip.locator("button.main")
    expect(button).to_be_enabled()
    number = int(page.locator("section.game").nth(8).locator("h3 .soft").first.inner_text())
    game = next(one["fixture"] for one in ask(owner, "board") if one["rotation"] == number)
    does(owner, "suspend", scope="fixture", subject=game, reason="test")
    expect(slip.get_by_role("status")).to_contain_text("takes no wagers now: game suspended")
    expect(button).to_be_disabled()
    does(owner, "reopen", scope="fixture", subject=game, reason="test")
    expect(button).to_be_enabled()
    expect(slip.locator("[data-field=risk]")).to_have_value("6")


def test_more_than_the_credit_is_said_before_and_cut_to_the_most_by_one_tap(seat, account):
    number, _ = account("C")
    player = seat(number, phone=True)
    page = player.page
    slip = choose(page, game=7)
    slip.locator("[data-field=risk]").fill("250")
    expect(slip.get_by_role("status")).to_contain_text(re.compile("More than is available|was"))
    alert = slip.get_by_role("alert")
    while not alert.get_by_role("button").is_visible():
        slip.locator("button.main:not(:disabled)").click()
        expect(alert.or_(slip.get_by_role("button", name="Place wager")).first).to_be_visible()
    expect(alert).to_contain_text("At most 100.00 can be risked")
    alert.get_by_role("button", name="Risk 100.00").click()
    expect(slip.locator("[data-field=risk]")).to_have_value("100.00")
    expect(player.place()).to_contain_text("risk 100.00 to win ")
    expect(page.get_by_label("My account")).to_contain_text(re.compile(r"Available\s*0\.00"))


def test_money_that_is_booked_moves_the_account_and_its_transactions_go_back_without_end(seat, account):
    number, owner = account("M")
    page = seat(number, phone=True).page
    page.get_by_role("link", name="Account").click()
    lines = page.get_by_role("region", name="Transactions").get_by_role("listitem")
    expect(lines).to_have_text(["Nothing has been booked yet."])
    does(owner, "enter-transaction", player=number, kind="receipt", amount_minor=12_50, description="cash, Monday")
    expect(lines).to_have_count(1)
    expect(lines.first).to_contain_text("You paid")
    expect(lines.first).to_contain_text("cash, Monday")
    expect(lines.first).to_contain_text("+12.50")
    expect(page.get_by_label("My account")).to_contain_text(re.compile(r"Available\s*112\.50"))
    for place in range(ROWS):
        does(owner, "enter-transaction", player=number, kind="adjustment", amount_minor=1, description=f"no. {place}")
    expect(lines.first).to_contain_text("balance 13.00")
    page.reload()
    expect(lines).to_have_count(ROWS)
    page.get_by_role("button", name="Older transactions").click()
    expect(lines).to_have_count(ROWS + 1)
    expect(lines.last).to_contain_text("cash, Monday")
    expect(page.get_by_role("button", name="Older transactions")).to_have_count(0)


def test_a_player_changes_their_password_by_the_one_until_now(seat, account, browser, demo):
    number, _ = account("W")
    player = seat(number, phone=True)
    page = player.page
    page.get_by_role("link", name="Account").click()
    form = page.get_by_role("form", name="Change of password")

    def change(old, new, again):
        for name, typed in (("old", old), ("new", new), ("again", again)):
            form.locator(f"[name={name}]").fill(typed)
        form.get_by_role("button", name="Change the password").click()

    change("in-real-time", "a-newer-word", "a-newer-ward")
    expect(form.get_by_role("alert")).to_contain_text("not the same twice")
    change("not-that-one", "a-newer-word", "a-newer-word")
    expect(form.get_by_role("alert")).to_be_visible()
    change("in-real-time", "a-newer-word", "a-newer-word")
    expect(form.get_by_role("status")).to_contain_text("The password is changed.")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You have signed out.")).to_be_visible()
    again = Seat(browser, demo, phone=True).sign_in(number, "a-newer-word")
    again.close()


def test_the_house_rules_are_those_by_which_games_are_settled(seat):
    page = seat("A1021", phone=True).page
    page.get_by_role("link", name="Rules").click()
    money = page.locator("section.card", has=page.get_by_role("heading", name="Whole game: moneyline", exact=True))
    expect(money).to_contain_text("Extra innings count.")
    expect(money).to_contain_text("if 5 innings were played, or 4½ innings where the home side leads.")
    expect(money).to_contain_text("wagers are void 36 hours after the start")
    lines = page.locator(
        "section.card", has=page.get_by_role("heading", name="Whole game: run line, total", exact=True)
    )
    expect(lines).to_contain_text("was played as scheduled, or half an inning less where the home side leads.")


def test_back_and_a_link_lead_to_the_views(seat):
    page = seat("A1021").page
    page.evaluate("location.hash = '#/wagers?which=settled'")
    expect(page.get_by_role("link", name="Settled")).to_have_attribute("aria-current", "true")
    page.get_by_role("link", name="Board").click()
    expect(page.locator("section.game").nth(3)).to_be_visible()
    page.go_back()
    expect(page.get_by_role("link", name="Settled")).to_have_attribute("aria-current", "true")
    page.evaluate("location.hash = '#/nowhere/at all?%'")
    expect(page.locator("section.game").nth(3)).to_be_visible()


@pytest.mark.parametrize("phone", [False, True])
@pytest.mark.parametrize("dark", [False, True])
def test_every_view_can_be_used_by_everyone(seat, phone, dark):
    """axe finds nothing in any view, nor in the slip, and nothing is wider than the window."""
    page = seat("A1021", phone=phone, dark=dark, bypass_csp=True).page
    bring_axe(page)

    for view in VIEWS:
        page.evaluate("(view) => (location.hash = `#/${view}`)", view)
        expect(page.locator("main")).not_to_contain_text("Loading …")
        looks_well(page, view)
    page.evaluate("location.hash = '#/board'")
    slip = choose(page, game=2)
    slip.locator("[data-field=risk]").fill("999999")
    looks_well(page, "slip")
