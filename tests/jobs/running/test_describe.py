"""The submit description says what HTCondor needs, and survives hostile names."""

from __future__ import annotations

from pathlib import Path

import htcondor2
import pytest

from jobs.layout import BlockFolder, CampaignFolder
from jobs.running.describe import ClusterRequest, describe, describe_driver, quote_classad


def request_of(**changes: object) -> ClusterRequest:
    """A request with plain values, but for `changes`."""
    values: dict[str, object] = {
        "campaign": "test",
        "folder": Path("/results/test"),
        "digest": "abc",
        "block": 3,
        "slots": {"FNAL": 'GLIDEIN_Site == "FNAL"', "CERN": 'GLIDEIN_Site == "CERN" && HasCVMFS'},
        "most_jobs": 0,
        "memory_mb": 1500,
        "disk_mb": 100,
        "max_runtime_s": 3600,
        "max_retries": 3,
    }
    return ClusterRequest(**(values | changes))  # type: ignore[arg-type]  # the values of a test


def parsed(text: str) -> htcondor2.Submit:
    """Have HTCondor's own parser read the text."""
    return htcondor2.Submit(text)


def test_one_cluster_of_many_jobs() -> None:
    """Every job is an item of one queue statement, and nothing else varies between them."""
    text = describe(BlockFolder(Path("/results/test/blocks/00003")), [5, 7, 9], request_of(), Path("/venv/bin/python"))
    submit = parsed(text)
    assert submit["executable"] == "/venv/bin/python"
    assert submit.getQArgs().startswith("job from")
    assert text.rstrip().endswith("(\n5\n7\n9\n)")


def test_only_slots_of_the_sites_match() -> None:
    """A job matches the slots of its campaign's sites and no others."""
    submit = parsed(describe(BlockFolder(Path("/b")), [1], request_of(), Path("/python")))
    assert submit["requirements"] == '(GLIDEIN_Site == "FNAL") || (GLIDEIN_Site == "CERN" && HasCVMFS)'


@pytest.mark.parametrize("folder", ["/a folder/with spaces", "/it's/odd", '/say "hi"/now'])
def test_odd_paths_reach_the_payload_as_they_are(folder: str) -> None:
    """Spaces and quotes in a path are quoted as HTCondor's new argument syntax wants it."""
    text = describe(BlockFolder(Path(folder)), [1], request_of(), Path("/python"))
    arguments = parsed(text)["arguments"]
    doubled = f"{folder}/block.json".replace("'", "''").replace('"', '""')
    assert arguments == f"\"'-m' 'jobs.payload' '{doubled}' '$(job)'\""


def test_retries_follow_the_exit_table() -> None:
    """HTCondor retries what the exit table says is worth a retry, and a job killed by a signal."""
    submit = parsed(describe(BlockFolder(Path("/b")), [1], request_of(), Path("/python")))
    assert submit["max_retries"] == "3"
    assert submit["retry_until"] == "member(ExitCode, {0, 2, 10, 21}) =?= True"


def test_site_limit_bounds_the_cluster() -> None:
    """A limit on jobs becomes the cluster's materialization limit; without one there is none."""
    limited = parsed(describe(BlockFolder(Path("/b")), [1], request_of(most_jobs=12), Path("/python")))
    free = parsed(describe(BlockFolder(Path("/b")), [1], request_of(), Path("/python")))
    assert limited["max_materialize"] == "12"
    assert "max_materialize" not in list(free)


def test_a_job_can_talk_with_htcondor() -> None:
    """Without the I/O proxy a job could neither read its share again nor send heartbeats."""
    assert parsed(describe(BlockFolder(Path("/b")), [1], request_of(), Path("/python")))["My.WantIOProxy"] == "true"


def test_driver_starts_again_when_killed() -> None:
    """The detached driver leaves the queue only when it ended by itself."""
    text = describe_driver(
        CampaignFolder(Path("/results/x")), ["/python", "-m", "jobs.running.driver"], {"PATH": "/a b:/c"}
    )
    submit = parsed(text)
    assert submit["universe"] == "local"
    assert submit["on_exit_remove"] == "ExitBySignal =?= False"
    assert submit["environment"] == "\"'PATH=/a b:/c'\""


def test_classad_strings_are_escaped() -> None:
    """Quotes and backslashes cannot end a ClassAd string."""
    assert quote_classad('a"b\\c') == '"a\\"b\\\\c"'
