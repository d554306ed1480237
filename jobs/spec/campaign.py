"""Campaign specs: what is to be reprocessed, with which network, and in jobs of what size."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

from jobs.block import WhenPoolAway
from jobs.errors import ConfigError, Problem
from jobs.reco.views import DEFAULT_ADC_PER_ELECTRON
from jobs.spec.carried import cannot_be_carried
from jobs.spec.paths import absolute, base_folder
from jobs.spec.site import Grid, Site, load_grid
from jobs.spec.stage_out import StageOut
from jobs.spec.units import Megabytes, Seconds, Share, WholeMegabytes, WholeSeconds
from jobs.spec.yaml_file import read_yaml
from sonic.network import MODEL_NAME, MODEL_VERSION

__all__ = [
    "Campaign",
    "Estimate",
    "FileList",
    "JobSize",
    "NetworkChoice",
    "Output",
    "RecoChoice",
    "dump_campaign",
    "load_campaign",
    "load_campaign_and_grid",
    "load_campaign_and_sites",
]

_Whole = Annotated[int, Field(strict=True)]


class _Keys(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)


class FileList(_Keys):
    """Input files that are named in a file."""

    list: str = Field(min_length=1, description="Text file with one path or URL a line, or CSV with a column `file`")


def _one_or_more(given: object) -> object:
    return [given] if isinstance(given, str | dict) else given


# The tags appear in pydantic's places of errors, so they must not be words that could be keys.
_Input = Annotated[
    Annotated[str, Field(min_length=1), Tag("<path>")] | Annotated[FileList, Tag("<list>")],
    Discriminator(lambda given: "<list>" if isinstance(given, dict | FileList) else "<path>"),
]


class JobSize(_Keys):
    """How the work is cut, and what one job asks of its slot."""

    events_per_job: _Whole = Field(100, ge=1, description="Most events in one job; a job never spans two files")
    jobs_per_block: _Whole = Field(
        1000,
        ge=1,
        le=1000,
        description="Most jobs in one block: one step of the workflow, which HTCondor gets as one cluster or a few",
    )
    memory_mb: WholeMegabytes = Field(1500, alias="memory", gt=0, description="Memory of the slot")
    disk_mb: WholeMegabytes = Field(2000, alias="disk", gt=0, description="Scratch disk of the slot")
    max_runtime_s: WholeSeconds = Field(
        8 * 3600, alias="max_runtime", gt=0, description="Longest that one attempt may run before HTCondor stops it"
    )
    max_retries: _Whole = Field(3, ge=0, description="Attempts after the first, where a retry can help")
    checkpoint_every_s: WholeSeconds = Field(
        20 * 60,
        alias="checkpoint_every",
        ge=0,
        description="Work after which a job keeps what it has scored, so that an eviction costs no more than this;"
        " `0 s` to keep nothing by the clock",
    )
    checkpoint_events: _Whole = Field(
        0, ge=0, description="The same by the number of events, whichever comes first; 0 for no such rule"
    )


class NetworkChoice(_Keys):
    """Which network scores the hits."""

    name: str = Field(MODEL_NAME, min_length=1, description="Name of the model in the Triton repository")
    version: str = Field(MODEL_VERSION, min_length=1, description="Version of the model")
    file: str = Field(
        "", description="ONNX file of the same network, for jobs of the cpu flavour; by default the shipped one"
    )
    when_pool_away: WhenPoolAway = Field(
        "hold",
        description="What a job of the gpu flavour does when no endpoint answers for its site's patience: `hold` has"
        " HTCondor hold it and start it again after growing pauses, `wait` waits on, `cpu` computes in the job until"
        " the pool is back",
    )


class RecoChoice(_Keys):
    """How wires become pixels."""

    adc_per_electron: float = Field(
        DEFAULT_ADC_PER_ELECTRON,
        gt=0,
        description="Factor from the wires' electrons per tick to the network's ADC counts",
    )
    rest_of_chain_s: Seconds = Field(
        0.0,
        alias="rest_of_chain",
        description="Seconds slept for each event in place of the rest of the reconstruction, to rehearse a "
        "campaign's load on the network",
    )


class Output(_Keys):
    """Where the results go."""

    folder: str = Field("", description="Folder of the campaign; by default `results/NAME`")
    stage_out: StageOut = Field(
        "",
        description="Where jobs put their outputs, below `NAME/outputs`: a directory that workers see, or a"
        " `root://SERVER//PATH` URL; by default the campaign's folder",
    )
    merged_file_mb: Megabytes = Field(
        1000, alias="merged_file", gt=0, description="Size at which a merged file is closed and the next begun"
    )


class Estimate(_Keys):
    """What is known of the events beforehand; `plan` computes the network demand from it."""

    hits_per_event: float = Field(gt=0, description="Hits of an average event, all planes; each is one patch")
    seconds_per_event: Seconds = Field(gt=0, description="Time that a job takes for one event, gpu flavour")


class Campaign(_Keys):
    """One campaign, every default filled in and every path absolute."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=64, description="Name; part of folder and file names"
    )
    description: str = Field("", description="One line for people: what this campaign is for")
    inputs: Annotated[tuple[_Input, ...], BeforeValidator(_one_or_more)] = Field(
        min_length=1, description="Files with events: paths, patterns (`*`, `?`, `[ab]`, `**`), `root://` URLs, lists"
    )
    sites: Annotated[tuple[str, ...], BeforeValidator(_one_or_more)] = Field(
        min_length=1, description="Sites that may run its jobs, by the names of their site configs"
    )
    flavour: Literal["gpu", "cpu", "auto"] = Field(
        "gpu",
        description="Where the network runs: `gpu` asks the inference pool, `cpu` computes in the job, `auto` takes for"
        " each job what is sooner done with its share of the link",
    )
    cpu_comparison: Share = Field(
        0.0, description="Part of the jobs that run with the cpu flavour to compare times, spread evenly"
    )
    jobs: JobSize = Field(JobSize(), description="How the work is cut, and what one job asks of its slot")
    network: NetworkChoice = Field(NetworkChoice(), description="Which network scores the hits")
    reco: RecoChoice = Field(RecoChoice(), description="How wires become pixels")
    output: Output = Field(Output(), description="Where the results go")
    estimate: Estimate | None = Field(None, description="What is known of the events beforehand, for `plan`")

    @property
    def folder(self) -> Path:
        """The campaign's folder, absolute."""
        return Path(self.output.folder)

    @property
    def staged_under(self) -> str:
        """Path or URL below which outputs go by the names of the manifest; empty for the campaign's folder."""
        return f"{self.output.stage_out.rstrip('/')}/{self.name}" if self.output.stage_out else ""

    @property
    def has_cpu_jobs(self) -> bool:
        """Whether some of its jobs are to compute the network themselves."""
        return self.flavour != "gpu" or self.cpu_comparison > 0

    @property
    def needs_network_file(self) -> bool:
        """Whether some of its jobs may come to compute the network themselves."""
        return self.has_cpu_jobs or self.network.when_pool_away == "cpu"


def load_campaign(path: Path) -> Campaign:
    """Read a campaign spec; relative paths in it start at `base_folder(path)`.

    Raises:
        ConfigError: with every problem of the spec.

    """
    campaign = read_yaml(path, Campaign)
    base = base_folder(path)
    problems = []
    output = absolute(campaign.output.folder or f"results/{campaign.name}", base)
    stage_out = absolute(campaign.output.stage_out, base) if campaign.output.stage_out else ""
    network_file = campaign.network.file
    if network_file:
        network_file = absolute(network_file, base)
    else:
        shipped = files("sonic.server") / "models" / campaign.network.name / campaign.network.version / "model.onnx"
        network_file = str(shipped) if shipped.is_file() else ""
    if campaign.needs_network_file and not Path(network_file).is_file():
        what = (
            f"there is no file {network_file}" if network_file else "is missing, and no network of this name is shipped"
        )
        who = "jobs of the cpu flavour need" if campaign.has_cpu_jobs else "network.when_pool_away: cpu needs"
        otherwise = "set flavour: gpu and cpu_comparison: 0 %" if campaign.has_cpu_jobs else "write hold or wait there"
        remedy = f"{who} the ONNX file; name one, or {otherwise}"
        problems.append(Problem(str(path), "network.file", what, remedy))
    for where, key in ((output, "output.folder"), (str(path.absolute()), "")):
        if why := cannot_be_carried(where):
            problems.append(Problem(str(path), key, why, "choose another name for the folder"))
    repeated = sorted({name for name in campaign.sites if campaign.sites.count(name) > 1})
    problems += [Problem(str(path), "sites", f"names '{name}' twice", "keep one") for name in repeated]
    if problems:
        raise ConfigError(problems)
    inputs = tuple(
        FileList(list=absolute(entry.list, base)) if isinstance(entry, FileList) else absolute(entry, base)
        for entry in campaign.inputs
    )
    return campaign.model_copy(
        update={
            "inputs": inputs,
            "output": campaign.output.model_copy(update={"folder": output, "stage_out": stage_out}),
            "network": campaign.network.model_copy(update={"file": network_file}),
        }
    )


def load_campaign_and_sites(path: Path, sites_folder: Path) -> tuple[Campaign, dict[str, Site]]:
    """Read a spec and the site configs that it names.

    Raises:
        ConfigError: with every problem of the spec and of its sites.

    """
    campaign, grid = load_campaign_and_grid(path, sites_folder)
    return campaign, dict(grid.sites)


def load_campaign_and_grid(path: Path, sites_folder: Path) -> tuple[Campaign, Grid]:
    """Read a spec, the site configs that it names, and what they share.

    Raises:
        ConfigError: with every problem of the spec, of its sites and of `links.yaml`.

    """
    problems: list[Problem] = []
    campaign, grid = None, None
    try:
        campaign = load_campaign(path)
        names = campaign.sites
    except ConfigError as error:
        problems.extend(error.problems)
        names = _names_of_sites(path)
    try:
        grid = load_grid(sites_folder, dict.fromkeys(names), asked_by=str(path))
    except ConfigError as error:
        problems.extend(error.problems)
    if problems or campaign is None or grid is None:
        raise ConfigError(problems)
    return campaign, grid


def dump_campaign(campaign: Campaign) -> str:
    """Return the campaign as a spec with every default filled in, YAML."""
    document = campaign.model_dump(by_alias=True, exclude_none=True)
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
    return text


class _SitesOnly(BaseModel):
    """The sites of a spec that has other problems, so that theirs can be told at once with them."""

    sites: Annotated[tuple[str, ...], BeforeValidator(_one_or_more)] = ()


def _names_of_sites(path: Path) -> tuple[str, ...]:
    try:
        return read_yaml(path, _SitesOnly).sites
    except ConfigError:
        return ()
