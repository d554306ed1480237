"""A tab of Chromium that remembers what went wrong in it: errors of scripts, requests that failed, broken policies."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from jobs.pool.folders import runtime_folder
from tests.browser.chromium import install

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response

__all__ = ["Tab", "open_browser", "open_tab"]

OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)

SERIOUS = {"serious", "critical"}

_NOTE_CHANGES = """([selector, wait]) => new Promise((resolve) => {
    const seen = [];
    const watch = new MutationObserver((changes) => {
        for (const { target, type } of changes) {
            const panel = (target.parentElement ?? target).closest("section")?.dataset.key;
            seen.push(`${type} in ${panel}: ${target.textContent.slice(0, 80)}`);
        }
    });
    const all = { subtree: true, childList: true, characterData: true, attributes: true };
    watch.observe(document.querySelector(selector), all);
    setTimeout(() => resolve(seen), wait);
})"""


@dataclass
class Tab:
    """One tab.

    Attributes:
        page: Playwright's handle of it.
        wrong: what went wrong so far, a line each; broken Content-Security-Policies are among it, as errors of the
            console.

    """

    page: Page
    wrong: list[str] = field(default_factory=list)

    def barriers(self) -> list[str]:
        """Return what axe-core finds serious on the page as it is now, a line for each element."""
        found = Axe().run(self.page).response["violations"]
        return [
            f"{rule['id']}: {' '.join(map(str, node['target']))}: {node['html'][:200]}"
            for rule in found
            if rule["impact"] in SERIOUS
            for node in rule["nodes"]
        ]

    def touched(self, selector: str, during_s: float) -> list[str]:
        """Watch a part of the page for some time, and return what changed in it, a line for each change."""
        found: list[str] = self.page.evaluate(_NOTE_CHANGES, [selector, during_s * 1000])
        return found

    def watch(self) -> None:
        """Begin to note what goes wrong."""
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on("requestfailed", self._failed)
        self.page.on("response", self._answered)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.wrong.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _failed(self, request: Request) -> None:
        # A page that is left lets go of its stream.
        if request.failure != "net::ERR_ABORTED":
            self.wrong.append(f"{request.url}: {request.failure}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.wrong.append(f"{response.url}: {response.status}")


@contextlib.contextmanager
def open_browser() -> Iterator[Browser]:
    """Start Chromium, installed if need be, and end it."""
    chromium = install(runtime_folder(), report=lambda _: None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.program, args=list(OPTIONS), env={**os.environ, **chromium.environment}
        )
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def open_tab(
    browser: Browser,
    *,
    width: int = 1280,
    height: int = 900,
    scheme: Literal["light", "dark"] = "light",
    **options: Any,  # noqa: ANN401 - whatever a context can have
) -> Iterator[Tab]:
    """Open a tab with nothing in it, of a size in CSS pixels; it has its own cookies and is closed in the end."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce", **options
    )
    context.set_default_timeout(20_000)
    try:
        tab = Tab(context.new_page())
        tab.watch()
        yield tab
    finally:
        context.close()
