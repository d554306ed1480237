"""What the campaign's own files say beside the records: what was planned, and what has failed for good."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from monitoring.attempts import ErrorText
from monitoring.failures import Fate
from monitoring.numbers import RejectedInput

__all__ = ["CampaignState"]


@dataclass(frozen=True)
class CampaignState:
    """A campaign at one moment."""

    campaign: str
    manifest_digest: str
    jobs_planned: int
    events_planned: int
    rejected: tuple[RejectedInput, ...]
    validated: bool
    """Whether `validate` has looked at the campaign since the last record came in."""
    driven: bool
    """Whether a driver is at work."""
    fates: tuple[Fate, ...]
    """Jobs that failed for good, as `validate` or the blocks' outcomes say."""
    contradictions: tuple[str, ...]
    """Files that contradict each other, as `validate` found."""
    spec: str
    inputs: Callable[[Sequence[int]], dict[int, ErrorText]]
    """Looks up the file and entries of jobs in the manifest."""
