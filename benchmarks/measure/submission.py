"""What a user waits for: from starting a campaign's driver until HTCondor has every job of it."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import htcondor2
import yaml

from jobs.layout import CampaignFolder
from jobs.running.driver import driver_command, stop_driver
from jobs.running.queue import open_queue
from jobs.running.quote import quote_classad
from measure.errors import BenchmarkFailed
from measure.inputs import EVENTS_PER_FILE
from measure.machine import load
from measure.memory import Peak, TreeMemory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

__all__ = ["Submission", "measure_submission"]

JOBS_PER_BLOCK = 1000
PATIENCE_S = 1800.0
"""Longest wait for one campaign to be in the queue."""

WATCH_S = 10.0
"""How long the watchers are looked at, after the submission."""


@dataclass(frozen=True)
class Submission:
    """One campaign, planned and submitted.

    Attributes:
        jobs, clusters: that HTCondor's cluster ads account for.
        files: input files that were opened to plan it.
        seconds: from starting the driver until every cluster was in the queue.
        plan_seconds: of these, until the manifest was there; Snakemake's own start is in it.
        cpu_seconds: CPU time of the driver's process tree until then, all cores.
        peak_mb: most memory of the driver's process tree until then, MB.
        peak_processes: processes in the tree at that time.
        watching_peak_mb: the same in the ten seconds after, when Snakemake's rule instances follow the blocks.
        samples_per_s: how often memory was looked at.
        load_before: processes that wanted a core before it began, mean of a minute.

    """

    jobs: int
    clusters: int
    files: int
    seconds: float
    plan_seconds: float
    cpu_seconds: float
    peak_mb: float
    peak_processes: int
    watching_peak_mb: float
    samples_per_s: float
    load_before: float


def measure_submission(folder: Path, inputs: Sequence[Path], say: Callable[[str], None]) -> Submission:
    """Plan and submit a campaign of one-event jobs over the inputs, to slots that do not exist; then take it away.

    Args:
        folder: for the campaign; made here.
        inputs: files of `EVENTS_PER_FILE` events.
        say: takes lines of progress.

    Raises:
        BenchmarkFailed: the driver ended, took too long, or not every job is in the queue.

    """
    campaign = CampaignFolder(folder / "campaign")
    spec, sites_folder = _write_configs(folder, inputs, campaign)
    load_before = load()
    try:
        return _measure(spec, sites_folder, campaign, len(inputs), load_before, say)
    finally:
        stop_driver(campaign)
        _clear_queue(campaign, say)


def _write_configs(folder: Path, inputs: Sequence[Path], campaign: CampaignFolder) -> tuple[Path, Path]:
    sites_folder = folder / "sites"
    sites_folder.mkdir(parents=True)
    site = {"endpoints": "127.0.0.1:1", "uplink": "10 Gb/s", "slots": 'GLIDEIN_Site == "no slot is of this site"'}
    (sites_folder / "nowhere.yaml").write_text(yaml.safe_dump(site))
    files = folder / "files.txt"
    files.write_text("".join(f"{path}\n" for path in inputs))
    spec = folder / "campaign.yaml"
    document = {
        "name": f"bench-{len(inputs) * EVENTS_PER_FILE}",
        "inputs": [{"list": str(files)}],
        "sites": "nowhere",
        "flavour": "gpu",
        "jobs": {"events_per_job": 1, "jobs_per_block": JOBS_PER_BLOCK},
        "output": {"folder": str(campaign.root)},
    }
    spec.write_text(yaml.safe_dump(document))
    return spec, sites_folder


def _measure(
    spec: Path, sites_folder: Path, campaign: CampaignFolder, files: int, load_before: float, say: Callable[[str], None]
) -> Submission:
    campaign.root.mkdir()
    mark = campaign.root / "enqueued"
    wanted = files * EVENTS_PER_FILE
    with campaign.log.open("ab") as log:
        began = time.monotonic()
        process = subprocess.Popen(
            driver_command(spec, sites_folder, campaign),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    planned_s = 0.0
    with TreeMemory(process.pid) as memory:
        while not mark.exists():
            if process.poll() is not None or time.monotonic() - began > PATIENCE_S:
                message = f"{wanted} jobs were not submitted:\n{_tail(campaign.log)}"
                raise BenchmarkFailed(message)
            if not planned_s and campaign.manifest.exists():
                planned_s = time.monotonic() - began
            time.sleep(0.02)
        seconds = time.monotonic() - began
        peak, cpu_s = memory.take_peak(), memory.cpu_s
        say(f"{wanted} jobs submitted in {seconds:.1f} s; watching for {WATCH_S:.0f} s")
        time.sleep(WATCH_S)
        watching: Peak = memory.take_peak()
    clusters, jobs = _account(campaign)
    if jobs != wanted or clusters != -(-wanted // JOBS_PER_BLOCK):
        message = f"of {wanted} jobs HTCondor has {jobs}, in {clusters} clusters"
        raise BenchmarkFailed(message)
    return Submission(
        jobs=jobs,
        clusters=clusters,
        files=files,
        seconds=seconds,
        plan_seconds=planned_s,
        cpu_seconds=cpu_s,
        peak_mb=peak.mb,
        peak_processes=peak.processes,
        watching_peak_mb=watching.mb,
        samples_per_s=memory.samples_per_s,
        load_before=load_before,
    )


def _account(campaign: CampaignFolder) -> tuple[int, int]:
    """Return the clusters of a campaign in the queue and the jobs that their ads promise, materialized or not."""
    ads = htcondor2.Schedd().query(
        _constraint(campaign),
        ["ClusterId", "ProcId", "TotalSubmitProcs"],
        opts=htcondor2.QueryOpt.IncludeClusterAd,
    )
    clusters = {int(ad["ClusterId"]): int(ad["TotalSubmitProcs"]) for ad in ads if int(ad.get("ProcId", -1)) < 0}
    return len(clusters), sum(clusters.values())


def _clear_queue(campaign: CampaignFolder, say: Callable[[str], None]) -> None:
    """Remove the campaign's clusters and wait until they are gone: the next measurement needs an idle schedd."""
    say("removing the clusters")
    open_queue().remove(campaign, "the measurement is over")
    deadline = time.monotonic() + 300
    while _account(campaign)[0]:
        if time.monotonic() > deadline:
            message = "the clusters do not leave the queue"
            raise BenchmarkFailed(message)
        time.sleep(0.5)


def _constraint(campaign: CampaignFolder) -> str:
    return f"SonicGridCampaignFolder == {quote_classad(str(campaign.root))}"


def _tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
