"""Where each file lies, of the project and of a campaign: the one place that spells the names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["CHECKOUT", "BlockFolder", "CampaignFolder"]

CHECKOUT = Path(__file__).resolve().parents[1]
"""The folder that holds this project."""


@dataclass(frozen=True)
class CampaignFolder:
    """The folder that holds everything about one campaign."""

    root: Path

    @property
    def spec(self) -> Path:
        """Copy of the spec that the manifest was made from, with every default filled in."""
        return self.root / "campaign.yaml"

    @property
    def manifest(self) -> Path:
        """One row per job; see jobs.manifest."""
        return self.root / "manifest.parquet"

    @property
    def plan(self) -> Path:
        """What the plan counted and what it rejected, JSON."""
        return self.root / "plan.json"

    @property
    def inputs(self) -> Path:
        """Counts of events per input file, so that no file is opened twice for planning; JSON."""
        return self.root / "inputs.json"

    @property
    def blocks(self) -> Path:
        """One folder per block."""
        return self.root / "blocks"

    def block(self, number: int) -> BlockFolder:
        """Folder of one block."""
        return BlockFolder(self.blocks / f"{number:05d}")

    @property
    def outputs(self) -> Path:
        """One ROOT file per job, in a subfolder per block."""
        return self.root / "outputs"

    @property
    def merged(self) -> Path:
        """ROOT files of a useful size."""
        return self.root / "merged"

    @property
    def merged_index(self) -> Path:
        """Which job's events are in which merged file, JSON."""
        return self.merged / "index.json"

    @property
    def validation(self) -> Path:
        """What `validate` found: complete or not, and every job that is missing, JSON."""
        return self.root / "validation.json"

    @property
    def missing(self) -> Path:
        """Every job without a valid output, CSV; only there while the campaign is not complete."""
        return self.root / "missing.csv"

    @property
    def report(self) -> Path:
        """The report page."""
        return self.root / "report.html"

    @property
    def report_numbers(self) -> Path:
        """The numbers of the report page, JSON."""
        return self.root / "report.json"

    @property
    def report_table(self) -> Path:
        """The report's table by site, CSV."""
        return self.root / "table.csv"

    @property
    def report_table_tex(self) -> Path:
        """The same table for a paper, LaTeX with booktabs."""
        return self.root / "table.tex"

    @property
    def sites(self) -> Path:
        """Site configs and links that are in force, every default filled in; see jobs.throttle.in_force."""
        return self.root / "sites.yaml"

    @property
    def site_edits(self) -> Path:
        """Every change of `sites`, who, when, from, to; JSON lines, newest last."""
        return self.root / "site-edits.jsonl"

    @property
    def shares(self) -> Path:
        """What one job at each site may send now; running jobs read it. See jobs.shares."""
        return self.root / "shares.json"

    @property
    def throttle(self) -> Path:
        """What the throttle decided last and what it knows of the jobs, JSON; see jobs.throttle.state."""
        return self.root / "throttle.json"

    @property
    def readmitted(self) -> Path:
        """Hosts and sites that people let jobs go to again, JSON lines, newest last; see jobs.throttle.readmit."""
        return self.root / "readmitted.jsonl"

    @property
    def throttle_log(self) -> Path:
        """Every decision of the throttle that changed something, with its reason; JSON lines, newest last."""
        return self.root / "throttle.jsonl"

    @property
    def throttle_lock(self) -> Path:
        """Held by the one process that keeps the campaign's limits and hands its jobs to HTCondor."""
        return self.root / "throttle.lock"

    @property
    def round(self) -> Path:
        """Its modification time is when the campaign was last submitted: what failed before is tried again."""
        return self.root / "submitted"

    @property
    def set_aside(self) -> Path:
        """Files that were found damaged; nothing reads them, and they may be deleted."""
        return self.root / "set-aside"

    @property
    def log(self) -> Path:
        """Log of the driver and of Snakemake."""
        return self.root / "driver.log"

    @property
    def submit_lock(self) -> Path:
        """Held while somebody looks whether there is a driver, and starts one."""
        return self.root / "submit.lock"

    @property
    def complete(self) -> Path:
        """The mark that every event came out; made by the verdict."""
        return self.root / "complete"

    @property
    def lock(self) -> Path:
        """Held by the one driver that works on the campaign."""
        return self.root / "driver.lock"


@dataclass(frozen=True)
class BlockFolder:
    """The folder of one block."""

    root: Path

    @property
    def description(self) -> Path:
        """What the payload needs to know, JSON; see jobs.block."""
        return self.root / "block.json"

    @property
    def submit(self) -> Path:
        """The submit description as it was given to HTCondor, to read."""
        return self.root / "block.sub"

    @property
    def cluster(self) -> Path:
        """The clusters that this block had, JSON lines, newest last."""
        return self.root / "clusters.jsonl"

    @property
    def events_log(self) -> Path:
        """HTCondor's event log of the block's clusters."""
        return self.root / "events.log"

    @property
    def logs(self) -> Path:
        """Standard output and error of the jobs."""
        return self.root / "logs"

    @property
    def records(self) -> Path:
        """One JSON per attempt of a job."""
        return self.root / "records"

    def record(self, job: int, cluster: int, attempt: int) -> Path:
        """Record of one attempt; a block that was submitted again counts its attempts per cluster."""
        return self.records / f"{job:07d}.{max(cluster, 0)}.{attempt}.json"

    @property
    def asked(self) -> Path:
        """Which jobs people asked to retry, to hold and to release, JSON lines, newest last; see jobs.running.asked."""
        return self.root / "asked.jsonl"

    @property
    def checkpoints(self) -> Path:
        """Scored events of jobs that have not ended, for their next attempts; see jobs.payload.checkpoint."""
        return self.root / "checkpoints"

    @property
    def returned(self) -> Path:
        """What jobs without a shared file system brought home, until each file is in its place."""
        return self.root / "returned"

    @property
    def outcome(self) -> Path:
        """One row per job, how it ended; its presence says that the block is through."""
        return self.root / "outcome.parquet"
