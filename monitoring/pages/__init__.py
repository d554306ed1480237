"""Which panels stand on which page, in which order, and how often each is looked at again."""

from __future__ import annotations
