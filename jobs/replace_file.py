"""Puts a file in its place whole or not at all, and leaves it alone when it already says the same."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from jobs.errors import CampaignError

__all__ = ["replace_file"]


def replace_file(path: Path, content: bytes) -> bool:
    """Make `path` hold `content`, by a temporary name and a rename; its folder is made if it is missing.

    Returns:
        Whether the file was written; a file that holds `content` already keeps its time stamp.

    Raises:
        CampaignError: it cannot be written; what was there before stays.

    """
    try:
        return _replace(path, content)
    except OSError as error:
        message = f"{path}: cannot be written: {error.strerror or error}; free some space or correct the permissions"
        raise CampaignError(message) from error


def _replace(path: Path, content: bytes) -> bool:
    try:
        if path.stat().st_size == len(content) and path.read_bytes() == content:
            return False
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files that only their owner may read; these are for the whole team.
        Path(temporary).chmod(0o666 & ~_umask())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return True


def _umask() -> int:
    """Return the process's umask, which can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
