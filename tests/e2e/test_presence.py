"""A console that nobody has used for a while: it shows on, asks for the password in place, and sends what was written."""

import os
import re
import subprocess
import sys

import pytest
from playwright.sync_api import expect
from tests.e2e.conftest import Seat

from runline.demo.sample import PASSWORD

IDLE_S = 3

IS_IDLE = """async () => {
  const rows = (await (await fetch('/v1/sessions')).json()).items;
  return Math.max(...rows.map((row) => row.idle_until_ns)) / 1e6 < Date.now();
}"""
"""Whether the password is wanted for the next command. (Looking does not count as using.)"""


class Served:
    """A running `runline serve` with the sample, where screens are idle soon."""

    def __init__(self, folder):
        settings = {"RUNLINE_SESSIONS_SCREEN_IDLE_S": str(IDLE_S), "RUNLINE_SERVER_PORT": "0"}
        command = [sys.executable, "-m", "runline", "serve", "--sample", "--database", str(folder / "book.db")]
        self.child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | settings)
        assert self.child.stdout is not None
        for line in self.child.stdout:
            found = re.search(r"Runline is at (http://\S+)", line)
            if found:
                self.address = found[1]
                return
        raise AssertionError("it does not start")

    def stop(self):
        self.child.terminate()
        self.child.communicate(timeout=30)


@pytest.fixture(scope="module")
def sample(tmp_path_factory, browser):
    running = Served(tmp_path_factory.mktemp("presence"))
    yield running
    running.stop()


@pytest.fixture
def idle(browser, sample):
    """The owner's window, which nobody has used for a while, with a change of credit written but not sent."""
    seat = Seat(browser, sample)
    page = seat.page
    page.fill("[name=book]", "sample")
    seat.sign_in("owner", PASSWORD).room("Figures")
    page.get_by_role("button", name="root / A1").click()
    page.get_by_role("button", name="Change the credit of P1").click()
    page.locator("[data-field=limit]").fill("1234.50")
    page.locator("[data-field=reason]").fill("good for it")
    wait_until_idle(page)
    yield page
    seat.close()


def wait_until_idle(page):
    while not page.evaluate(IS_IDLE):
        page.wait_for_timeout(200)


def again(page):
    """The dialog that asks for the password."""
    return page.get_by_role("dialog", name="Are you still there?")


def give(page, password):
    again(page).get_by_label("Password of owner").fill(password)
    again(page).get_by_role("button", name="Go on").click()


def test_the_password_is_asked_for_in_place_and_what_was_written_is_sent(idle):
    expect(idle.locator("[data-connection]")).to_have_attribute("data-connection", "live")
    idle.get_by_role("button", name="Preview").click()
    expect(again(idle)).to_be_visible()
    assert idle.locator("[data-field=limit]").input_value() == "1234.50"
    give(idle, "not the password")
    expect(again(idle).get_by_role("alert")).to_contain_text("That is not your password")
    give(idle, PASSWORD)
    expect(again(idle)).to_be_hidden()
    expect(idle.locator(".preview")).to_contain_text("1,234.50")
    # The same id, after a refusal and again after the password, is executed once.
    wait_until_idle(idle)
    sent = []
    idle.on(
        "request", lambda one: sent.append(one.headers.get("idempotency-key")) if "adjust-credit" in one.url else None
    )
    idle.get_by_role("button", name="Do it").click()
    give(idle, PASSWORD)
    expect(idle.get_by_test_id("path")).to_contain_text("durable")
    assert len(sent) == 2
    assert len(set(sent)) == 1


def test_whoever_does_not_give_it_keeps_what_was_written(idle):
    idle.get_by_role("button", name="Preview").click()
    again(idle).get_by_role("button", name="Not now").click()
    expect(idle.get_by_role("alert")).to_contain_text("Your password is needed for this")
    assert idle.locator("[data-field=limit]").input_value() == "1234.50"
    idle.get_by_role("button", name="Preview").click()
    expect(again(idle)).to_be_visible()


def test_betting_is_closed_without_it(idle):
    idle.get_by_role("button", name="Cancel").click()
    idle.get_by_role("button", name="Suspend all").click()
    expect(idle.get_by_test_id("path")).to_contain_text("durable")
    expect(again(idle)).to_be_hidden()
