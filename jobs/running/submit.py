"""Jobs of a block become a cluster; and which jobs of a block have still to run, by their records."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jobs.errors import CampaignError
from jobs.exits import EXITS, ExitClass
from jobs.planning.write_blocks import write_blocks
from jobs.record import read_records
from jobs.replace_file import replace_file
from jobs.running.asked import read_asked
from jobs.running.clusters import note_cluster
from jobs.running.describe import ClusterRequest, describe
from jobs.running.kept_off import KeptOff
from jobs.running.launch import JobFiles, launch, worker_environment
from jobs.running.outcome import final_records
from jobs.storage.errors import StorageRefused
from jobs.storage.outlook import Outlook

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from jobs.block import SiteAccess
    from jobs.layout import BlockFolder, CampaignFolder
    from jobs.manifest import Manifest, ManifestJob
    from jobs.record import Record
    from jobs.running.describe import Limit, SiteTerms
    from jobs.running.launch import WorkerEnvironment
    from jobs.running.queue import Queue
    from jobs.spec.campaign import Campaign
    from jobs.spec.site import Site

__all__ = ["Conditions", "Submitter", "jobs_to_run"]


def jobs_to_run(folder: BlockFolder, jobs: Sequence[ManifestJob], digest: str) -> list[int]:
    """Return the jobs of a block that have neither succeeded nor failed in a way that a retry cannot mend.

    A job that a person asked to run again after it failed is among them, however it failed.
    """
    records = [record for record in read_records(folder.records) if record.manifest_digest == digest]
    whole = {(record.job, record.output_bytes) for record in records if record.exit_class is ExitClass.DONE}
    final = final_records(records)
    outlook = Outlook()
    settled = {job for job, record in final.items() if _is_settled(record, whole, outlook)}
    written = Counter(record.job for record in records)
    for job, retry in read_asked(folder).retries.items():
        if job in settled and final[job].exit_class is not ExitClass.DONE and written[job] <= retry.records:
            settled.remove(job)
    return [job.job for job in jobs if job.job not in settled]


@dataclass(frozen=True)
class Conditions:
    """Under what conditions a cluster's jobs run.

    Attributes:
        sites: whose slots they may take, by name.
        terms: what they get there, by site name.
        limits: what the negotiator charges them to, by site name; none where it is not ours to configure.
        most_jobs: most of them in the queue at once; 0 for no limit.
        runs_as: flavour that takes the place of theirs; empty to leave it.
        kept_off: where they do not go for now.

    """

    sites: Mapping[str, Site]
    terms: Mapping[str, SiteTerms]
    limits: Mapping[str, Sequence[Limit]]
    most_jobs: int = 0
    runs_as: str = ""
    kept_off: KeptOff = field(default_factory=KeptOff)


class Submitter:
    """Hands jobs of one campaign to HTCondor."""

    def __init__(
        self,
        folder: CampaignFolder,
        campaign: Campaign,
        manifest: Manifest,
        queue: Queue,
    ) -> None:
        self._folder = folder
        self._campaign = campaign
        self._manifest = manifest
        self._queue = queue

    def submit(self, number: int, jobs: Sequence[int], conditions: Conditions, access: Mapping[str, SiteAccess]) -> int:
        """Submit some jobs of a block as one cluster and return its number.

        Args:
            number: of the block.
            jobs: their numbers in the manifest.
            conditions: sites, shares, limits.
            access: by site name, how jobs reach the inference pool now.

        Raises:
            PoolError: HTCondor does not answer or refuses.
            CampaignError: the block's description cannot be written.

        """
        folder = self._folder.block(number)
        try:
            for path in (folder.logs, folder.records):
                path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = f"{error.filename}: cannot be made: {error.strerror or error}; free some space"
            raise CampaignError(message) from error
        write_blocks(self._manifest, self._campaign, access, self._folder, [number])
        size = self._campaign.jobs
        request = ClusterRequest(
            campaign=self._campaign.name,
            folder=self._folder.root,
            digest=self._manifest.digest,
            block=number,
            slots={name: site.slots for name, site in conditions.sites.items()},
            terms=conditions.terms,
            limits=conditions.limits,
            most_jobs=conditions.most_jobs,
            runs_as=conditions.runs_as,
            memory_mb=round(size.memory_mb),
            disk_mb=round(size.disk_mb),
            max_runtime_s=size.max_runtime_s,
            max_retries=size.max_retries,
            kept_off=conditions.kept_off,
        )
        flavour_of = {job.job: job.flavour for job in self._manifest.block(number)}
        start = launch(_environment(conditions.sites), folder, self._files(number, jobs))
        text = describe(folder, [(job, flavour_of[job]) for job in jobs], request, start)
        # Before there is a cluster: what cannot be written now could not be noted then.
        replace_file(folder.submit, text.encode())
        cluster = self._queue.submit(text)
        note_cluster(folder, cluster, jobs)
        return cluster

    def _files(self, number: int, jobs: Sequence[int]) -> JobFiles:
        rows = [row for row in self._manifest.block(number) if row.job in set(jobs)]
        network = self._campaign.network
        computes = network.when_pool_away == "cpu" or any(row.flavour != "gpu" for row in rows)
        return JobFiles(
            inputs={row.job: row.input_file for row in rows},
            network_file=network.file if computes else "",
            checkpoints=self._campaign.jobs.checkpoint_every_s > 0 or self._campaign.jobs.checkpoint_events > 0,
        )


def _environment(sites: Mapping[str, Site]) -> WorkerEnvironment:
    """Return the environment that the sites of a cluster have in common."""
    (environment,) = {site.environment for site in sites.values()}
    return worker_environment(environment)


def _is_settled(record: Record, whole: Container[tuple[int, int]], outlook: Outlook) -> bool:
    """Whether a job must not run again: its output is there, of a size that one of its records says, or it never can.

    A storage that does not answer now proves nothing; `validate` will ask it again.
    """
    if record.exit_class is not ExitClass.DONE:
        return not EXITS[record.exit_class].retry
    try:
        output = outlook.find(record.output_file)
    except StorageRefused:
        return True
    return output is not None and (record.job, output.bytes) in whole
