"""How every command speaks: tables for people, JSON for programs, one clear error on stderr."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["JsonOption", "console", "emit_json", "number_of_jobs", "print_error", "tell"]

console = Console(highlight=False)
"""For people; a command with --json prints nothing here."""

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]


def emit_json(document: Mapping[str, Any]) -> None:
    """Print one JSON document on standard output."""
    sys.stdout.write(json.dumps(document, indent=2, default=str) + "\n")


def number_of_jobs(count: int) -> str:
    """Return a number with its noun: "1 job", "1,200 jobs"."""
    return f"{count:,} job{'s' * (count != 1)}"


def print_error(message: str) -> None:
    """Print an error for people on standard error."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(f"[bold red]error:[/] {escape(message)}", markup=True)


def tell(line: str, style: str = "") -> None:
    """Print what files and jobs say as it is: no markup, and paths in one piece, to be copied."""
    console.print(line, style=style, markup=False, soft_wrap=True)
