"""The submit description says what HTCondor needs, and survives hostile names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import classad2
import htcondor2
import pytest

from jobs.layout import BlockFolder, CampaignFolder
from jobs.running.describe import (
    ClusterRequest,
    Limit,
    SiteTerms,
    describe,
    describe_driver,
    terms_attributes,
)
from jobs.running.kept_off import ANY_OTHER, KeptOff
from jobs.running.launch import JobFiles, SharedPython, launch

if TYPE_CHECKING:
    from collections.abc import Mapping

SLOTS = {"FNAL": 'GLIDEIN_Site == "FNAL"', "CERN-T0": 'GLIDEIN_Site == "CERN" && HasCVMFS'}


def request_of(**changes: object) -> ClusterRequest:
    """A request with plain values, but for `changes`."""
    values: dict[str, object] = {
        "campaign": "test",
        "folder": Path("/results/test"),
        "digest": "abc",
        "block": 3,
        "slots": SLOTS,
        "terms": {"FNAL": SiteTerms(34.0, 27.25, "gpu", 340.0), "CERN-T0": SiteTerms(12_345_678.5, 10.0, "cpu", 0.0)},
        "limits": {},
        "most_jobs": 0,
        "runs_as": "",
        "memory_mb": 1500,
        "disk_mb": 100,
        "max_runtime_s": 3600,
        "max_retries": 3,
    }
    return ClusterRequest(**(values | changes))  # type: ignore[arg-type]  # the values of a test


def takes(slot: Mapping[str, object], off: KeptOff, **job: object) -> bool:
    """Whether a slot takes a job, as HTCondor evaluates the requirements."""
    text = described(BlockFolder(Path("/results/test/blocks/00003")), [5], request_of(kept_off=off))
    submit = parsed(text)
    ad = classad2.ClassAd(job)
    for key in submit:
        if key.startswith("My."):
            ad[key.removeprefix("My.")] = classad2.ExprTree(
                submit[key].replace("$(flavour)", "gpu").replace("$(job)", "5")
            )
    target = classad2.ClassAd(dict(slot))
    return classad2.ExprTree(submit["requirements"]).eval(ad, target) is True


GOOD, BAD = {"Machine": "good.org", "GLIDEIN_Site": "FNAL"}, {"Machine": "Bad.org", "GLIDEIN_Site": "FNAL"}


def test_what_is_set_aside_takes_no_job_but_the_one_that_tries_it() -> None:
    """A host by its name in any case, a site with all its hosts; the others go on."""
    off = KeptOff(hosts=("bad.org", "worse.org"))
    assert takes(GOOD, off)
    assert not takes(BAD, off)
    assert takes(BAD, off, SonicGridTrialOf="Bad.org")
    assert takes(BAD, KeptOff())
    assert not takes(GOOD, KeptOff(sites=("FNAL",)))
    assert takes(GOOD, KeptOff(sites=("FNAL",)), SonicGridTrialOf="FNAL")
    assert takes(GOOD, KeptOff(sites=("CERN",)))


def test_a_job_that_its_worker_failed_goes_elsewhere_if_there_is_an_elsewhere() -> None:
    """For trouble with a worker, and for a signal; not for a pool that was away, and not where only one host works."""
    many = KeptOff(elsewhere=ANY_OTHER)
    failed = {"NumJobCompletions": 1, "ExitCode": 30, "LastRemoteHost": "slot1_2@Bad.org"}
    assert not takes(BAD, many, **failed)
    assert takes(GOOD, many, **failed)
    assert takes(BAD, KeptOff(), **failed)
    assert takes(BAD, KeptOff(elsewhere="Bad.org"), **failed), "the only host that works takes it again"
    assert not takes(BAD, KeptOff(elsewhere="good.org"), **failed)
    assert takes(BAD, many, NumJobCompletions=0, LastRemoteHost="slot1_2@Bad.org")
    assert takes(BAD, many, **failed | {"ExitCode": 20})
    assert not takes(BAD, many, NumJobCompletions=1, LastRemoteHost="slot1_2@Bad.org")
    assert takes({"Machine": "d.org", "GLIDEIN_Site": "FNAL"}, many, **failed | {"LastRemoteHost": "slot1@bad.org"})


def described(
    folder: BlockFolder, jobs: list[int], request: ClusterRequest, python: str = "/python", flavour: str = "gpu"
) -> str:
    """The description of a cluster on a shared file system."""
    start = launch(SharedPython(Path(python)), folder, JobFiles())
    return describe(folder, [(job, flavour) for job in jobs], request, start)


def parsed(text: str) -> htcondor2.Submit:
    """Have HTCondor's own parser read the text."""
    return htcondor2.Submit(text)


def test_one_cluster_of_many_jobs() -> None:
    """Every job is an item of one queue statement, and nothing else varies between them."""
    text = described(BlockFolder(Path("/results/test/blocks/00003")), [5, 7, 9], request_of(), "/venv/bin/python")
    submit = parsed(text)
    assert submit["executable"] == "/venv/bin/python"
    assert submit.getQArgs().startswith("job,flavour from")
    assert text.rstrip().endswith("(\n5,gpu\n7,gpu\n9,gpu\n)")


@pytest.mark.parametrize(
    ("slot", "takes", "flavour", "matches"),
    [
        ({"GLIDEIN_Site": "FNAL"}, True, "gpu", True),
        ({"GLIDEIN_Site": "FNAL"}, False, "gpu", False),
        ({"GLIDEIN_Site": "FNAL"}, False, "cpu", True),
        ({"GLIDEIN_Site": "CERN", "HasCVMFS": True}, True, "gpu", True),
        ({"GLIDEIN_Site": "CERN", "HasCVMFS": False}, True, "gpu", False),
        ({"GLIDEIN_Site": "SLAC"}, True, "gpu", False),
        ({"GLIDEIN_Site": "SLAC"}, True, "cpu", False),
    ],
)
def test_only_slots_of_the_sites_match(slot: dict[str, object], takes: bool, flavour: str, matches: bool) -> None:
    """A job matches the slots of its campaign's sites and no others; one that sends, only where more may start."""
    terms = {site: SiteTerms(34.0, 27.25, takes_more=takes) for site in SLOTS}
    request = request_of(terms=terms)
    job = job_of(flavour, request)
    submit = parsed(described(BlockFolder(Path("/b")), [1], request, flavour=flavour))
    job["Requirements"] = classad2.ExprTree(submit["requirements"])
    assert (at_slot(job, "Requirements", **slot) is True) == matches


@pytest.mark.parametrize("folder", ["/a folder/with spaces", "/it's/odd", '/say "hi"/now'])
def test_odd_paths_reach_the_payload_as_they_are(folder: str) -> None:
    """Spaces and quotes in a path are quoted as HTCondor's new argument syntax wants it."""
    text = described(BlockFolder(Path(folder)), [1], request_of())
    arguments = parsed(text)["arguments"]
    doubled = f"{folder}/block.json".replace("'", "''").replace('"', '""')
    assert arguments == f"\"'-m' 'jobs.payload' '{doubled}' '$(job)'\""


def test_site_limit_bounds_the_cluster() -> None:
    """A limit on jobs becomes the cluster's materialization limit; without one there is none."""
    limited = parsed(described(BlockFolder(Path("/b")), [1], request_of(most_jobs=12)))
    free = parsed(described(BlockFolder(Path("/b")), [1], request_of()))
    assert limited["max_materialize"] == "12"
    assert "max_materialize" not in list(free)


def test_a_job_can_talk_with_htcondor() -> None:
    """Without the I/O proxy a job could neither read its share again nor send heartbeats."""
    assert parsed(described(BlockFolder(Path("/b")), [1], request_of()))["My.WantIOProxy"] == "True"


def test_driver_starts_again_when_killed() -> None:
    """The detached driver leaves the queue only when it ended by itself."""
    text = describe_driver(
        CampaignFolder(Path("/results/x")), ["/python", "-m", "jobs.running.driver"], {"PATH": "/a b:/c"}
    )
    submit = parsed(text)
    assert submit["universe"] == "local"
    assert submit["on_exit_remove"] == "ExitBySignal =?= False"
    assert submit["environment"] == "\"'PATH=/a b:/c'\""


LIMITS = {
    "FNAL": (Limit("net.fnal", "mbps"), Limit("link.esnet", "mbps"), Limit("gpu.nrp", "job")),
    "CERN-T0": (Limit("net.cern_t0", "mbps"), Limit("jobs.cern_t0", "any job")),
}


def job_of(flavour: str, request: ClusterRequest) -> classad2.ClassAd:
    """The ad of a job, as far as expressions over its slot go; the limits are the attribute `Limits`."""
    submit = parsed(described(BlockFolder(Path("/b")), [1], request, flavour=flavour))
    mine = {"My.SonicGridLane": "3", "My.SonicGridFlavour": f'"{request.runs_as or flavour}"', "My.SonicGridJob": "1"}
    texts = {key: mine.get(key, submit[key]) for key in submit if key.startswith("My.SonicGrid")}
    ad = classad2.ClassAd()
    for key, text in texts.items():
        ad[key.removeprefix("My.")] = classad2.ExprTree(text)
    if "concurrency_limits_expr" in list(submit):
        ad["Limits"] = classad2.ExprTree(submit["concurrency_limits_expr"])
    return ad


def at_slot(job: classad2.ClassAd, attribute: str, **slot: object) -> object:
    """What an attribute of a job is on a slot."""
    return classad2.ExprTree(f"MY.{attribute}").eval(job, classad2.ClassAd({"Name": "slot1@worker", **slot}))


@pytest.mark.parametrize(
    ("flavour", "slot", "limits"),
    [
        ("gpu", {"GLIDEIN_Site": "FNAL"}, "net.fnal:34.00,link.esnet:34.00,gpu.nrp:1"),
        ("gpu", {"GLIDEIN_Site": "CERN", "HasCVMFS": True}, "net.cern_t0:12345678.50,jobs.cern_t0:1"),
        ("auto", {"GLIDEIN_Site": "FNAL"}, "net.fnal:34.00,link.esnet:34.00,gpu.nrp:1"),
        ("auto", {"GLIDEIN_Site": "CERN", "HasCVMFS": True}, "cpu.sonicgrid:1,jobs.cern_t0:1"),
        ("cpu", {"GLIDEIN_Site": "FNAL"}, "cpu.sonicgrid:1"),
        ("cpu", {"GLIDEIN_Site": "CERN", "HasCVMFS": True}, "cpu.sonicgrid:1,jobs.cern_t0:1"),
    ],
)
def test_a_job_is_charged_to_the_links_of_its_slot(flavour: str, slot: dict[str, object], limits: str) -> None:
    """Mb/s to each link, one to pools and numbers of jobs, nothing of the network to what runs on its own core."""
    assert at_slot(job_of(flavour, request_of(limits=LIMITS)), "Limits", **slot) == limits


@pytest.mark.parametrize("slots", [SLOTS, dict.fromkeys(SLOTS, "true"), dict.fromkeys(SLOTS, "Opsys =?= undefined")])
def test_without_a_slot_there_are_no_limits(slots: dict[str, str]) -> None:
    """The negotiator asks once without a slot; a text there would hold the job to one site's limits everywhere."""
    job = job_of("gpu", request_of(limits=LIMITS, slots=slots))
    assert classad2.ExprTree("MY.Limits").eval(job) is classad2.Value.Undefined


def test_every_lane_is_charged_the_same() -> None:
    """Lanes make idle jobs differ in nothing but the lane."""
    job = job_of("gpu", request_of(limits=LIMITS))
    charges = set()
    for lane in range(16):
        job["SonicGridLane"] = lane
        charges.add(at_slot(job, "Limits", GLIDEIN_Site="FNAL"))
    assert charges == {"net.fnal:34.00,link.esnet:34.00,gpu.nrp:1"}


def test_lanes_only_where_the_negotiator_admits() -> None:
    """Elsewhere all jobs are alike, which spares the negotiator work."""
    charged = parsed(described(BlockFolder(Path("/b")), [1], request_of(limits=LIMITS)))
    free = parsed(described(BlockFolder(Path("/b")), [1], request_of(limits={"FNAL": ()})))
    assert "concurrency_limits_expr" in list(charged)
    assert not {"concurrency_limits_expr", "My.SonicGridLane"} & set(free)


@pytest.mark.parametrize(
    ("flavour", "runs_as", "got"),
    [
        ("gpu", "", ("gpu", "gpu")),
        ("cpu", "", ("cpu", "cpu")),
        ("auto", "", ("gpu", "cpu")),
        ("auto", "cpu", ("cpu", "cpu")),
        ("auto", "gpu", ("gpu", "gpu")),
    ],
)
def test_the_flavour_of_a_job_is_decided_where_it_lands(flavour: str, runs_as: str, got: tuple[str, str]) -> None:
    """A job keeps its flavour, an `auto` one gets what the throttle says for the site, or what its cluster says."""
    job = job_of(flavour, request_of(runs_as=runs_as))
    here = at_slot(job, "SonicGridFlavourOfSlot", GLIDEIN_Site="FNAL")
    there = at_slot(job, "SonicGridFlavourOfSlot", GLIDEIN_Site="CERN", HasCVMFS=True)
    assert (here, there) == got


def test_a_job_knows_its_site_and_its_charge() -> None:
    """The first site that claims the slot; a job that uses no network is charged 0."""
    job = job_of("gpu", request_of())
    assert at_slot(job, "SonicGridSiteOfSlot", GLIDEIN_Site="CERN", HasCVMFS=True) == "CERN-T0"
    assert at_slot(job, "SonicGridSiteOfSlot", GLIDEIN_Site="SLAC") == ""
    assert at_slot(job, "SonicGridChargeOfSlot", GLIDEIN_Site="FNAL") == "34.00"
    assert at_slot(job_of("cpu", request_of()), "SonicGridChargeOfSlot", GLIDEIN_Site="FNAL") == "0"


def test_terms_are_text_that_htcondor_reads() -> None:
    """Charges never have an exponent (HTCondor would charge 1), and names of attributes have no dash."""
    attributes = terms_attributes("CERN-T0", SiteTerms(12_345_678.5, 0.00012, "cpu", 1e9))
    assert attributes["SonicGridCharge_CERN_T0"] == '"12345678.50"'
    assert attributes["SonicGridFlavour_CERN_T0"] == '"cpu"'
    assert attributes["SonicGridPlanned_CERN_T0"] == "1000000000.00"
    assert float(attributes["SonicGridShare_CERN_T0"]) == 0.0001
    numbers = [attributes[f"SonicGrid{what}_CERN_T0"] for what in ("Charge", "Share", "Planned")]
    assert all("e" not in number.lower() for number in numbers)


def test_a_cluster_can_be_found_again() -> None:
    """What the throttle must know of a cluster stands in its ad, so that it needs no memory of its own."""
    text = described(BlockFolder(Path("/b")), [5, 6, 7, 9], request_of(runs_as="cpu"))
    submit = parsed(text)
    assert submit["My.SonicGridJobs"] == '"5-7,9"'
    assert submit["My.SonicGridSites"] == '"FNAL,CERN-T0"'
    assert submit["My.SonicGridRunsAs"] == '"cpu"'
    assert submit["My.SonicGridCampaignFolder"] == '"/results/test"'
    assert text.endswith("(\n5,cpu\n6,cpu\n7,cpu\n9,cpu\n)\n")
