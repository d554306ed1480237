"""Draws a matplotlib figure as inline SVG whose colours are the page's, so that it follows light, dark and paper."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import mplhep
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

__all__ = ["COLOURS", "draw_svg"]

COLOURS = {
    "ink": "#0a0b01",
    "muted": "#0a0b02",
    "line": "#0a0b03",
    "paper": "#0a0b04",
    "gpu": "#0a0b05",
    "cpu": "#0a0b06",
    "startup": "#0a0b07",
    "read": "#0a0b08",
    "prepare": "#0a0b09",
    "inference": "#0a0b0a",
    "write": "#0a0b0b",
    "bad": "#0a0b0c",
    "good": "#0a0b0d",
    "open": "#0a0b0e",
    "held": "#0a0b0f",
    "idle": "#0a0b1a",
    "site0": "#0a0b10",
    "site1": "#0a0b11",
    "site2": "#0a0b12",
    "site3": "#0a0b13",
    "site4": "#0a0b14",
    "site5": "#0a0b15",
}
"""Stand-ins that become the custom properties `--NAME` of the page's style sheet."""

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_PT_PER_PX = 0.75

_STYLE: dict[str, Any] = {
    "axes.edgecolor": COLOURS["muted"],
    "axes.facecolor": "none",
    "axes.labelcolor": COLOURS["ink"],
    "axes.labelsize": 8.5,
    "axes.linewidth": 0.7,
    "axes.unicode_minus": True,
    "figure.facecolor": "none",
    "font.family": "sans-serif",
    # DejaVu comes with matplotlib and is wider than most: what fits in it fits in the reader's font too.
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8.5,
    "grid.color": COLOURS["line"],
    "grid.linestyle": "-",
    "grid.linewidth": 0.6,
    "legend.fontsize": 8.5,
    "legend.labelcolor": COLOURS["ink"],
    "mathtext.fontset": "dejavusans",
    "svg.fonttype": "none",
    "text.color": COLOURS["ink"],
    # Names of sites and CPUs are text, whatever dollars are in them.
    "text.parse_math": False,
    "xtick.color": COLOURS["muted"],
    "xtick.labelcolor": COLOURS["ink"],
    "xtick.labelsize": 8,
    "xtick.major.pad": 4,
    "xtick.major.size": 4,
    "xtick.minor.size": 2,
    "xtick.top": False,
    "ytick.color": COLOURS["muted"],
    "ytick.labelcolor": COLOURS["ink"],
    "ytick.labelsize": 8,
    "ytick.major.pad": 4,
    "ytick.major.size": 4,
    "ytick.minor.size": 2,
    "ytick.right": False,
}


def draw_svg(
    name: str,
    title: str,
    draw: Callable[[list[Axes]], None],
    *,
    width_px: int = 460,
    height_px: int = 250,
    panels: int = 1,
) -> str:
    """Return the SVG element of a figure.

    Args:
        name: of the figure, unique on the page; letters, digits and dashes.
        title: what the figure shows, for people who do not see it.
        draw: fills the axes, one per panel, from top to bottom.
        width_px: width at which a pixel of the figure is one of the page.
        height_px: height of the same.
        panels: axes above each other, which share the horizontal one.

    """
    # ROOT's look from mplhep, at the size of text rather than of slides.
    with mpl.rc_context({**mplhep.style.ROOT, **_STYLE, "svg.hashsalt": name}):
        figure = Figure(figsize=(width_px * _PT_PER_PX / 72, height_px * _PT_PER_PX / 72), layout="constrained")
        axes = figure.subplots(panels, 1, sharex=True, squeeze=False)[:, 0]
        draw(list(axes))
        figure.align_ylabels(axes)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _for_the_page(buffer.getvalue(), name, title)


def _for_the_page(raw: bytes, name: str, title: str) -> str:
    ET.register_namespace("", _SVG)
    ET.register_namespace("xlink", _XLINK)
    root = ET.fromstring(raw)  # noqa: S314 - matplotlib's own output, written above
    for tag in ("metadata", f"{{{_SVG}}}metadata"):
        for child in root.findall(tag):
            root.remove(child)
    for defs in root.findall(f"{{{_SVG}}}defs"):
        if defs.find(f"{{{_SVG}}}style") is not None:
            # It would apply to the whole page; the page's style sheet says it for plots only.
            root.remove(defs)
    text = ET.tostring(root, encoding="unicode")
    used = set(re.findall(r"url\(#([^)]+)\)", text)) | set(re.findall(r'xlink:href="#([^"]+)"', text))
    for element in root.iter():
        identity = element.get("id")
        if identity is not None:
            if identity in used:
                element.set("id", f"{name}-{identity}")
            else:
                del element.attrib["id"]
    for attribute in ("width", "height"):
        root.attrib.pop(attribute, None)
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-title")
    label = ET.Element(f"{{{_SVG}}}title", {"id": f"{name}-title"})
    label.text = title
    root.insert(0, label)
    text = ET.tostring(root, encoding="unicode")
    text = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", text)
    text = re.sub(r'xlink:href="#([^"]+)"', rf'xlink:href="#{name}-\1"', text)
    for colour, stand_in in COLOURS.items():
        text = text.replace(stand_in, f"var(--{colour})")
    return re.sub(r"font: ([\d.]+px) [^;\"]+", r"font-size: \1", text)
