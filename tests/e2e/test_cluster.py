"""The room of the cluster in a real browser, over two nodes and a real PostgreSQL: who is there, whose what is, how it is moved,
pinned and drained by hand."""

import asyncio
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import expect
from tests.e2e.conftest import Seat
from tests.e2e.looks import bring_axe, looks_well
from tests.integration.nodes import filled, nodes_of
from tests.integration.postgresql import drop_databases, end_cluster
from tests.integration.served import PASSWORD
from tests.integration.test_nodes import SHARED


@pytest.fixture
def nodes(tmp_path):
    """Two nodes, each with some streams. What is started ends with the thread that has started it."""
    with ThreadPoolExecutor(1) as hands:
        with nodes_of(hands.submit(filled, tmp_path / "house").result()) as found:
            hands.submit(found.start, "n1", "n2").result()
            hands.submit(asyncio.run, found.pin(SHARED)).result()
            yield found
        hands.submit(drop_databases).result()
        hands.submit(end_cluster).result()


def test_streams_are_moved_and_pinned_and_a_node_is_drained_on_the_page_which_shows_what_comes_of_it(browser, nodes):
    first, second = nodes.processes
    seat = Seat(browser, second, bypass_csp=True)
    page = seat.page
    page.goto(f"{second.address}/?book=house")
    seat.sign_in("platform", PASSWORD)
    seat.room("Cluster")

    def owner(stream):
        return page.locator(f"[data-stream={stream}] td").nth(1)

    def press(name):
        page.get_by_role("button", name=name, exact=True).click()

    def choose(node):
        page.get_by_role("dialog").locator("select").select_option(node)

    for node in ("n1", "n2"):
        expect(page.locator(f"[data-node={node}]")).to_contain_text("there")
    for stream, node in SHARED.items():
        expect(owner(stream)).to_have_text(node)
    press("Only the streams of n2")
    expect(page.locator("[data-stream]")).to_have_count(2)
    press("Only the streams of n2")
    press("Move b3")
    choose("n1")
    seat.act("too hot")
    expect(owner("b3")).to_have_text("n1")
    press("Pin house")
    choose("n2")
    seat.act("near the feed")
    expect(owner("house")).to_have_text("n2")
    expect(page.locator("[data-stream=house]")).to_contain_text("pinned to n2")
    press("Drain n1")
    seat.act("a new disk")
    expect(page.locator("[data-node=n1]")).to_contain_text("drains")
    for stream in SHARED:
        expect(owner(stream)).to_have_text("n2")
    expect(page.get_by_role("button", name="Fill n1", exact=True)).to_be_visible()
    bring_axe(page)
    looks_well(page)
    first.send(signal.SIGKILL)
    expect(page.get_by_role("status").filter(has_text="n1 has not renewed its lease")).to_be_visible()
    expect(page.locator("[data-node=n1]")).to_contain_text("gone")
    seat.close()
