"""Where the network of an event is sooner done."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.throttle.flavour import CORE_PATCHES_PER_S, break_even_mbps, thinnest_share_mbps
from jobs.throttle.tally import Tally
from sonic.network import PATCH_BYTES
from sonic.pace import WIRE_OVERHEAD

EVENT_MB = 55_000 * PATCH_BYTES * WIRE_OVERHEAD / 1e6


def test_break_even_of_the_papers_network() -> None:
    """A modern core scores an event's 55,000 patches in 24 s, for which 170 Mb/s on the wire is the break-even."""
    assert pytest.approx(24.4, abs=0.5) == 55_000 / CORE_PATCHES_PER_S
    assert break_even_mbps("patches") == pytest.approx(170, rel=0.05)


@given(st.floats(0.1, 500.0), st.floats(10.0, 100_000.0))
def test_at_the_thinnest_share_both_are_as_soon_done(prepare_s: float, patches_per_s: float) -> None:
    """Sending at that share takes as long as preparing and computing on the core, one after the other."""
    share_mbps = thinnest_share_mbps(Tally(wire_mb=10 * EVENT_MB, prepare_s=10 * prepare_s), "patches", patches_per_s)
    assert EVENT_MB * 8 / share_mbps == pytest.approx(prepare_s + 55_000 / patches_per_s)


def test_the_full_chain_may_have_thin_shares() -> None:
    """The paper's full chain, 115.5 s beside the network, is no slower with 30 Mb/s than on its own core."""
    share_mbps = thinnest_share_mbps(Tally(wire_mb=EVENT_MB, prepare_s=115.5), "patches")
    assert 25 < share_mbps < 35


def test_without_reports_sending_and_computing_are_compared() -> None:
    """Before anything is known the rest of an event is taken to be nothing."""
    assert thinnest_share_mbps(Tally(), "patches") == pytest.approx(break_even_mbps("patches"))


def test_a_faster_core_wants_a_wider_share() -> None:
    """The more a core computes itself, the more a link must carry to be worth it."""
    assert break_even_mbps("patches", 2 * CORE_PATCHES_PER_S) == pytest.approx(2 * break_even_mbps("patches"))


def test_views_need_next_to_no_share() -> None:
    """A core must be four hundred times faster before it is sooner done than a link that carries packed views."""
    assert break_even_mbps("patches") / break_even_mbps("views") == pytest.approx(9216 / 21)
    assert break_even_mbps("views") < 0.5


@given(st.floats(0.1, 500.0), st.floats(10.0, 100_000.0), st.floats(5.0, 100.0))
def test_what_a_view_takes_is_measured(prepare_s: float, patches_per_s: float, bytes_per_hit: float) -> None:
    """With views, too, both are as soon done at the thinnest share, by what the site's own hits take."""
    event_mb = 55_000 * bytes_per_hit * WIRE_OVERHEAD / 1e6
    tally = Tally(wire_mb=event_mb, prepare_s=prepare_s, measured_hits=55_000, measured_mb=event_mb)
    share_mbps = thinnest_share_mbps(tally, "views", patches_per_s)
    assert event_mb * 8 / share_mbps == pytest.approx(prepare_s + 55_000 / patches_per_s)
