"""The diary has a line for what changed, and none for what did not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from jobs.layout import CampaignFolder
from jobs.throttle.correct import Correction
from jobs.throttle.write_decisions import DecisionLog
from tests.builders.sites import a_decision, a_site

if TYPE_CHECKING:
    from pathlib import Path


def test_only_changes_are_written_with_their_reason(tmp_path: Path) -> None:
    """Site, budget, Mb/s per job, jobs, what binds, and why; a look that decided the same adds nothing."""
    folder = CampaignFolder(tmp_path)
    log = DecisionLog(folder)
    sites = {"a": a_site("a"), "b": a_site("b")}
    decisions = {name: a_decision(name, room=5, mbps=34.0) for name in sites}
    calm = dict.fromkeys(sites, Correction())
    log.note(sites, decisions, calm)
    log.note(sites, decisions | {"a": a_decision("a", running=4, room=5, mbps=34.0)}, calm)
    lines = [json.loads(line) for line in folder.throttle_log.read_text().splitlines()]
    assert [line["site"] for line in lines] == ["a", "b"]
    log.note(sites, decisions, calm | {"b": Correction(1.25, 0.0, "held back 60% of the time: fewer jobs")})
    last = json.loads(folder.throttle_log.read_text().splitlines()[-1])
    assert {key: last[key] for key in last if key != "at"} == {
        "site": "b",
        "budget_mbps": 8000.0,
        "mbps_per_job": 34.0,
        "origin": "measured",
        "admitted": 5,
        "binds": "the link",
        "reason": "held back 60% of the time: fewer jobs",
    }
    assert len(folder.throttle_log.read_text().splitlines()) == 3
