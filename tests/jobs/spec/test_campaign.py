"""Campaign specs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from jobs.errors import ConfigError, Problem
from jobs.spec.campaign import FileList, dump_campaign, load_campaign, load_campaign_and_grid, load_campaign_and_sites
from jobs.spec.paths import base_folder
from sonic.network import MODEL_NAME

if TYPE_CHECKING:
    from collections.abc import Callable

CHECKOUT = Path(__file__).resolve().parents[3]


def _problems(load: Callable[[], object]) -> list[Problem]:
    with pytest.raises(ConfigError) as caught:
        load()
    return list(caught.value.problems)


def test_a_spec_of_three_keys_is_enough(tmp_path: Path) -> None:
    """Name, inputs and sites are all that must be said; the rest has defaults."""
    path = tmp_path / "a.yaml"
    path.write_text("name: a\ninputs: data/*.root\nsites: local\n")
    campaign = load_campaign(path)
    assert campaign.inputs == (str(tmp_path / "data/*.root"),)
    assert campaign.sites == ("local",)
    assert campaign.folder == tmp_path / "results/a"
    assert campaign.jobs.memory_mb == 1500
    assert campaign.jobs.max_runtime_s == 8 * 3600
    assert campaign.network.name == MODEL_NAME
    assert Path(campaign.network.file).is_file()
    assert not campaign.needs_network_file
    assert campaign.network.when_pool_away == "hold"


@pytest.mark.parametrize(("choice", "needs"), [("hold", False), ("wait", False), ("cpu", True)])
def test_only_computing_without_the_pool_needs_the_network(
    write_spec: Callable[..., Path], choice: str, needs: bool
) -> None:
    """A campaign of gpu jobs needs the ONNX file when these are to compute while the pool is away."""
    campaign = load_campaign(write_spec(flavour="gpu", network={"when_pool_away": choice}))
    assert (campaign.needs_network_file, campaign.has_cpu_jobs) == (needs, False)


@pytest.mark.parametrize(
    ("changes", "key", "words"),
    [
        ({"name": None}, "name", "is missing"),
        ({"name": "a b"}, "name", "letters, digits"),
        ({"name": "../a"}, "name", "letters, digits"),
        ({"name": "a\n"}, "name", "letters, digits"),
        ({"name": "a" * 65}, "name", "64"),
        ({"inputs": []}, "inputs", "at least one"),
        ({"inputs": ["a.root", ""]}, "inputs[1]", "at least one"),
        ({"inputs": ["a.root", 7.5, None]}, "inputs[2]", "must be a text"),
        ({"inputs": {"list": "files.txt", "lsit": "x"}}, "inputs.lsit", "did you mean 'list'?"),
        ({"inputs": [{"list": ""}]}, "inputs[0].list", "at least one"),
        ({"sites": []}, "sites", "at least one"),
        ({"sites": ["local", "local"]}, "sites", "twice"),
        ({"flavour": "tpu"}, "flavour", "'gpu', 'cpu' or 'auto'"),
        ({"flavor": "gpu"}, "flavor", "did you mean 'flavour'?"),
        ({"cpu_comparison": 10}, "cpu_comparison", '"10 %"'),
        ({"cpu_comparison": "120 %"}, "cpu_comparison", "100 %"),
        ({"jobs": "many"}, "jobs", "a group of keys"),
        ({"jobs": {"events_per_job": 0}}, "jobs.events_per_job", "at least 1"),
        ({"jobs": {"events_per_job": 1.5}}, "jobs.events_per_job", "whole number"),
        ({"jobs": {"events_per_job": True}}, "jobs.events_per_job", "whole number"),
        ({"jobs": {"jobs_per_block": 1001}}, "jobs.jobs_per_block", "at most 1000"),
        ({"jobs": {"memory": "1500 Mb"}}, "jobs.memory", "megabits"),
        ({"jobs": {"memory": 1500}}, "jobs.memory", '"500 MB"'),
        ({"jobs": {"memory": "0 MB"}}, "jobs.memory", "more than 0"),
        ({"jobs": {"memory_mb": 1500}}, "jobs.memory_mb", "did you mean 'memory'?"),
        ({"jobs": {"max_runtime": "8"}}, "jobs.max_runtime", '"8 h"'),
        ({"jobs": {"max_retries": -1}}, "jobs.max_retries", "at least 0"),
        ({"network": {"file": "none.onnx"}, "flavour": "cpu"}, "network.file", "there is no file"),
        ({"network": {"name": "other"}, "cpu_comparison": "1 %"}, "network.file", "no network of this name"),
        ({"network": {"name": "other", "when_pool_away": "cpu"}}, "network.file", "write hold or wait there"),
        ({"network": {"when_pool_away": "leave"}}, "network.when_pool_away", "'hold', 'wait' or 'cpu'"),
        ({"reco": {"rest_of_chain": 30}}, "reco.rest_of_chain", "no unit"),
        ({"reco": {"adc_per_electron": 0}}, "reco.adc_per_electron", "more than 0"),
        ({"reco": {"adc_per_electron": float("nan")}}, "reco.adc_per_electron", "more than 0"),
        ({"output": {"merged_file": "1 Gb"}}, "output.merged_file", "gigabits"),
        ({"estimate": {"hits_per_event": 10}}, "estimate.seconds_per_event", "is missing"),
        ({"estimate": {"hits_per_event": 10, "seconds_per_event": 2}}, "estimate.seconds_per_event", "like"),
    ],
)
def test_each_bad_key_is_one_clear_problem(
    write_spec: Callable[..., Path], changes: dict[str, Any], key: str, words: str
) -> None:
    """Every wrong key is named by file, place and remedy, and nothing else is complained about."""
    path = write_spec(**changes)
    (problem,) = _problems(lambda: load_campaign(path))
    assert problem.file.startswith(str(path))
    assert problem.key == key
    assert words in str(problem)


def test_tells_the_problems_of_spec_and_sites_at_once(write_spec: Callable[..., Path], sites_folder: Path) -> None:
    """Problems of the spec, a site that is not there and problems of one that is come in one error."""
    (sites_folder / "local.yaml").write_text("endpoints: []\nuplnk: 1 Gb/s\n")
    path = write_spec(flavour="x", sites=["local", "locla"])
    problems = _problems(lambda: load_campaign_and_sites(path, sites_folder))
    keys = {(Path(problem.file.split(":")[0]).name, problem.key) for problem in problems}
    assert keys == {
        ("spec.yaml", "flavour"),
        ("spec.yaml", "sites"),
        ("local.yaml", "endpoints"),
        ("local.yaml", "uplnk"),
    }
    assert "did you mean 'local'?" in str(next(problem for problem in problems if problem.key == "sites"))


def test_spec_and_sites_load_together(write_spec: Callable[..., Path], sites_folder: Path) -> None:
    """A good spec comes with the sites that it names, and only those."""
    (sites_folder / "broken.yaml").write_text("nonsense")
    campaign, sites = load_campaign_and_sites(write_spec(), sites_folder)
    assert campaign.name == "small"
    assert list(sites) == ["local"]


def test_paths_start_at_the_checkout_that_holds_the_spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative paths do not depend on where the command runs: they start where the Snakefile is, else at the spec."""
    spec = tmp_path / "checkout/workflow/campaigns/a.yaml"
    spec.parent.mkdir(parents=True)
    spec.write_text("name: a\ninputs: [data/x.root, {list: files.txt}, /abs/*.root, root://h//x.root]\nsites: local\n")
    assert base_folder(spec) == spec.parent
    (tmp_path / "checkout/Snakefile").touch()
    monkeypatch.chdir(spec.parent)
    campaign = load_campaign(Path("a.yaml"))
    base = tmp_path / "checkout"
    files = (str(base / "data/x.root"), FileList(list=str(base / "files.txt")), "/abs/*.root", "root://h//x.root")
    assert campaign.inputs == files
    assert campaign.folder == base / "results/a"


def test_home_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`~` is the home of who runs the command."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    path = tmp_path / "a.yaml"
    path.write_text("name: a\ninputs: ~/data/x.root\nsites: local\n")
    assert load_campaign(path).inputs == (str(tmp_path / "home/data/x.root"),)


def test_the_resolved_copy_says_the_same(write_spec: Callable[..., Path], tmp_path: Path) -> None:
    """The copy with every default filled in loads as the same campaign, from any folder."""
    campaign = load_campaign(
        write_spec(
            cpu_comparison="12.5 %",
            inputs=["data/*.root", {"list": "files.txt"}],
            estimate={"hits_per_event": 55000, "seconds_per_event": "1.5 min"},
        )
    )
    copy = tmp_path / "elsewhere/campaign.yaml"
    copy.parent.mkdir()
    copy.write_text(dump_campaign(campaign))
    assert load_campaign(copy) == campaign


@pytest.mark.parametrize("path", sorted((CHECKOUT / "workflow/campaigns").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_shipped_specs_are_right(path: Path) -> None:
    """Every spec that comes with the project loads, sites included."""
    campaign, _ = load_campaign_and_sites(path, CHECKOUT / "site_configs")
    assert campaign.name == path.stem


def test_the_complete_spec_shows_the_defaults() -> None:
    """What complete.yaml writes where a default exists is that default, so that it can be read as their list."""
    shipped = CHECKOUT / "workflow/campaigns/complete.yaml"
    written = yaml.safe_load(shipped.read_text())
    complete = yaml.safe_load(dump_campaign(load_campaign(shipped)))
    minimal = yaml.safe_load(dump_campaign(type(load_campaign(shipped))(name="x", inputs=("a",), sites=("b",))))
    for section in ("jobs", "reco", "flavour", "cpu_comparison"):
        assert complete[section] == minimal[section]
    assert (written["network"]["name"], written["network"]["version"]) == (MODEL_NAME, minimal["network"]["version"])
    assert complete["output"]["merged_file"] == minimal["output"]["merged_file"]
    assert re.search(r"^  # file: ", shipped.read_text(), re.MULTILINE)


def test_a_campaign_comes_with_what_its_sites_share(write_spec: Callable[..., Path], sites_folder: Path) -> None:
    """A campaign's grid has its sites and what links.yaml says; a problem of that file is the campaign's too."""
    (sites_folder / "links.yaml").write_text("gpu_pools: {t4: {gpus: 2}}\n")
    (sites_folder / "local.yaml").write_text("endpoints: a:1\nuplink: 1 Gb/s\ngpu_pool: t4\n")
    _, grid = load_campaign_and_grid(write_spec(), sites_folder)
    assert grid.links.gpu_pools["t4"].most_jobs == 136
    assert list(grid.sites) == ["local"]
    (sites_folder / "links.yaml").write_text("gpu_pools: {t4: {gpus: 0}}\n")
    with pytest.raises(ConfigError, match=r"links.yaml:1: gpu_pools.t4.gpus"):
        load_campaign_and_grid(write_spec(), sites_folder)
