"""Every number of a report, typed: what `report.json` holds and what the page shows."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "DrawnLine",
    "DrawnPlot",
    "FailedJob",
    "FailureKind",
    "Flow",
    "GroupRow",
    "Headline",
    "Interval",
    "PaperRow",
    "PaperTable",
    "Provenance",
    "RejectedInput",
    "ReportNumbers",
    "Retries",
    "SpeedUp",
    "StageRow",
    "Timeline",
]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")


class Interval(_Frozen):
    """A value with a range around it."""

    value: float
    low: float
    high: float


class Headline(_Frozen):
    """What a person asks first."""

    campaign: str
    state: Literal["complete", "incomplete", "running"] = Field(
        description="complete: every event of every input is there; incomplete: every job has ended, and some failed "
        "or some input was rejected; running: jobs are left that can still be done"
    )
    sentence: str = Field(description="The state in a sentence")
    validated: bool = Field(description="Whether `validate` has compared the outputs with the manifest")
    jobs_planned: int
    jobs_done: int
    jobs_failed: int = Field(description="Jobs that will not be tried again without a person")
    jobs_open: int = Field(description="Jobs that are running, waiting, or will be tried again")
    events_planned: int
    events_done: int
    hits_done: int
    started: float | None = Field(description="Start of the first attempt, seconds since the epoch (UTC)")
    ended: float | None = Field(description="End of the last attempt, seconds since the epoch (UTC)")
    elapsed_s: float = Field(description="From the start of the first attempt to the end of the last")
    wall_hours: float = Field(description="Wall hours of all attempts")
    cpu_hours: float = Field(description="CPU hours of all attempts")
    sent_mb: float = Field(description="MB that all attempts sent to the inference pool")
    received_mb: float = Field(description="MB that all attempts received from it")
    output_mb: float = Field(description="MB of the outputs of the jobs that are done")


class GroupRow(_Frozen):
    """The jobs of one flavour at one site that are done."""

    flavour: str
    site: str
    jobs: int
    events: int
    hits: int
    seconds_per_event: Interval | None = Field(
        description="Wall seconds without start-up per event of a job: median, 16 % and 84 % quantile over the jobs"
    )
    patches_per_s: Interval | None = Field(
        description="Hits scored per second of inference of a job: median, 16 % and 84 % quantile over the jobs"
    )
    sent_bytes_per_event: float | None
    received_bytes_per_event: float | None
    sent_mbps_per_job: Interval | None = Field(
        description="Megabits per second that a job sends, start-up left out: median, 16 % and 84 % quantile"
    )
    startup_s: float | None = Field(description="Median over the jobs")
    cpu_efficiency: float | None = Field(description="CPU seconds over wall seconds")
    inference_share: float | None = Field(description="Seconds of inference over wall seconds; stages overlap")


class SpeedUp(_Frozen):
    """How much faster the gpu flavour is on one CPU model."""

    cpu_model: str
    jobs_gpu: int
    jobs_cpu: int
    gpu_s: float = Field(description="Median wall seconds per event without start-up")
    cpu_s: float = Field(description="The same of the cpu flavour")
    event: Interval | None = Field(description="cpu_s over gpu_s; 68 % interval; none with fewer than 3 jobs of each")
    inference: Interval | None = Field(description="The same ratio of the seconds of inference per event")


class StageRow(_Frozen):
    """Mean seconds per event in each stage, over the jobs of one flavour and CPU model that are done."""

    flavour: str
    cpu_model: str
    jobs: int
    startup_s: float
    read_s: float
    prepare_s: float
    inference_s: float
    write_s: float
    wall_s: float = Field(description="Start-up included; less than the stages' sum where they overlap")
    seconds_per_event: Interval | None = Field(
        description="Without start-up: median, 16 % and 84 % quantile over the jobs"
    )


class Flow(_Frozen):
    """One quantity over the campaign's time, a value per bin."""

    name: str
    values: tuple[float | None, ...]


class Timeline(_Frozen):
    """The campaign over time, in bins of equal width."""

    start: float = Field(description="Left edge of the first bin, seconds since the epoch (UTC)")
    bin_s: float = Field(description="Width of a bin, seconds")
    jobs_per_minute: tuple[Flow, ...] = Field(description="Jobs that ended as done, by flavour")
    events_per_minute: tuple[Flow, ...] = Field(description="Events of the jobs that ended as done, by flavour")
    jobs_running: tuple[Flow, ...] = Field(description="Attempts under way, mean over the bin, by flavour")
    sent_mbps: tuple[Flow, ...] = Field(
        description="Megabits per second sent by all attempts, by site; a job's bytes are spread evenly over its time"
    )
    sent_bytes_per_event: Flow = Field(description="Of the gpu jobs that ended as done in the bin")


class FailureKind(_Frozen):
    """Attempts that ended the same way."""

    exit_class: str
    code: int = Field(description="Exit status")
    who: str = Field(description="Who must act if it stays that way")
    meaning: str
    attempts: int
    jobs_failed: int = Field(description="Jobs whose last attempt ended this way and that will not be tried again")


class FailedJob(_Frozen):
    """A job that is not done and will not be tried again without a person."""

    job: int
    block: int
    attempts: int
    exit_class: str = Field(description="Of the last attempt; empty if no attempt left a record")
    who: str
    error: str = Field(description="First line")
    input_file: str
    entry_start: int
    entry_stop: int
    site: str
    host: str


class RejectedInput(_Frozen):
    """An input file that `plan` left out."""

    input_file: str
    who: str
    error: str


class Retries(_Frozen):
    """What was done more than once."""

    attempts: int = Field(description="Attempts beyond the one that counts for each job")
    jobs: int = Field(description="Jobs with more than one attempt")
    wall_hours: float = Field(description="Wall hours of those attempts")
    requests: int = Field(description="Requests that were answered")
    requests_repeated: int = Field(description="Requests that were sent again")


class PaperRow(_Frozen):
    """One site, or all of them, in the table for a paper."""

    site: str = Field(description="Empty for jobs that ended before a site was known; `all` in the total")
    jobs: int = Field(description="Jobs that are done")
    events: int = Field(description="Events in them")
    attempts_failed: int = Field(description="Attempts that left a record and did not end as done")
    jobs_failed: int = Field(description="Jobs that will not be tried again without a person")
    wall_hours: float = Field(description="Wall hours of all attempts")
    cpu_hours: float = Field(description="CPU hours of all attempts")
    mean_mbps: float | None = Field(
        description="Mb/s on the wire, 5 % for framing included, from the start of the site's first attempt to the end "
        "of its last; none where nothing was sent"
    )
    peak_mbps: float | None = Field(description="The largest mean of a minute, by heartbeats; none without any")
    mean_of_budget: float | None = Field(description="Over the mean budget of the same time, 0 to 1")
    peak_of_budget: float | None = Field(description="Largest part of the budget that was used in a minute")
    speed_up: Interval | None = Field(
        description="Wall seconds per event of cpu jobs over those of gpu jobs on the same CPU model; mean over the "
        "models, weighted with their errors; 68 % interval"
    )
    cpu_threads_per_gpu: Interval | None = Field(
        description="Seconds per event of a gpu job over the seconds for which one GPU works on an event: so many jobs "
        "of one thread keep one GPU busy; 68 % interval of the former"
    )
    requests: int = Field(description="Inference requests that were answered, of all attempts")
    sent_bytes_per_event: float | None = Field(description="Of the gpu jobs that are done")


class PaperTable(_Frozen):
    """The table for a paper."""

    rows: tuple[PaperRow, ...] = Field(description="By site")
    total: PaperRow
    gpu_s_per_event: float | None = Field(
        description="Seconds for which one GPU, or one server of a pool without, works on an event, by Triton's "
        "metrics; of all clients that it had meanwhile"
    )


class DrawnLine(_Frozen):
    """One series of a plot."""

    key: str
    name: str
    role: Literal["", "limit", "state"] = Field(description="A limit on the others, or jobs in the state `key`")
    values: tuple[float | None, ...] = Field(description="One per bin")


class DrawnPlot(_Frozen):
    """A plot over time, out of the dashboard's store."""

    name: str
    title: str
    source: str = Field(description="Where the numbers are from")
    unit: str = Field(description="Of all values, as in monitoring.panels.panel")
    bin_s: int = Field(description="Width of a bin, seconds")
    starts: tuple[int, ...] = Field(description="Left edges of the bins, seconds since the epoch (UTC)")
    stacked: bool
    lines: tuple[DrawnLine, ...]
    marks: tuple[tuple[float, str, str], ...] = Field(description="What happened: when, what, `edit` or `decision`")


class Provenance(_Frozen):
    """What was run, on what."""

    manifest_digest: str
    models: tuple[str, ...]
    software_versions: tuple[str, ...]
    endpoints: tuple[str, ...]
    sites: tuple[str, ...]
    hosts: int
    max_rss_mb: float = Field(description="Largest resident memory of any attempt, MB")
    records: int
    records_unreadable: int
    records_foreign: int = Field(description="Records of an earlier plan of this campaign, left out")
    spec: str = Field(description="The campaign spec, YAML, defaults filled in")


class ReportNumbers(_Frozen):
    """The whole report."""

    version: Literal[2] = 2
    generated: float = Field(description="Seconds since the epoch (UTC)")
    software_version: str = Field(description="Version of SonicGrid that wrote the report")
    headline: Headline
    groups: tuple[GroupRow, ...]
    speed_up: tuple[SpeedUp, ...]
    stages: tuple[StageRow, ...]
    timeline: Timeline | None
    failure_kinds: tuple[FailureKind, ...]
    failed_jobs: tuple[FailedJob, ...]
    rejected: tuple[RejectedInput, ...]
    contradictions: tuple[str, ...] = Field(description="Files that contradict each other, with what to do")
    retries: Retries
    paper: PaperTable
    plots: tuple[DrawnPlot, ...]
    provenance: Provenance
