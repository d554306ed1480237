"""The page on what the throttle writes into a campaign's folder says what the code writes, field by field."""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from jobs.layout import CampaignFolder
from jobs.spec.links import Links
from jobs.throttle.aside import Aside
from jobs.throttle.correct import Correction
from jobs.throttle.decide import SiteSeen, decide
from jobs.throttle.in_force import put_in_force
from jobs.throttle.rate import JobRate
from jobs.throttle.state import SiteState, ThrottleState
from jobs.throttle.tally import Tally
from jobs.throttle.write_decisions import DecisionLog
from tests.builders.sites import a_site
from tests.test_docs_records import JSON_TYPES, fields_of, tables

if TYPE_CHECKING:
    import pytest

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "throttle.md"


def attributes_of(kind: type[Correction | Tally]) -> list[list[str]]:
    """Return what a table about a dataclass must hold: name, type and meaning, by its docstring."""
    about = (inspect.getdoc(kind) or "").partition("Attributes:\n")[2]
    meanings = {
        name: " ".join(words.split())
        for name, words in re.findall(r"^ {4}(\w+): ((?:.*\n(?: {5,}.*\n)*))", about + "\n", re.M)
    }
    return [
        [f"`{field.name}`", JSON_TYPES[str(field.type)], meanings[field.name][:1].upper() + meanings[field.name][1:-1]]
        for field in fields(kind)
    ]


def example_of(file: str) -> dict[str, object]:
    """Return the JSON example in the section about a file."""
    section = PAGE.read_text(encoding="utf-8").partition(f"## `{file}`")[2]
    match = re.search(r"^```json\n(.*?)^```", section, flags=re.MULTILINE | re.DOTALL)
    assert match is not None
    document: dict[str, object] = json.loads(match[1])
    return document


def test_throttle_json_is_listed_field_by_field() -> None:
    """Name, type and meaning of each field must be those of the models, in their order."""
    _, _, whole, site, correction, tally, aside = tables("throttle.md")
    assert whole == fields_of(ThrottleState)
    assert site == fields_of(SiteState)
    assert correction == attributes_of(Correction)
    assert tally == attributes_of(Tally)
    assert aside == fields_of(Aside)


def test_throttle_jsonl_has_the_keys_that_are_listed(tmp_path: Path) -> None:
    """A decision is written with the keys of the page's table, and its example has them too."""
    folder = CampaignFolder(tmp_path)
    sites = {"FNAL": a_site()}
    rates = {"FNAL": JobRate(34.0, "measured")}
    decisions = decide(sites, Links(), rates, {"FNAL": SiteSeen(starts=5)}, {})
    DecisionLog(folder).note(sites, decisions, {"FNAL": Correction()})
    (line,) = folder.throttle_log.read_text().splitlines()
    listed = [row[0].strip("`") for row in tables("throttle.md")[1]]
    assert list(json.loads(line)) == listed
    assert list(example_of("throttle.jsonl")) == listed


def test_site_edits_jsonl_has_the_keys_that_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An edit is written with the keys of the page's table, and its example has them too."""
    monkeypatch.setenv("LOGNAME", "alice")
    folder = CampaignFolder(tmp_path / "campaign")
    folder.root.mkdir()
    configs = tmp_path / "sites"
    configs.mkdir()
    for uplink in ("10 Gb/s", "5 Gb/s"):
        (configs / "FNAL.yaml").write_text(yaml.safe_dump({"endpoints": "triton.example.org:8001", "uplink": uplink}))
        put_in_force(folder, configs, ["FNAL"], "spec.yaml")
    (line,) = folder.site_edits.read_text().splitlines()
    listed = [row[0].strip("`") for row in tables("throttle.md")[0]]
    assert list(json.loads(line)) == listed
    assert list(example_of("site-edits.jsonl")) == listed


def test_every_file_is_named_as_it_is_written() -> None:
    """The headings are the names that the code uses."""
    folder = CampaignFolder(Path("/campaign"))
    headings = re.findall(r"^## `(.+?)`", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    files = (folder.sites, folder.shares, folder.site_edits, folder.throttle_log, folder.readmitted, folder.throttle)
    assert headings == [path.name for path in files]
