"""Every number of a report, typed: what `report.json` holds and what the page shows."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "FailedJob",
    "FailureKind",
    "Flow",
    "GroupRow",
    "Headline",
    "Interval",
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

    version: Literal[1] = 1
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
    provenance: Provenance
