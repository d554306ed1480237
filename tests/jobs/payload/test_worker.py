"""The worker's own account of where it is."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from jobs.payload.worker import look_around

JOB_AD = """\
Arguments = "-m jobs.payload block.json 12"
ClusterId = 41
ProcId = 7
NumJobStarts = 2
Requirements = (TARGET.Memory >= RequestMemory) && (TARGET.GLIDEIN_Site == "CERN")
"""
MACHINE_AD = """\
Cpus = 1
GLIDEIN_Site = "FNAL"
Name = "slot1@worker"
Start = true
"""


@pytest.fixture
def slot(tmp_path: Path) -> dict[str, str]:
    """Write the ads as HTCondor does, and return the environment of a job."""
    (tmp_path / ".job.ad").write_text(JOB_AD)
    (tmp_path / ".machine.ad").write_text(MACHINE_AD)
    return {"_CONDOR_JOB_AD": str(tmp_path / ".job.ad"), "_CONDOR_MACHINE_AD": str(tmp_path / ".machine.ad")}


def test_in_a_slot_the_ads_say_it(slot: dict[str, str]) -> None:
    """Cluster, proc and attempt must come from the job's ad, the site from the slot's."""
    worker = look_around(slot)
    assert (worker.cluster, worker.proc, worker.attempt, worker.site) == (41, 7, 2, "FNAL")


@pytest.mark.parametrize(
    ("written", "share_mbps"),
    [("34.5", 34.5), ("7", 7.0), ("0.0", 0.0), ("-1", None), ("true", None), ('"34"', None), ("undefined", None)],
)
def test_the_share_is_that_of_the_site(slot: dict[str, str], written: str, share_mbps: float | None) -> None:
    """Of the shares in the job's ad the one of the site where it landed must count, if it is a number of Mb/s."""
    with Path(slot["_CONDOR_JOB_AD"]).open("a") as ad:
        ad.write(f"SonicGridShare_CERN = 99.0\nSonicGridShare_fermi_lab = {written}\n")
    worker = look_around({**slot, "SONICGRID_SITE": "fermi-lab", "_CONDOR_CHIRP_CONFIG": "/x/.chirp.config"})
    assert (worker.share_mbps, worker.in_htcondor, worker.chirp_config) == (share_mbps, True, "/x/.chirp.config")


def test_the_submit_description_knows_the_site_better(slot: dict[str, str]) -> None:
    """The campaign's name of the site must win over what the slot calls itself."""
    assert look_around({**slot, "SONICGRID_SITE": "fermilab"}).site == "fermilab"


@pytest.mark.parametrize(
    "environment", [{}, {"_CONDOR_JOB_AD": "/nowhere/.job.ad", "_CONDOR_MACHINE_AD": "/nowhere/.machine.ad"}]
)
def test_outside_htcondor_there_are_no_numbers(environment: dict[str, str]) -> None:
    """Without ads there must be a first attempt of no cluster at no site, on a host with a name."""
    worker = look_around(environment)
    assert (worker.cluster, worker.proc, worker.attempt, worker.site) == (-1, -1, 0, "")
    assert worker.host
    assert (worker.share_mbps, worker.in_htcondor, worker.chirp_config) == (None, False, "")


def test_attributes_that_are_missing_or_odd_do_not_stop_a_job(tmp_path: Path) -> None:
    """A slot without a site, or with one that is no string, must count as no site."""
    for text in ("Cpus = 1\n", "GLIDEIN_Site = undefined\n", "GLIDEIN_Site = 3\n"):
        (tmp_path / "ad").write_text(text)
        assert look_around({"_CONDOR_MACHINE_AD": str(tmp_path / "ad")}).site == ""


def test_the_seconds_since_the_start_count_the_interpreter_too() -> None:
    """A process that slept 0.3 s before it asked must be at least that old, and not much older than its caller saw."""
    script = "import time; time.sleep(0.3); from jobs.payload.worker import seconds_since_start as s; print(s())"
    before = time.monotonic()
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert 0.3 <= float(done.stdout) <= time.monotonic() - before + 0.02
