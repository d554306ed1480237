"""What HTCondor and the payload write, made by hand: only what a test cannot make happen otherwise."""

from __future__ import annotations
