"""The payload against real Triton: both flavours give the same scores, and failures are told apart."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import awkward as ak
import numpy as np
import pytest
import uproot

from jobs.exits import ExitClass, exit_class_of
from sonic.client import Client
from sonic.errors import ModelMissing
from sonic.limits import Limits
from sonic.local import LocalScorer
from sonic.server.models import DEMO_MODEL
from sonic.view import View
from tests.builders.payload import a_campaign, an_event, write_file

if TYPE_CHECKING:
    from jobs.record import Record
    from sonic.server.state import ServersState
    from tests.builders.payload import PayloadCampaign

CHECKOUT = Path(__file__).parents[2]
SCORES = ("track", "em", "none", "michel")


@pytest.fixture
def campaign(tmp_path: Path, inference_pool: ServersState) -> PayloadCampaign:
    """Return a block of one gpu job whose site reaches the pool."""
    campaign = a_campaign(tmp_path)
    # A real server on a busy machine answers when it can.
    update = {"endpoints": (inference_pool.endpoint,), "patience_s": 90.0}
    access = campaign.block.sites["here"].model_copy(update=update)
    return campaign.change(sites={"here": access}).change_job(flavour="gpu")


def run(campaign: PayloadCampaign) -> tuple[ExitClass, str]:
    """Run the job as HTCondor does; returns its exit class and its log."""
    done = subprocess.run(
        [sys.executable, "-m", "jobs.payload", str(campaign.block_json), "3"],
        cwd=CHECKOUT,
        env={"PATH": os.defpath, "SONICGRID_SITE": "here"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return exit_class_of(done.returncode), done.stderr


def scores_and_record(campaign: PayloadCampaign, flavour: str) -> tuple[ak.Array, Record]:
    """Run the job in one flavour and return what it left, which is then removed."""
    campaign.change_job(flavour=flavour)
    exit_class, log = run(campaign)
    assert exit_class is ExitClass.DONE, log
    with uproot.open(campaign.output) as file:
        arrays = file["scores"].arrays()
    record = campaign.record()
    for folder in ("outputs", "records"):
        for path in (campaign.root / folder).iterdir():
            path.unlink()
    return arrays, record


def test_both_flavours_give_the_same_scores(campaign: PayloadCampaign) -> None:
    """Scores of the pool and of the worker's own CPU must agree to 1e-5, hit by hit, across batches and planes."""
    path = write_file(campaign.root / "large.root", [an_event(1, 700), an_event(2, 0), an_event(3, 30)])
    campaign.change_job(input_file=str(path), entry_start=0, entry_stop=3)
    remote, far = scores_and_record(campaign, "gpu")
    local, near = scores_and_record(campaign, "cpu")
    assert ak.all(remote["hit_channel"] == local["hit_channel"])
    for name in SCORES:
        assert ak.to_list(ak.num(remote[name])) == [700, 0, 30]
        assert np.max(np.abs(ak.to_numpy(ak.flatten(remote[name] - local[name])))) < 1e-5
        assert np.ptp(ak.to_numpy(ak.flatten(remote[name]))) > 0
    # The hits lie in 400 and in 30 pixels of the small detector.
    assert (far.requests, near.requests) == (3, 0)
    assert far.endpoint == campaign.block.sites["here"].endpoints[0]
    assert far.bytes_sent > 430 * 9216
    assert far.bytes_received > 430 * 16


def test_a_model_that_the_pool_does_not_have_is_refused(campaign: PayloadCampaign) -> None:
    """Triton's own answer for an unknown model must end the job at once, without a retry."""
    campaign.change(network=campaign.block.network.model_copy(update={"name": "nobody_has_this"}))
    exit_class, log = run(campaign)
    assert exit_class is ExitClass.MODEL_MISSING, log
    assert "nobody_has_this" in campaign.record().error
    assert len(campaign.files()) == 1


def test_a_version_that_the_pool_does_not_have_is_missing(inference_pool: ServersState) -> None:
    """The same for a version, by the client alone."""
    view = View(np.zeros((50, 50), np.float32), np.array([3], np.int32), np.array([4], np.int32))
    limits = Limits(patience_s=60)
    with (
        Client([inference_pool.endpoint], version="77", limits=limits) as client,
        pytest.raises(ModelMissing, match="77"),
    ):
        client.score([view])


def test_a_dead_first_endpoint_costs_nothing_but_a_moment(campaign: PayloadCampaign) -> None:
    """With a closed port before it in the list, the pool must still answer every hit."""
    endpoints = ("127.0.0.1:1", *campaign.block.sites["here"].endpoints)
    access = campaign.block.sites["here"].model_copy(update={"endpoints": endpoints, "patience_s": 30.0})
    campaign.change(sites={"here": access})
    exit_class, log = run(campaign)
    assert exit_class is ExitClass.DONE, log
    assert campaign.record().endpoint == endpoints[1]


@pytest.mark.parametrize(("batch", "window"), [(1, 4), (37, 2), (256, 4), (5000, 1)])
def test_batches_of_any_size_give_the_same_scores(inference_pool: ServersState, batch: int, window: int) -> None:
    """However the hits are cut into requests, Triton's scores must be those of the network here."""
    rng = np.random.default_rng(batch)
    n_hits = min(40 * batch, 600)
    view = View(
        rng.normal(scale=0.5, size=(300, 400)).astype(np.float32),
        rng.integers(0, 300, n_hits, dtype=np.int32),
        rng.integers(0, 400, n_hits, dtype=np.int32),
    )
    limits = Limits(batch_patches=batch, window_requests=window)
    with Client([inference_pool.endpoint], limits=limits) as client, LocalScorer(DEMO_MODEL) as here:
        (remote,), (local,) = client.score([view]), here.score([view])
    assert np.max(np.abs(remote.em_trk_none - local.em_trk_none)) < 1e-5
    assert np.max(np.abs(remote.michel - local.michel)) < 1e-5
