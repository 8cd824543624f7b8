"""A book with more players than an image holds: all are there, and nobody is asked for anew because others wager."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import expect
from tests.e2e.conftest import Seat as Window
from tests.e2e.conftest import ask, does

from runline.bootstrap import open_store, running_engine
from runline.config import StoreSettings
from runline.domain.queries.bounds import IMAGE_PLAYERS_MAX
from runline.evaluate.bench.load import BOOK, OWNER, SELECTIONS, fixture_name, player_number, set_up
from runline.evaluate.bench.served import PASSWORD, Served, give_password, serve_command

PLAYERS = IMAGE_PLAYERS_MAX + 100
FIRST = 1_000
"""Accounts that are shown before somebody asks for more."""

ACCOUNTS = "/v1/accounts"

EVERYBODY = """async () => {
  let count = 0, after = '';
  do {
    const found = await (await fetch(`/v1/players?limit=500&after=${encodeURIComponent(after)}`)).json();
    count += found.items.length;
    after = found.next;
  } while (after);
  return count;
}"""

STEP = 8
"""Rows that come into a long table at once (`STEP` of the table)."""

WRITTEN = """async () => {
  const scroller = document.querySelector('[data-table=people] .scroll');
  const painted = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const height = scroller.querySelector('tbody tr[aria-rowindex]').offsetHeight;
  const written = [];
  const name = (node, word) => (node.nodeType !== 1 ? [] : [node.matches('tr.room') ? 'room' : word]);
  const note = ({ type, target, addedNodes, removedNodes }) =>
    type === 'childList' && target.localName === 'tbody'
      ? [...[...addedNodes].flatMap((node) => name(node, 'came')), ...[...removedNodes].flatMap((node) => name(node, 'went'))]
      : [target.parentElement?.closest('tr.room') || target.matches?.('tr.room') ? 'room' : `${type} of ${target.nodeName}`];
  const to = async (row) => {
    scroller.scrollTop = row * height;
    await painted();
    written.push(...observer.takeRecords().flatMap(note));
  };
  const observer = new MutationObserver((records) => written.push(...records.flatMap(note)));
  await to(13 * 8);
  observer.observe(scroller.querySelector('tbody'), { childList: true, subtree: true, attributes: true, characterData: true });
  written.length = 0;
  await to(13 * 8 + 1);
  const within = written.splice(0);
  await to(14 * 8);
  return [within, written];
}"""
"""What is written into a long table by scrolling one row, and a step of rows: rows that come and go, their room, all else."""

PAINTED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


class Book:
    """A large book, served."""

    def __init__(self, server: Served) -> None:
        self.address = f"http://{server.address}"


async def fill(path):
    async with running_engine(open_store(StoreSettings(path, "inline"))) as (engine, bus):
        await set_up(bus, PLAYERS)
        await give_password(engine, bus, BOOK, OWNER)


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    path = tmp_path_factory.mktemp("large") / "large.db"
    # The browser's own loop runs in this thread.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, fill(path)).result()
    server = Served(serve_command(path, "inline"), None)
    server.wait_until_ready()
    yield Book(server)
    server.stop()
    assert server.child.stdout is not None
    server.child.stdout.close()


@pytest.fixture
def owner(browser, book):
    """The owner's window."""
    window = Window(browser, book, book=BOOK).sign_in(OWNER, PASSWORD)
    yield window
    window.close()


def wager(page, player):
    """Place a wager of a player."""
    kind, side, line, price = SELECTIONS[0]
    market = f"{fixture_name(1)}:game:{kind}"
    does(page, "wagers", player=player, market=market, side=side, line_quarters=line, price=price, amount_minor=500)


def position(page):
    """Up to where the page has been told."""
    return int(page.locator("[data-position]").get_attribute("data-position"))


def test_the_figures_have_players_who_have_not_moved_and_those_who_do_are_live(owner):
    page = owner.room("Figures").page
    figures = page.locator("section[aria-labelledby=figures-title]")
    figures.get_by_role("button", name="▸ A3-2").click()
    mine = [one["player"] for one in ask(page, "players?agent=A3-2&limit=500")]
    expect(figures.locator("tr.inner td a")).to_have_text(mine)
    row = figures.locator("tr.inner", has_text=mine[-1])
    expect(row.locator("td").nth(2)).to_have_text("0.00")
    wager(page, mine[-1])
    expect(row.locator("td").nth(2)).to_have_text("5.00")
    figures.get_by_role("button", name="▸ A3", exact=True).click()
    expect(figures.locator("tr.inner")).to_contain_text(["Player", "No player stands directly here."])


def test_accounts_are_not_asked_for_anew_because_somebody_else_wagers(owner):
    page = owner.page
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    owner.room("People")
    table = page.locator("[data-table=people] table")
    expect(table).to_have_attribute("aria-rowcount", str(FIRST + 1))
    page.evaluate(PAINTED)
    before = sum(ACCOUNTS in one for one in asked)
    for number in range(PLAYERS - 10, PLAYERS):
        at = position(page)
        wager(page, player_number(number))
        page.wait_for_function(
            "(at) => Number(document.querySelector('[data-position]').dataset.position) > at", arg=at
        )
        page.evaluate(PAINTED)
    assert sum(ACCOUNTS in one for one in asked) == before
    # Who comes is asked for: the log tells of them.
    with page.expect_request(lambda request: ACCOUNTS in request.url):
        does(page, "create-player", player="X1", agent="A0-0", credit_limit_minor=100)


def test_an_agent_s_card_says_how_many_of_its_players_are_there_and_has_them_all(owner):
    page = owner.page
    page.evaluate("location.hash = '#/agent/root'")
    card = page.locator("[data-drawer=agent]")
    table = card.locator("[data-table='agent.players']")
    expect(table.get_by_text("the first 1,000", exact=True)).to_be_visible()
    for _ in range(2):
        table.get_by_role("button", name="More").click()
    expect(table.get_by_role("table")).to_have_attribute("aria-rowcount", str(page.evaluate(EVERYBODY) + 1))
    expect(table.get_by_role("button", name="More")).to_be_hidden()


def test_a_scroll_writes_only_the_rows_that_come_into_sight(owner):
    page = owner.room("People").page
    expect(page.locator("[data-table=people] table")).to_have_attribute("aria-rowcount", str(FIRST + 1))
    within, beyond = page.evaluate(WRITTEN)
    # What is there beyond the edges is enough for a row; then some come at once, and as many go.
    assert within == []
    rows = [one for one in beyond if one != "room"]
    assert 0 < len(rows) <= 2 * STEP
    assert set(rows) == {"came", "went"}
