"""What a terminal can show: which characters its encoding has, and the bars and lines that are made of them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from jobs.states import JobState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitoring.panels.panel import Tone

__all__ = ["STATE_STYLES", "TONE_STYLES", "Look", "look_of"]

STATE_STYLES: dict[str, str] = {
    JobState.HELD: "magenta",
    JobState.FAILED: "red",
    JobState.RUNNING: "blue",
    JobState.IDLE: "yellow",
    JobState.PENDING: "bright_black",
    JobState.DONE: "green",
}
TONE_STYLES: dict[Tone, str] = {"": "", "good": "green", "warn": "yellow", "bad": "red"}

_PLAIN_WORDS = str.maketrans(
    {"\N{EN DASH}": "-", "\N{EM DASH}": "-", "\N{MINUS SIGN}": "-", "…": "~", "·": "|", "\N{MULTIPLICATION SIGN}": "x"}
)


@dataclass(frozen=True)
class Look:
    """The characters of a terminal.

    Attributes:
        encoding: of its output.
        heights: of a line of little columns, lowest first.
        full, rest: the used and the free part of a bar.
        states: one character for each state in the bar of jobs, where colour alone would not tell them apart.

    """

    encoding: str
    heights: str
    full: str
    rest: str
    states: dict[str, str]

    def text(self, words: str) -> str:
        """Return words in characters that the terminal has, one for one."""
        try:
            words.encode(self.encoding)
        except UnicodeEncodeError:
            return words.translate(_PLAIN_WORDS).encode(self.encoding, "replace").decode(self.encoding)
        return words

    def bar(self, share: float, width: int) -> tuple[str, str]:
        """Return the used and the free part of a bar; what is used at all shows, and what is not full has a gap."""
        filled = min(width, round(share * width))
        if share > 0 and filled == 0:
            filled = 1
        if share < 1 and filled == width:
            filled = width - 1
        return self.full * filled, self.rest * (width - filled)

    def columns(self, values: Sequence[float | None], width: int, top: float) -> str:
        """Return a line of little columns, the newest value last; means, where there are more values than columns.

        Args:
            values: not negative; None where nothing is known, which leaves a gap.
            width: most columns.
            top: value of the highest column.

        """
        if not values or width < 1:
            return ""
        count = min(width, len(values))
        edges = [len(values) * place // count for place in range(count + 1)]
        signs = []
        for begin, end in pairwise(edges):
            known = [value for value in values[begin:end] if value is not None]
            if not known:
                signs.append(" ")
                continue
            height = sum(known) / len(known) / top * len(self.heights) if top > 0 else 0
            signs.append(self.heights[max(0, min(len(self.heights) - 1, int(height)))])
        return "".join(signs)


_LETTERS: dict[str, str] = {
    JobState.HELD: "H",
    JobState.FAILED: "X",
    JobState.RUNNING: "#",
    JobState.IDLE: "+",
    JobState.PENDING: ".",
    JobState.DONE: "=",
}
_BLOCKS: dict[str, str] = _LETTERS | {
    JobState.RUNNING: "▓",
    JobState.IDLE: "▒",
    JobState.PENDING: "░",
    JobState.DONE: "█",
}


def look_of(encoding: str) -> Look:
    """Return the characters for an encoding, ASCII ones where it has not all of the others."""
    try:
        "▁▂▃▄▅▆▇█━─▓▒░".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return Look("ascii" if not _known(encoding) else encoding, "_.:-=+*#", "#", ".", _LETTERS)
    return Look(encoding, "▁▂▃▄▅▆▇█", "━", "─", _BLOCKS)


def _known(encoding: str) -> bool:
    try:
        "".encode(encoding)
    except LookupError:
        return False
    return True
