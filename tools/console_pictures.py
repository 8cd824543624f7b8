"""Take the pictures of the console from a running demo into docs/ and docs/tour/, or into another folder those of every room.

    python tools/console_pictures.py [FOLDER]

Needs a Chrome, or the one that comes with the console's packages.
"""

import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.e2e.conftest import ARGUMENTS, Demo, Seat, browser_path  # noqa: E402


class Picture(NamedTuple):
    """What is photographed: whose page, at which address, in what window, and what is chosen there first.

    address: may hold `{game}`, `{ticket}`: the game of most wagers, one of its tickets.
    """

    name: str
    user: str
    address: str
    options: dict[str, Any]
    choose: str = ""


PHONE = {"phone": True}
DARK = {"dark": True}
SMALL = {"width": 1280, "height": 800}
OWNER = "harbor.owner"
DOCS = (
    Picture("console-light.png", OWNER, "#/player/A1021", {}),
    Picture("console-dark.png", OWNER, "#/ticker", DARK),
    Picture("console-risk.png", OWNER, "#/risk", {}),
    Picture("console-phone.png", "A1021", "", PHONE),
    Picture(
        "tour/board.png",
        OWNER,
        "#/board",
        SMALL,
        "section[aria-labelledby=board-title] tbody:nth-of-type(4) button[aria-label*='Move the total']",
    ),
    Picture("tour/game.png", OWNER, "#/game/{game}", SMALL),
    Picture("tour/ticket.png", OWNER, "#/ticket/{ticket}", SMALL),
    Picture("tour/people.png", OWNER, "#/people", SMALL),
    Picture("tour/figures.png", OWNER, "#/figures", SMALL),
    Picture("tour/log.png", OWNER, "#/log", SMALL | DARK),
    Picture("tour/system.png", OWNER, "#/system", SMALL),
    Picture("tour/phone.png", OWNER, "#/board", PHONE),
)
"""What the README and the tour show."""

ROOMS = ("board", "risk", "ticker", "figures", "people", "log", "system")
TOLD = """async (address) => {
  const [most] = (await (await fetch('/v1/wagers?status=open&sort=risk&limit=1')).json()).items ?? [];
  const game = most?.legs[0].market.split(':')[0] ?? '';
  location.hash = address.replace('{game}', game).replace('{ticket}', most?.number ?? '');
}"""
"""Goes where something is open: to the largest open ticket, or its game."""

FILLED_MS = 25_000
"""How long the page is followed before its picture is taken, so that there is something on it."""


def of_every_room() -> Iterable[Picture]:
    """Every room, light and dark, and on a phone."""
    for look, options in (("light", {}), ("dark", DARK), ("phone", PHONE), ("small", SMALL)):
        for room in ROOMS:
            yield Picture(f"{room}-{look}.png", OWNER, f"#/{room}", options)
        for kind, name in (("player", "A1021"), ("agent", "A1"), ("game", "{game}"), ("ticket", "{ticket}")):
            yield Picture(f"{kind}-{look}.png", OWNER, f"#/{kind}/{name}", options)
        yield Picture(f"results-{look}.png", "results.desk", "#/results", options | {"book": "house"})
    yield Picture("player-site.png", "A1021", "", PHONE)
    for look, options in (("phone", PHONE), ("dark", PHONE | DARK), ("light", {})):
        for view in ("board", "wagers", "account", "rules"):
            yield Picture(f"player-{view}-{look}.png", "A1021", f"#/{view}", options)


def take(browser: Any, demo: Demo, picture: Picture, folder: Path, filled_ms: int) -> None:
    """Sign in, go there, wait until there is something to see, and take it."""
    seat = Seat(browser, demo, **picture.options).sign_in(picture.user)
    page = seat.page
    if picture.address:
        page.evaluate(TOLD, picture.address)
        if picture.choose:
            page.locator(picture.choose).first.click()
    else:
        page.locator("section.game").nth(1).locator(".market").nth(2).get_by_role("button").last.click()
    # Rows hold still under a pointer.
    page.mouse.move(2, 2)
    page.wait_for_timeout(filled_ms)
    page.screenshot(path=folder / picture.name)
    seat.close()
    print(f"written: {folder / picture.name}")


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs"
    pictures = list(of_every_room()) if len(sys.argv) > 1 else DOCS
    (folder / "tour").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=ARGUMENTS)
        demo = Demo(Path(temporary), "--for", "20m")
        for place, picture in enumerate(pictures):
            take(browser, demo, picture, folder, FILLED_MS if place == 0 else FILLED_MS // 10)
        browser.close()
        demo.stop()


if __name__ == "__main__":
    main()
