"""Tells URLs from paths; apart from the reading, so that planning need not load the library that reads."""

from __future__ import annotations

import os
import re

__all__ = ["be_patient", "is_url"]

_PATIENCE = {"XRD_CONNECTIONWINDOW": "20", "XRD_CONNECTIONRETRY": "3", "XRD_STREAMERRORWINDOW": "20"}
"""How long XRootD's client tries to reach a server, seconds and times, where the environment does not say; its own
defaults keep a job busy with a dead server for ten minutes and more, in which HTCondor could have run another."""


def is_url(path_or_url: str) -> bool:
    """Whether the name is a URL, such as ``root://server//path``, and not a path."""
    return re.match(r"^[A-Za-z][A-Za-z0-9+.-]*://", path_or_url) is not None


def be_patient() -> None:
    """Say how long XRootD's client tries, before anything imports it."""
    for name, value in _PATIENCE.items():
        os.environ.setdefault(name, value)
