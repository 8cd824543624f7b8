"""A running demo and a real browser."""

import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Error, expect, sync_playwright
from tests.doubles.ports import own_port

ROOT = Path(__file__).parents[2]
CONSOLE = ROOT / "console"
ATTEMPTS = 5
PASSWORD = "in-real-time"
EXECUTABLE = "import('@sparticuz/chromium').then(async (found) => console.log(await found.default.executablePath()))"
REMEDY = "remedy: install Chrome or Chromium, or `make console`, which brings one for Linux on x86-64"
ARGUMENTS = ["--no-sandbox", "--no-zygote", "--disable-gpu", "--disable-setuid-sandbox", "--headless=shell"]

LONG = ("test_console.py", "test_page_truth.py", "test_shell.py", "test_lines.py")
"""What takes longest begins first, so that it is not waited for alone at the end."""

# A busy machine may take its time; what never comes is found all the same.
expect.set_options(timeout=20_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest in front."""
    places = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path.name, len(LONG)))


def browser_path() -> str:
    """An installed Chrome, or the one that comes with the console's packages."""
    for name in ("google-chrome", "chromium", "chromium-browser"):
        found = shutil.which(name)
        if found:
            return found
    # It is unpacked into the folder for temporary files the first time, by one of those who look for it.
    with (CONSOLE / "package.json").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = subprocess.run(["node", "-e", EXECUTABLE], cwd=CONSOLE, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


@pytest.fixture(scope="session")
def browser():
    """The browser. Without one these tests fail: what was not tried must not look as if it held."""
    path = browser_path()
    if not path:
        pytest.fail(f"no Chrome is installed, and @sparticuz/chromium does not run here; {REMEDY}", pytrace=False)
    with sync_playwright() as playwright:
        try:
            running = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        except Error as error:
            pytest.fail(f"{path} does not start on this machine; {REMEDY}: {error.message[:300]}", pytrace=False)
        yield running
        running.close()


class Demo:
    """A running `runline demo`."""

    def __init__(self, folder: Path, *options: str) -> None:
        command = [sys.executable, "-m", "runline", "demo", "--port", str(own_port()), "--data", str(folder), *options]
        self.child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"COLUMNS": "200"})
        self.said = ""
        assert self.child.stdout is not None
        for line in self.child.stdout:
            self.said += line
            if "Ctrl-C ends it" in line:
                break
        found = re.search(r"(http://\S+)/\?book=harbor", self.said)
        assert found, self.said
        self.address = found[1]
        self.database = folder / "runline.db"

    def stop(self) -> str:
        """Ctrl-C; returns what it said at the end."""
        self.child.send_signal(signal.SIGINT)
        rest, _ = self.child.communicate(timeout=30)
        return rest


@pytest.fixture(scope="module")
def demo(request, tmp_path_factory, browser):
    """A demo for the tests of a file, which may say by DAY how it passes."""
    running = Demo(tmp_path_factory.mktemp("demo"), *getattr(request.module, "DAY", ("--for", "20m")))
    yield running
    if running.child.poll() is None:
        running.stop()


ASKED = """async (query) => {
  for (;;) {
    const answer = await (await fetch(`/v1/${query}`)).json();
    if (answer.error?.code !== 'busy') return answer;
  }
}"""
"""What the server answers; who has asked much waits for it there, and asks again."""

POSTED = """async ([path, body]) => { const answer = await fetch(path, { method: 'POST',
    headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
    return [answer.status, await answer.text()]; }"""


def ask(page: Any, query: str) -> Any:
    """What the server answers to a query of whoever is signed in there."""
    found = page.evaluate(ASKED, query)
    assert "items" in found, (query, found)
    return found["items"]


def does(page: Any, path: str, **body: Any) -> None:
    """Have whoever is signed in there do something by the API."""
    status, text = page.evaluate(POSTED, [f"/v1/{path}", body])
    assert status == 200, text


class Seat:
    """A browser window of one user."""

    def __init__(
        self,
        browser: Any,
        demo: Demo,
        *,
        book: str = "harbor",
        phone: bool = False,
        width: int = 1440,
        height: int = 1000,
        dark: bool = False,
        script: str = "",
        bypass_csp: bool = False,
    ) -> None:
        size = {"width": 360, "height": 780} if phone else {"width": width, "height": height}
        self.context = browser.new_context(
            viewport=size,
            color_scheme="dark" if dark else "light",
            locale="en-US",
            reduced_motion="reduce",
            bypass_csp=bypass_csp,
        )
        if script:
            self.context.add_init_script(script)
        self.page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(f"{demo.address}/?book={book}")

    def sign_in(self, user: str, password: str = PASSWORD) -> "Seat":
        """Sign in and wait until the page is live."""
        self.page.fill("[name=user]", user)
        self.page.fill("[name=password]", password)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_selector("[data-connection=live]")
        return self

    def room(self, name: str) -> "Seat":
        """Go to a room, as one goes there: by the rail, on a phone by the tabs or by what is behind `More`."""
        rooms = self.page.get_by_role("navigation", name="Rooms")
        expect(rooms).to_be_visible()
        link, more = rooms.get_by_role("link", name=name, exact=True), rooms.get_by_role("button", name="More")
        expect(link.or_(more).first).to_be_visible()
        if not link.count():
            more.click()
            link = self.page.get_by_role("dialog").get_by_role("link", name=name, exact=True)
        link.click()
        expect(self.page.locator("main")).to_have_attribute("aria-label", name)
        return self

    def try_it(self) -> "Seat":
        """Open what the demo has to try."""
        self.page.locator("summary", has_text="Try it").click()
        return self

    def path(self) -> str:
        """What is said of what was just done, on one line."""
        return re.sub(r"\s+", " ", self.page.get_by_test_id("path").inner_text())

    def act(self, reason="tried", **typed):
        """Fill the open dialog, look, and do it; returns the measured path."""
        dialog = self.page.get_by_role("dialog")
        for name, text in typed.items():
            dialog.locator(f"[data-field={name}]").fill(text)
        dialog.locator("[data-field=reason]").fill(reason)
        # The player may wager in between: then the page says so, and one looks again.
        for _ in range(ATTEMPTS):
            dialog.get_by_role("button", name="Preview").click()
            dialog.get_by_role("button", name="Do it").click()
            expect(dialog.get_by_role("alert").or_(self.page.locator("body:not(:has(dialog[open]))"))).to_be_visible()
            if not dialog.is_visible():
                break
            expect(dialog.get_by_role("alert")).to_contain_text("Somebody has changed this")
        return self.page.get_by_test_id("path").inner_text()

    def choose(self, label, value):
        """Choose in the open dialog."""
        self.page.get_by_role("dialog").get_by_label(label).select_option(value)

    def place(self):
        """Place what is in the slip, at whatever price stands by then; returns where it says so."""
        slip, placed = self.page.get_by_role("form", name="Slip"), self.page.get_by_test_id("placed")
        for _ in range(ATTEMPTS):
            slip.locator("button.main").click()
            expect(placed.or_(slip.locator("button.main:not(:disabled)"))).to_be_visible()
            if placed.is_visible():
                return placed
        raise AssertionError(slip.inner_text())

    def refused(self, says: str) -> None:
        """Try to place what is in the slip, at whatever price stands by then, until it says why not."""
        slip = self.page.get_by_role("form", name="Slip")
        main, alert = slip.locator("button.main"), slip.get_by_role("alert")
        for _ in range(ATTEMPTS):
            main.click()
            expect(alert.or_(slip.locator("button.main:not(:disabled)")).first).to_be_visible()
            if alert.is_visible():
                break
        expect(alert).to_contain_text(says)

    def close(self) -> None:
        """Close the window; nothing may have gone wrong in it."""
        self.context.close()
        assert self.errors == []


@pytest.fixture
def seat(browser, demo):
    """Windows that are closed at the end."""
    seats = []

    def open_seat(user="", **options):
        one = Seat(browser, demo, **options)
        seats.append(one)
        return one.sign_in(user) if user else one

    yield open_seat
    for one in seats:
        one.close()
