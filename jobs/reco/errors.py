"""What can be wrong with a file of detector events, sorted so that a job knows whether trying again can help.

    InputError                    (jobs.errors) the file cannot be used
    ├── InputAway                 it cannot be opened now: missing, no permission, server away; a later try may help
    ├── NotRoot                   its bytes are no ROOT file, or a damaged or truncated one
    ├── EventsMissing             a ROOT file, but not of our schema, or without a single event
    │   ├── WiresMissing          the regions of interest are not in it
    │   └── HitsMissing           the hits are not in it
    ├── EventBad                  an entry contradicts itself or the channel map: NaN, lengths, unknown channel
    ├── EntriesOutOfRange         the file has fewer entries than were asked for
    └── FrameBad                  a Wire-Cell frame archive that cannot be imported

Errors of uproot and of the file system become these in `jobs.reco.root`, those of tarfile and numpy in
`jobs.reco.archive`, always chained with ``from``.
"""

from __future__ import annotations

from jobs.errors import InputError

__all__ = [
    "EntriesOutOfRange",
    "EventBad",
    "EventsMissing",
    "FrameBad",
    "HitsMissing",
    "InputAway",
    "InputError",
    "NotRoot",
    "WiresMissing",
]


class InputAway(InputError):
    """The file cannot be opened now; a later try may help."""


class NotRoot(InputError):
    """The bytes are no ROOT file, or a damaged one."""


class EventsMissing(InputError):
    """A ROOT file without the trees or branches of our schema, or without a single event."""


class WiresMissing(EventsMissing):
    """The branches of the regions of interest are missing."""


class HitsMissing(EventsMissing):
    """The branches of the hits are missing."""


class EventBad(InputError):
    """One entry's content contradicts itself or the channel map."""


class EntriesOutOfRange(InputError):
    """The entries that were asked for are not in the file."""


class FrameBad(InputError):
    """A Wire-Cell frame archive that cannot be imported."""
