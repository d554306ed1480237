"""Finds the input files that a campaign's spec names: paths, patterns, URLs and lists of them."""

from __future__ import annotations

import csv
import glob
import os
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.errors import ConfigError, Problem
from jobs.reco.url import is_url
from jobs.spec.campaign import FileList

if TYPE_CHECKING:
    from jobs.spec.campaign import Campaign

__all__ = ["find_inputs", "raise_problems"]

_SHOWN = 10
"""Problems of one kind in an error."""


def find_inputs(campaign: Campaign, spec: str = "the spec") -> tuple[str, ...]:
    """Return the paths and URLs that the campaign's `inputs` name, in their order; those of a pattern by name.

    Args:
        campaign: with absolute paths.
        spec: its file, for errors.

    Raises:
        ConfigError: a pattern or path that matches nothing, a list that cannot be read, the same file twice.

    """
    problems: list[Problem] = []
    origin: dict[str, str] = {}
    paths: list[str] = []
    for index, entry in enumerate(campaign.inputs):
        key = f"inputs[{index}]"
        try:
            found = _read_list(Path(entry.list)) if isinstance(entry, FileList) else _expand(entry)
        except _Unusable as error:
            problems.append(Problem(spec, key, str(error), error.remedy))
            continue
        for path in found:
            real = path if is_url(path) else os.path.realpath(path)
            if real in origin:
                what = (
                    f"{path} is the same file as {origin[real]}" if path != origin[real] else f"{path} is named twice"
                )
                problems.append(Problem(spec, key, what, "its events would be done twice; keep one"))
            else:
                origin[real] = path
                paths.append(path)
    raise_problems(problems)
    return tuple(paths)


class _Unusable(Exception):
    """An entry of `inputs` that names no files."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.remedy = remedy


def _expand(entry: str) -> list[str]:
    if is_url(entry):
        if glob.has_magic(entry.partition("?")[0]):
            raise _Unusable(
                f"{entry}: a pattern in a URL cannot be expanded",
                "list the files with `xrdfs HOST ls` and name that list",
            )
        return [entry]
    if Path(entry).is_file():
        return [entry]
    if not glob.has_magic(entry):
        what = "is a folder" if Path(entry).is_dir() else "does not exist"
        remedy = f"to take all files in it: {entry}/*.root" if Path(entry).is_dir() else "correct the path"
        raise _Unusable(f"{entry} {what}", remedy)
    found = sorted(path for path in glob.glob(entry, recursive=True) if not Path(path).is_dir())  # noqa: PTH207 - Path.glob takes no absolute pattern
    if not found:
        raise _Unusable(f"{entry} matches no file", "correct the pattern, or make the files first")
    return found


def _read_list(file: Path) -> list[str]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _Unusable(f"the list {file} cannot be read: {error}", "correct the path") from error
    lines = [line.strip() for line in text.splitlines()]
    if file.suffix == ".csv":
        rows = csv.DictReader(lines)
        if "file" not in (rows.fieldnames or ()):
            raise _Unusable(f"{file} has no column 'file'", "name the columns in its first line; one of them is file")
        lines = [(row["file"] or "").strip() for row in rows]
    named = [line for line in lines if line and not line.startswith("#")]
    if not named:
        raise _Unusable(f"the list {file} names no file", "write one path or URL on each line")
    return [line if is_url(line) else os.path.normpath(file.parent / line) for line in named]


def raise_problems(problems: list[Problem]) -> None:
    """Raise the first few of many problems of one kind, and say how many more there are.

    Raises:
        ConfigError: there is a problem.

    """
    if problems:
        rest = len(problems) - _SHOWN
        more = [Problem(problems[0].file, "inputs", f"and {rest} more like these")] if rest > 0 else []
        raise ConfigError([*problems[:_SHOWN], *more])
