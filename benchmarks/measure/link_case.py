"""One case on the grid in a box: run it, wait for its steady part, measure that, and put the numbers together."""

from __future__ import annotations

import time
from collections import Counter as Tally
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import htcondor2

from jobs.exits import ExitClass
from jobs.record import read_records
from measure.cases import right_counts
from measure.errors import BenchmarkFailed
from measure.load import running_campaigns
from measure.sampler import LinkSampler
from measure.scored import patches_scored
from measure.traffic import RampWatch, Span, largest_window_mbps, mean_mbps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from jobs.record import Record
    from measure.box.grid import Box
    from measure.box.plan import BoxPlan, Link
    from measure.cases import Case
    from measure.load import Load, Running
    from measure.traffic import Counter

__all__ = ["CaseResult", "LinkResult", "Times", "jobs_per_min", "run_case"]

MOST_CPU = 0.85
"""Part of the machine's CPU time above which the machine, and not the links, may have set the pace."""


@dataclass(frozen=True)
class Times:
    """How long a case is looked at, s.

    Attributes:
        settle_s: the ramp is over when the jobs that fill the links run and their number has not grown for so long.
        longest_ramp_s: the steady part begins at the latest so long after the first job.
        steady_s: length of the steady part.
        patience_s: until the first job runs.

    """

    settle_s: float = 25.0
    longest_ramp_s: float = 180.0
    steady_s: float = 60.0
    patience_s: float = 120.0


@dataclass(frozen=True)
class LinkResult:
    """What one link carried in one case.

    Attributes:
        link: the link and its budget.
        binding: whether it is to be filled; another link leaves its sites less than this one would.
        used: mean rate over the steady part, as a share of the budget.
        largest_window_mbps: over 1 s, of the whole case, the ramp included.
        dropped: packets, of the whole case.
        largest_backlog_ms: of the looks at its queue, once a second, the longest wait in it.
        jobs_running: of its sites, mean over the steady part.
        jobs_per_min: of its sites, done in the steady part.

    """

    link: Link
    binding: bool
    used: float
    largest_window_mbps: float
    dropped: int
    largest_backlog_ms: float
    jobs_running: float
    jobs_per_min: float

    @property
    def largest_share(self) -> float:
        """The largest 1 s window as a share of the budget."""
        return self.largest_window_mbps / self.link.budget_mbps


@dataclass(frozen=True, eq=False)
class CaseResult:
    """What one case measured.

    Attributes:
        case: which.
        links: every link of the plan.
        events_per_s: scored in the steady part, from the servers' own count of patches.
        cpu_share: of the machine, in the steady part.
        began_s: when the first job ran, by the samples' clock.
        steady: the steady part.
        counters: the samples, by link.
        largest_gap_s: longest time between two samples.
        failed_jobs: attempts that ended by themselves and not well.

    """

    case: Case
    links: tuple[LinkResult, ...]
    events_per_s: float
    cpu_share: float
    began_s: float
    steady: Span
    counters: dict[str, Counter]
    largest_gap_s: float
    failed_jobs: int

    @property
    def was_busy(self) -> bool:
        """Whether the machine may have set the pace."""
        return self.cpu_share > MOST_CPU


@dataclass
class _Watched:
    """What was seen while the case ran."""

    began_s: float = 0.0
    steady: Span = field(default_factory=lambda: Span(0, 0))
    running: list[tuple[float, Tally[str]]] = field(default_factory=list)
    patches: float = 0.0


def run_case(box: Box, case: Case, load: Load, times: Times, say: Callable[[str], None]) -> CaseResult:
    """Run a case to the end of its steady part.

    Raises:
        BenchmarkFailed: it does not get under way, its campaign ends, or a counter cannot be read.

    """
    folder = box.folder / f"case-{case.key}"
    # The samples' clock starts anywhere, the records' at the epoch.
    epoch_s = time.time() - time.monotonic()
    with running_campaigns(folder, case, load) as running, LinkSampler(box.network.meters) as sampler:
        watched = _watch(box, running, right_counts(box.plan, load.mbps_per_job), times, say)
    counters, buckets = sampler.counters(), sampler.buckets()
    steady = watched.steady
    records = [record for campaign in running.commands for record in _records(campaign)]
    binding = box.plan.binding()
    links = []
    for link in box.plan.links:
        sites = _sites_behind(box.plan, link)
        samples = [sum(count[site] for site in sites) for at_s, count in watched.running if at_s >= steady.begin_s]
        links.append(
            LinkResult(
                link=link,
                binding=link.name in binding,
                used=mean_mbps(counters[link.name], steady) / link.budget_mbps,
                largest_window_mbps=largest_window_mbps(counters[link.name]),
                dropped=buckets[link.name].dropped,
                largest_backlog_ms=buckets[link.name].backlog_bytes * 8 / 1e3 / link.rate_mbps,
                jobs_running=sum(samples) / max(1, len(samples)),
                jobs_per_min=jobs_per_min(records, sites, Span(steady.begin_s + epoch_s, steady.end_s + epoch_s)),
            )
        )
    return CaseResult(
        case=case,
        links=tuple(links),
        events_per_s=watched.patches / load.hits_per_event / steady.seconds,
        cpu_share=sampler.cpu_share(steady.begin_s, steady.end_s),
        began_s=watched.began_s,
        steady=steady,
        counters=counters,
        largest_gap_s=sampler.largest_gap_s(),
        failed_jobs=sum(record.exit_class not in (ExitClass.DONE, ExitClass.STOPPED) for record in records),
    )


def jobs_per_min(records: Iterable[Record], sites: Iterable[str], span: Span) -> float:
    """Return the rate at which jobs at some sites got done within a span, which is in seconds since the epoch."""
    wanted = frozenset(sites)
    done = (record for record in records if record.exit_class is ExitClass.DONE and record.site in wanted)
    return sum(span.begin_s < record.ended <= span.end_s for record in done) * 60 / span.seconds


def _watch(
    box: Box, campaigns: Running, counts: Mapping[str, int], times: Times, say: Callable[[str], None]
) -> _Watched:
    watched = _Watched()
    ramp = RampWatch(times.settle_s)
    asked_s = time.monotonic()
    before = 0.0
    while True:
        campaigns.check()
        now_s = time.monotonic()
        running = _running(box)
        watched.running.append((now_s, running))
        if not watched.began_s:
            if running:
                watched.began_s = now_s
                say("the first job runs")
            elif now_s - asked_s > times.patience_s:
                raise BenchmarkFailed(f"no job runs after {times.patience_s:.0f} s")
        enough = all(running[site] >= count for site, count in counts.items())
        late = bool(watched.began_s) and now_s - watched.began_s > times.longest_ramp_s
        if not watched.steady.end_s and (ramp.note(now_s, running.total(), enough=enough) or late):
            watched.steady = Span(now_s, now_s + times.steady_s)
            before = patches_scored(box.servers.metrics_endpoints)
            told = ", ".join(f"{count} at {site}" for site, count in sorted(running.items()))
            say(f"{told}; measuring for {times.steady_s:.0f} s" + (" although the ramp is not over" if late else ""))
        elif watched.steady.end_s and now_s >= watched.steady.end_s:
            watched.steady = Span(watched.steady.begin_s, now_s)
            watched.patches = patches_scored(box.servers.metrics_endpoints) - before
            return watched
        time.sleep(1.0)


def _running(box: Box) -> Tally[str]:
    """Return how many jobs run at each site: asked of the queue, by the address of the slot."""
    site_of = {site.address.replace(".", "-"): site.site.name for site in box.network.sites}
    hosts = (str(ad.get("RemoteHost", "")) for ad in htcondor2.Schedd().query("JobStatus == 2", ["RemoteHost"]))
    return Tally(site_of.get(host.rpartition("@")[2].partition(".")[0], "elsewhere") for host in hosts)


def _records(campaign: Path) -> list[Record]:
    return [record for folder in sorted(campaign.glob("blocks/*/records")) for record in read_records(folder)]


def _sites_behind(plan: BoxPlan, link: Link) -> tuple[str, ...]:
    shared = next((shared for shared in plan.shared if shared.link.name == link.name), None)
    return shared.sites if shared is not None else (link.name,)
