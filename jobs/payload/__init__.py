"""The program that runs on the worker: one range of entries in, one ROOT file and one record out."""

from __future__ import annotations
