"""A campaign of many jobs under way: event logs, records and a manifest, for a collector to catch up with."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from jobs.exits import ExitClass
from jobs.heartbeat import Heartbeat
from jobs.manifest import MANIFEST_SCHEMA, Manifest, write_manifest
from jobs.record import Record, StageSeconds
from sonic.scores import LATENCY_BOUNDS_S

if TYPE_CHECKING:
    from pathlib import Path

    from jobs.layout import CampaignFolder

__all__ = ["DIGEST", "JOBS_PER_BLOCK", "BigCampaign", "write_campaign", "write_news"]

DIGEST = "b16"
JOBS_PER_BLOCK = 1000
EVENTS_PER_JOB = 20
HEARTBEATS = 6
SITES = ("FNAL", "CERN", "BNL", "Manchester", "Lancaster", "Prague", "IN2P3", "UCSD", "Nebraska", "NRP")

_SCHEDD = "<131.225.1.1:9618?addrs=131.225.1.1-9618&alias=schedd.example.org&noUDP&sock=schedd_9914_126b>"
_USAGE = "".join(
    f"\t\tUsr 0 00:10:00, Sys 0 00:00:10  -  {which} Usage\n"
    for which in ("Run Remote", "Run Local", "Total Remote", "Total Local")
)
_END = (
    "Job terminated.\n\t(1) Normal termination (return value {code})\n"
    + _USAGE
    + "\t0  -  Run Bytes Sent By Job\n\t0  -  Run Bytes Received By Job\n"
    + "\t0  -  Total Bytes Sent By Job\n\t0  -  Total Bytes Received By Job\n"
    + "\tPartitionable Resources :    Usage  Request Allocated \n"
    + "\t   Cpus                 :     0.92        1         1 \n"
    + "\t   Disk (KB)            :    20     2048000   5050444 \n"
    + "\t   Memory (MB)          :   733        1500      2048 \n\n"
    + "\tJob terminated of its own accord at 2026-11-27T04:38:44Z with exit-code {code}."
)


@dataclass(frozen=True)
class BigCampaign:
    """What was written.

    Attributes:
        jobs, done, failed, running: of the campaign.
        log_events, heartbeats, records: in its files.
        log_mb: MB of its event logs.

    """

    jobs: int
    done: int
    failed: int
    running: int
    log_events: int
    heartbeats: int
    records: int
    log_mb: float


def write_campaign(folder: CampaignFolder, jobs: int, began: float, seed: int = 1) -> BigCampaign:
    """Write a campaign whose last block is still running; one job in fifty has failed.

    Args:
        folder: of the campaign.
        jobs: in it.
        began: when, seconds since the epoch; a block follows the other every ten minutes.
        seed: of what differs between jobs.

    """
    _write_manifest(folder, jobs)
    random = np.random.default_rng(seed)
    done = failed = running = log_events = heartbeats = records = log_bytes = 0
    for block in range(-(-jobs // JOBS_PER_BLOCK)):
        numbers = range(block * JOBS_PER_BLOCK, min(jobs, (block + 1) * JOBS_PER_BLOCK))
        last = numbers.stop == jobs
        lines: list[tuple[float, int, str]] = []
        at = began + 600.0 * block
        block_folder = folder.block(block)
        block_folder.records.mkdir(parents=True, exist_ok=True)
        for job in numbers:
            site = SITES[int(random.integers(len(SITES)))]
            runs_on = last and job % 2 == 1
            code = 0 if job % 50 else 30
            start = at + float(random.uniform(0, 300))
            proc = job - numbers.start
            lines.append((at, proc, f"000|Job submitted from host: {_SCHEDD}\n    sonicgrid job {job}"))
            lines.append(
                (start, proc, f"001|Job executing on host: <10.0.0.{proc % 250}:9618>\n\tSlotName: slot1@w{proc % 97}")
            )
            for beat in range(HEARTBEATS // 2 if runs_on else HEARTBEATS):
                text = heartbeat(job, site, beat, last=not runs_on and beat == HEARTBEATS - 1)
                lines.append((start + 60.0 * (beat + 1), proc, f"008|{text}"))
                heartbeats += 1
            if not runs_on:
                lines.append((start + 60.0 * HEARTBEATS + 2, proc, f"006|{_SIZE}"))
                lines.append((start + 60.0 * HEARTBEATS + 2, proc, f"005|{_END.format(code=code)}"))
                _write_record(block_folder.records, block, job, site, start, code)
                records += 1
            done += code == 0 and not runs_on
            failed += code != 0 and not runs_on
            running += runs_on
        lines.sort(key=lambda line: line[0])
        text = "".join(_event(when, block + 1, proc, line) for when, proc, line in lines)
        block_folder.events_log.write_text(text)
        block_folder.cluster.write_text(
            json.dumps({"cluster": block + 1, "jobs": f"{numbers.start}-{numbers.stop - 1}", "submitted": at}) + "\n"
        )
        log_events += len(lines)
        log_bytes += len(text)
    return BigCampaign(jobs, done, failed, running, log_events, heartbeats, records, log_bytes * 1e-6)


def write_news(folder: CampaignFolder, jobs: int, beats: int, at: float) -> int:
    """Append heartbeats of jobs of the last block that run; returns how many."""
    block = (jobs - 1) // JOBS_PER_BLOCK
    first = block * JOBS_PER_BLOCK
    running = [job for job in range(first, jobs) if job % 2 == 1]
    with folder.block(block).events_log.open("a") as log:
        for number in range(beats):
            job = running[number % len(running)]
            log.write(_event(at, block + 1, job - first, f"008|{heartbeat(job, SITES[job % len(SITES)], 4)}"))
    return beats


def heartbeat(job: int, site: str, beat: int, *, last: bool = False) -> str:
    """Return the line of a job's minute."""
    counts = [0] * (len(LATENCY_BOUNDS_S) + 1)
    counts[4], counts[5] = 20, 10
    return Heartbeat(
        job=job,
        attempt=0,
        site=site,
        flavour="gpu",
        window_s=60.0,
        events=EVENTS_PER_JOB // HEARTBEATS + 1
        if not last
        else EVENTS_PER_JOB - 5 * (EVENTS_PER_JOB // HEARTBEATS + 1),
        hits=40_000,
        bytes_sent=1_300_000,
        requests=30,
        retries=0,
        paced_s=1.5,
        latency_s=5.25,
        latency_counts=tuple(counts),
        prepare_s=12.0,
        inference_s=40.0,
        write_s=0.5,
        share_mbps=12.5,
        total_events=min(EVENTS_PER_JOB, 4 * (beat + 1)),
        total_bytes_sent=1_300_000 * (beat + 1),
        last=last,
    ).encode()


_SIZE = (
    "Image size of job updated: 1071784\n\t733  -  MemoryUsage of job (MB)\n\t748512  -  ResidentSetSize of job (KB)"
)


def _event(at: float, cluster: int, proc: int, line: str) -> str:
    number, _, body = line.partition("|")
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
    return f"{number} ({cluster:03d}.{proc:03d}.000) {when} {body}\n...\n"


def _write_record(records: Path, block: int, job: int, site: str, start: float, code: int) -> None:
    done = code == 0
    record = Record(
        campaign="big",
        manifest_digest=DIGEST,
        block=block,
        job=job,
        attempt=0,
        cluster=block + 1,
        proc=job % JOBS_PER_BLOCK,
        flavour="gpu",
        site=site,
        host=f"w{job % 97}",
        cpu_model="AMD EPYC 7543 32-Core Processor" if job % 3 else "Intel(R) Xeon(R) Gold 6226R CPU @ 2.90GHz",
        endpoint="pool.example.org:8001",
        model="cnn_emtrkmichel_1",
        model_version="1",
        software_version="0.1.0",
        input_file=f"/data/raw_{job // 5}.root",
        input_uuid="uuid",
        entry_start=0,
        entry_stop=EVENTS_PER_JOB,
        exit_class=ExitClass.DONE if done else ExitClass.WORKER,
        error="" if done else "worker lacks memory\nand more",
        started=start + 1,
        ended=start + 60.0 * HEARTBEATS + 1,
        stages=StageSeconds(startup_s=5.0, read_s=20.0, prepare_s=70.0, inference_s=240.0, write_s=3.0),
        cpu_s=120.0,
        max_rss_mb=733.0,
        events=EVENTS_PER_JOB if done else 0,
        hits=240_000 if done else 0,
        bytes_sent=7_800_000,
        bytes_received=960_000,
        requests=180,
        latency_s=31.5,
    )
    (records / f"{job:07d}.{block + 1}.0.json").write_text(record.model_dump_json())


def _write_manifest(folder: CampaignFolder, jobs: int) -> None:
    numbers = np.arange(jobs, dtype=np.int32)
    file_of_job = pa.array((numbers // 5).astype(np.int32))
    files = pa.array([f"/data/raw_{number}.root" for number in range(jobs // 5 + 1)])
    zeros = pa.array(np.zeros(jobs, dtype=np.int32))
    table = pa.table(
        [
            pa.array(numbers),
            pa.array((numbers // JOBS_PER_BLOCK).astype(np.int32)),
            pa.DictionaryArray.from_arrays(file_of_job, files),
            pa.DictionaryArray.from_arrays(zeros, pa.array(["uuid"])),
            pa.array(np.zeros(jobs, dtype=np.int64)),
            pa.array(np.full(jobs, EVENTS_PER_JOB, dtype=np.int64)),
            pa.DictionaryArray.from_arrays(zeros, pa.array(["gpu"])),
            pa.array([f"outputs/{number}.root" for number in range(jobs)]),
        ],
        schema=MANIFEST_SCHEMA,
    )
    folder.root.mkdir(parents=True, exist_ok=True)
    write_manifest(Manifest("big", DIGEST, table), folder.manifest)
