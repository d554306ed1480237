"""From the manifest to the end of every job: submit, follow, watch, drive."""

from __future__ import annotations
