"""Counts the events of the input files, many files at a time, and remembers what it counted."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from jobs.errors import InputError, Problem
from jobs.planning.inputs import raise_problems
from jobs.reco.errors import InputAway
from jobs.reco.url import is_url
from jobs.replace_file import replace_file
from jobs.seal import seal_json, unseal_json
from jobs.spread import silent, spread

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from jobs.spread import Progress

__all__ = ["Counter", "InputFile", "Inputs", "Rejected", "count_inputs", "read_counts"]

Counter = Callable[[str], tuple[str, int]]
"""Opens a path or URL and returns its UUID and its number of events; `jobs.reco.read.count_entries` is the real one."""

_PROCESSES_FROM = 1000
"""Local files from which on new processes pay: one opens a file in under a millisecond, and starts in a second."""

_THREADS = 16
"""For URLs, where the time goes into waiting, and for a few files."""

_SHOWN = 5
"""Examples in an error."""


@dataclass(frozen=True)
class InputFile:
    """A file that can be used."""

    path: str
    """Absolute path or URL."""
    uuid: str
    """Of the ROOT file: the same for every copy of it."""
    entries: int
    """Events in it."""


@dataclass(frozen=True)
class Rejected:
    """A file that cannot be used; the campaign runs without it and ends incomplete."""

    path: str
    reason: str


@dataclass(frozen=True)
class Inputs:
    """All files of a campaign, in the order of its spec."""

    files: tuple[InputFile, ...]
    rejected: tuple[Rejected, ...] = ()


def count_inputs(
    paths: Sequence[str],
    cache: Path | None = None,
    *,
    counter: Counter,
    progress: Progress = silent,
    keep_cache: bool = True,
    spec: str = "the spec",
) -> Inputs:
    """Open every file once and count its events.

    Files that were counted before and have the same size and modification time are not opened again. What stands
    behind a URL is taken not to change, as in grid storage, so a URL is opened once for a campaign.

    Args:
        paths: paths and URLs, each once.
        cache: file that remembers counts between calls, JSON; None to remember nothing.
        counter: opens one file; must be importable by name, since other processes call it.
        progress: called after every file.
        keep_cache: whether to write the cache, or only to read it.
        spec: file that named the paths, for errors.

    Raises:
        ConfigError: two files with the same content.
        InputError: some files cannot be reached now, so that the work cannot be cut for good.

    """
    known = _read_cache(cache)
    stamps = [_stamp(path) for path in paths]
    results: dict[str, _Counted] = {}
    for path, stamp in zip(paths, stamps, strict=True):
        if isinstance(stamp, str):
            results[path] = _Counted(reason=stamp)
        elif path in known and (known[path].size, known[path].mtime_ns) == stamp:
            results[path] = known[path]
    missing = [path for path in paths if path not in results]
    progress(len(results), len(paths))
    if missing:
        remote = sum(map(is_url, missing)) * 2 > len(missing)
        processes_from = len(missing) + 1 if remote else _PROCESSES_FROM
        done = spread(_Count(counter), missing, processes_from=processes_from, threads=_THREADS)
        for path, counted in zip(missing, done, strict=True):
            results[path] = counted
            progress(len(results), len(paths))
    if cache is not None and keep_cache and missing:
        entries = {
            path: {**asdict(results[path]), "size": stamp[0], "mtime_ns": stamp[1]}
            for path, stamp in zip(paths, stamps, strict=True)
            if not isinstance(stamp, str) and not results[path].away
        }
        replace_file(cache, seal_json(_Cache.model_validate({"files": entries}).model_dump_json().encode()))
    return _sort(paths, results, spec)


@dataclass(frozen=True)
class _Counted:
    """What came out of opening a file, and the state that the file was in."""

    uuid: str = ""
    entries: int = 0
    reason: str = ""
    away: bool = False
    size: int = -1
    mtime_ns: int = -1


@dataclass(frozen=True)
class _Count:
    """The counter as other processes call it: errors come back as values."""

    counter: Counter

    def __call__(self, path: str) -> _Counted:
        try:
            uuid, entries = self.counter(path)
        except InputAway as error:
            return _Counted(reason=str(error), away=True)
        except InputError as error:
            return _Counted(reason=str(error))
        return _Counted(uuid, entries)


class _Cache(BaseModel):
    """The file that remembers counts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: dict[str, _Counted]


def _stamp(path: str) -> tuple[int, int] | str:
    """Return size and modification time in ns, or the reason why the file is not there; of a URL (-1, -1)."""
    if is_url(path):
        return (-1, -1)
    try:
        status = Path(path).stat()
    except OSError as error:
        return f"{path}: {error.strerror or error}"
    return (status.st_size, status.st_mtime_ns) if os.access(path, os.R_OK) else f"{path}: no permission to read it"


def read_counts(cache: Path) -> Inputs:
    """Return what was counted before, without a look at the files.

    Raises:
        ValueError, OSError: it cannot be read, or is not as it was written.

    """
    counts = _Cache.model_validate_json(unseal_json(cache.read_bytes())).files
    good = tuple(InputFile(path, one.uuid, one.entries) for path, one in counts.items() if not one.reason)
    return Inputs(good, tuple(Rejected(path, one.reason) for path, one in counts.items() if one.reason))


def _read_cache(cache: Path | None) -> dict[str, _Counted]:
    """Return what was counted before; a cache that cannot be read only costs time."""
    try:
        return _Cache.model_validate_json(unseal_json(cache.read_bytes())).files if cache is not None else {}
    except (OSError, ValueError):
        return {}


def _sort(paths: Iterable[str], results: dict[str, _Counted], spec: str) -> Inputs:
    away = [results[path].reason for path in paths if results[path].away]
    if away:
        examples = "\n".join(f"  {reason}" for reason in away[:_SHOWN])
        message = (
            f"{len(away)} input files cannot be reached now, so the work cannot be cut for good;"
            f" try again later, or take them out of {spec}:\n{examples}"
        )
        raise InputError(message)
    files: list[InputFile] = []
    rejected: list[Rejected] = []
    first: dict[str, str] = {}
    problems: list[Problem] = []
    for path in paths:
        counted = results[path]
        if counted.reason:
            rejected.append(Rejected(path, counted.reason))
            continue
        if counted.uuid in first:
            what = f"{path} has the same content as {first[counted.uuid]} (ROOT file UUID {counted.uuid})"
            problems.append(Problem(spec, "inputs", what, "its events would be done twice; keep one"))
        first.setdefault(counted.uuid, path)
        files.append(InputFile(path, counted.uuid, counted.entries))
    raise_problems(problems)
    return Inputs(tuple(files), tuple(rejected))
