"""A grid in a box: sites in network namespaces, each behind a narrow link of its own, and one pool over all of them."""

from __future__ import annotations
