"""Builds campaigns whose records say exactly what a test wants them to say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from jobs.manifest import MANIFEST_SCHEMA, Manifest, write_manifest
from jobs.planning.plan import PlanSummary, RejectedInput
from jobs.record import Record, StageSeconds
from jobs.running.outcome import JobOutcome, write_outcomes

if TYPE_CHECKING:
    from jobs.layout import CampaignFolder

__all__ = ["DIGEST", "CampaignBuilder"]

JOBS_PER_BLOCK = 10
DIGEST = "d1g357"
START = 1_700_000_000.0


@dataclass
class CampaignBuilder:
    """A campaign in a folder: jobs of 5 events, 2 jobs a file, 10 jobs a block."""

    folder: CampaignFolder
    name: str = "pdsp-test"
    jobs: int = 0
    rejected: list[RejectedInput] = field(default_factory=list)

    def plan(self, jobs: int) -> CampaignBuilder:
        """Write manifest, plan.json and spec."""
        self.jobs = jobs
        numbers = range(jobs)
        table = pa.table(
            [
                pa.array(numbers, pa.int32()),
                pa.array([job // JOBS_PER_BLOCK for job in numbers], pa.int32()),
                pa.array([f"/data/raw_{job // 2}.root" for job in numbers]).dictionary_encode(),
                pa.array(["uuid" for _ in numbers]).dictionary_encode(),
                pa.array([5 * (job % 2) for job in numbers], pa.int64()),
                pa.array([5 * (job % 2) + 5 for job in numbers], pa.int64()),
                pa.array(["gpu" for _ in numbers]).dictionary_encode(),
                pa.array([f"outputs/{job}.root" for job in numbers]),
            ],
            schema=MANIFEST_SCHEMA,
        )
        manifest = Manifest(self.name, DIGEST, table)
        write_manifest(manifest, self.folder.manifest)
        summary = PlanSummary(
            campaign=self.name,
            digest=DIGEST,
            files=(jobs + 1) // 2,
            events=manifest.n_events,
            jobs=jobs,
            cpu_jobs=0,
            blocks=manifest.n_blocks,
            rejected=tuple(self.rejected),
        )
        self.folder.plan.write_text(summary.model_dump_json())
        self.folder.spec.write_text(f"name: {self.name}\n")
        return self

    def attempt(self, job: int, **changes: Any) -> Record:  # noqa: ANN401 - any field of a record
        """Write the record of one attempt: by default a gpu job of 5 events, 110 s of which 10 s are start-up."""
        stages = {"startup_s": 10.0, "read_s": 15.0, "prepare_s": 25.0, "inference_s": 80.0, "write_s": 5.0}
        stages |= {name: changes.pop(name) for name in list(changes) if name in stages}
        wall_s = changes.pop("wall_s", 110.0)
        block = job // JOBS_PER_BLOCK
        content: dict[str, Any] = {
            "campaign": self.name,
            "manifest_digest": DIGEST,
            "block": block,
            "job": job,
            "attempt": 0,
            "cluster": 7,
            "proc": job % JOBS_PER_BLOCK,
            "flavour": "gpu",
            "site": "FNAL",
            "host": "worker1",
            "cpu_model": "AMD EPYC 7543 32-Core Processor",
            "endpoint": "pool:8001",
            "model": "cnn_emtrkmichel_1",
            "model_version": "1",
            "software_version": "0.1.0",
            "input_file": f"/data/raw_{job // 2}.root",
            "input_uuid": "uuid",
            "entry_start": 5 * (job % 2),
            "entry_stop": 5 * (job % 2) + 5,
            "exit_class": "done",
            "started": START + 10 * job,
            "cpu_s": 55.0,
            "max_rss_mb": 700.0,
            "events": 5,
            "hits": 8000,
            "bytes_sent": 125_000_000,
            "bytes_received": 128_000,
            "requests": 40,
            "output_file": f"/out/{job}.root",
            "output_bytes": 200_000,
            "output_sha256": "0" * 64,
        }
        if changes.get("exit_class", "done") != "done":
            content |= {"events": 0, "hits": 0, "output_file": "", "output_bytes": 0, "output_sha256": ""}
        if changes.get("flavour") == "cpu":
            content |= {"endpoint": "", "bytes_sent": 0, "bytes_received": 0, "requests": 0}
        content |= changes
        content.setdefault("ended", content["started"] + wall_s)
        record = Record(**content, stages=StageSeconds(**stages))
        path = self.folder.block(block).record(job, record.cluster, record.attempt)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(record.model_dump_json())
        return record

    def outcome(self, block: int, failed: dict[int, tuple[str, str]]) -> None:
        """Write the outcome of a block, in which some jobs failed: exit class and error by job."""
        rows = []
        for job in range(block * JOBS_PER_BLOCK, min((block + 1) * JOBS_PER_BLOCK, self.jobs)):
            exit_class, error = failed.get(job, ("done", ""))
            state = "failed" if job in failed else "done"
            rows.append(JobOutcome(job, state, exit_class, 1, 7, job, "worker1", "FNAL", 5, 8000, 110.0, error))
        path = self.folder.block(block).outcome
        path.parent.mkdir(parents=True, exist_ok=True)
        write_outcomes(path, rows)
