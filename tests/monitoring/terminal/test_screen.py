"""A picture on a terminal: what is seen is what was meant, for few bytes."""

from __future__ import annotations

import io
import random

from rich.text import Text

from monitoring.terminal.screen import Screen
from tests.monitoring.terminal.glass import Glass


class _Out(io.StringIO):
    def news(self) -> str:
        text = self.getvalue()
        self.seek(0)
        self.truncate()
        return text


def test_what_is_seen_is_what_was_shown_last() -> None:
    """After any sequence of pictures, growing and shrinking, the terminal shows the last one and nothing else."""
    chance = random.Random(5)
    out, glass = _Out(), Glass(60, 20)
    screen = Screen(out, no_color=False)
    tallest = 0
    for _ in range(200):
        count = chance.randrange(1, 18)
        tallest = max(tallest, count)
        words = ["".join(chance.choice("ab \N{FULL BLOCK}") for _ in range(chance.randrange(50))) for _ in range(count)]
        lines = [Text.assemble((word[:9], chance.choice(["red", "bold", ""])), word[9:]) for word in words]
        screen.show(lines)
        glass.write(out.news())
        expected = [word.rstrip() for word in words] + [""] * (tallest - count)
        assert [*glass.scrolled, *glass.seen()][: len(expected)] == expected
    assert not glass.wrapped
    assert glass.scrolled == []


def test_a_picture_that_did_not_change_costs_nothing() -> None:
    """The same lines again are not a byte."""
    out = _Out()
    screen = Screen(out, no_color=False)
    screen.show([Text("a"), Text("b", style="red")])
    sent = screen.sent
    screen.show([Text("a"), Text("b", style="red")])
    assert screen.sent == sent


def test_only_what_changed_is_sent() -> None:
    """A number that grows by one is sent without what stands around it, and a change of colour alone is seen."""
    out = _Out()
    screen = Screen(out, no_color=True)
    screen.show([Text("x" * 40), Text("done 1,234,567 of 9,999,999"), Text("y" * 40)])
    out.news()
    screen.show([Text("x" * 40), Text("done 1,234,568 of 9,999,999"), Text("y" * 40)])
    news = out.news()
    assert "8" in news
    assert len(news) < 20
    coloured = Screen(out, no_color=False)
    coloured.show([Text("same")])
    out.news()
    coloured.show([Text("same", style="red")])
    assert "31" in out.news()


def test_without_colour_no_colour_is_sent() -> None:
    """Where somebody wants no colour, bold is all that is left of it."""
    out = _Out()
    Screen(out, no_color=True).show([Text("a", style="bold red on blue")])
    assert "\x1b[1m" in out.getvalue()
    assert "31" not in out.getvalue()


def test_after_a_change_of_size_it_begins_on_an_empty_screen() -> None:
    """What became of the old lines nobody knows: the screen is cleared and all is drawn again."""
    out, glass = _Out(), Glass(30, 10)
    screen = Screen(out, no_color=False)
    screen.show([Text("one"), Text("two")])
    glass.write(out.news())
    screen.clear()
    screen.show([Text("three")])
    glass.write(out.news())
    assert [line for line in glass.seen() if line] == ["three"]
