"""The room of risk and a game's page: what each side costs, in whose view, who is on it, what a result would make of it."""

import re

from playwright.sync_api import expect
from tests.e2e.test_shell import address

RISK = "section[aria-labelledby=risk-title]"
ROWS = f"{RISK} tbody tr.led"

SHOWN = """(selector) => [...document.querySelectorAll(selector)].map((row) => ({
  worst: row.querySelector('.worst b')?.innerText.replaceAll(',', ''),
  loses: !!row.querySelector('.worst .bad'),
  cells: [...row.querySelectorAll('a.cell')].map(
    (cell) => [...cell.querySelectorAll('.says')].map((one) => one.innerText.trim())),
}))"""
"""What each row of the matrix says, all at one moment."""

SAYS = re.compile(r"(loses|wins) ([\d,]+)|even")


def matrix(page):
    """The matrix, once it is there and nobody points at it: then it is in order."""
    page.mouse.move(5, 500)
    expect(page.locator(ROWS).nth(5)).to_be_visible()
    return page.locator(RISK)


def ask(page, query):
    """What the server answers to a query."""
    return page.evaluate("async (query) => (await (await fetch(`/v1/${query}`)).json()).items", query)


def suspend(page, scope, subject):
    """Close something by the API, so that what is compared stands still."""
    done = page.evaluate(
        """async ([scope, subject]) => (await fetch('/v1/suspend', { method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ scope, subject, reason: 'compared' }) })).status""",
        [scope, subject],
    )
    assert done == 200


def minor(text):
    """What the book loses by what a side says, in whole units."""
    found = SAYS.fullmatch(text)
    assert found, text
    size = int((found[2] or "0").replace(",", ""))
    return size if found[1] == "loses" else -size


def rounded(cents):
    """An amount as the page rounds it: halves up."""
    return int((cents + 50) // 100)


def test_every_game_with_money_on_it_is_there_the_worst_first_and_each_side_says_what_it_costs(seat):
    page = seat("harbor.owner").room("Risk").page
    matrix(page)
    rows = page.evaluate(SHOWN, ROWS)
    assert len(rows) > 10
    worst = [int(row["worst"] or 0) * (1 if row["loses"] else -1) for row in rows]
    assert worst == sorted(worst, reverse=True)
    for row, most in zip(rows, worst, strict=True):
        sides = [minor(text) for cell in row["cells"] for text in cell]
        assert len(sides) in (2, 4, 6)
        assert max(sides) <= most


def test_a_player_s_view_is_what_the_server_answers_of_them(seat):
    page = seat("harbor.owner").room("Risk").page
    players = ask(page, "players?agent=B1&limit=500")
    player = max(players, key=lambda one: one["pending_minor"])["player"]
    suspend(page, "player", player)
    page.locator("[data-field=who]").fill(player.lower())
    page.keyboard.press("Enter")
    expect(page.get_by_role("navigation", name="Whose view")).to_contain_text(player)
    assert address(page) == f"#/risk?player={player}"
    expected = ask(page, f"risk?player={player}")
    games = {row["fixture"] for row in expected}
    page.mouse.move(5, 500)
    expect(page.locator(ROWS)).to_have_count(len(games))
    said = [minor(text) for row in page.evaluate(SHOWN, ROWS) for cell in row["cells"] for text in cell]
    assert sorted(said) == sorted(rounded(cost) for row in expected for cost in row["exposure_minor"].values())
    # Their tickets are found from a cell, and the way back is the address.
    page.locator(f"{ROWS} a.cell").first.click()
    expect(page.get_by_role("table", name="Tickets of all history").locator("tbody tr").first).to_contain_text(player)
    page.go_back()
    expect(page.locator(ROWS)).to_have_count(len(games))


def test_the_view_goes_node_by_node_down_and_up_and_a_link_says_whose_it_is(seat):
    page = seat("harbor.owner").room("Risk").page
    path = page.get_by_role("navigation", name="Whose view")
    below = page.get_by_role("region", name="Right below")
    for node in ("harbor.master", "A", "A1"):
        below.get_by_role("button", name=re.compile(f"^{re.escape(node)} ")).click()
        expect(path.locator("[aria-current]")).to_have_text(node)
        assert address(page) == f"#/risk?node={node}"
    expect(below.get_by_role("button", name=re.compile("^A10"))).not_to_have_count(0)
    expect(page.get_by_role("button", name="Look at A1")).to_be_visible()
    page.keyboard.press("u")
    expect(path.locator("[aria-current]")).to_have_text("A")
    path.get_by_role("button", name="whole book").click()
    expect(path.locator("[aria-current]")).to_have_text("whole book")
    assert address(page) == "#/risk"
    # A colleague opens the link.
    page.goto(f"{page.url.split('#')[0]}#/risk?node=A2")
    page.reload()
    expect(path.locator("[aria-current]")).to_have_text("A2")
    expect(path).to_contain_text(re.compile("whole book.*harbor.master.*A.*A2", re.DOTALL))
    page.locator("[data-field=who]").fill("nobody")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("There is no agent or player nobody of yours.")


def test_an_agent_sees_their_own_risk_and_no_other_s(seat):
    page = seat("agent.A1").room("Risk").page
    matrix(page)
    path = page.get_by_role("navigation", name="Whose view")
    expect(path.locator("[aria-current]")).to_have_text("A1")
    expect(path.get_by_role("button")).to_have_count(0)
    page.locator("[data-field=who]").fill("B1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("There is no agent or player B1 of yours.")
    for link in ("#/risk?node=B1", "#/risk?player=B1021"):
        page.goto(f"{page.url.split('#')[0]}{link}")
        page.reload()
        expect(page.locator("main")).to_contain_text("This is not here for you.")
        expect(page.locator(ROWS)).to_have_count(0)


def test_the_game_in_hand_is_suspended_by_one_key(seat):
    window = seat("harbor.owner").room("Risk")
    page = window.page
    matrix(page)
    page.keyboard.press("j")
    page.keyboard.press("j")
    row = page.locator(ROWS).nth(1)
    expect(row).to_be_focused()
    away = row.locator("a.game span").first.inner_text().split(maxsplit=1)[1]
    page.keyboard.press("s")
    told = page.get_by_test_id("path")
    expect(told).to_contain_text(f"{away} at ")
    expect(told).to_contain_text("suspended")
    page.get_by_role("button", name="Undo").click()
    expect(told).to_contain_text("reopened")


def test_the_matrix_is_filtered_and_taken_along(seat):
    page = seat("harbor.owner").room("Risk").page
    matrix(page)
    name = page.locator(f"{ROWS} a.game span").first.inner_text().split(maxsplit=1)[1]
    page.keyboard.press("/")
    page.keyboard.type(name)
    expect(page.locator(ROWS)).to_have_count(1)
    with page.expect_download() as saved:
        page.get_by_role("button", name=re.compile("^CSV")).click()
    head, line = saved.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert head == "Game,At worst,Spread,Total,Money,Wagers,At risk"
    assert name in line
    assert re.search(r"over (loses|wins|even)", line)
    page.locator(RISK).get_by_role("searchbox").fill("no such team")
    expect(page.locator(RISK)).to_contain_text("Nothing is found by “no such team”.")
