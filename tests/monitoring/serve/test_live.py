"""A stream gives the whole page, then what changes, and nothing is made for nobody."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from monitoring.panels.panel import Panel, PanelMaker, Recipe, Source, Table, Text
from monitoring.serve import stream, watch
from tests.builders.dashboard_pages import PAGES
from tests.builders.dashboard_server import Client, serving, shown_campaigns, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from monitoring.panels.shown import Shown

SOURCE = Source("a counter")


@dataclass
class Counters:
    """An overview of two panels, one of which a test changes; counts how often it is made."""

    value: int = 0
    made: int = 0
    more: bool = False
    trouble: bool = False

    def overview(self, campaigns: Sequence[Shown]) -> Recipe:
        """Return two panels, or three."""
        assert not campaigns
        makers = [PanelMaker("still", 0.05, _still), PanelMaker("moving", 0.05, self._moving)]
        if self.more:
            makers.append(PanelMaker("more", 0.05, lambda: replace(_still(), key="more")))
        return Recipe("Campaigns", (), tuple(makers))

    def made_more_than(self, times: int) -> bool:
        """Return whether the panel was made more often than that."""
        return self.made > times

    def _moving(self) -> Panel:
        self.made += 1
        if self.trouble:
            message = "it hurts"
            raise ValueError(message)
        return Panel("moving", "Moving", str(self.value), SOURCE, Table((), ()))


def _still() -> Panel:
    return Panel("still", "Still", "", SOURCE, Text(()))


@pytest.fixture
def counters() -> Counters:
    """What the page shows."""
    return Counters()


@pytest.fixture
def client(counters: Counters, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Client]:
    """Ask a dashboard of that page, whose times are short."""
    monkeypatch.setattr(watch, "RENEW_S", 0.1)
    monkeypatch.setattr(stream, "LEAST_PAUSE_S", 0.2)
    monkeypatch.setattr(stream, "QUIET_S", 0.3)
    pages = replace(PAGES, overview=counters.overview)
    with serving(shown_campaigns(results=tmp_path / "results"), pages=pages) as (asked, _):
        yield asked


def test_first_the_page_then_what_changed(client: Client, counters: Counters) -> None:
    """The first event is the whole page; the next has the panel that changed and no other."""
    with client.stream("/live/") as events:
        first = events.next()
        assert first is not None
        assert (first.kind, first.data["title"]) == ("page", "Campaigns")
        assert [panel["key"] for panel in first.data["panels"]] == ["still", "moving"]
        counters.value = 1
        second = events.next()
        assert second is not None
        assert second.kind == "panels"
        assert [(panel["key"], panel["lead"]) for panel in second.data["panels"]] == [("moving", "1")]
        assert second.data["at"] > first.data["at"]
        server, number = first.number.split("-")
        assert second.number.split("-")[0] == server
        assert int(second.number.split("-")[1]) > int(number)


def test_where_nothing_changes_there_is_no_event(client: Client) -> None:
    """Between two events a quiet page sends comments, which keep the connection and tell nothing."""
    with client.stream("/live/") as events:
        assert events.next()
        lines = [events.response.readline() for _ in range(4)]
        assert set(lines) == {b": nothing new\n", b"\n"}


def test_a_slow_listener_gets_the_latest(client: Client, counters: Counters) -> None:
    """What happened between two events is not told, only how it stands."""
    with client.stream("/live/") as events:
        assert events.next()
        for _ in range(5):
            counters.value += 1
            wait_until(partial(counters.made_more_than, counters.made + 1))
        seen: list[str] = []
        while not seen or seen[-1] != "5":
            event = events.next()
            assert event is not None
            seen += [panel["lead"] for panel in event.data["panels"]]
        assert len(seen) < 5


def test_another_set_of_panels_is_another_page(client: Client, counters: Counters) -> None:
    """A panel that comes or goes makes the page be sent whole."""
    with client.stream("/live/") as events:
        assert events.next()
        counters.more = True
        event = events.next()
        assert event is not None
        assert event.kind == "page"
        assert [panel["key"] for panel in event.data["panels"]] == ["still", "moving", "more"]


def test_a_panel_that_fails_comes_back(client: Client, counters: Counters) -> None:
    """While it cannot be made, a panel keeps its title and says why; then it is as before."""
    with client.stream("/live/") as events:
        assert events.next()
        counters.trouble = True
        event = events.next()
        assert event is not None
        (panel,) = event.data["panels"]
        assert (panel["title"], panel["tone"]) == ("Moving", "bad")
        assert "ValueError: it hurts" in panel["lead"]
        counters.trouble = False
        event = events.next()
        assert event is not None
        assert event.data["panels"][0]["tone"] == ""


def test_all_who_listen_share_the_work(client: Client, counters: Counters) -> None:
    """Each panel is made as often for many as for one, and everybody is told."""
    with client.stream("/live/") as one, client.stream("/live/") as other:
        assert one.next()
        assert other.next()
        counters.value = 7
        for events in (one, other):
            event = events.next()
            assert event is not None
            assert event.data["panels"][0]["lead"] == "7"


def test_nothing_is_made_for_nobody(counters: Counters, tmp_path: Path) -> None:
    """Before anybody listens, and after the last one went, no panel is made."""
    pages = replace(PAGES, overview=counters.overview)
    with serving(shown_campaigns(results=tmp_path), pages=pages) as (client, server):
        assert counters.made == 0
        with client.stream("/live/") as one, client.stream("/live/") as other:
            assert one.next()
            assert other.next()
            assert len(server.dashboard.watchers.watched) == 1
        wait_until(lambda: not server.dashboard.watchers.watched)
        made = counters.made
        assert client.get("/").status == 200
        assert counters.made - made <= 1  # one may have been under way


def test_an_open_stream_does_not_keep_the_server(counters: Counters, tmp_path: Path) -> None:
    """A server that is told to end closes its streams by itself, properly."""
    pages = replace(PAGES, overview=counters.overview)
    ended = threading.Event()
    with serving(shown_campaigns(results=tmp_path), pages=pages) as (client, server), client.stream("/live/") as events:
        assert events.next()

        def listen_on() -> None:
            while events.next():
                pass
            ended.set()

        threading.Thread(target=listen_on).start()
        server.should_exit = True
        assert ended.wait(10)


def test_a_page_that_takes_long_shows_its_first_panels_before(
    counters: Counters, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The panels at the head of a page are there while another is in the making, which comes when it is made."""
    may_end = threading.Event()

    def overview(campaigns: Sequence[Shown]) -> Recipe:
        before = counters.overview(campaigns)
        slow = PanelMaker("slow", 0.05, lambda: (may_end.wait(60), replace(_still(), key="slow"))[1])
        last = PanelMaker("last", 0.05, lambda: replace(_still(), key="last"))
        return replace(before, makers=(*before.makers, slow, last))

    monkeypatch.setattr(watch, "FIRST_LOOK_S", 0.1)
    with (
        serving(shown_campaigns(results=tmp_path / "results"), pages=replace(PAGES, overview=overview)) as (asked, _),
        asked.stream("/live/") as events,
    ):
        first = events.next()
        may_end.set()
        second = events.next()
    assert first is not None
    assert [panel["key"] for panel in first.data["panels"]] == ["still", "moving"]
    assert second is not None
    assert second.kind == "page"
    assert [panel["key"] for panel in second.data["panels"]] == ["still", "moving", "slow", "last"]
