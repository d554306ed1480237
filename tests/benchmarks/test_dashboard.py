"""The benchmark of the dashboard measures the real collector, and its judge can say no."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import dashboard
import pytest
from measure import big_campaign

if TYPE_CHECKING:
    from pathlib import Path


def test_a_small_campaign_is_measured_and_its_counts_are_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Table and JSON hold what was written and what was collected."""
    out = tmp_path / "out.json"
    monkeypatch.setattr(
        "sys.argv", ["dashboard.py", "--jobs", "200", "--folder", str(tmp_path), "--chromium=", "--out", str(out)]
    )
    assert dashboard.main() == 0
    written = json.loads(out.read_text())
    assert written["costs"]["states"] == {"done": 96, "failed": 4, "running": 100}
    assert written["costs"]["events"] == written["campaign"]["log_events"]
    assert written["costs"]["records"] == 100
    assert written["costs"]["metrics_ms"] > 0
    pages = written["pages"]
    assert pages["slowest_table_ms"] >= pages["table_ms"] > 0
    assert pages["browser_ms"] is None
    assert pages["queries"] > 100


def test_wrong_counts_are_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that says something else than what was written ends the benchmark with status 1."""
    write = big_campaign.write_campaign

    def forget_one(*arguments: object, **named: object) -> big_campaign.BigCampaign:
        made = write(*arguments, **named)  # type: ignore[arg-type] # as it is called
        (next((tmp_path).glob("*/campaign/blocks/00000/events.log"))).write_text("")
        return made

    monkeypatch.setattr(dashboard, "write_campaign", forget_one)
    monkeypatch.setattr(dashboard, "measure_reading", lambda _: dashboard.Reading(1.0, 1.0))
    monkeypatch.setattr(
        "sys.argv", ["dashboard.py", "--jobs", "20", "--folder", str(tmp_path), "--out", str(tmp_path / "o.json")]
    )
    assert dashboard.main() == 1
