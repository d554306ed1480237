"""A real browser on the dashboard of a real campaign: for the tests that look at the page, and for its screenshots."""

from __future__ import annotations
