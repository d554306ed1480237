"""A terminal of glass: what a person would see after these bytes, from the few sequences of a VT100 that are used."""

from __future__ import annotations

import re

_SEQUENCE = re.compile(r"\x1b\[([\d;]*)([A-Za-z])|(\r)|(\n)|([^\x1b\r\n])")


class Glass:
    """Shows text as a terminal of that size does, and refuses what it does not know.

    Attributes:
        scrolled: lines that have left it at the top.
        wrapped: whether a character ever came to stand beyond the last column.

    """

    def __init__(self, columns: int, lines: int) -> None:
        self.columns, self.lines = columns, lines
        self.cells = [[" "] * columns for _ in range(lines)]
        self.row = self.column = 0
        self.scrolled: list[str] = []
        self.wrapped = False

    def write(self, text: str) -> None:
        """Take what a program writes."""
        place = 0
        for found in _SEQUENCE.finditer(text):
            assert found.start() == place, f"unknown sequence at {text[place : place + 10]!r}"
            place = found.end()
            number, order, back, down, sign = found.groups()
            if order:
                self._obey(order, number)
            elif back:
                self.column = 0
            elif down:
                # As the line discipline of a terminal has it: a new line begins at its first column.
                self._down()
                self.column = 0
            else:
                self._put(sign)
        assert place == len(text), f"unknown sequence at {text[place : place + 10]!r}"

    def seen(self) -> list[str]:
        """Return the lines without the blanks at their ends."""
        return ["".join(row).rstrip() for row in self.cells]

    def _obey(self, order: str, number: str) -> None:
        many = int(number or 1) if order in "ABC" else 0
        if order == "A":
            assert self.row >= many, "moved above the first line"
            self.row -= many
        elif order == "B":
            assert self.row + many < self.lines, "moved below the last line"
            self.row += many
        elif order == "C":
            self.column += many
            assert self.column < self.columns
        elif order == "K":
            self.cells[self.row][self.column :] = [" "] * (self.columns - self.column)
        elif order == "H":
            self.row = self.column = 0
        elif order == "J":
            self.cells = [[" "] * self.columns for _ in range(self.lines)]
        else:
            assert order == "m", order

    def _down(self) -> None:
        self.row += 1
        if self.row == self.lines:
            self.scrolled.append("".join(self.cells.pop(0)).rstrip())
            self.cells.append([" "] * self.columns)
            self.row -= 1

    def _put(self, sign: str) -> None:
        assert sign.isprintable(), repr(sign)
        if self.column >= self.columns:
            self.wrapped = True
            return
        self.cells[self.row][self.column] = sign
        self.column += 1
