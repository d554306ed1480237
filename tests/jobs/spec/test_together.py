"""Sites that are right each by itself, and wrong together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs.errors import ConfigError, Problem
from jobs.spec.site import load_grid, load_sites

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GOOD = "endpoints: a:1\nuplink: 1 Gb/s\n"
LINKS = "shared_links: {wan-east: {rate: 1 Gb/s}, thin: {rate: 10 Mb/s}, shut: {rate: 1 Gb/s, campaign_share: 0 %}}\n"


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a folder of good sites, each with a few more lines; returns the folder."""

    def write_(**sites: str) -> Path:
        for name, more in sites.items():
            (tmp_path / f"{name}.yaml").write_text(more if name == "links" else GOOD + more)
        return tmp_path

    return write_


def _problems(folder: Path, names: list[str] | None = None) -> list[Problem]:
    with pytest.raises(ConfigError) as caught:
        load_grid(folder, names, asked_by="spec.yaml")
    return list(caught.value.problems)


def test_the_links_are_no_site(write: Callable[..., Path]) -> None:
    """links.yaml is read as what the sites share, and cannot be asked for as a site."""
    folder = write(A="shared_links: wan-east\ngpu_pool: t4\n", links=LINKS + "gpu_pools: {t4: {gpus: 2}}\n")
    grid = load_grid(folder)
    assert list(grid.sites) == ["A"]
    assert grid.links.shared_links[grid.sites["A"].shared_links[0]].budget_mbps == pytest.approx(800)
    assert grid.links.gpu_pools["t4"].most_jobs == 136
    assert list(load_sites(folder)) == ["A"]
    (problem,) = _problems(folder, ["links"])
    assert "holds what sites share" in str(problem)


def test_what_links_yaml_lacks_is_named_in_the_site(write: Callable[..., Path]) -> None:
    """An unknown shared link and an unknown GPU pool are named with file, line and the name that was meant."""
    folder = write(A="shared_links: [wan-eats]\n", B="gpu_pool: t4\n", links=LINKS)
    link, pool = _problems(folder)
    assert (link.file, link.key) == (f"{folder / 'A.yaml'}:3", "shared_links")
    assert "no shared link 'wan-eats'" in link.what
    assert link.remedy == "did you mean 'wan-east'?"
    assert (pool.file, pool.key, pool.remedy) == (f"{folder / 'B.yaml'}:3", "gpu_pool", "there are none")


def test_a_broken_links_file_is_told_once(write: Callable[..., Path]) -> None:
    """The names of a file that cannot be read are not called unknown."""
    folder = write(A="shared_links: wan-east\n", links="shared_links: 3\n")
    (problem,) = _problems(folder)
    assert problem.file == f"{folder / 'links.yaml'}:1"


def test_a_shared_link_must_carry_one_job(write: Callable[..., Path]) -> None:
    """A budget below the rate of one job is named with both numbers; one of 0 is closed on purpose."""
    folder = write(A="shared_links: [thin]\nrate_per_job: 20 Mb/s\n", B="shared_links: [thin, shut]\n", links=LINKS)
    with pytest.raises(ConfigError) as caught:
        load_grid(folder)
    problems = [problem for problem in caught.value.problems if problem.key == "shared_links"]
    assert [problem.file for problem in problems] == [f"{folder / 'A.yaml'}:3"]
    assert "8 Mb/s, is too small for one job of 20 Mb/s" in str(problems[0])
    assert "lower rate_per_job" in str(problems[0])


@pytest.mark.parametrize(("first", "second"), [("a-b", "a_b"), ("FNAL", "fnal"), ("X-1", "x_1")])
def test_names_that_htcondor_cannot_tell_apart(write: Callable[..., Path], first: str, second: str) -> None:
    """Two such sites are named even where a campaign uses one of them, for a limit of HTCondor is the pool's."""
    folder = write(**{first: "", second: "slots: x\n", "other": "slots: y\n"})
    for names in (None, [first], [second]):
        (problem,) = _problems(folder, names)
        assert f"'{second}'" in problem.what
        assert f"'{first}'" in problem.what
    assert list(load_grid(folder, ["other"]).sites) == ["other"]


def test_names_of_links_that_htcondor_cannot_tell_apart(write: Callable[..., Path]) -> None:
    """Shared links and GPU pools become names of limits as sites do."""
    folder = write(A="", links="shared_links:\n  a-b: {rate: 1 Gb/s}\n  A_B: {rate: 1 Gb/s}\n")
    (problem,) = _problems(folder)
    assert (problem.file, problem.key) == (f"{folder / 'links.yaml'}:3", "shared_links.A_B")


def test_the_same_expression_claims_the_same_slots(write: Callable[..., Path]) -> None:
    """White space does not make two expressions; only sites that are used together are held against each other."""
    folder = write(
        A='slots: GLIDEIN_Site == "x"&&Big\n',
        B="slots: |\n  GLIDEIN_Site   ==  'x' &&\n  Big\n".replace("'", '"'),
        C="",
    )
    (problem,) = _problems(folder)
    assert (problem.file, problem.key) == (f"{folder / 'B.yaml'}:3", "slots")
    assert "site 'A'" in problem.what
    assert list(load_grid(folder, ["A", "C"]).sites) == ["A", "C"]


def test_a_default_expression_can_be_the_same_too(write: Callable[..., Path]) -> None:
    """The slots of a site that says nothing are those of its name, which another site may not claim."""
    (problem,) = _problems(write(A='slots: GLIDEIN_Site=="B"\n', B=""))
    assert problem.file.endswith("B.yaml")


def test_an_archive_must_be_there(write: Callable[..., Path]) -> None:
    """A relative path of an archive starts at the config's folder; what is not there is named, a URL is believed."""
    folder = write(A="environment:\n  archive: env.tar.gz\n")
    (problem,) = _problems(folder)
    assert (problem.file, problem.key) == (f"{folder / 'A.yaml'}:4", "environment.archive")
    (folder / "env.tar.gz").touch()
    environment = load_grid(folder).sites["A"].environment
    assert environment is not None
    assert (environment.kind, environment.archive) == ("archive", str(folder / "env.tar.gz"))
    write(A="environment: {archive: 'https://example.org/env.tar.gz'}\n")
    environment = load_grid(folder).sites["A"].environment
    assert environment is not None
    assert environment.archive == "https://example.org/env.tar.gz"
