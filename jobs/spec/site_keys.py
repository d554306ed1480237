"""The keys of a site config: where jobs may run, what they may have of the network, how they reach the pool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from jobs.spec.environment import Environment
from jobs.spec.links import DEFAULT_CAMPAIGN_SHARE, LINKS_FILE, NAME_PATTERN
from jobs.spec.site_text import EMBEDDED, Endpoint, SlotExpression, mistake
from jobs.spec.tls import Tls, WorkerPath
from jobs.spec.units import RATE, SHARE, SIZE, MegabitsPerSecond, Megabytes, Share, StartsPerMinute
from sonic.network import PATCH_BYTES
from sonic.wire_format import WireFormat

if TYPE_CHECKING:
    from typing import Self

    from pydantic import ValidationInfo
    from pydantic_core import PydanticCustomError

__all__ = ["Admission", "Site"]

Admission = Literal["auto", "negotiator", "materialize"]


def _one_or_more(given: object) -> object:
    return [given] if isinstance(given, str) else given


def _present(given: object) -> object:
    """Take the key without a value for what it says: without TLS a token would travel for all to read."""
    return {} if given is None else given


_LOOPBACK = ("127.", "localhost:", "[::1]:")
_Name = Annotated[str, Field(pattern=NAME_PATTERN)]
_OneOrMore = BeforeValidator(_one_or_more)


class Site(BaseModel):
    """One site: its slots, its network, and how its jobs reach the inference pool."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=NAME_PATTERN, exclude=True, description="The file's name without `.yaml`")
    endpoints: Annotated[tuple[Endpoint, ...], _OneOrMore] = Field(
        min_length=1,
        examples=["triton.example.org:8001"],
        description=f"`host:port` of the gRPC endpoints of the inference pool, the preferred one first; the word"
        f" `{EMBEDDED}` stands for the load balancer of the embedded pool",
    )
    slots: SlotExpression = Field(
        "",
        description="ClassAd expression over a slot's ad that says which slots belong to the site;"
        ' by default `GLIDEIN_Site == "NAME"`',
        validate_default=False,
    )
    uplink_mbps: MegabitsPerSecond = Field(
        alias="uplink", examples=["10 Gb/s"], description="Rate of the site's link towards the inference pool"
    )
    campaign_share: Share = Field(
        DEFAULT_CAMPAIGN_SHARE,
        description="Part of the uplink that campaigns may fill, the rest is for the site's other users;"
        " `0 %` closes the site for jobs that use the network",
    )
    shared_links: Annotated[tuple[_Name, ...], _OneOrMore] = Field(
        (), description=f"Links of `{LINKS_FILE}` that the site's jobs go through as well, by name"
    )
    most_jobs: Annotated[int, Field(strict=True)] | None = Field(
        None, ge=1, description="Most jobs at once; by default as many as HTCondor gives"
    )
    ramp_per_min: StartsPerMinute = Field(
        60.0, alias="ramp", description="Most jobs that start in a minute, so that they never come all at once"
    )
    admit_factor: float = Field(
        1.25,
        strict=True,
        ge=1,
        le=4,
        description="Jobs admitted for every job that the mean demand would allow: while one prepares, another sends",
    )
    least_rate_per_job_mbps: MegabitsPerSecond = Field(
        0.1, alias="least_rate_per_job", gt=0, description="What the correction never takes a job's rate below"
    )
    most_rate_per_job_mbps: MegabitsPerSecond | None = Field(
        None,
        alias="most_rate_per_job",
        gt=0,
        description="What the correction never takes a job's rate above; by default no bound but the budget",
    )
    rate_per_job_mbps: MegabitsPerSecond | None = Field(
        None,
        alias="rate_per_job",
        gt=0,
        description="Mean rate that one job wants; by default measured on the first jobs",
    )
    admission: Admission = Field(
        "auto",
        description="Who admits jobs: `negotiator` (HTCondor's concurrency limits, where we may set them),"
        " `materialize` (the user's own rights), `auto` finds out",
    )
    gateway: bool = Field(
        False,
        strict=True,
        description="Whether a gateway of the site keeps the budget (Envoy with `bandwidth_limit`), so that jobs need"
        " not pace themselves",
    )
    gpu_pool: _Name | None = Field(
        None, description=f"GPU pool of `{LINKS_FILE}` that the endpoints lead to, by name; by default no limit"
    )
    wire_format: WireFormat = Field(
        "patches",
        description="How hits travel to the inference pool: `patches` is an image per hit, which any server with the"
        " network takes; `views` is the plane's view once and the list of its hits, some 400 times less, and needs"
        " SonicGrid's model for it in the pool's servers",
    )
    tls: Annotated[Tls | None, BeforeValidator(_present)] = Field(
        None, description="TLS to the endpoints, which the key alone switches on (`tls: {}`); by default without"
    )
    token_file: WorkerPath | None = Field(
        None,
        description="File on the worker with a bearer token for the endpoints, such as"
        " `$_CONDOR_CREDS/sonicgrid.use`; by default none",
    )
    largest_request_mb: Megabytes = Field(
        4.0, alias="largest_request", description="Largest request that a job sends; a job with more to ask splits it"
    )
    environment: Environment | None = Field(
        None,
        description="How a worker gets its Python; by default the one that submits, on a file system that the workers"
        " share",
    )

    @field_validator("uplink_mbps")
    @classmethod
    def _some_uplink(cls, uplink: float) -> float:
        if not uplink:
            raise mistake("is 0", "must be more than 0; to close a site write campaign_share: 0 %")
        return uplink

    @field_validator("ramp_per_min")
    @classmethod
    def _some_ramp(cls, ramp: float) -> float:
        if not ramp:
            raise mistake(
                "is 0", "must be more than 0, or no job ever starts; to close a site write campaign_share: 0 %"
            )
        return ramp

    @model_validator(mode="after")
    def _no_token_in_the_open(self) -> Self:
        leaves = any(endpoint != EMBEDDED and not endpoint.startswith(_LOOPBACK) for endpoint in self.endpoints)
        if self.token_file is not None and self.tls is None and leaves:
            remedy = "add `tls: {}`, or leave the token out"
            raise mistake("needs TLS, or everybody on the way can read the token", remedy, key="token_file")
        return self

    @field_validator("largest_request_mb")
    @classmethod
    def _room_for_a_hit(cls, size: float) -> float:
        if size * 1e6 < PATCH_BYTES:
            raise mistake(f"is {SIZE.write(size)}", f"one hit alone may take {PATCH_BYTES:,} bytes; 4 MB is usual")
        return size

    @field_validator("shared_links")
    @classmethod
    def _no_link_twice(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if names.count(name) > 1:
                raise mistake(f"names '{name}' twice", "keep one")
        return names

    @field_validator("most_rate_per_job_mbps", "rate_per_job_mbps")
    @classmethod
    def _inside_the_bounds(cls, rate: float | None, info: ValidationInfo) -> float | None:
        least = info.data.get("least_rate_per_job_mbps")
        if rate is not None and least is not None and rate < least:
            remedy = f"raise it, or lower least_rate_per_job, which is {RATE.write(least)}"
            raise mistake(f"is {RATE.write(rate)}, less than least_rate_per_job", remedy)
        most = info.data.get("most_rate_per_job_mbps")
        if rate is not None and most is not None and rate > most:
            remedy = f"lower it, or raise most_rate_per_job, which is {RATE.write(most)}"
            raise mistake(f"is {RATE.write(rate)}, more than most_rate_per_job", remedy)
        return rate

    @field_validator("least_rate_per_job_mbps", "rate_per_job_mbps")
    @classmethod
    def _inside_the_budget(cls, rate: float | None, info: ValidationInfo) -> float | None:
        uplink, share = info.data.get("uplink_mbps"), info.data.get("campaign_share")
        if rate is not None and uplink and share and rate > uplink * share:
            raise _too_small(str(info.field_name).removesuffix("_mbps"), rate, uplink, share)
        return rate

    @model_validator(mode="after")
    def _default_slots(self) -> Self:
        if not self.slots:
            object.__setattr__(self, "slots", f'GLIDEIN_Site == "{self.name}"')
        return self

    @model_validator(mode="after")
    def _room_for_one_job(self) -> Self:
        if 0 < self.budget_mbps < self.least_rate_per_job_mbps:
            raise _too_small(
                "least_rate_per_job", self.least_rate_per_job_mbps, self.uplink_mbps, self.campaign_share, key="uplink"
            )
        return self

    @property
    def budget_mbps(self) -> float:
        """What the site's jobs may send together, Mb/s; 0 for a closed site."""
        return self.uplink_mbps * self.campaign_share


def _too_small(job_key: str, rate_mbps: float, uplink_mbps: float, share: float, key: str = "") -> PydanticCustomError:
    """Return the error about a budget that does not carry one job of the rate that stands in `job_key`."""
    budget = f"the site's budget of {RATE.write(uplink_mbps * share)}"
    of_what = f"{SHARE.write(share)} of an uplink of {RATE.write(uplink_mbps)}"
    rate = f"{RATE.write(rate_mbps)}, the {job_key}" if key else f"its {RATE.write(rate_mbps)}"
    remedy = f"raise uplink or campaign_share, lower {job_key}, or close the site with campaign_share: 0 %"
    return mistake(f"{budget} ({of_what}) is too small for one job of {rate}", remedy, key=key)
