"""Plots of the campaign's page as SVG, whatever is in them."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from monitoring.numbers import DrawnLine, DrawnPlot
from monitoring.reporting.draw_plot import draw_plot


def _plot(*lines: DrawnLine, **changes: object) -> DrawnPlot:
    plain: dict[str, object] = {
        "name": "x",
        "title": "X",
        "source": "a test",
        "unit": "mbps",
        "bin_s": 60,
        "starts": (1_700_000_040, 1_700_000_100, 1_700_000_160),
        "stacked": False,
        "lines": lines,
        "marks": (),
    }
    return DrawnPlot.model_validate(plain | changes)


def _line(*values: float | None, key: str = "a", role: str = "", name: str = "A") -> DrawnLine:
    return DrawnLine.model_validate({"key": key, "name": name, "role": role, "values": values})


def test_every_kind_is_drawn() -> None:
    """Lines, a stack, states with their colours, gaps, limits, marks, one bin, nothing but zeros."""
    states = (_line(1, 2, 3, key="done", role="state"), _line(3, 2, 1, key="failed", role="state"))
    for plot in (
        _plot(_line(1.0, None, 3.0), _line(5.0, 5.0, None, role="limit")),
        _plot(*(_line(1.0, 2.0, None, name=f"s{n}") for n in range(9)), stacked=True),
        _plot(*states, stacked=True, unit="count"),
        _plot(
            _line(0.0, 0.0, 0.0), marks=((1_700_000_100.5, "alice: 1 to 2", "edit"), (1_700_000_120.0, "x", "decision"))
        ),
        _plot(_line(1.0), starts=(1_700_000_040,), unit="share"),
    ):
        root = ET.fromstring(draw_plot(plot))  # noqa: S314 - our own
        assert root.tag.endswith("svg")
        assert "#0a0b" not in ET.tostring(root, encoding="unicode")


def test_a_limit_far_above_is_said_and_not_drawn_to() -> None:
    """A budget that nobody comes near leaves the plot to what was sent; one that is near is in it."""
    far, near = (
        draw_plot(_plot(_line(1.0, 2.0, 3.0), _line(most, most, most, role="limit", name="budget")))
        for most in (8000.0, 8.0)
    )
    assert "budget, 8,000 Mb/s (above this plot)" in far
    assert "above this plot" not in near


def test_states_have_the_colours_of_the_page() -> None:
    """Done is green and failed red, in light and dark."""
    svg = draw_plot(
        _plot(_line(1, 2, 3, key="done", role="state"), _line(1, 1, 1, key="failed", role="state"), stacked=True)
    )
    assert "var(--good)" in svg
    assert "var(--bad)" in svg


def test_odd_names_are_text() -> None:
    """Markup, formulas, control characters and odd keys of sites break neither the SVG nor its ids."""
    svg = draw_plot(_plot(_line(1.0, 2.0, 3.0, name="_<b>$\\frac{$\x00"), name='link-"A&B" é', title="<i>\x1b"))
    root = ET.fromstring(svg)  # noqa: S314 - our own
    assert not root.findall(".//b")
    (title,) = (element for element in root if element.tag.endswith("title"))
    assert all(sign.isascii() and (sign.isalnum() or sign == "-") for sign in str(title.get("id")))
