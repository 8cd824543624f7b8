"""Moving lines on the page: what is said beforehand is what is so afterwards, and everything has a way back."""

import re

import pytest
from playwright.sync_api import expect

DAY = ("--speed", "1")
"""As slow as it was: the house moves hardly a line meanwhile, and its traders are busy with the first games."""


@pytest.fixture
def desk(seat):
    """The owner's window, and a late game whose lines nobody else moves."""
    owner = seat("harbor.owner")
    game = owner.page.locator("section[aria-labelledby=board-title] tbody").nth(11)
    expect(game).to_be_visible()
    yield owner, game
    for kind in ("run line", "total", "moneyline"):
        button = mover(game, kind)
        if re.search("off the board", button.get_attribute("aria-label")):
            button.click()
            expect(button).not_to_have_attribute("aria-label", re.compile("off the board"))
        elif re.search("on the house|locked", button.get_attribute("aria-label")):
            asks(game, kind)
            owner.choose("How", "follow")
            owner.act("as it was")


def mover(game, kind):
    """The price of the visitor, or of the over."""
    return game.get_by_role("button", name=re.compile(f": (Move|Bring back) the {kind}")).first


def asks(game, kind):
    """Choose a price, and open the dialog that moves its market with a reason."""
    mover(game, kind).click()
    game.page.get_by_role("button", name=re.compile(f"^Move the {kind} .* with a reason$")).click()


def draft(owner):
    """What stands in the hand, in words."""
    return owner.page.get_by_test_id("draft")


def shown(game, kind):
    """What the board shows on both sides, visitor or over first."""
    place = {"run line": 0, "total": 1, "moneyline": 2}[kind]
    cells = game.locator("tr:not(.head, .worst)").locator(f"td.number:nth-of-type({place + 3})")
    said = "(cells) => cells.map((cell) => [...cell.querySelectorAll('.line, .odds')].map((one) => one.textContent).join(' '))"
    return " / ".join(text.strip() for text in cells.evaluate_all(said))


def previewed(owner, reason="tried", **typed):
    """Fill the open dialog and look; returns what it says would happen."""
    dialog = owner.page.get_by_role("dialog")
    for name, text in typed.items():
        dialog.locator(f"[data-field={name.replace('_', '-')}]").fill(text)
    dialog.locator("[data-field=reason]").fill(reason)
    dialog.get_by_role("button", name="Preview").click()
    return dialog.locator(".preview li").inner_text()


def do(owner):
    dialog = owner.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Do it").click()
    dialog.wait_for(state="hidden")


def said(words):
    """(before, after) of a preview: both sides each."""
    found = re.search(r": (.+?) → (.+?)(?: \((.*)\))?$", words)
    assert found, words
    return found[1], found[2]


def test_a_move_is_previewed_in_words_on_both_sides_and_then_is_so(desk):
    owner, game = desk
    asks(game, "total")
    owner.choose("Points on the total", "8")
    before, after = said(previewed(owner, cents="5"))
    # The house moves on, and the preview with it.
    assert before == shown(game, "total")
    assert after != before
    do(owner)
    expect(mover(game, "total")).to_have_attribute("aria-label", re.compile(re.escape("+2 and +5 cents on the house")))
    assert shown(game, "total") == after


def test_the_dialog_begins_with_the_offset_that_stands(desk):
    owner, game = desk
    asks(game, "total")
    owner.choose("Points on the total", "4")
    owner.act("too much under", cents="-10")
    asks(game, "total")
    dialog = owner.page.get_by_role("dialog")
    assert dialog.get_by_label("Points on the total").input_value() == "4"
    assert dialog.locator("[data-field=cents]").input_value() == "-10"
    owner.act("a little more", cents="-15")
    expect(mover(game, "total")).to_have_attribute("aria-label", re.compile(re.escape("+1 and −15 cents on the house")))


def test_cents_move_the_two_sides_against_each_other(desk):
    owner, game = desk

    def places():
        return [cents(price) for price in shown(game, "moneyline").split(" / ")]

    away, home = places()
    asks(game, "moneyline")
    owner.act("early money", cents="15")
    expect(mover(game, "moneyline")).to_have_attribute("aria-label", re.compile("cents on the house"))
    assert places() == [away - 15, home + 15]


def cents(price):
    """How far a price is from even money: −105 stands at −5."""
    if price == "EV":
        return 0
    number = int(price.replace("−", "-"))
    return number - 100 if number > 0 else number + 100


def test_a_market_that_is_taken_off_the_board_is_shown_and_comes_back(desk):
    owner, game = desk
    asks(game, "run line")
    owner.choose("How", "hide")
    assert said(previewed(owner))[1] == "off the board"
    do(owner)
    expect(mover(game, "run line")).to_contain_text("off")
    # One click brings it back, and its toast can undo that.
    mover(game, "run line").click()
    expect(mover(game, "run line")).not_to_contain_text("off")
    assert re.fullmatch(r"[+−]1½ \S+ / [+−]1½ \S+", shown(game, "run line"))
    owner.page.get_by_role("button", name="Undo").first.click()
    expect(mover(game, "run line")).to_contain_text("off")


def test_a_line_is_locked_is_said_to_be_and_follows_again(desk):
    owner, game = desk
    asks(game, "total")
    owner.choose("How", "lock")
    words = previewed(owner, line="12½", price_over="-120", price_under="EV")
    assert said(words) == (shown(game, "total"), "o12½ −120 / u12½ EV")
    assert "(locked)" in words
    do(owner)
    expect(mover(game, "total")).to_have_attribute("aria-label", re.compile("locked at our own line"))
    asks(game, "total")
    dialog = owner.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Now o12½ −120 / u12½ EV, locked at our own line. The house has o")
    assert dialog.get_by_label("How").input_value() == "lock"
    assert dialog.locator("[data-field=line]").input_value() == "12½"
    owner.choose("How", "follow")
    before, after = said(previewed(owner))
    assert before == "o12½ −120 / u12½ EV"
    assert "12½" not in after
    do(owner)
    expect(mover(game, "total")).not_to_have_attribute("aria-label", re.compile("locked"))


def test_a_line_that_is_none_is_said_and_what_was_typed_stays(desk):
    owner, game = desk
    asks(game, "total")
    owner.choose("How", "lock")
    dialog = owner.page.get_by_role("dialog")
    dialog.locator("[data-field=line]").fill("high")
    dialog.locator("[data-field=reason]").fill("tried")
    dialog.get_by_role("button", name="Preview").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Write a line such as")
    assert dialog.locator("[data-field=line]").input_value() == "high"
    dialog.get_by_role("button", name="Cancel").click()


def test_nothing_is_done_without_a_reason(desk):
    owner, game = desk
    asks(game, "total")
    dialog = owner.page.get_by_role("dialog")
    dialog.locator("[data-field=reason]").fill("   ")
    dialog.get_by_role("button", name="Preview").click()
    expect(dialog.get_by_role("alert")).to_contain_text("say why")
    dialog.get_by_role("button", name="Cancel").click()


def test_a_total_is_moved_half_a_point_by_two_keys_and_undone(desk):
    owner, game = desk
    mover(game, "total").click()
    before = shown(game, "total")
    owner.page.keyboard.press("Alt+ArrowUp")
    expect(draft(owner)).to_contain_text(f"{before} → o")
    after = draft(owner).inner_text().split(" → ")[1]
    expect(owner.page.get_by_role("button", name=re.compile("^Do it: "))).to_be_enabled()
    owner.page.keyboard.press("Enter")
    expect(mover(game, "total")).to_have_attribute("aria-label", re.compile(re.escape("+½ on the house")))
    assert shown(game, "total") == after
    owner.page.get_by_role("button", name="Undo").first.click()
    expect(mover(game, "total")).not_to_have_attribute("aria-label", re.compile("on the house"))


def test_arrows_keep_the_hold_and_with_shift_move_one_side_alone(desk):
    owner, game = desk
    mover(game, "moneyline").click()
    away, home = (cents(price) for price in shown(game, "moneyline").split(" / "))
    owner.page.keyboard.press("ArrowUp")
    owner.page.keyboard.press("ArrowUp")
    expect(draft(owner)).to_contain_text("→")
    assert [cents(price) for price in draft(owner).inner_text().split(" → ")[1].split(" / ")] == [away + 10, home - 10]
    owner.page.keyboard.press("Shift+ArrowDown")
    expect(owner.page.get_by_role("group", name="Line in hand")).to_contain_text("locked")
    assert [cents(price) for price in draft(owner).inner_text().split(" → ")[1].split(" / ")] == [away + 5, home - 10]
    owner.page.keyboard.press("Escape")
    expect(draft(owner)).not_to_contain_text("→")
    assert [cents(price) for price in shown(game, "moneyline").split(" / ")] == [away, home]


def test_a_line_is_written_as_people_write_it(desk):
    owner, game = desk
    mover(game, "total").click()
    field = owner.page.locator("[data-field=line]")
    owner.page.keyboard.type("9½ -115")
    expect(field).to_be_focused()
    expect(draft(owner)).to_contain_text("→ o9½ −115 / u9½ ")
    after = draft(owner).inner_text().split(" → ")[1]
    expect(owner.page.get_by_role("button", name=re.compile("^Do it: "))).to_be_enabled()
    owner.page.keyboard.press("Enter")
    expect(mover(game, "total")).to_have_attribute("aria-label", re.compile("locked at our own line"))
    assert shown(game, "total") == after
    field.fill("high")
    expect(owner.page.get_by_role("alert")).to_contain_text("such as 8½ -115")


def test_what_was_drafted_is_there_when_one_comes_back_to_it(desk):
    owner, game = desk
    mover(game, "total").click()
    owner.page.keyboard.press("Alt+ArrowUp")
    made = draft(owner).inner_text()
    owner.page.keyboard.press("ArrowRight")
    expect(draft(owner)).not_to_contain_text("→")
    owner.page.keyboard.press("ArrowLeft")
    expect(draft(owner)).to_have_text(made)
    owner.page.get_by_role("button", name=re.compile("^Cancel: ")).click()


def test_a_game_that_is_in_hand_is_suspended_by_one_key_and_its_market_by_another(desk):
    owner, game = desk
    mover(game, "total").click()
    owner.page.keyboard.press("m")
    expect(game.locator("td.closed")).to_have_count(2)
    owner.page.get_by_role("button", name="Undo").first.click()
    expect(game.locator("td.closed")).to_have_count(0)
    mover(game, "total").focus()
    owner.page.keyboard.press("s")
    expect(game.locator("td.closed")).to_have_count(6)
    owner.page.get_by_role("button", name="Undo").first.click()
    expect(game.locator("td.closed")).to_have_count(0)


def test_j_and_k_go_through_the_sides_and_the_filter_finds_a_game(desk):
    owner, game = desk
    page = owner.page
    mover(game, "total").click()
    label = "document.activeElement.getAttribute('aria-label')"
    page.keyboard.press("j")
    assert ", under" in page.evaluate(label)
    page.keyboard.press("k")
    assert ", over" in page.evaluate(label)
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("orioles")
    board = page.locator("section[aria-labelledby=board-title]")
    expect(board.locator("tbody")).to_have_count(board.locator("tbody", has_text="Orioles").count())
    page.get_by_role("searchbox", name="Filter games").fill("")


def test_a_side_that_is_suspended_looks_closed_and_says_why(desk):
    owner, game = desk
    fixture = owner.page.evaluate("""async () => (await (await fetch('/v1/board')).json()).items[11].fixture""")
    post = """async ([route, subject]) => (await fetch(route, { method: 'POST', headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ scope: 'selection', subject, reason: 'test' }) })).status"""
    selection = f"{fixture}:game:total/over"
    assert owner.page.evaluate(post, ["/v1/suspend", selection]) == 200
    expect(game.locator("td.closed")).to_have_count(1)
    expect(game.locator("td.closed")).to_contain_text("side suspended")
    expect(game).to_contain_text("total: over suspended")
    assert owner.page.evaluate(post, ["/v1/reopen", selection]) == 200
    expect(game.locator("td.closed")).to_have_count(0)
