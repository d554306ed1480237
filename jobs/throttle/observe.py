"""What the jobs of a campaign say: where each stands, and what it measured, by site."""

from __future__ import annotations

import contextlib
import math
import time
from typing import TYPE_CHECKING

from jobs.errors import CampaignError
from jobs.record import read_record
from jobs.running.asked import Asked, AskedReader
from jobs.running.bring_home import bring_home
from jobs.running.follow import BlockFollower
from jobs.running.submit import jobs_to_run
from jobs.states import JobState
from jobs.throttle.correct import LOOK_BACK_S
from jobs.throttle.tally import MEMORY_S, Tally, tally_of_heartbeat, tally_of_record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobs.layout import BlockFolder, CampaignFolder
    from jobs.manifest import Manifest, ManifestJob
    from jobs.record import Record
    from jobs.running.follow import Told
    from jobs.running.standing import EndedAttempt

__all__ = ["Observer", "round_began"]

LOST_DEALS = 3
"""A job that was handed to HTCondor so often in one round, and left the queue without an end each time, is given up."""


def round_began(folder: CampaignFolder) -> float:
    """Return when the campaign was last submitted, seconds since the epoch; 0 if it was not by `sonicgrid submit`."""
    with contextlib.suppress(FileNotFoundError):
        return math.floor(folder.round.stat().st_mtime)
    return 0.0


class Observer:
    """Follows all blocks of a campaign that are not through.

    Args:
        folder: of the campaign.
        manifest: its jobs.
        tallies: what is known from before, by site.
        core_patches_per_s: the same of cpu jobs; None if nothing is.
        since: when that was, seconds since the epoch; older reports are in it.

    Raises:
        CampaignError: a record or an event log cannot be read.

    """

    def __init__(
        self,
        folder: CampaignFolder,
        manifest: Manifest,
        tallies: Mapping[str, Tally],
        core_patches_per_s: float | None = None,
        since: float = 0.0,
    ) -> None:
        self._folder = folder
        self._since = since
        self._round = round_began(folder)
        self._tallies = dict(tallies)
        self._recent: dict[str, Tally] = {}
        self._core = core_patches_per_s
        self._faded_at = since or time.time()
        self._followers: dict[int, BlockFollower] = {}
        self._to_run: dict[int, set[int]] = {}
        self._asked: dict[int, AskedReader] = {}
        self._jobs: dict[int, Sequence[ManifestJob]] = {}
        self._digest = manifest.digest
        self._ended: list[tuple[EndedAttempt, Record | None]] = []
        self._signs: list[tuple[str, str, float]] = []
        self._told: set[int] = set()
        self._recorded: set[int] = set()
        for number in range(manifest.n_blocks):
            block = folder.block(number)
            if not block.outcome.exists():
                bring_home(block)
                jobs = self._jobs[number] = manifest.block(number)
                self._asked[number] = AskedReader(block)
                self._asked[number].look()
                self._to_run[number] = set(jobs_to_run(block, jobs, manifest.digest))
                self._followers[number] = BlockFollower(block, [job.job for job in jobs], attempts=True)

    def look(self) -> None:
        """Read what is new."""
        now = time.time()
        age_s, self._faded_at = max(0.0, now - self._faded_at), now
        self._tallies = {site: tally.faded(age_s) for site, tally in self._tallies.items()}
        self._recent = {site: tally.faded(age_s, LOOK_BACK_S) for site, tally in self._recent.items()}
        for number, follower in self._followers.items():
            if self._asked[number].look():
                self._to_run[number] |= set(jobs_to_run(self._folder.block(number), self._jobs[number], self._digest))
            if follower.poll():
                for told in follower.heartbeats():
                    self._hear(told, now)
                    if told.heartbeat.events:
                        self._signs.append((follower.machine_of(told.heartbeat.job), told.heartbeat.site, told.at))
                block = self._folder.block(number)
                for ended in follower.ended():
                    self._ended.append((ended, _record_of(block, ended)))
                self._read_records(number, follower)

    def unfinished(self, block: int) -> list[int]:
        """Return the jobs of a block that have not ended, in their order."""
        follower = self._followers.get(block)
        if follower is None:
            return []
        return sorted(self._to_run[block] & follower.unfinished(self._round))

    def ended(self) -> list[tuple[EndedAttempt, Record | None]]:
        """Return the attempts that ended by themselves since the last call, with the record of each that left one."""
        ended, self._ended = self._ended, []
        return ended

    def signs_of_work(self) -> list[tuple[str, str, float]]:
        """Return machine, site and time of every report of scored events since the last call."""
        signs, self._signs = self._signs, []
        return signs

    def asked(self, block: int) -> Asked:
        """Return what people asked of the jobs of a block, as of the last look."""
        return self._asked[block].asked if block in self._asked else Asked()

    @property
    def n_unfinished(self) -> int:
        """Number of jobs that have not ended."""
        return sum(len(self.unfinished(number)) for number in self._followers)

    @property
    def blocks(self) -> list[int]:
        """Numbers of the blocks that have jobs which have not ended."""
        return [number for number in self._followers if self.unfinished(number)]

    @property
    def tallies(self) -> Mapping[str, Tally]:
        """Reports of gpu jobs, by site."""
        return self._tallies

    @property
    def recent(self) -> Mapping[str, Tally]:
        """The same of the last minutes: what the correction looks at."""
        return self._recent

    @property
    def core_patches_per_s(self) -> float | None:
        """Patches a second that one core scores, by what cpu jobs report; None before one does."""
        return self._core

    def _hear(self, told: Told, now: float) -> None:
        beat = told.heartbeat
        self._told.add(beat.job)
        if told.at <= self._since or now - told.at > 3 * MEMORY_S:
            return
        if beat.flavour == "cpu":
            self._core_reports(beat.hits, beat.inference_s)
        else:
            age_s = max(0.0, now - told.at)
            tally = tally_of_heartbeat(beat)
            self._add(beat.site, tally.faded(age_s))
            self._recent[beat.site] = self._recent.get(beat.site, Tally()) + tally.faded(age_s, LOOK_BACK_S)

    def _read_records(self, number: int, follower: BlockFollower) -> None:
        """Take the records of jobs that ended and could send no heartbeats."""
        for job, standing in follower.standings.items():
            if standing.state is JobState.DONE and job not in self._recorded:
                self._recorded.add(job)
                if job not in self._told and standing.since > self._since:
                    self._take_record(number, job)

    def _take_record(self, number: int, job: int) -> None:
        for path in self._folder.block(number).records.glob(f"{job:07d}.*.json"):
            with contextlib.suppress(CampaignError):
                record = read_record(path)
                if record.events:
                    self._use(record)

    def _use(self, record: Record) -> None:
        if record.flavour == "cpu":
            self._core_reports(record.hits - record.hits_resumed, record.stages.inference_s)
        else:
            self._add(record.site, tally_of_record(record))

    def _add(self, site: str, tally: Tally) -> None:
        self._tallies[site] = self._tallies.get(site, Tally()) + tally

    def _core_reports(self, hits: int, inference_s: float) -> None:
        if hits and inference_s > 0:
            speed = hits / inference_s
            self._core = speed if self._core is None else 0.8 * self._core + 0.2 * speed


def _record_of(block: BlockFolder, ended: EndedAttempt) -> Record | None:
    with contextlib.suppress(CampaignError):
        return read_record(block.record(ended.job, ended.cluster, ended.attempt))
    return None
