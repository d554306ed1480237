"""The tab of the tests sees what a user would only find in the browser's console."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.tab import open_browser, open_tab

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Route


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for this file."""
    with open_browser() as browser:
        yield browser


def serve(route: Route, body: str, **headers: str) -> None:
    """Answer a request with a page."""
    route.fulfill(body=body, headers={"content-type": "text/html", **headers})


def test_a_clean_page_has_nothing_wrong(browser: Browser) -> None:
    """A page that is in order is told to be in order, text is drawn in a font that is there."""
    with open_tab(browser) as tab:
        tab.page.route("**/*", lambda route: serve(route, "<html lang=en><title>t</title><main><h1>Jobs</h1></main>"))
        tab.page.goto("http://dashboard.test/")
        assert tab.page.locator("h1").bounding_box()["width"] > 20  # type: ignore[index]
        assert tab.barriers() == []
        assert tab.wrong == []


def test_whatever_goes_wrong_is_noted(browser: Browser) -> None:
    """An error of a script, a request that fails, a broken policy and a text too pale each leave a line."""
    body = (
        "<html lang=en><title>t</title><script src=/s.js></script>"
        "<script>alert(1)</script><main><img src=/gone.png alt=x><p style='color:#aaa'>pale</p></main>"
    )

    def answer(route: Route) -> None:
        if route.request.url.endswith("gone.png"):
            route.fulfill(status=404)
        elif route.request.url.endswith("s.js"):
            route.fulfill(body="throw new Error('broken')", headers={"content-type": "text/javascript"})
        else:
            serve(route, body, **{"content-security-policy": "default-src 'self'; style-src 'unsafe-inline'"})

    with open_tab(browser) as tab:
        tab.page.route("**/*", answer)
        tab.page.goto("http://dashboard.test/")
        told = "\n".join(tab.wrong)
        assert "error: broken" in told
        assert "gone.png: 404" in told
        assert "Content Security Policy" in told
        assert any(line.startswith("color-contrast") for line in tab.barriers())
