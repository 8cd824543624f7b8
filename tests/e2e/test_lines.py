"""Moving lines on the page: what is said beforehand is what is so afterwards, and everything has a way back."""

import re

import pytest
from playwright.sync_api import expect


@pytest.fixture
def desk(seat):
    """The owner's window, and a late game whose lines nobody else moves."""
    owner = seat("harbor.owner")
    game = owner.page.locator("section[aria-labelledby=board-title] tbody").nth(11)
    expect(game).to_be_visible()
    yield owner, game
    for kind in ("run line", "total", "moneyline"):
        button = mover(game, kind)
        if re.search("on the house|locked|off the board", button.get_attribute("aria-label")):
            button.click()
            owner.choose("How", "follow")
            owner.act("as it was")


def mover(game, kind):
    return game.get_by_role("button", name=re.compile(f"Move the {kind}"))


def shown(game, kind):
    """What the board shows on both sides, visitor or over first."""
    place = {"run line": 0, "total": 1, "moneyline": 2}[kind]
    cells = game.locator("tr:not(.head)").locator(f"td.number:nth-of-type({place + 3})")
    texts = [re.sub(r"[±⚿]|,[^,]*suspended", "", text) for text in cells.all_inner_texts()]
    return " / ".join(" ".join(text.split()) for text in texts)


def previewed(owner, reason="tried", **typed):
    """Fill the open dialog and look; returns what it says would happen."""
    dialog = owner.page.get_by_role("dialog")
    for name, text in typed.items():
        dialog.locator(f"[data-field={name.replace('_', '-')}]").fill(text)
    dialog.locator("[data-field=reason]").fill(reason)
    dialog.get_by_role("button", name="Preview").click()
    return dialog.locator(".preview li").inner_text()


def do(owner):
    owner.page.get_by_role("button", name="Do it").click()
    owner.page.get_by_role("dialog").wait_for(state="hidden")


def said(words):
    """(before, after) of a preview: both sides each."""
    found = re.search(r": (.+?) → (.+?)(?: \((.*)\))?$", words)
    assert found, words
    return found[1], found[2]


def test_a_move_is_previewed_in_words_on_both_sides_and_then_is_so(desk):
    owner, game = desk
    mover(game, "total").click()
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
    mover(game, "total").click()
    owner.choose("Points on the total", "4")
    owner.act("too much under", cents="-10")
    mover(game, "total").click()
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
    mover(game, "moneyline").click()
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
    mover(game, "run line").click()
    owner.choose("How", "hide")
    assert said(previewed(owner))[1] == "off the board"
    do(owner)
    expect(mover(game, "run line")).to_contain_text("off")
    mover(game, "run line").click()
    assert owner.page.get_by_role("dialog").get_by_label("How").input_value() == "follow"
    before, after = said(previewed(owner))
    assert before == "off the board"
    assert re.fullmatch(r"[+−]1½ \S+ / [+−]1½ \S+", after), after
    do(owner)
    expect(mover(game, "run line")).not_to_contain_text("off")


def test_a_line_is_locked_is_said_to_be_and_follows_again(desk):
    owner, game = desk
    mover(game, "total").click()
    owner.choose("How", "lock")
    words = previewed(owner, line="12½", price_over="-120", price_under="EV")
    assert said(words) == (shown(game, "total"), "o12½ −120 / u12½ EV")
    assert "(locked)" in words
    do(owner)
    expect(mover(game, "total")).to_have_attribute("aria-label", re.compile("locked at our own line"))
    mover(game, "total").click()
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
    mover(game, "total").click()
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
    mover(game, "total").click()
    dialog = owner.page.get_by_role("dialog")
    dialog.locator("[data-field=reason]").fill("   ")
    dialog.get_by_role("button", name="Preview").click()
    expect(dialog.get_by_role("alert")).to_contain_text("say why")
    dialog.get_by_role("button", name="Cancel").click()


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
