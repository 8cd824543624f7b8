"""The ticker: what is picked, held, read further back, summed up and heard."""

import re

import pytest
from playwright.sync_api import expect
from tests.e2e.conftest import ask

TICKER = "section[aria-labelledby=ticker-title]"
LIST = "Wagers placed and voided, newest first"
FIRST_PAGE = 200

LISTENING = """
window.__tones = 0;
window.__contexts = 0;
const Real = window.AudioContext;
window.AudioContext = class extends Real { constructor() { super(); window.__contexts += 1; } };
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...at) { window.__tones += 1; return start.apply(this, at); };
"""

SHOWN = """(list) => [...document.querySelectorAll(`[aria-label="${list}"] tbody tr`)]
    .filter((row) => row.querySelector('.when'))
    .map((row) => Number(row.querySelector('.when a').getAttribute('aria-label').split(' ').at(-1)))"""


@pytest.fixture
def ticker(seat):
    """The owner's window, at the ticker."""
    window = seat("harbor.owner").room("Ticker")
    expect(rows(window.page).nth(5)).to_be_visible()
    return window


def rows(page):
    """Rows of wagers, not those that only hold their place until they are known."""
    return page.get_by_role("region", name=LIST).locator("tbody tr:has(.when)")


def field(page, label):
    return page.get_by_role("form", name="Filters").get_by_label(label)


def choose(page, label, text):
    field(page, label).fill(text)
    page.keyboard.press("Tab")


def hold(page):
    """Press the pause, and wait until it says so."""
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.locator(f"{TICKER} header .still")).to_contain_text("paused")


def amounts(page, column):
    """The amounts that stand in a column, in minor units."""
    texts = rows(page).locator(f"td:nth-child({column})").all_inner_texts()
    return [int(text.replace(",", "").replace(".", "")) for text in texts]


def test_what_is_wanted_is_kept_on_this_machine_and_said_by_the_address(ticker):
    page = ticker.page
    player = rows(page).first.locator("td").nth(1).inner_text()
    choose(page, "Player", player)
    choose(page, "At least", "1")
    expect(rows(page).filter(has_not_text=player)).to_have_count(0)
    expect(rows(page).first).to_contain_text(player)
    expect(page).to_have_url(re.compile(f"player={player}&least=1$"))
    # Whoever comes back by the rail finds what they had chosen.
    ticker.room("Board").room("Ticker")
    expect(page).to_have_url(re.compile("#/ticker$"))
    expect(field(page, "Player")).to_have_value(player)
    expect(rows(page).first).to_contain_text(player)
    expect(rows(page).filter(has_not_text=player)).to_have_count(0)
    page.get_by_role("form", name="Filters").get_by_role("button", name="Clear").click()
    expect(rows(page).filter(has_not_text=player).first).to_be_visible()
    expect(field(page, "At least")).to_have_value("")


def test_each_filter_keeps_to_what_it_says_on_rows_of_history_and_on_those_that_come(ticker):
    page = ticker.page
    field(page, "Market").select_option("total")
    choose(page, "Agent", "A1")
    expect(rows(page).filter(has_not_text=re.compile(r"A10\d\d"))).to_have_count(0)
    expect(rows(page).filter(has_not_text=re.compile(r"\b[ou]\d"))).to_have_count(0)
    expect(rows(page).first).to_be_visible()
    field(page, "Market").select_option("")
    choose(page, "Agent", "")
    choose(page, "At least", "100")
    newest = ask(page, "wagers?limit=1")[0]["number"]
    expect(rows(page).first).to_be_visible()
    # One that came after it was asked for.
    page.wait_for_function(f"(newest) => ({SHOWN})('{LIST}')[0] > newest", arg=newest)
    hold(page)
    assert min(amounts(page, 6)) >= 100_00
    game = ask(page, "wagers?limit=1&least_minor=10000")[0]
    choose(page, "Rotation", "1")
    expect(page.get_by_role("region", name=LIST)).to_contain_text("No game on the board has the rotation number 1.")
    choose(page, "Rotation", str(game["rotation"]))
    expect(rows(page).first).to_be_visible()
    told = ask(page, f"wagers?limit=200&least_minor=10000&fixture={game['fixture']}")
    assert set(page.evaluate(SHOWN, LIST)) <= {one["number"] for one in told}


def test_it_stands_still_while_paused_says_what_waits_and_goes_on(ticker):
    page = ticker.page
    hold(page)
    before = page.evaluate(SHOWN, LIST)
    waiting = page.locator("[data-waiting]")
    expect(waiting).to_have_text(re.compile(r"^\+\d+ waiting$"))
    first = int(waiting.get_attribute("data-waiting"))
    page.wait_for_function(
        "(first) => Number(document.querySelector('[data-waiting]').dataset.waiting) > first", arg=first
    )
    assert page.evaluate(SHOWN, LIST) == before
    page.keyboard.press("p")
    expect(waiting).to_have_count(0)
    after = page.evaluate(SHOWN, LIST)
    assert after[0] > before[0]
    # Nothing is missing between what was there and what has waited.
    told = ask(page, f"wagers?limit=1000&at_least={after[0]}")
    # (Rows that are out of sight are not drawn.)
    assert [one["number"] for one in told if min(after) <= one["number"] <= after[0]] == after


def test_whoever_scrolls_reads_further_back_and_misses_nothing(ticker):
    page = ticker.page
    table = page.get_by_role("region", name=LIST).get_by_role("table")
    # The list is as long as what has been placed, for as long as it goes on with it.
    expect(table).to_have_attribute("aria-rowcount", re.compile(r"^([4-9]\d\d|1\d{3})$"), timeout=90_000)
    page.reload()
    expect(rows(page).nth(5)).to_be_visible()
    hold(page)
    newest = page.evaluate(SHOWN, LIST)[0]
    scroller = page.get_by_role("region", name=LIST)
    page.wait_for_function(
        """(list) => {
          const scroller = document.querySelector(`[role=region][aria-label="${list}"]`);
          scroller.scrollTop = scroller.scrollHeight;
          return Number(scroller.querySelector('table').ariaRowCount) > 400;
        }""",
        arg=LIST,
    )
    expect(table).to_have_attribute("aria-rowcount", re.compile(r"^[4-9]\d\d$"))
    found = []
    for place in range(0, 400 * 26, 500):
        scroller.evaluate("(node, top) => (node.scrollTop = top)", place)
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        found += page.evaluate(SHOWN, LIST)
    told = ask(page, f"wagers?limit=1000&after={newest + 1}")
    expected = [one["number"] for one in told][:FIRST_PAGE]
    assert sorted(set(found), reverse=True)[:FIRST_PAGE] == expected


def test_what_is_shown_is_summed_up_and_what_is_void_counts_no_more(ticker):
    page = ticker.page
    player = rows(page).first.locator("td").nth(1).inner_text()
    # So few that all of them are on the page.
    choose(page, "Player", player)
    expect(rows(page).filter(has_not_text=player)).to_have_count(0)
    expect(rows(page).first).to_be_visible()
    hold(page)
    total = page.get_by_role("region", name=LIST).locator("tfoot td").nth(5)
    whole = sum(amounts(page, 6))
    expect(total).to_have_text(f"{whole / 100:,.2f}")
    first = rows(page).first
    risk = amounts(page, 6)[0]
    first.get_by_role("button", name=re.compile("^Void ticket")).click()
    ticker.act("written twice")
    expect(first).to_contain_text("voided")
    expect(first.get_by_role("button", name=re.compile("^Void ticket"))).to_have_count(0)
    expect(total).to_have_text(f"{(whole - risk) / 100:,.2f}")


def test_nothing_sounds_before_it_is_asked_for_and_then_from_an_amount_on(seat):
    window = seat("harbor.owner", script=LISTENING).room("Ticker")
    page = window.page
    expect(rows(page).nth(5)).to_be_visible()
    first = page.evaluate(SHOWN, LIST)[0]
    page.wait_for_function(f"(first) => ({SHOWN})('{LIST}')[0] > first", arg=first)
    assert page.evaluate("[window.__contexts, window.__tones]") == [0, 0]
    choose(page, "Sound from", "1")
    page.wait_for_function("() => window.__tones > 1")
    assert page.evaluate("window.__contexts") == 1
    choose(page, "Sound from", "")
    heard = page.evaluate("window.__tones")
    first = page.evaluate(SHOWN, LIST)[0]
    page.wait_for_function(f"(first) => ({SHOWN})('{LIST}')[0] > first", arg=first)
    assert page.evaluate("window.__tones") == heard


def test_who_has_had_their_share_for_the_moment_asks_again_by_themselves(seat):
    window = seat("harbor.owner")
    page = window.page
    busy = '{"error": {"code": "busy", "message": "Too much at once. Try again in a moment.", "details": {}}}'
    turned_away = []

    def once(route):
        turned_away.append(route.request.url)
        route.fulfill(status=429, content_type="application/json", headers={"retry-after": "1"}, body=busy)

    page.route("**/v1/wagers?*", once, times=2)
    window.room("Ticker")
    expect(rows(page).nth(30)).to_be_visible()
    expect(page.locator(TICKER)).not_to_contain_text("Too much at once.")
    assert len(turned_away) == 2


def test_where_history_cannot_be_asked_it_shows_what_it_has_heard_and_says_so(seat):
    window = seat("harbor.owner")
    page = window.page
    busy = '{"error": {"code": "busy", "message": "Too much at once. Try again in a moment.", "details": {}}}'
    page.route("**/v1/wagers?*", lambda route: route.fulfill(status=429, content_type="application/json", body=busy))
    window.room("Ticker")
    expect(page.locator(TICKER)).to_contain_text("Too much at once.")
    expect(rows(page).nth(3)).to_be_visible()
    page.unroute_all(behavior="ignoreErrors")
    page.locator(TICKER).get_by_role("button", name="Try again").click()
    expect(page.locator(TICKER)).not_to_contain_text("Too much at once.")
    expect(rows(page).nth(30)).to_be_visible()
