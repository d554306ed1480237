"""Opening ROOT files of events: the one place where errors of uproot and of the file system become ours."""

from __future__ import annotations

import contextlib
import errno
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uproot

from jobs.reco.errors import EventsMissing, HitsMissing, InputAway, InputError, NotRoot, WiresMissing
from jobs.reco.schema import CHANNELS_BRANCHES, CHANNELS_TREE, EVENTS_BRANCHES, EVENTS_TREE, Shape
from jobs.reco.url import be_patient, is_url

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["events_tree", "foreign_errors", "open_root", "peek_entries"]

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
    struct.error,
    uproot.deserialization.DeserializationError,
)
"""What uproot raises on damaged bytes; found by flipping bytes of good files."""

_BRANCHES = {EVENTS_TREE: EVENTS_BRANCHES, CHANNELS_TREE: CHANNELS_BRANCHES}

_BYTE_COUNT = 0x40000000
"""Bit that tells a length before an object from a version."""

_CUT_SHORT = "expected Chunk of length"
"""How uproot's OSError for a truncated file begins; every other OSError comes from the file system."""


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
        if error.errno == errno.EINVAL:
            message = f"{where}: damaged: it points to a place outside of itself; copy or make the file again"
            raise NotRoot(message) from error
        message = f"{where}: cannot be read now: {_line(error)}; check the name, and whether its disk or server is up"
        raise InputAway(message) from error
    except _DAMAGE as error:
        message = f"{where}: not a ROOT file, or a damaged one: {_line(error)}; copy or make the file again"
        raise NotRoot(message) from error


def _line(error: BaseException) -> str:
    """Return the first line of what an error says, or else its type."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


@contextlib.contextmanager
def open_root(path_or_url: str) -> Iterator[Any]:
    """Open a ROOT file for reading and close it afterwards; yields uproot's directory.

    Raises:
        InputAway: it cannot be opened now.
        NotRoot: it is empty, truncated or no ROOT file.

    """
    if is_url(path_or_url):
        be_patient()
    else:
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
        _check_trees(directory, path_or_url)
        events, channels = directory[EVENTS_TREE], directory[CHANNELS_TREE]
        for name, tree in ((EVENTS_TREE, events), (CHANNELS_TREE, channels)):
            _check_branches(name, set(tree.keys(recursive=False)), path_or_url)
        _check_not_empty(int(events.num_entries), path_or_url)
        return events, channels


def peek_entries(directory: Any, path_or_url: str) -> int:  # noqa: ANN401 - uproot has no types
    """Return the number of events without building the trees' branches, which is nearly all of the time of opening.

    A TTree's bytes begin with its four base classes, each with its length, and then the number of entries. Branches
    are looked for as ROOT spells strings: length, then characters.

    Raises:
        EventsMissing, WiresMissing, HitsMissing: as `events_tree`.

    """
    with foreign_errors(path_or_url):
        _check_trees(directory, path_or_url)
        content = {}
        for name in (EVENTS_TREE, CHANNELS_TREE):
            chunk, cursor = directory.key(name).get_uncompressed_chunk_cursor()
            content[name] = bytes(chunk.get(cursor.index, chunk.stop, cursor, {}))
            present = {branch.name for branch in _BRANCHES[name] if _as_root(branch.name) in content[name]}
            _check_branches(name, present, path_or_url)
        head = content[EVENTS_TREE]
        place = 6
        for _ in range(4):
            (length,) = struct.unpack_from(">I", head, place)
            if not length & _BYTE_COUNT:
                return int(events_tree(directory, path_or_url)[0].num_entries)
            place += 4 + (length & ~_BYTE_COUNT)
        (entries,) = struct.unpack_from(">q", head, place)
        _check_not_empty(entries, path_or_url)
        return int(entries)


def _as_root(text: str) -> bytes:
    return bytes([len(text)]) + text.encode()


def _check_trees(directory: Any, path_or_url: str) -> None:  # noqa: ANN401 - uproot has no types
    found = directory.classnames(recursive=False, cycle=False)
    for name in (EVENTS_TREE, CHANNELS_TREE):
        if found.get(name) != "TTree":
            content = ", ".join(f"{key} ({kind})" for key, kind in list(found.items())[:12]) or "nothing"
            message = (
                f"{path_or_url}: has no tree {name!r}, so it holds no events of our schema; found instead: {content}; "
                "make such a file with `sonicgrid generate` or `sonicgrid import-frames`"
            )
            raise EventsMissing(message)


def _check_branches(tree: str, present: set[str], path_or_url: str) -> None:
    lost = [branch for branch in _BRANCHES[tree] if not branch.optional and branch.name not in present]
    if lost:
        kinds = {Shape.ROI: WiresMissing, Shape.SAMPLE: WiresMissing, Shape.HIT: HitsMissing}
        names = ", ".join(branch.name for branch in lost)
        message = f"{path_or_url}: tree {tree!r} has no {names}; write the file again with this version"
        raise kinds.get(lost[0].shape, EventsMissing)(message)


def _check_not_empty(entries: int, path_or_url: str) -> None:
    if entries < 1:
        message = f"{path_or_url}: has no event; leave the file out of the campaign or make it again"
        raise EventsMissing(message)
