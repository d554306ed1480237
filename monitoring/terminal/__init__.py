"""The campaign's page in a terminal: `sonicgrid status --watch` draws the panels of the page with characters."""

from __future__ import annotations
