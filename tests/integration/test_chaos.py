"""Each fault of `benchmarks/chaos.py` once, on a real pool: every event comes out once, or fails for what was injected.

The benchmark draws moments at random; here they are fixed, so that each fault finds jobs at work.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jobs.layout import CHECKOUT

sys.path.append(str(CHECKOUT / "benchmarks"))

from measure.chaos.faults import FAULTS, Planned
from measure.chaos.play import Stage, play
from measure.chaos.scene import Size

if TYPE_CHECKING:
    from collections.abc import Iterator

SCENES = {
    "htcondor": ("shadow", "starter", "payload", "negotiator", "HTCondor's collector", "procd", "startd", "schedd"),
    "submit side": (
        "throttle keeper", "submit command", "torn event log", "Snakemake", "submitted twice", "dashboard's collector",
        "whole driver", "driver process alone",
    ),
    "network and files": (
        "one Triton", "link cut", "input damaged", "output disk full", "Envoy", "Envoy hangs",
    ),
    "power": ("everything at once", "pool down and up", "master"),
}  # fmt: skip
PAUSE_S = {"power": 8.0}


@pytest.fixture(scope="module")
def stage(server_runtime: Path, condor: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A pool of six slots and two servers, and events with their true scores."""
    del server_runtime, condor
    size = Size(files=6, jobs_per_block=6, rest_of_chain_s=1.0)
    with Stage(tmp_path_factory.mktemp("chaos"), size) as stage:
        yield stage


@pytest.mark.long
@pytest.mark.parametrize("scene", SCENES)
def test_every_event_comes_out_once_whatever_is_killed(stage: Stage, scene: str) -> None:
    """The campaign goes on after each fault and ends complete, or but for the jobs of the input that was damaged."""
    pause_s = PAUSE_S.get(scene, 2.0)
    planned = [Planned(pause_s * number, name, 2.0, 0.5, 0.3) for number, name in enumerate(SCENES[scene], start=1)]
    said: list[str] = []
    played = play(stage, scene.replace(" ", "-"), planned, said.append)
    assert played.judgement.problems == [], "\n".join(said)
    assert played.judgement.jobs == 12
    assert any(one.done for one in played.injected), "\n".join(said)


def test_no_fault_is_left_out() -> None:
    """A fault that the benchmark knows is in one of the scenes."""
    assert {name for names in SCENES.values() for name in names} == {fault.name for fault in FAULTS}
