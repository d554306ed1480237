"""From a spec to its manifest: which jobs there must be, in which blocks."""

from __future__ import annotations
