"""The pages on records, heartbeats, exit codes and output files say what the code says, field by field."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args, get_origin

from jobs.exits import EXITS
from jobs.heartbeat import Heartbeat
from jobs.payload.schema import PROVENANCE_BRANCHES, PROVENANCE_TREE, SCORES_BRANCHES, SCORES_TREE
from jobs.record import Record, StageSeconds

if TYPE_CHECKING:
    from pydantic import BaseModel

    from jobs.reco.schema import Branch

REFERENCE = Path(__file__).resolve().parent.parent / "docs" / "reference"
JSON_TYPES = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "ExitClass": "string",
    "StageSeconds": "object",
    "Correction": "object",
    "Tally": "object",
    "Aside": "object",
    "dict": "object",
}


def tables(page: str) -> list[list[list[str]]]:
    """Return the tables of a page: rows of cells, without the heads."""
    text = (REFERENCE / page).read_text(encoding="utf-8")
    found = re.findall(r"^\|.*\n\| --- .*\n((?:\|.*\n)+)", text, flags=re.MULTILINE)
    return [[[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()] for table in found]


def fields_of(model: type[BaseModel]) -> list[list[str]]:
    """Return what a table about a model must hold."""
    rows = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        if get_origin(kind) is Literal:
            shown = " or ".join(f"`{value}`" for value in get_args(kind))
        elif get_origin(kind) is tuple:
            (inner, _) = get_args(kind)
            # An annotated type names the plain one as its origin.
            shown = f"array of {JSON_TYPES[getattr(inner, '__origin__', inner).__name__]}s"
        elif type(None) in get_args(kind):
            (inner,) = (one for one in get_args(kind) if one is not type(None))
            shown = f"{JSON_TYPES[inner.__name__]} or null"
        else:
            shown = JSON_TYPES[getattr(kind, "__name__", "")]
        rows.append([f"`{name}`", shown, str(field.description)])
    return rows


def branches(schema: tuple[Branch, ...]) -> list[list[str]]:
    """Return what a table about a tree must hold."""
    return [
        [
            f"`{branch.name}`",
            branch.dtype,
            f"`{branch.shape}`" if branch.shape else "1",
            branch.unit or "-",
            branch.meaning,
        ]
        for branch in schema
    ]


def test_records_md_lists_every_field() -> None:
    """Name, type and meaning of each field must be those of the model, in its order."""
    assert tables("records.md") == [fields_of(Record), fields_of(StageSeconds)]


def test_heartbeats_md_lists_every_field() -> None:
    """The same for what a running job says."""
    assert tables("heartbeats.md") == [fields_of(Heartbeat)]


def test_exit_codes_md_lists_every_status() -> None:
    """Each row must say what the payload and HTCondor's retries go by."""
    assert tables("exit-codes.md") == [
        [
            [str(row.code), f"`{name}`", "later" if row.waits else "yes" if row.retry else "no", row.who, row.meaning]
            for name, row in EXITS.items()
        ]
    ]


def test_output_files_md_lists_every_branch() -> None:
    """Both trees must be listed branch by branch, and named."""
    assert tables("output-files.md") == [branches(SCORES_BRANCHES), branches(PROVENANCE_BRANCHES)]
    headings = re.findall(r"^## Tree `(\w+)`", (REFERENCE / "output-files.md").read_text(), flags=re.MULTILINE)
    assert headings == [SCORES_TREE, PROVENANCE_TREE]
