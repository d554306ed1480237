"""Says which paths cannot be carried through to a job: those that some program on the way would read as something else.

Paths go to Snakemake as values of its configuration and as patterns, and to HTCondor as lines of a submit description.
Spaces, quotes, semicolons and the like pass unharmed; what does not is refused before anything starts.
"""

from __future__ import annotations

__all__ = ["cannot_be_carried"]

_READ_OTHERWISE = {
    "$": "HTCondor takes it for a variable",
    "\\": "HTCondor takes it for the end of a line that goes on",
    "{": "Snakemake takes it for a pattern",
    "}": "Snakemake takes it for a pattern",
    ": ": "Snakemake takes it for a key",
    " #": "Snakemake takes it for a comment",
}


def cannot_be_carried(path: str) -> str:
    """Return why a path cannot be used, or an empty text."""
    if not path.isprintable():
        return f"{path!r} has a character that cannot be printed"
    for text, why in _READ_OTHERWISE.items():
        if text in path:
            return f"{path} has {text!r} in it, and {why}"
    return ""
