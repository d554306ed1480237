"""Where the relative paths of a file that a person wrote start: the same place wherever the command is run."""

from __future__ import annotations

import os
from pathlib import Path

from jobs.reco.url import is_url

__all__ = ["absolute", "base_folder"]


def base_folder(spec: Path) -> Path:
    """Return where the relative paths of a spec or a site config start.

    That is the checkout that holds the file, the nearest folder above it with a Snakefile, or else the file's own
    folder: the same place wherever the command is run, so that a second `submit` finds the results of the first.
    """
    folder = spec.resolve().parent
    return next((above for above in (folder, *folder.parents) if (above / "Snakefile").is_file()), folder)


def absolute(written: str, base: Path) -> str:
    """Make a path absolute; leave a URL as it is."""
    return written if is_url(written) else os.path.normpath(base / Path(written).expanduser())
