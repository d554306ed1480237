"""HTCondor where there is none: install it, start it, look at it, stop it."""

from __future__ import annotations
