"""One quantity over time is the same as among all rates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest

from monitoring.live.bins import Span, bins_of
from monitoring.live.quantities import QUANTITIES, over_time
from monitoring.live.rates import rates_over_time
from tests.builders.collected import MINUTE

if TYPE_CHECKING:
    from tests.builders.collected import Collected

BINS = bins_of(Span(MINUTE, MINUTE + 239), now=MINUTE + 10 * 86400)


@pytest.mark.parametrize("name", QUANTITIES)
@pytest.mark.parametrize("by", ["", "site", "flavour"])
def test_the_same_as_among_all_rates(collected: Collected, name: str, by: Literal["", "site", "flavour"]) -> None:
    """Whatever groups are told apart by; zero where nothing was, and nothing for a quotient of nothing."""
    collected.run(0, MINUTE, events=6, bytes_sent=60_000_000)
    collected.run(1, MINUTE + 60, site="CERN", flavour="cpu", events=3, bytes_sent=0, paced_s=0.0)
    collected.end(0, MINUTE + 119)
    collected.end(1, MINUTE + 179, site="CERN", flavour="cpu", exit_class="worker")
    connection = collected.read()
    wanted = {
        series.group: [getattr(rates, name) for rates in series.rates]
        for series in rates_over_time(connection, BINS, by)
    }
    found = {series.group: list(series.values) for series in over_time(connection, BINS, name, by)}
    assert found.keys() == wanted.keys()
    for group, values in found.items():
        assert values == [None if value is None else pytest.approx(value) for value in wanted[group]]


def test_some_sites_alone(collected: Collected) -> None:
    """Others are not in the sum, and the largest group comes first."""
    for job, site in enumerate(("FNAL", "CERN", "BNL")):
        collected.run(job, MINUTE, site=site, events=job + 1)
    connection = collected.read()
    (both,) = over_time(connection, BINS, "events_per_s", sites=("CERN", "BNL"))
    assert both.values[0] == pytest.approx(5 / 60)
    assert [one.group for one in over_time(connection, BINS, "events_per_s", "site")] == ["BNL", "CERN", "FNAL"]
    assert over_time(connection, BINS, "events_per_s", sites=("UCSD",)) == []
