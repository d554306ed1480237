"""Fits a campaign's panels into a terminal: what matters less is left out first, and nothing is ever wrapped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text

from monitoring.terminal.format import printable, write, write_duration
from monitoring.terminal.sections import draw_panel, draw_states, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitoring.panels.panel import Panel
    from monitoring.terminal.look import Look
    from monitoring.terminal.sections import Section

__all__ = ["FRESH_S", "Scene", "draw_picture", "is_drawn"]

PANELS = {
    "headline": 4,
    "states": 3,
    "links": 7,
    "failures": 3,
    "holds": 3,
    "notes": 3,
    "waiting": 3,
    "throughput": 1,
    "latency": 3,
    "jobs-per-hour": 1,
}
"""Keys of the panels that are drawn wherever they fit, most important first, and how many lines are enough of each."""

MORE_PANELS = ("states-table", "throttle", "edits", "pool", "retries", "efficiency", "speed-up", "usage", "stragglers")
"""Keys of those that are drawn where there is room for more, and `link-…`."""

FRESH_S = 20.0
"""Numbers that are younger are those of now; a second more each time would redraw a line for nothing."""


@dataclass(frozen=True)
class Scene:
    """A campaign at one moment.

    Attributes:
        title: its name.
        panels: of its page, in order.
        at: now, seconds since the epoch.
        heard_at: when its store was last written, seconds since the epoch; None if it never was.
        says: a few words on who is at work.

    """

    title: str
    panels: tuple[Panel, ...]
    at: float
    heard_at: float | None
    says: str = ""


def draw_picture(scene: Scene, look: Look, width: int, height: int) -> list[Text]:
    """Return at most `height` lines of at most `width` cells."""
    drawn = [
        draw_states(scene.panels, look, width) if panel.key == "states" else draw_panel(panel, look, width)
        for panel in scene.panels
    ]
    sections = [section for section in drawn if section is not None]
    lines = [_top(scene, look, width)]
    shares = _share_out(sections, height - 1)
    airy = sum(shares.values()) + len(shares) + 1 <= height
    for section in sections:
        if section.key in shares:
            lines += [Text()] if airy else []
            lines += _cut(section, shares[section.key], look, width)
    return lines[:height]


def _top(scene: Scene, look: Look, width: int) -> Text:
    name = Text(look.text(printable(scene.title)), style="bold")
    words = [scene.says, _age(scene)]
    line = Text.assemble(name, (look.text("".join(f"   {word}" for word in words if word)), "dim"))
    return shorten(line, look, width)


def _age(scene: Scene) -> str:
    if scene.heard_at is None:
        return "nothing was collected yet"
    age_s = scene.at - scene.heard_at
    if age_s < FRESH_S:
        return ""
    rough_s = age_s // 10 * 10 if age_s < 60 else age_s // 60 * 60
    return f"numbers of {write(scene.heard_at, 'time')}, {write_duration(rough_s)} ago"


def is_drawn(key: str) -> bool:
    """Return whether a panel is drawn at all."""
    return key in PANELS or key in MORE_PANELS or key.startswith("link-")


def _share_out(sections: Sequence[Section], height: int) -> dict[str, int]:
    """Return how many lines each section gets, by its key.

    First every important one gets the fewest lines that say something, then what is enough, then the others come in,
    and what is left over goes to whoever has more to say; each time the most important ones first.
    """
    ranked = sorted(sections, key=lambda section: _rank(section.key))
    needed = [(section, section.least) for section in ranked if section.key in PANELS]
    enough = [(section, PANELS[section.key]) for section, _ in needed]
    others = [(section, min(2 * section.least, len(section.lines))) for section in ranked if section.key not in PANELS]
    shares: dict[str, int] = {}
    for section, lines in (*needed, *enough, *others, *((section, len(section.lines)) for section in ranked)):
        has = shares.get(section.key, 0)
        gets = min(lines, len(section.lines), has + height)
        if gets >= max(section.least, has):
            shares[section.key] = gets
            height -= gets - has
        elif section.key in PANELS:
            break
    return shares


def _rank(key: str) -> int:
    order = (*PANELS, *MORE_PANELS)
    return order.index(key) if key in order else len(order)


def _cut(section: Section, height: int, look: Look, width: int) -> list[Text]:
    """Return the first lines; where some are left out, the last one says how many."""
    if len(section.lines) <= height or height < 3:
        return list(section.lines[:height])
    rest = Text(look.text(f"… and {len(section.lines) - height + 1:,} more"), style="dim")
    return [*section.lines[: height - 1], shorten(rest, look, width)]
