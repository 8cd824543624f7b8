"""Tickets: what is looked for over all history, and what has happened to one."""

import re

import pytest
from playwright.sync_api import expect

DRAWER = "aside[data-drawer]"
SEARCH = "form[aria-label=Search]"


@pytest.fixture
def search(seat):
    """The owner's window, where tickets are looked for."""
    window = seat("harbor.owner").room("Ticker")
    window.page.get_by_role("group", name="Which wagers").get_by_role("button", name="Search").click()
    expect(window.page.locator(SEARCH)).to_be_visible()
    return window


def rows(page):
    """The tickets that are shown. (A row without a link says that they are on their way, or that there are none.)"""
    table = page.get_by_role("region", name="Tickets of all history")
    return table.locator("tbody tr").filter(has=page.get_by_role("link"))


def sums(page):
    """(tickets, what they risk) of what is shown."""
    line = page.locator(".sums")
    expect(line).to_contain_text("tickets risk")
    found = re.search(r"([\d,]+) tickets risk ([\d,.]+)", line.inner_text())
    assert found, line.inner_text()
    return int(found[1].replace(",", "")), float(found[2].replace(",", ""))


def test_tickets_are_found_by_whose_they_are_and_summed_up_and_the_address_says_so(search):
    page = search.page
    expect(rows(page).first).to_be_visible()
    everything = sums(page)
    player = rows(page).first.get_by_role("link").nth(1).inner_text()
    page.locator(SEARCH).get_by_label("Player").fill(player)
    page.keyboard.press("Tab")
    expect(page).to_have_url(re.compile(f"player={player}"))
    expect(rows(page).filter(has_not_text=player)).to_have_count(0)
    assert 0 < sums(page)[0] < everything[0]
    page.reload()
    expect(rows(page).filter(has_not_text=player)).to_have_count(0)
    expect(rows(page).first).to_contain_text(player)


def test_the_least_amount_is_kept_to_and_the_largest_come_first(search):
    page = search.page
    expect(rows(page).first).to_be_visible()
    # Wagers come all the time: the largest of those before the question is the least that the largest one can be.
    asked = "async () => (await (await fetch('/v1/wagers?least_minor=10000&sort=risk&limit=1')).json()).items[0]"
    before = page.wait_for_function(asked).json_value()
    page.locator(SEARCH).get_by_label("At least").fill("100")
    page.locator(SEARCH).get_by_label("Order").select_option("largest first")
    expect(page).to_have_url(re.compile("sort=risk"))
    expect(rows(page).first).to_be_visible()
    shown = re.findall(r"([\d,]+\.\d\d)", rows(page).first.inner_text())
    after = page.evaluate(asked)
    risks = [float(amount.replace(",", "")) * 100 for amount in shown]
    assert any(before["risk_minor"] <= round(risk) <= after["risk_minor"] for risk in risks), shown
    page.locator(SEARCH).get_by_label("At least").fill("a lot")
    page.keyboard.press("Tab")
    expect(page.get_by_role("alert")).to_contain_text("Write an amount")


def test_an_address_that_asks_for_nonsense_is_said_to_and_shows_nothing_untrue(search):
    page = search.page
    page.evaluate("location.hash = '#/ticker?view=search&since=yesterday'")
    expect(page.get_by_role("alert")).to_contain_text("“yesterday” is no time.")
    expect(page.get_by_role("region", name="Tickets of all history")).to_contain_text("Nothing was looked for.")
    page.locator(SEARCH).get_by_role("button", name="Clear").click()
    expect(rows(page).nth(1)).to_be_visible()


def test_a_ticket_tells_its_life_and_why(search):
    page = search.page
    done = page.evaluate(
        "async () => (await (await fetch('/v1/wagers?status=open&limit=1')).json()).items[0]",
    )
    number = done["number"]
    page.evaluate("(number) => (location.hash = `#/ticket/${number}`)", number)
    life = page.locator(f"{DRAWER} ol li")
    expect(life.last).to_contain_text("Placed")
    expect(life.last).to_contain_text("that is risked wins")
    page.locator(DRAWER).get_by_role("button", name="Void").click()
    search.act("written down wrongly")
    expect(life.first).to_contain_text("Void")
    expect(life.first).to_contain_text("written down wrongly")
    expect(life).to_have_count(2)
