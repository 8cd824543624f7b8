"""How a page looks: what axe finds on it, and whether it is wider than its window."""

from typing import Any

from playwright.sync_api import expect
from tests.e2e.conftest import CONSOLE

AXE = CONSOLE / "node_modules" / "axe-core" / "axe.min.js"
LOOKS = 10


def bring_axe(page: Any) -> None:
    """Bring axe onto a page. The page's policy lets no script in: its window is opened without (`bypass_csp`)."""
    page.add_script_tag(content=AXE.read_text(encoding="utf-8"))


def looks_well(page: Any, where: str = "") -> None:
    """axe finds nothing on a page that is live (what is not is dimmed, and means to be), and it loses nothing at its sides."""
    found: list[Any] = []
    for _ in range(LOOKS):
        expect(page.locator("main.stale")).to_have_count(0)
        found = page.evaluate("async () => (await axe.run()).violations")
        if not page.locator("main.stale").count():
            break
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == [], where
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, where
