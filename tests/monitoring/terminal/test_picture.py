"""A campaign's panels on terminals of every size: nothing is wider or higher, and what matters stays."""

from __future__ import annotations

from itertools import pairwise

import pytest

from monitoring.panels.panel import Panel, Text
from monitoring.terminal.look import look_of
from monitoring.terminal.picture import Scene, draw_picture
from monitoring.terminal.sections import sum_up
from tests.monitoring.terminal.panels import SOURCE, a_plot, everything, failures, headline, links, states

UTF8, ASCII = look_of("utf-8"), look_of("ascii")


def _lines(panels: tuple[Panel, ...], width: int = 80, height: int = 24, encoding: str = "utf-8") -> list[str]:
    scene = Scene("demo", panels, at=1000.0, heard_at=995.0, says="driver at work")
    drawn = draw_picture(scene, look_of(encoding), width, height)
    assert len(drawn) <= height
    assert all(line.cell_len <= width for line in drawn)
    return [line.plain for line in drawn]


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
@pytest.mark.parametrize(("width", "height"), [(80, 24), (60, 20), (200, 60), (20, 5), (1, 1), (40, 100)])
def test_it_fits(width: int, height: int, encoding: str) -> None:
    """No line is wider than the terminal and no picture higher, and every character is one that it has."""
    for panels in (everything(), (), (links(40), failures(100))):
        "".join(_lines(panels, width, height, encoding)).encode(encoding)


def test_on_80x24_everything_that_matters_is_there() -> None:
    """Estimate, every state in words, every link, failures, waiting, throughput and latency fit into 80x24."""
    text = "\n".join(_lines(everything()))
    for words in (
        "Ready in 2 h 3 min",
        "3 failed",
        "200 running",
        "700 done",
        "SITE2",
        "62 %",
        "class_1",
        "site link of BNL",
    ):
        assert words in text
    assert "Throughput" in text
    assert "Latency" in text
    assert "Held jobs" not in text, "nothing is held"


def test_what_matters_least_goes_first() -> None:
    """With less and less height the plots go before the links, and these before states and headline."""

    def shown(height: int) -> set[str]:
        text = "\n".join(_lines(everything(), 80, height))
        return {word for word in ("Ready in", "running", "SITE2", "class_0", "Throughput", "Latency") if word in text}

    heights = [shown(height) for height in range(24, 1, -1)]
    assert all(after <= before for before, after in pairwise(heights))
    assert shown(10) >= {"running", "class_0"}
    assert "Latency" not in shown(8)
    assert "running" in shown(4)


def test_a_big_terminal_shows_more() -> None:
    """More rows of a long table, and air between the panels."""
    panels = (links(40), failures(50))
    small, big = _lines(panels, 80, 24), _lines(panels, 200, 120)
    assert "more" in small[-1]
    assert not any("more" in line and "and" in line.split() and "class" not in line for line in big)
    assert "" in big
    assert len(big) > 90


def test_no_estimate_is_no_zero() -> None:
    """What is not known is a dash."""
    text = "\n".join(_lines((headline(eta_s=None),)))
    assert "Ready in \N{EN DASH}" in text


def test_states_show_however_few_they_are() -> None:
    """One failed job of a million has its place in the bar, and the bar is as wide as the terminal."""
    _, _, bar, *legend = _lines((states(failed=1, done=999_999),))
    assert len(bar) == 80
    assert bar.count("X") == 1
    assert "1 failed" in legend[0]
    assert "999,999 done" in legend[0]


def test_what_jobs_say_does_not_steer_the_terminal() -> None:
    """Escape sequences, tabs and new lines in names and errors are shown as blanks or not at all."""
    nasty = Panel("throttle", "T\x1b[2J\n\t", "", SOURCE, Text(("a\x1b]0;title\x07b\rc", "\x9b31mred")))
    text = "".join(_lines((failures(), nasty)))
    assert all(sign.isprintable() for sign in text)


def test_wide_characters_count_double() -> None:
    """A name in wide characters does not push its line over the edge."""
    wide = a_plot("throughput", "検出器" * 10, {"x": (1.0, 2.0)})
    _lines((wide,), 40)


def test_old_numbers_say_how_old() -> None:
    """Fresh numbers say nothing; old ones say since when, in steps that do not change each second."""

    def top(age_s: float) -> str:
        scene = Scene("demo", (), at=100_000.0, heard_at=100_000.0 - age_s)
        return draw_picture(scene, UTF8, 80, 5)[0].plain

    assert "ago" not in top(10)
    assert "3 min ago" in top(200)
    assert top(190).split("numbers")[0] == top(210).split("numbers")[0]
    assert "nothing" in draw_picture(Scene("demo", (), 1.0, None), UTF8, 80, 5)[0].plain


def test_the_limit_of_a_plot_is_in_words() -> None:
    """A budget is said beside the line of what was sent, whose columns end at the newest value."""
    _, _, line = _lines((a_plot("link-A", "A", {"sent": (0.0, 50.0, 100.0, None)}, "mbps", limit=400.0),))
    assert "100 Mb/s" in line
    assert "limit 400 Mb/s" in line


def test_gaps_are_not_zeros() -> None:
    """A bin in which nothing is known is a gap, one with zero the lowest column; many bins become their means."""
    assert UTF8.columns((None, 0.0, 8.0), 3, 8.0) == " ▁█"
    assert ASCII.columns(tuple(float(n) for n in range(1000)), 8, 1000.0) == "_.:-=+*#"
    assert UTF8.columns((), 5, 1.0) == ""


def test_a_bar_tells_little_from_nothing_and_much_from_all() -> None:
    """Something is never no cell, less than all never every cell; over the budget is full."""
    assert ASCII.bar(0.0, 10) == ("", "." * 10)
    assert ASCII.bar(0.001, 10)[0] == "#"
    assert ASCII.bar(0.999, 10)[0] == "#" * 9
    assert ASCII.bar(1.7, 10)[0] == "#" * 10


def test_one_line_for_a_log() -> None:
    """Where every line is kept, headline and states are one."""
    line = sum_up((headline(), states(running=2, done=7)), ASCII)
    assert line == "2 running, 7 done; Ready in 2 h 3 min"
