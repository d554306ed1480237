"""From the files of a campaign into the store: each module takes one kind of them, and only what is new in it."""

from __future__ import annotations
