"""The room of people in a real browser: found, paid, credited, opened, suspended, and nobody sees more than their own."""

import re

from playwright.sync_api import expect
from tests.e2e.conftest import POSTED, Seat, ask, does

ACTIONS_MAX = 9
"""What a receipt takes from anywhere, each press of a key and each word typed counted as one."""


class Keyboard:
    """A keyboard that counts what is done on it."""

    def __init__(self, page):
        self.page, self.count = page, 0

    def press(self, key):
        self.count += 1
        self.page.keyboard.press(key)

    def write(self, text):
        self.count += 1
        self.page.keyboard.type(text)


def figures_of(page, player):
    """A player as the server has them."""
    return page.evaluate(
        "async (player) => (await (await fetch(`/v1/players?player=${player}`)).json()).items[0]", player
    )


def test_a_receipt_is_entered_by_keys_and_its_slip_says_the_balance_before_and_after(seat):
    page = seat("harbor.owner").page
    hand = Keyboard(page)
    hand.press("Control+k")
    hand.write("A2030")
    expect(page.get_by_role("dialog").get_by_role("option", name=re.compile("A2030")).first).to_be_visible()
    hand.press("Enter")
    drawer = page.locator("[data-drawer=player]")
    expect(drawer.get_by_role("button", name="Receipt")).to_be_visible()
    hand.press("r")
    hand.write("250")
    hand.press("Tab")
    hand.write("cash, Monday")
    dialog = page.get_by_role("dialog")
    hand.press("Enter")
    expect(dialog).to_contain_text(re.compile(r"Balance of A2030: [−\d,.]+ → [−\d,.]+; available"))
    hand.press("Enter")
    booked = drawer.get_by_test_id("booked")
    expect(booked).to_contain_text("Receipt 250.00")
    assert hand.count <= ACTIONS_MAX
    said = re.search(r"balance ([−\d,.]+) → ([−\d,.]+)", booked.inner_text())
    assert said
    before, after = said.groups()
    booked.get_by_role("button", name="Slip").click()
    slip = page.get_by_role("dialog", name="Receipt")
    for line in (f"Balance before{before}", f"Balance after{after}", "Amount250.00", "Forcash, Monday", "PlayerA2030"):
        expect(slip).to_contain_text(line)
    page.emulate_media(media="print")
    expect(slip.locator("dl")).to_be_visible()
    expect(page.get_by_role("navigation", name="Rooms")).to_be_hidden()
    page.emulate_media(media="screen")
    page.keyboard.press("Escape")
    drawer.get_by_role("link", name="Ledger").click()
    expect(drawer.get_by_role("row").filter(has_text="receipt: cash, Monday")).to_contain_text("+250.00")


def test_an_adjustment_may_be_below_nothing(seat):
    owner = seat("harbor.owner")
    page = owner.page
    page.evaluate("location.hash = '#/player/A2031'")
    page.get_by_role("button", name="Adjustment").click()
    owner.act("booked twice", amount="-40")
    expect(page.get_by_test_id("booked")).to_contain_text("Adjustment 40.00")
    page.get_by_role("link", name="Ledger").click()
    row = page.locator("[data-drawer=player]").get_by_role("row").filter(has_text="adjustment: booked twice")
    expect(row).to_contain_text("−40.00")


def test_on_a_phone_a_player_is_opened_let_in_paid_credited_and_suspended(seat, browser, demo):
    window = seat("harbor.owner", phone=True).room("People")
    page = window.page
    page.get_by_label("Agents", exact=True).select_option("C2")
    page.get_by_role("button", name="New player").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Agent")).to_have_value("C2")
    dialog.locator("[data-field=player]").fill("C2099")
    dialog.locator("[data-field=limit]").fill("500")
    dialog.get_by_role("button", name="Preview").click()
    expect(dialog).to_contain_text("No account C2099 → C2099 under C2, credit limit 500.00")
    dialog.get_by_role("button", name="Do it").click()

    drawer = page.locator("[data-drawer=player]")
    drawer.get_by_role("button", name="Password").click()
    page.get_by_role("button", name="Make one up").click()
    page.get_by_role("button", name="Set the password").click()
    player = Seat(browser, demo, phone=True).sign_in("C2099", page.get_by_test_id("password").inner_text())
    player.close()
    page.get_by_role("button", name="Close", exact=True).click()

    drawer.get_by_role("button", name="Receipt").click()
    window.act("first payment", amount="120")
    drawer.get_by_role("button", name="Credit").click()
    window.act("as agreed", limit="800")
    expect(drawer.locator("dl")).to_contain_text("920.00")
    stands = figures_of(page, "C2099")
    assert (stands["balance_minor"], stands["credit_limit_minor"]) == (120_00, 800_00)
    drawer.get_by_role("button", name="Suspend").click()
    expect(drawer.locator("dl")).to_contain_text("suspended")
    drawer.get_by_role("button", name="Reopen").click()
    window.act("cleared up")
    expect(drawer.locator("dl")).not_to_contain_text("suspended")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_an_agent_finds_their_own_players_only_and_does_what_they_may(seat):
    page = seat("agent.A").room("People").page
    rows = page.locator("section[aria-labelledby=people-title] tbody tr[aria-rowindex] td:first-child")
    expect(rows.nth(20)).to_be_visible()
    assert all(re.match(r"A\d{4}", name) for name in rows.all_inner_texts())
    expect(
        page.get_by_role("navigation", name="Agents").get_by_role("link", name=re.compile("^Accounts of"))
    ).to_have_text([re.compile(rf"^Accounts of {name}\b") for name in ("A", "A1", "A2", "A3", "A4")])
    expect(page.get_by_role("button", name="New player")).to_have_count(0)
    page.get_by_role("link", name="A1022", exact=True).click()
    drawer = page.locator("[data-drawer=player]")
    expect(drawer.get_by_role("button", name="Credit")).to_be_visible()
    for name in ("Receipt", "Suspend", "Password"):
        expect(drawer.get_by_role("button", name=name)).to_have_count(0)
    page.evaluate("location.hash = '#/player/B1021'")
    expect(page.get_by_role("heading", name="This is not here for you.")).to_be_visible()


def test_an_agent_is_opened_and_moved_and_somebody_acts_for_it(seat):
    window = seat("harbor.owner").room("People")
    page = window.page
    tree = page.get_by_role("navigation", name="Agents")
    tree.get_by_role("link", name=re.compile(r"^Accounts of D\b")).click()
    dialog = page.get_by_role("dialog")
    page.get_by_role("button", name="New agent").click()
    dialog.locator("[data-field=agent]").fill("D9")
    dialog.get_by_role("button", name="Preview").click()
    expect(dialog).to_contain_text("No agent D9 → D9 under D")
    dialog.get_by_role("button", name="Do it").click()
    drawer = page.locator("[data-drawer=agent]")
    drawer.get_by_role("button", name="New user").click()
    dialog.locator("[data-field=user]").fill("agent.D9")
    window.choose("Role", "viewer")
    dialog.get_by_role("button", name="Preview").click()
    expect(dialog).to_contain_text("No user agent.D9 → agent.D9 as viewer at D9")
    dialog.get_by_role("button", name="Do it").click()
    drawer.get_by_role("link", name="Users").click()
    drawer.get_by_role("link", name="agent.D9").click()
    user = page.locator("[data-drawer=user]")
    user.get_by_role("button", name="Role").click()
    window.choose("Role", "agent")
    window.act("knows the work")
    expect(user.locator("dl")).to_contain_text(re.compile(r"Role\s*agent"))
    page.keyboard.press("Escape")
    drawer.get_by_role("button", name="Move").click()
    window.choose("Under", "E")
    dialog.locator("[data-field=reason]").fill("sold")
    dialog.get_by_role("button", name="Preview").click()
    expect(dialog).to_contain_text("D9: under D → under E")
    dialog.get_by_role("button", name="Do it").click()
    expect(drawer.locator("dl").get_by_role("link", name="E", exact=True)).to_be_visible()


def test_a_player_is_moved_and_the_preview_says_what_goes_along(seat):
    window = seat("harbor.owner")
    page = window.page
    page.evaluate("location.hash = '#/player/D1024'")
    drawer = page.locator("[data-drawer=player]")
    drawer.get_by_role("button", name="Move").click()
    dialog = page.get_by_role("dialog")
    before = figures_of(page, "D1024")["agent"]
    window.choose("Agent", "E1")
    dialog.locator("[data-field=reason]").fill("sold")
    dialog.get_by_role("button", name="Preview").click()
    expect(dialog).to_contain_text(
        re.compile(rf"D1024: under {before} → under E1, with balance [−\d,.]+ and [\d,.]+ at risk")
    )
    dialog.get_by_role("button", name="Do it").click()
    expect(drawer.locator("dl").get_by_role("link", name="E1", exact=True)).to_be_visible()
    assert figures_of(page, "D1024")["agent"] == "E1"


def test_a_role_is_made_and_changed_in_words_and_whom_it_changes_is_said(seat):
    window = seat("harbor.owner")
    page = window.page
    page.evaluate("location.hash = '#/agent/B/roles'")
    drawer, dialog = page.locator("[data-drawer=agent]"), page.get_by_role("dialog")
    drawer.get_by_role("button", name="New role").click()
    dialog.locator("[data-field=role]").fill("cashier")
    dialog.get_by_label("see figures").check()
    dialog.get_by_label("enter transactions").check()
    dialog.locator("[data-field=reason]").fill("for the desk")
    dialog.get_by_role("button", name="Preview").click()
    expect(dialog).to_contain_text("cashier: gains see figures, enter transactions")
    dialog.get_by_role("button", name="Do it").click()
    row = drawer.get_by_role("row").filter(has_text="cashier")
    expect(row).to_contain_text("see figures, enter transactions")
    drawer.get_by_role("button", name="New user").click()
    dialog.locator("[data-field=user]").fill("desk.B")
    window.choose("Role", "cashier")
    dialog.get_by_role("button", name="Preview").click()
    dialog.get_by_role("button", name="Do it").click()
    expect(dialog).to_be_hidden()
    row.get_by_role("button", name="Change the role cashier").click()
    expect(dialog).to_contain_text("Who has it: desk.B.")
    dialog.get_by_label("enter transactions").uncheck()
    dialog.get_by_label("see the ticker").check()
    dialog.locator("[data-field=reason]").fill("no cash any more")
    dialog.get_by_role("button", name="Preview").click()
    expect(dialog).to_contain_text("cashier: loses enter transactions gains see the ticker")
    dialog.get_by_role("button", name="Do it").click()
    expect(row).to_contain_text("see figures, see the ticker")


def placed(page, player, risk_minor):
    """Place a wager at whatever price the visitors of a game have: lines move all the time, and markets close."""
    said = []
    for game in ask(page, "board?limit=100"):
        for market in game["markets"]:
            if market["kind"] == "moneyline" and market["open"]:
                at = {"market": market["market"], "side": "away", "line_quarters": None, "price": market["prices"][0]}
                how = {"amount_minor": risk_minor, "basis": "risk", "odds_change": "accept_any"}
                status, text = page.evaluate(POSTED, ["/v1/place-wager", {"player": player, **at, **how}])
                if status == 200:
                    return
                said.append(text)
    raise AssertionError(said)


def test_what_is_a_large_wager_is_set_at_an_agent_and_told_to_whoever_looks_there(seat):
    window = seat("harbor.owner")
    page = window.page
    does(page, "create-agent", agent="Q1", parent="root")
    does(page, "create-player", player="Q1001", agent="Q1", credit_limit_minor=500_00)
    page.evaluate("location.hash = '#/agent/Q1'")
    drawer, dialog = page.locator("[data-drawer=agent]"), page.get_by_role("dialog")
    facts = drawer.locator("dl")
    above = f"{ask(page, 'large_wagers?node=root')[0]['least_minor'] / 100:,.2f}"
    expect(facts).to_contain_text(f"from {above}, as above")
    page.keyboard.press("l")
    expect(dialog).to_contain_text(f"Nothing written: from {above}, as at the node above.")
    dialog.locator("[data-field=least]").fill("25")
    dialog.locator("[data-field=reason]").fill("small players")
    dialog.get_by_role("button", name="Preview").click()
    expect(dialog).to_contain_text(f"Q1 is told of large wagers: from {above}, as above → from 25.00")
    dialog.get_by_role("button", name="Do it").click()
    expect(facts).to_contain_text("from 25.00")
    drawer.get_by_role("link", name="Log").click()
    expect(drawer).to_contain_text(re.compile(r"Q1: large wagers.*as at the node above.*from 25\.00", re.DOTALL))

    for risk_minor in (24_99, 25_00):
        placed(page, "Q1001", risk_minor)
    alerts, tray = (
        page.get_by_role("button", name=re.compile("^Alerts")),
        page.get_by_role("list", name="Notifications"),
    )
    told = tray.get_by_role("listitem").filter(has_text="Q1001")

    def look_at(node):
        switcher = page.get_by_role("button", name="Look at ")
        switcher.click()
        page.get_by_role("option", name=node, exact=True).click()
        expect(switcher).to_have_accessible_name(re.compile(f"{node}$"))
        alerts.click()
        page.get_by_text("Kinds", exact=True).click()

    look_at("Q1")
    expect(told).to_contain_text(["Q1001: 25.00"])
    expect(told).to_have_count(1)
    page.get_by_title("Card of Q1, where this is set").click()
    expect(drawer.get_by_role("button", name="Large wagers")).to_be_visible()
    look_at("whole book")
    expect(page.get_by_title("Card of root, where this is set")).to_have_text(f"from {above}")
    expect(tray.get_by_role("listitem").first).to_be_visible()
    expect(told).to_have_count(0)
