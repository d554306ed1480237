"""What the dashboard shows, one panel per question: numbers of the store, worded for people, drawn by nobody yet."""

from __future__ import annotations
