"""The schema's tables and its page in the docs say the same."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from jobs.reco.event import BadChannels, ChannelMap, Event, Hits, Truth, Wires
from jobs.reco.schema import CHANNELS_BRANCHES, EVENTS_BRANCHES, PROVENANCE_KEY, Branch, Provenance, Shape

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "root-schema.md"


def _rows(section: str) -> list[list[str]]:
    """Cells of the table under a heading that begins so, without its head."""
    text = PAGE.read_text()
    body = text[text.index(f"\n## {section}") + 4 :].split("\n## ")[0]
    lines = [line for line in body.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def _expected(branch: Branch) -> list[str]:
    length = f"`{branch.shape}`" if branch.shape else "1"
    optional = " (optional)" if branch.optional else ""
    return [f"`{branch.name}`", branch.dtype, length, branch.unit or "-", f"{branch.meaning}{optional}"]


def test_the_page_lists_every_branch_with_type_length_unit_and_meaning() -> None:
    """The page's tables are the module's, branch by branch and in its order."""
    assert _rows("Tree `events`") == [_expected(branch) for branch in EVENTS_BRANCHES]
    assert _rows("Tree `channels`") == [_expected(branch) for branch in CHANNELS_BRANCHES]


def test_the_page_lists_every_key_of_the_provenance() -> None:
    """Each field of the provenance stands in the page with its description."""
    expected = [[f"`{name}`", field.description] for name, field in Provenance.model_fields.items()]

    assert _rows(f"String `{PROVENANCE_KEY}`") == expected


def test_the_schema_holds_every_field_of_an_event() -> None:
    """Nothing that an event has in memory is lost in the file."""
    fields = {
        *(f"roi_{field.name}" for field in dataclasses.fields(Wires)),
        *(f"hit_{field.name}" for field in dataclasses.fields(Hits) if field.name != "truth"),
        *(f"hit_true_{field.name}" for field in dataclasses.fields(Truth)),
        *(f"bad_{field.name}" for field in dataclasses.fields(BadChannels)),
        *(field.name for field in dataclasses.fields(Event) if field.name not in {"id", "wires", "hits", "bad"}),
        *("run", "subrun", "event"),
    }

    assert {branch.name for branch in EVENTS_BRANCHES} == fields
    assert [branch.name for branch in CHANNELS_BRANCHES] == [field.name for field in dataclasses.fields(ChannelMap)]


def test_counters_have_names_of_their_own() -> None:
    """A counter branch must not have the name of another branch."""
    names = [branch.name for branch in EVENTS_BRANCHES]

    assert len(set(names)) == len(names)
    assert not {str(shape) for shape in Shape} & set(names)
