"""Holds the jobs of every site inside its network budget: how many run, how fast each sends, and who is told."""

from __future__ import annotations
