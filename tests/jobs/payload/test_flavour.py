"""Who scores a job's hits, by its flavour and by what its campaign wants when the pool is away."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from jobs.exits import ExitClass, exit_class_of
from jobs.layout import CHECKOUT
from jobs.payload.attempt import Attempt
from jobs.payload.errors import WorkerUnfit
from jobs.payload.flavour import open_scorer
from jobs.payload.stop import StopSwitch
from jobs.payload.worker import Worker
from tests.builders.payload_process import RECORD, command, run

if TYPE_CHECKING:
    from jobs.block import WhenPoolAway
    from tests.builders.payload import PayloadCampaign

WORKER = Worker(site="here", host="worker-1", cpu_model="", cluster=12, proc=3)


def away(campaign: PayloadCampaign, choice: WhenPoolAway) -> PayloadCampaign:
    """The campaign's gpu job, whose only endpoint is a closed port, with a choice for that."""
    network = campaign.block.network.model_copy(update={"when_pool_away": choice})
    return campaign.change(network=network).change_job(flavour="gpu")


def test_a_job_that_computes_when_the_pool_is_away_finishes(campaign: PayloadCampaign) -> None:
    """Every hit must have scores, and the record must say that they are from the worker."""
    away(campaign, "cpu")
    ending = Attempt(campaign.block, campaign.block.jobs[0], WORKER, StopSwitch()).run()
    assert ending.exit_class is ExitClass.DONE
    record = campaign.record()
    assert (record.flavour, record.hits, record.hits_on_cpu, record.bytes_sent) == ("gpu", 57, 57, 0)
    assert record.endpoint == ""


def test_a_job_that_is_to_be_held_leaves_after_its_patience(campaign: PayloadCampaign) -> None:
    """The exit class must be one that HTCondor holds."""
    away(campaign, "hold")
    ending = Attempt(campaign.block, campaign.block.jobs[0], WORKER, StopSwitch()).run()
    assert ending.exit_class is ExitClass.POOL_AWAY
    assert "127.0.0.1:1" in campaign.record().error


def test_a_job_that_waits_outlasts_its_patience_and_can_be_stopped(campaign: PayloadCampaign) -> None:
    """With a patience of half a second it must still be asking after several times that, and end on SIGTERM."""
    away(campaign, "wait")
    process = subprocess.Popen(
        command(campaign), cwd=CHECKOUT, env={"PATH": os.defpath, "SONICGRID_SITE": "here"}, stderr=subprocess.DEVNULL
    )
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=6)
        process.terminate()
        assert exit_class_of(process.wait(timeout=30)) is ExitClass.STOPPED
    finally:
        process.kill()
        process.wait()
    assert campaign.files() == [RECORD]


_WHAT_IS_LOADED = """
import sys
from pathlib import Path
from jobs.block import read_block
from jobs.payload.flavour import open_scorer
from jobs.payload.worker import Worker
open_scorer(read_block(Path(sys.argv[1])), "gpu", Worker(site="here", host="", cpu_model=""), None)
print(sorted({"onnxruntime", "tritonclient"} & {name.partition(".")[0] for name in sys.modules}))
"""


def test_a_gpu_job_does_not_load_the_network_before_it_must(campaign: PayloadCampaign) -> None:
    """ONNX Runtime takes seconds and memory, which a job whose pool answers must not pay."""
    away(campaign, "cpu")
    done = run([sys.executable, "-c", _WHAT_IS_LOADED, str(campaign.block_json)])
    assert done.stdout.strip() == "['tritonclient']", done.stderr


def test_a_site_that_the_campaign_does_not_know_is_named(campaign: PayloadCampaign) -> None:
    """A slot of no known site has no endpoints to ask; another worker may do."""
    with pytest.raises(WorkerUnfit, match="site 'there' of host worker-1"):
        open_scorer(campaign.block, "gpu", replace(WORKER, site="there"), None)
