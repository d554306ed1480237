"""The table of a campaign's sites."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from jobs.cli.throttle import throttle_table
from jobs.throttle.state import SiteState, ThrottleState


def a_site(**changes: Any) -> SiteState:  # noqa: ANN401  # any field of SiteState
    """Return a busy site."""
    fields: dict[str, Any] = {
        "admission": "negotiator",
        "budget_mbps": 10_000,
        "rate_mbps": 12.345,
        "rate_origin": "measured",
        "admitted": 1_200,
        "binds": "link",
        "room": 1_200,
        "planned": 1_200,
        "running": 1_187,
        "share_mbps": 12.4,
    }
    return SiteState(**{**fields, **changes})


def lines_of(**sites: SiteState) -> list[str]:
    """Return what a terminal of 80 columns shows."""
    console = Console(width=80)
    with console.capture() as shown:
        console.print(throttle_table(ThrottleState(at=0.0, sites=sites), "sites now"))
    return [line.rstrip() for line in shown.get().splitlines()]


def test_a_row_fits_a_terminal() -> None:
    """Nothing of a large site may be cut off at 80 columns."""
    lines = lines_of(north_a=a_site())
    assert lines[0] == "sites now, admission by negotiator"
    assert lines[-1].split() == ["north_a", "10,000", "12.3", "measured", "12.4", "1,187", "1,200", "1,200", "link"]


def test_what_is_not_known_is_not_a_number() -> None:
    """A closed site, and one whose first jobs are pilots, must not show a rate that nobody measured."""
    closed, pilots = a_site(budget_mbps=0, share_mbps=0), a_site(rate_origin="pilots", rate_mbps=77.7)
    text = "\n".join(lines_of(east=closed, west=pilots))
    assert "closed" in text
    assert "campaign_share" in text
    assert "77.7" not in text


def test_jobs_on_their_way_are_bound_by_the_ramp() -> None:
    """Where as many run as may for now, but more in the end, that is what binds, and not the link."""
    (line,) = [line for line in lines_of(north=a_site(running=50, room=50, cpu_running=3)) if "50" in line]
    assert "ramp" in line
    assert "50+3 cpu" in line
