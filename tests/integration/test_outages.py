"""Jobs while servers of their pool are killed, restarted, drained and added: none fails, and every event comes once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest
import uproot

from jobs.block import Block, BlockJob, Network, Reco, SiteAccess
from jobs.layout import CHECKOUT
from jobs.reco.event import EventId
from jobs.reco.generate import GeneratorParameters, generate_event
from jobs.reco.geometry import channel_map
from jobs.reco.schema import Provenance
from jobs.reco.write import write_events
from jobs.record import read_records
from sonic.server.models import DEMO_MODEL
from sonic.server.pool import start_servers, stop_servers
from tests.builders.inference_load import envoy_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from jobs.block import WhenPoolAway
    from jobs.record import Record
    from sonic.server.state import ServersState

N_JOBS = 3
EVENTS_PER_JOB = 40
FEW_EVENTS = 8
DENSITY = 0.15
REST_OF_CHAIN_S = 0.8
"""Sleep of a job in each event: jobs must outlive all that is done to their pool, on a quiet machine too."""

ANSWERED = "http.clients.downstream_rq_completed"
SCORES = ("hit_channel", "hit_peak_tick", "track", "em", "none", "michel")


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of generated events of one APA."""
    path = tmp_path_factory.mktemp("events") / "events.root"
    parameters = GeneratorParameters(n_apas=1, density=DENSITY)
    made = (generate_event(5, EventId(1, 0, number), parameters) for number in range(N_JOBS * EVENTS_PER_JOB))
    write_events(path, made, channel_map(1), Provenance(origin="generated", detector="test", software_version="0"))
    return path


class Campaign:
    """A block of jobs of one flavour that share out the events, run as processes, as HTCondor would run them."""

    def __init__(
        self,
        folder: Path,
        events: Path,
        flavour: Literal["gpu", "cpu"],
        access: SiteAccess,
        choice: WhenPoolAway,
        events_per_job: int = EVENTS_PER_JOB,
    ) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)
        block = Block(
            campaign="outages",
            manifest_digest="0",
            block=0,
            records=str(folder / "records"),
            network=Network(name="cnn_emtrkmichel_1", version="1", file=str(DEMO_MODEL), when_pool_away=choice),
            reco=Reco(adc_per_electron=0.002, rest_of_chain_s=REST_OF_CHAIN_S if flavour == "gpu" else 0),
            sites={"here": access},
            jobs=tuple(
                BlockJob(
                    job=number,
                    input_file=str(events),
                    entry_start=number * EVENTS_PER_JOB,
                    entry_stop=number * EVENTS_PER_JOB + events_per_job,
                    flavour=flavour,
                    output_file=str(folder / f"{number}.root"),
                )
                for number in range(N_JOBS)
            ),
        )
        (folder / "block.json").write_text(block.model_dump_json())

    @contextmanager
    def running(self) -> Iterator[list[subprocess.Popen[bytes]]]:
        """Run all jobs at once, and wait for their ends."""
        jobs = [self._start(number) for number in range(N_JOBS)]
        try:
            yield jobs
            for job in jobs:
                job.wait(timeout=240)
        finally:
            for job in jobs:
                job.kill()
                job.wait()

    def _start(self, number: int) -> subprocess.Popen[bytes]:
        with (self._folder / f"{number}.log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "jobs.payload", str(self._folder / "block.json"), str(number)],
                cwd=CHECKOUT,
                env={"PATH": os.defpath, "SONICGRID_SITE": "here"},
                stderr=log,
            )

    def scores(self) -> list[list[tuple[int, NDArray[np.float64]]]]:
        """Return what each output holds: its events in order, each with a row of numbers for every hit."""
        outputs = []
        for number in range(N_JOBS):
            with uproot.open(self._folder / f"{number}.root") as file:
                arrays = file["scores"].arrays(["event", *SCORES], library="np")
            hits = zip(*(arrays[name] for name in SCORES), strict=True)
            outputs.append(
                [(int(event), np.stack(hit, axis=1)) for event, hit in zip(arrays["event"], hits, strict=True)]
            )
        return outputs

    def records(self) -> list[Record]:
        """Return what the jobs have left."""
        return read_records(self._folder / "records")


@pytest.fixture(scope="module")
def expected(events: Path, tmp_path_factory: pytest.TempPathFactory) -> list[list[tuple[int, NDArray[np.float64]]]]:
    """What jobs without a pool write: every event once, with the network's own scores."""
    access = SiteAccess(endpoints=("127.0.0.1:1",), wire_format="patches")
    campaign = Campaign(tmp_path_factory.mktemp("cpu"), events, "cpu", access, "hold")
    with campaign.running() as jobs:
        pass
    assert [job.returncode for job in jobs] == [0] * N_JOBS
    return campaign.scores()


@pytest.fixture
def servers(server_runtime: Path, tmp_path: Path) -> Iterator[Callable[[int], ServersState]]:
    """Have so many servers of this test's own; they are stopped after it."""
    folder = tmp_path / "servers"
    try:
        yield lambda count: start_servers(folder, count, runtime=server_runtime)
    finally:
        stop_servers(folder)


def _answer_some(state: ServersState, jobs: list[subprocess.Popen[bytes]], more: int) -> None:
    """Wait until the pool has answered some more requests of jobs that all still run."""
    wanted = envoy_count(state.admin_port, ANSWERED) + more
    deadline = time.monotonic() + 60
    while envoy_count(state.admin_port, ANSWERED) < wanted:
        assert time.monotonic() < deadline, "no answers for a minute"
        assert all(job.poll() is None for job in jobs), "a job ended before all was done to its pool"
        time.sleep(0.05)


def _assert_every_event_once(
    campaign: Campaign, expected: list[list[tuple[int, NDArray[np.float64]]]], events_per_job: int
) -> None:
    for there, here in zip(campaign.scores(), expected, strict=True):
        assert [event for event, _ in there] == [event for event, _ in here[:events_per_job]]
        for (_, these), (_, those) in zip(there, here, strict=False):
            np.testing.assert_array_equal(these, those)


def _kill(state: ServersState, *servers: int) -> None:
    for number in servers:
        os.kill(state.servers[number].pid, signal.SIGKILL)


def test_no_event_is_lost_or_doubled_while_servers_come_and_go(
    tmp_path: Path,
    events: Path,
    expected: list[list[tuple[int, NDArray[np.float64]]]],
    servers: Callable[[int], ServersState],
) -> None:
    """Either server killed and restarted, one drained and added again: every job ends well, with the right scores."""
    state = servers(2)
    access = SiteAccess(endpoints=(state.endpoint,), wire_format="views", patience_s=60)
    campaign = Campaign(tmp_path / "jobs", events, "gpu", access, "hold")
    with campaign.running() as jobs:
        for number in (0, 1):
            _answer_some(state, jobs, 4)
            _kill(state, number)
            _answer_some(state, jobs, 4)
            state = servers(2)
        _answer_some(state, jobs, 4)
        servers(1)
        _answer_some(state, jobs, 4)
        servers(2)
        _answer_some(state, jobs, 1)

    assert [job.returncode for job in jobs] == [0] * N_JOBS
    _assert_every_event_once(campaign, expected, EVENTS_PER_JOB)


@pytest.mark.parametrize("choice", ["wait", "cpu"])
def test_jobs_outlast_a_pool_that_is_gone_for_a_while(
    tmp_path: Path,
    events: Path,
    expected: list[list[tuple[int, NDArray[np.float64]]]],
    servers: Callable[[int], ServersState],
    choice: WhenPoolAway,
) -> None:
    """With every server killed, jobs wait for longer than their patience, or compute by themselves, as chosen."""
    state = servers(2)
    access = SiteAccess(endpoints=(state.endpoint,), wire_format="views", patience_s=1.0)
    campaign = Campaign(tmp_path / "jobs", events, "gpu", access, choice, FEW_EVENTS)
    with campaign.running() as jobs:
        _answer_some(state, jobs, 4)
        _kill(state, 0, 1)
        time.sleep(5 * access.patience_s)
        servers(2)

    assert [job.returncode for job in jobs] == [0] * N_JOBS
    on_cpu = [record.hits_on_cpu for record in campaign.records()]
    assert len(on_cpu) == N_JOBS
    assert all(on_cpu) if choice == "cpu" else not any(on_cpu)
    _assert_every_event_once(campaign, expected, FEW_EVENTS)
