"""What sites share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs.errors import ConfigError
from jobs.spec.links import load_links

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """
shared_links:
  wan-east: {rate: 400 Gb/s, campaign_share: 50 %}
  wan-west: {rate: 100 Gb/s}
gpu_pools:
  t4: {gpus: 100}
  a100: {gpus: 8, jobs_per_gpu: 400}
"""


def test_budgets_and_jobs_follow_from_the_file(tmp_path: Path) -> None:
    """A shared link's budget is its share of its rate, and a GPU carries the paper's 68 jobs unless told otherwise."""
    (tmp_path / "links.yaml").write_text(GOOD)
    links = load_links(tmp_path)
    budgets = {name: link.budget_mbps for name, link in links.shared_links.items()}
    assert budgets == {"wan-east": pytest.approx(200_000), "wan-west": pytest.approx(80_000)}
    assert {name: pool.most_jobs for name, pool in links.gpu_pools.items()} == {"t4": 6800, "a100": 3200}


def test_nothing_is_shared_without_the_file(tmp_path: Path) -> None:
    """A folder without links.yaml is right, and an empty file says the same."""
    assert not load_links(tmp_path).shared_links
    (tmp_path / "links.yaml").write_text("# nothing yet\n")
    assert load_links(tmp_path) == load_links(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("shared_links: {a: {}}", "shared_links.a.rate", "write `rate: 400 Gb/s`"),
        ("shared_links: {a: {rate: 400}}", "shared_links.a.rate", "400 has no unit"),
        ("shared_links: {a: {rate: 40 GB/s}}", "shared_links.a.rate", "bytes"),
        ("shared_links: {a: {rate: 0 Gb/s}}", "shared_links.a.rate", "more than 0"),
        ("shared_links: {a: {rate: 1 Gb/s, campaign_share: 101 %}}", "shared_links.a.campaign_share", "100 %"),
        ("shared_links: {a: {rate: 1 Gb/s, share: 1 %}}", "shared_links.a.share", "known: campaign_share, rate"),
        ("shared_links: {'a b': {rate: 1 Gb/s}}", "shared_links.a b", "letters, digits"),
        ("shared_links: [a]", "shared_links", "a group of keys"),
        ("gpu_pools: {t4: {gpus: 0}}", "gpu_pools.t4.gpus", "at least 1"),
        ("gpu_pools: {t4: {gpus: 1, jobs_per_gpu: 0.5}}", "gpu_pools.t4.jobs_per_gpu", "whole number"),
        ("gpu_pool: {t4: {gpus: 1}}", "gpu_pool", "did you mean 'gpu_pools'?"),
    ],
)
def test_each_bad_key_is_one_clear_problem(tmp_path: Path, text: str, key: str, words: str) -> None:
    """Every wrong key is named with its place below its name, and with its remedy."""
    (tmp_path / "links.yaml").write_text(text + "\n")
    with pytest.raises(ConfigError) as caught:
        load_links(tmp_path)
    (problem,) = caught.value.problems
    assert problem.file == f"{tmp_path / 'links.yaml'}:1"
    assert problem.key == key
    assert words in str(problem)
