"""The page's colours can be read, in light and in dark."""

from __future__ import annotations

import re

import pytest

from monitoring.web.install import STATIC

THEMES = ("light", "dark by the system", "dark by choice")
TEXT = ("ink", "muted", "accent", "good", "warn", "bad")
GROUNDS = ("ground", "raised", "sunken")


def colours(theme: str) -> dict[str, str]:
    """Return the custom properties of one theme, by name."""
    blocks = re.findall(r"\{([^{}]*--ground:[^{}]*)\}", (STATIC / "style.css").read_text())
    assert len(blocks) == len(THEMES)
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", blocks[THEMES.index(theme)]))


def contrast(one: str, other: str) -> float:
    """Return the ratio that WCAG defines."""

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return float(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", THEMES)
def test_text_has_a_contrast_of_4_5(theme: str) -> None:
    """On every ground that text stands on, bars and banners included."""
    known = colours(theme)
    pairs = [(text, ground) for text in TEXT for ground in GROUNDS]
    pairs += [(tone, "bar") for tone in ("ink", "good", "warn", "bad")]
    pairs += [("warn", "warn-ground"), ("bad", "bad-ground"), ("raised", "ink"), ("raised", "accent")]
    assert [(pair, round(contrast(known[pair[0]], known[pair[1]]), 2)) for pair in pairs if
            contrast(known[pair[0]], known[pair[1]]) < 4.5] == []  # fmt: skip


@pytest.mark.parametrize("theme", THEMES)
def test_plots_have_a_contrast_of_3(theme: str) -> None:
    """Every state and every series against the panel that it is drawn on."""
    known = colours(theme)
    drawn = [name for name in known if name.startswith(("state-", "series-"))]
    assert len(drawn) == 14
    assert [name for name in drawn if contrast(known[name], known["raised"]) < 3] == []


def test_both_ways_to_dark_are_the_same() -> None:
    """Who chooses dark sees what the system's dark shows."""
    assert colours("dark by the system") == colours("dark by choice")
