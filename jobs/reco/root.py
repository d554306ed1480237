"""Opening ROOT files of events: the one place where errors of uproot and of the file system become ours."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uproot

from jobs.reco.errors import EventsMissing, HitsMissing, InputAway, InputError, NotRoot, WiresMissing
from jobs.reco.schema import CHANNELS_BRANCHES, CHANNELS_TREE, EVENTS_BRANCHES, EVENTS_TREE, Shape

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["events_tree", "foreign_errors", "is_url", "open_root"]

_DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
    uproot.deserialization.DeserializationError,
)
"""What uproot raises on damaged bytes; found by flipping bytes of good files."""

_CUT_SHORT = "expected Chunk of length"
"""How uproot's OSError for a truncated file begins; every other OSError comes from the file system."""


def is_url(path_or_url: str) -> bool:
    """Whether the name is a URL, such as ``root://server//path``, and not a path."""
    return re.match(r"^[A-Za-z][A-Za-z0-9+.-]*://", path_or_url) is not None


@contextlib.contextmanager
def foreign_errors(where: str) -> Iterator[None]:
    """Turn whatever reading a ROOT file raises into an InputError that begins with `where`."""
    try:
        yield
    except InputError:
        raise
    except ImportError as error:
        message = f"{where}: reading this URL needs a package that is not installed here: {error}; for root:// run"
        message = f"{message} `pip install 'sonicgrid[xrootd]'`, or copy the file"
        raise InputAway(message) from error
    except OSError as error:
        if _CUT_SHORT in str(error):
            message = f"{where}: truncated: {error}; copy or make the file again"
            raise NotRoot(message) from error
        message = f"{where}: cannot be read now: {error}; check the name, and whether its disk or server is up"
        raise InputAway(message) from error
    except _DAMAGE as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        message = f"{where}: not a ROOT file, or a damaged one: {reason}; copy or make the file again"
        raise NotRoot(message) from error


@contextlib.contextmanager
def open_root(path_or_url: str) -> Iterator[Any]:
    """Open a ROOT file for reading and close it afterwards; yields uproot's directory.

    Raises:
        InputAway: it cannot be opened now.
        NotRoot: it is empty, truncated or no ROOT file.

    """
    if not is_url(path_or_url):
        _check_local(path_or_url)
    with foreign_errors(path_or_url):
        # As the key of a dict, so that uproot does not take what follows a colon for a path within the file.
        directory = uproot.open({path_or_url: None}, array_cache=None, object_cache=None)
    with directory:
        with foreign_errors(path_or_url):
            expected, found = directory.file.fEND, directory.file.source.num_bytes
        if found is not None and found < expected:
            message = f"{path_or_url}: truncated: {found} of {expected} bytes; copy or make the file again"
            raise NotRoot(message)
        yield directory


def _check_local(path: str) -> None:
    try:
        with Path(path).open("rb") as file:
            magic = file.read(4)
    except IsADirectoryError as error:
        message = f"{path}: a folder, not a file; name the ROOT files in it"
        raise NotRoot(message) from error
    except OSError as error:
        message = f"{path}: cannot be opened: {error.strerror}; check the name, and whether its disk is mounted here"
        raise InputAway(message) from error
    if magic != b"root":
        what = "an empty file" if not magic else "not a ROOT file (its first bytes are not 'root')"
        message = f"{path}: {what}; `sonicgrid import-frames` reads Wire-Cell archives"
        raise NotRoot(message)


def events_tree(directory: Any, path_or_url: str) -> tuple[Any, Any]:  # noqa: ANN401 - uproot has no types
    """Return the trees of events and of channels, after a look that every branch is there.

    Raises:
        EventsMissing: a tree is missing, or there is no event; WiresMissing, HitsMissing: branches are.

    """
    with foreign_errors(path_or_url):
        found = directory.classnames(recursive=False, cycle=False)
        for name in (EVENTS_TREE, CHANNELS_TREE):
            if found.get(name) != "TTree":
                content = ", ".join(f"{key} ({kind})" for key, kind in list(found.items())[:12]) or "nothing"
                message = (
                    f"{path_or_url}: has no tree {name!r}, so it holds no events of our schema; found instead: {content}"
                    "; make such a file with `sonicgrid generate` or `sonicgrid import-frames`"
                )
                raise EventsMissing(message)
        events, channels = directory[EVENTS_TREE], directory[CHANNELS_TREE]
        for tree, branches in ((events, EVENTS_BRANCHES), (channels, CHANNELS_BRANCHES)):
            present = set(tree.keys(recursive=False))
            lost = [branch for branch in branches if branch.name not in present and not branch.optional]
            if lost:
                kinds = {Shape.ROI: WiresMissing, Shape.SAMPLE: WiresMissing, Shape.HIT: HitsMissing}
                names = ", ".join(branch.name for branch in lost)
                message = f"{path_or_url}: tree {tree.name!r} has no {names}; write the file again with this version"
                raise kinds.get(lost[0].shape, EventsMissing)(message)
        if events.num_entries < 1:
            message = f"{path_or_url}: has no event; leave the file out of the campaign or make it again"
            raise EventsMissing(message)
        return events, channels
