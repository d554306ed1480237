"""A block becomes a cluster: attach to what is already there, submit what is still missing, nothing twice."""

from __future__ import annotations

import argparse
import fcntl
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.errors import JobsError
from jobs.exits import EXITS, ExitClass
from jobs.layout import CampaignFolder
from jobs.manifest import read_manifest
from jobs.planning.write_blocks import write_blocks
from jobs.pool.endpoint import embedded_endpoint
from jobs.record import read_records
from jobs.running.bring_home import bring_home
from jobs.running.describe import ClusterRequest, describe
from jobs.running.launch import JobFiles, SharedPython, launch
from jobs.running.outcome import final_records
from jobs.running.queue import Queue, open_queue
from jobs.spec.campaign import load_campaign
from jobs.spec.site import load_sites, site_access

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from jobs.block import SiteAccess
    from jobs.layout import BlockFolder
    from jobs.manifest import Manifest, ManifestJob
    from jobs.record import Record
    from jobs.running.launch import WorkerEnvironment
    from jobs.spec.campaign import Campaign
    from jobs.spec.site import Site

__all__ = ["Submitter", "jobs_to_run", "most_jobs", "open_submitter"]

SHARED_PYTHON = SharedPython(Path(sys.executable))


def jobs_to_run(folder: BlockFolder, jobs: Sequence[ManifestJob], digest: str) -> list[int]:
    """Return the jobs of a block that have neither succeeded nor failed in a way that a retry cannot mend."""
    final = final_records(read_records(folder.records))
    settled = {job for job, record in final.items() if record.manifest_digest == digest and _is_settled(record)}
    return [job.job for job in jobs if job.job not in settled]


def most_jobs(sites: Mapping[str, Site]) -> int:
    """Return how many jobs of a campaign may be in the queue at once; 0 for no limit.

    A cluster is not tied to a site, so the smallest limit of all its sites keeps each of them safe.
    """
    limits = [site.most_jobs for site in sites.values() if site.most_jobs is not None]
    return min(limits, default=0)


class Submitter:
    """Hands the blocks of one campaign to HTCondor."""

    def __init__(
        self,
        folder: CampaignFolder,
        campaign: Campaign,
        manifest: Manifest,
        sites: Mapping[str, Site],
        access: Mapping[str, SiteAccess],
        queue: Queue,
        environment: WorkerEnvironment = SHARED_PYTHON,
    ) -> None:
        self._folder = folder
        self._campaign = campaign
        self._manifest = manifest
        self._sites = sites
        self._access = access
        self._queue = queue
        self._environment = environment

    def ensure(self, numbers: Iterable[int]) -> dict[int, int | None]:
        """Make sure that HTCondor has what is left of each block.

        Returns:
            By block, the cluster that is in the queue, found or submitted; 0 if nothing is left to run; None if the
            block must wait for its turn because a site limits the number of jobs.

        Raises:
            PoolError: HTCondor does not answer or refuses.
            CampaignError: a block's description or a record cannot be read.

        """
        limit = most_jobs(self._sites)
        with (self._folder.root / "submit.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            in_queue = {found.block: found.cluster for found in self._queue.clusters(self._folder)}
            ensured: dict[int, int | None] = {}
            for number in numbers:
                # Also where the cluster is there: jobs that start from now on shall find the pool where it is now.
                write_blocks(self._manifest, self._campaign, self._access, self._folder, [number])
                cluster = in_queue.get(number)
                if cluster is None:
                    cluster = self._submit_rest(number, limit, wait=bool(limit and in_queue))
                    if cluster:
                        in_queue[number] = cluster
                ensured[number] = cluster
            return ensured

    def has(self, cluster: int) -> bool:
        """Return whether HTCondor still has a cluster of the campaign.

        Raises:
            PoolError: HTCondor does not answer.

        """
        return any(found.cluster == cluster for found in self._queue.clusters(self._folder))

    def _submit_rest(self, number: int, limit: int, *, wait: bool) -> int | None:
        folder = self._folder.block(number)
        bring_home(folder)
        jobs = jobs_to_run(folder, self._manifest.block(number), self._manifest.digest)
        if not jobs:
            return 0
        return None if wait else self._submit(folder, number, jobs, limit)

    def _submit(self, folder: BlockFolder, number: int, jobs: list[int], limit: int) -> int:
        for path in (folder.logs, folder.records):
            path.mkdir(parents=True, exist_ok=True)
        size = self._campaign.jobs
        request = ClusterRequest(
            campaign=self._campaign.name,
            folder=self._folder.root,
            digest=self._manifest.digest,
            block=number,
            slots={name: site.slots for name, site in self._sites.items()},
            most_jobs=limit,
            memory_mb=round(size.memory_mb),
            disk_mb=round(size.disk_mb),
            max_runtime_s=size.max_runtime_s,
            max_retries=size.max_retries,
        )
        text = describe(folder, jobs, request, launch(self._environment, folder, self._files(number, jobs)))
        folder.submit.write_text(text)
        cluster = self._queue.submit(text)
        with folder.cluster.open("a") as clusters:
            clusters.write(json.dumps({"cluster": cluster, "jobs": len(jobs), "submitted": time.time()}) + "\n")
        return cluster

    def _files(self, number: int, jobs: list[int]) -> JobFiles:
        rows = [row for row in self._manifest.block(number) if row.job in set(jobs)]
        computes = any(row.flavour == "cpu" for row in rows)
        return JobFiles(
            inputs={row.job: row.input_file for row in rows},
            network_file=self._campaign.network.file if computes else "",
        )


def open_submitter(folder: CampaignFolder, sites_folder: Path) -> Submitter:
    """Read the planned campaign and its sites, and connect to HTCondor.

    Raises:
        JobsError: the campaign is not planned, a config has problems, or no HTCondor answers.

    """
    manifest = read_manifest(folder.manifest)
    campaign = load_campaign(folder.spec)
    sites = load_sites(sites_folder, campaign.sites, asked_by=str(folder.spec))
    access = {name: site_access(site, embedded_endpoint) for name, site in sites.items()}
    return Submitter(folder, campaign, manifest, sites, access, open_queue())


def _is_settled(record: Record) -> bool:
    if record.exit_class is ExitClass.DONE:
        return Path(record.output_file).is_file()
    return not EXITS[record.exit_class].retry


_NEWS = {None: "waits for its turn, because a site limits the jobs", 0: "nothing left to run"}


def main() -> None:
    """Hand every block of a planned campaign to HTCondor; blocks that are there or through are left alone."""
    parser = argparse.ArgumentParser(prog="python -m jobs.running.submit", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="the folder of the campaign's results")
    parser.add_argument("--sites-folder", type=Path, required=True, help="the folder of site configs")
    arguments = parser.parse_args()
    folder = CampaignFolder(arguments.folder.resolve())
    try:
        submitter = open_submitter(folder, arguments.sites_folder)
        n_blocks = read_manifest(folder.manifest).n_blocks
        numbers = [number for number in range(n_blocks) if not folder.block(number).outcome.exists()]
        for number, cluster in submitter.ensure(numbers).items():
            sys.stdout.write(f"block {number}: {_NEWS.get(cluster, f'cluster {cluster}')}\n")
    except JobsError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
