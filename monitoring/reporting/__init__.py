"""The report of a campaign: records and store -> numbers -> one page, its plots, and tables for a paper."""

from __future__ import annotations
