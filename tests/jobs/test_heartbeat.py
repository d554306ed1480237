"""A heartbeat reads back as it was written, and nothing else is taken for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.errors import CampaignError
from jobs.heartbeat import Heartbeat, decode
from jobs.running.describe import EVENT_NOTE


def a_heartbeat(scale: int = 1, share_mbps: float | None = 34.0, site: str = "FNAL") -> Heartbeat:
    """Return a heartbeat with numbers that are all different."""
    return Heartbeat(
        job=17 * scale,
        attempt=2,
        site=site,
        flavour="gpu",
        window_s=60.125,
        events=3 * scale,
        hits=165_000 * scale,
        bytes_sent=1_520_640_001 * scale,
        requests=12_000 * scale,
        retries=4 * scale,
        paced_s=41.5,
        latency_s=361.25,
        prepare_s=20.0,
        inference_s=59.5,
        write_s=1.0,
        share_mbps=share_mbps,
        total_events=5 * scale,
        total_bytes_sent=2_534_400_000 * scale,
    )


@pytest.mark.parametrize("share_mbps", [34.0, 0.1 + 0.2, 0.0, None])
def test_a_heartbeat_reads_back(share_mbps: float | None) -> None:
    """Every number must survive, also between the blanks that a log puts around a line."""
    heartbeat = a_heartbeat(share_mbps=share_mbps)
    assert decode(f"\t{heartbeat.encode()}\n") == heartbeat


def test_a_heartbeat_is_one_short_line() -> None:
    """It must fit into 1 kB with the largest numbers and the longest name of a site, and hold no line break."""
    text = a_heartbeat(10**6, 123456.78901234567, "S" * 64).encode()
    assert "\n" not in text
    assert len(text) < 1000


@given(st.text())
def test_lines_of_others_are_left_alone(text: str) -> None:
    """Whatever else a job or HTCondor writes is no heartbeat."""
    assert decode(text) is None
    assert decode(f"{EVENT_NOTE}{text}") is None


@pytest.mark.parametrize("cut", [12, 40, -1])
def test_a_damaged_heartbeat_is_an_error(cut: int) -> None:
    """A line that begins like ours and does not read must be told, not dropped."""
    with pytest.raises(CampaignError, match="heartbeat"):
        decode(a_heartbeat().encode()[:cut])


def test_a_number_that_no_store_holds_is_an_error() -> None:
    """A sum of it would stop whoever keeps sums."""
    most = a_heartbeat().model_copy(update={"hits": 2**53}).encode()
    assert decode(most) is not None
    with pytest.raises(CampaignError, match="hits"):
        decode(most.replace(str(2**53), str(2**63)))


def test_a_heartbeat_of_another_version_is_an_error() -> None:
    """Fields that changed their meaning must not be read as ours."""
    with pytest.raises(CampaignError, match="version"):
        decode(a_heartbeat().encode().replace('"version":1', '"version":2'))
