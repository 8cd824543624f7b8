"""Take the pictures of the console from a running demo: docs/console-light.png, console-dark.png, console-phone.png.

Needs a Chrome, or the one that comes with the console's packages.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.e2e.conftest import ARGUMENTS, Demo, Seat, browser_path  # noqa: E402

DOCS = ROOT / "docs"
PICTURES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("console-light.png", "harbor.owner", {}),
    ("console-dark.png", "harbor.owner", {"dark": True}),
    ("console-phone.png", "A1021", {"phone": True}),
)
FILLED_MS = 25_000
"""How long the page is followed before its picture is taken, so that there is something on it."""


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=ARGUMENTS)
        demo = Demo(Path(temporary), "--for", "10m")
        for name, user, options in PICTURES:
            seat = Seat(browser, demo, **options).sign_in(user)
            page = seat.page
            if user == "harbor.owner":
                page.get_by_role("button", name="Change a limit").click()
            else:
                page.locator("section.game").nth(1).locator(".market").nth(2).get_by_role("button").last.click()
            page.wait_for_timeout(FILLED_MS if name == "console-light.png" else FILLED_MS / 5)
            page.screenshot(path=DOCS / name)
            seat.close()
            print(f"written: {DOCS / name}")
        browser.close()
        demo.stop()


if __name__ == "__main__":
    main()
