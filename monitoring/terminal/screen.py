"""Keeps a picture on a terminal with as few bytes as it takes: of each line only the part that changed is sent.

The picture stands where the cursor was, not on a screen of its own, so that it is still there when the program ends.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Screen"]

_CLEAR = "\x1b[H\x1b[2J"
_END_OF_LINE = "\x1b[K"


class Screen:
    """A picture on a terminal that understands the movements of a VT100.

    Args:
        out: the terminal.
        no_color: whether to do without colour.

    Attributes:
        sent: bytes that were written to the terminal.

    """

    def __init__(self, out: TextIO, *, no_color: bool) -> None:
        self._out = out
        # The sixteen colours of every terminal, which follow its theme and are short to say.
        self._pen = Console(
            file=io.StringIO(), force_terminal=True, color_system="standard", no_color=no_color, width=10_000
        )
        self._shown: list[Text] = []
        self.sent = 0

    def show(self, lines: Sequence[Text]) -> None:
        """Bring the terminal to these lines, none of which is as wide as it; say nothing where they are there."""
        moves = []
        # Blank lines keep the picture's height, so that what stands below never moves.
        wanted = [*lines, *[Text() for _ in range(len(self._shown) - len(lines))]]
        if len(wanted) > len(self._shown):
            moves.append("\n" * (len(wanted) - len(self._shown)))
            self._shown += [Text() for _ in range(len(wanted) - len(self._shown))]
        row = below = len(wanted)
        for number, (before, after) in enumerate(zip(self._shown, wanted, strict=True)):
            if before == after and before.spans == after.spans and before.style == after.style:
                continue
            moves += [_up(row - number), self._change(before, after), "\r"]
            row = number
        if row != below:
            moves.append(f"\x1b[{below - row}B")
        self._shown = wanted
        self._send("".join(moves))

    def clear(self) -> None:
        """Begin on an empty screen, where nobody can tell what became of the lines: after its size has changed."""
        self._shown = []
        self._send(_CLEAR)

    def below(self) -> None:
        """Begin anew under what is there, which belongs to somebody else by now."""
        self._shown = []
        self._send("\r\n")

    def _change(self, before: Text, after: Text) -> str:
        """Return what makes one line out of another, from its first column on."""
        old, new = self._cells(before), self._cells(after)
        first = 0
        while first < min(len(old), len(new)) and old[first] == new[first]:
            first += 1
        last = len(new)
        same_width = len(old) == len(new) and before.cell_len == len(old) and after.cell_len == len(new)
        while same_width and last > first and old[last - 1] == new[last - 1]:
            last -= 1
        skip = cell_len(after.plain[:first])
        with self._pen.capture() as captured:
            self._pen.print(after[first:last], end="", soft_wrap=True)
        rest = _END_OF_LINE if after.cell_len < before.cell_len else ""
        return (f"\x1b[{skip}C" if skip else "") + captured.get() + rest

    def _cells(self, line: Text) -> list[tuple[str, str]]:
        """Return each character with the style that it has."""
        styles = [str(line.style)] * len(line.plain)
        for begin, end, style in line.spans:
            for place in range(begin, min(end, len(styles))):
                styles[place] += f" {style}"
        return list(zip(line.plain, styles, strict=True))

    def _send(self, text: str) -> None:
        if text:
            self._out.write(text)
            self._out.flush()
            self.sent += len(text.encode(errors="replace"))


def _up(lines: int) -> str:
    """Move the cursor up, or down for a negative number."""
    if lines == 0:
        return ""
    return f"\x1b[{lines}A" if lines > 0 else f"\x1b[{-lines}B"
