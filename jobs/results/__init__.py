"""From the jobs' outputs to what physicists take: checked, merged, judged."""

from __future__ import annotations
