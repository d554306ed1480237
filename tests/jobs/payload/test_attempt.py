"""One attempt in this process: scores with their hits, and a record however it ends."""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import awkward as ak
import numpy as np
import pytest
import uproot

from jobs.exits import ExitClass
from jobs.payload import attempt as attempt_module
from jobs.payload.attempt import Attempt
from jobs.payload.stop import StopSwitch
from jobs.payload.worker import Worker
from jobs.reco.read import open_events
from jobs.reco.views import build_views
from sonic.client import Client
from sonic.errors import AnswerNotFinite, EndpointAway, RequestRefused, SonicError
from sonic.fake import FakeTransport, Fault, pixel_scores
from sonic.limits import Limits
from sonic.patches import cut_patches
from tests.builders.payload import an_event, without_wires, write_file

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from jobs.block import Block
    from jobs.payload.write_record import Ending
    from sonic.pace import Pacer
    from tests.builders.payload import PayloadCampaign

WORKER = Worker(site="here", host="worker-1", cpu_model="a cpu", cluster=12, proc=3, attempt=1)


def run(campaign: PayloadCampaign, worker: Worker = WORKER) -> Ending:
    """Run the block's job in this process, where no signal is taken over."""
    return Attempt(campaign.block, campaign.block.jobs[0], worker, StopSwitch()).run()


def use_pool(monkeypatch: pytest.MonkeyPatch, script: Iterable[SonicError | Fault | None]) -> None:
    """Let the job ask a fake pool."""
    limits = Limits(batch_patches=16, backoff_first_s=0.01, patience_s=0.3)
    fake = FakeTransport(script=script)

    def open_fake(block: Block, flavour: str, worker: Worker, pacer: Pacer | None) -> Client:
        del block, flavour, worker
        return Client([fake.endpoint], limits=limits, pacer=pacer, open_transport=lambda endpoint: fake)

    monkeypatch.setattr(attempt_module, "open_scorer", open_fake)


def test_every_hit_gets_its_own_scores_in_the_inputs_order(
    campaign: PayloadCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scores must sit at the hit that they were computed for, though views sort the hits by plane."""
    use_pool(monkeypatch, [])
    assert run(campaign).exit_class is ExitClass.DONE
    with uproot.open(campaign.output) as output, open_events(campaign.block.jobs[0].input_file) as file:
        rows = output["scores"].arrays()
        for row, event in zip(rows, file.events(1, 4), strict=True):
            assert ak.to_list(row["hit_channel"]) == event.hits.channel.tolist()
            assert ak.to_list(row["hit_peak_tick"]) == event.hits.peak_tick.tolist()
            views = build_views(event, file.channels, 0.003)
            place = 0
            for view in views.views:
                expected = pixel_scores(cut_patches(view))
                for hit in range(view.n_hits):
                    at = int(views.hit_index[place])
                    got = [row[name][at] for name in ("track", "em", "none", "michel")]
                    assert got == [*expected.em_trk_none[hit], expected.michel[hit, 0]]
                    place += 1
            assert place == len(event.hits.channel)


def test_a_good_attempt_says_so(campaign: PayloadCampaign, monkeypatch: pytest.MonkeyPatch) -> None:
    """The record must add up with the output and with what went over the wire."""
    started_before = time.time()
    use_pool(monkeypatch, [EndpointAway("a hiccup")])
    assert run(campaign).exit_class is ExitClass.DONE
    record = campaign.record()
    assert (record.exit_class, record.error) == (ExitClass.DONE, "")
    assert (record.events, record.hits) == (3, 57)
    assert (record.requests, record.retries) == (5, 1)
    assert record.bytes_sent >= 57 * 9216
    assert record.bytes_received == 56 * 16  # two hits share a pixel
    assert record.endpoint == "fake:8001"
    assert (record.job, record.attempt, record.cluster, record.proc) == (3, 1, 12, 3)
    assert (record.site, record.host, record.cpu_model) == ("here", "worker-1", "a cpu")
    assert record.output_file == str(campaign.output)
    assert record.output_bytes == campaign.output.stat().st_size
    assert record.output_sha256 == hashlib.sha256(campaign.output.read_bytes()).hexdigest()
    with open_events(record.input_file) as file:
        assert record.input_uuid == file.uuid
    assert started_before < record.ended <= time.time()
    assert 0 < record.started < record.ended
    assert record.cpu_s > 0
    assert record.max_rss_mb > 10
    assert all(seconds > 0 for seconds in record.stages.model_dump().values())
    assert campaign.files() == ["0000003.12.1.json", "0000003.root"]


@pytest.mark.parametrize(
    ("of_job", "of_worker", "ran"), [("auto", "cpu", "cpu"), ("auto", "gpu", "gpu"), ("gpu", "cpu", "gpu")]
)
def test_the_site_chooses_the_flavour_of_an_auto_job(
    campaign: PayloadCampaign, monkeypatch: pytest.MonkeyPatch, of_job: str, of_worker: Literal["gpu", "cpu"], ran: str
) -> None:
    """A job that may run as either must run as its slot was told, any other as planned; the record says which."""
    use_pool(monkeypatch, [])
    campaign.change_job(flavour=of_job)
    assert run(campaign, replace(WORKER, flavour=of_worker)).exit_class is ExitClass.DONE
    assert campaign.record().flavour == ran


@pytest.mark.parametrize(
    ("script", "exit_class", "words"),
    [
        ([RequestRefused("server-7: wrong shape")], ExitClass.POOL_REFUSED, "server-7: wrong shape"),
        ([EndpointAway("server-7 is down")] * 10_000, ExitClass.POOL_AWAY, "server-7 is down"),
        ([AnswerNotFinite("server-7: NaN")] * 10, ExitClass.ANSWER_NOT_FINITE, "server-7: NaN"),
    ],
    ids=["refused", "away", "nonsense"],
)
def test_trouble_with_the_pool_is_recorded_and_leaves_no_output(
    campaign: PayloadCampaign,
    monkeypatch: pytest.MonkeyPatch,
    script: list[SonicError | Fault | None],
    exit_class: ExitClass,
    words: str,
) -> None:
    """The record must carry the class and the pool's words; events that were scored before do not count."""
    use_pool(monkeypatch, script)
    ending = run(campaign)
    record = campaign.record()
    assert ending.exit_class is record.exit_class is exit_class
    assert words in record.error
    assert (record.events, record.hits, record.output_file, record.output_sha256) == (0, 0, "", "")
    assert record.bytes_sent > 0
    assert campaign.files() == ["0000003.12.1.json"]


def test_a_bug_is_recorded_with_its_traceback_in_the_log(
    campaign: PayloadCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that nobody foresaw must end as a bug, with the traceback for the developers."""

    def break_down(*arguments: object) -> None:
        raise ZeroDivisionError("by a test")

    monkeypatch.setattr(attempt_module, "open_scorer", break_down)
    ending = run(campaign)
    assert ending.exit_class is ExitClass.BUG
    assert "in break_down" in ending.trace
    assert campaign.record().error == "ZeroDivisionError: by a test"
    assert campaign.files() == ["0000003.12.1.json"]


def test_a_very_long_error_is_cut_in_the_record(campaign: PayloadCampaign, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server's endless message must not make an endless record."""
    use_pool(monkeypatch, [RequestRefused("x" * 100_000)])
    run(campaign)
    assert len(campaign.record().error) == 2000


def test_an_output_without_its_record_is_taken_back(campaign: PayloadCampaign) -> None:
    """When the record cannot be written, the attempt must fail and leave no output that nobody vouches for."""
    (campaign.root / "records").write_bytes(b"in the way of the folder")
    ending = run(campaign)
    assert ending.exit_class is ExitClass.OUTPUT
    assert "record" in ending.error
    assert campaign.files() == []


def attempt_number(number: int) -> Worker:
    """The worker of one attempt of several."""
    return Worker(site="here", host="h", cpu_model="c", cluster=12, proc=3, attempt=number)


def test_two_attempts_leave_two_records_and_one_output(campaign: PayloadCampaign) -> None:
    """A second attempt must not erase what the first one said."""
    assert run(campaign, attempt_number(0)).exit_class is ExitClass.DONE
    campaign.output.unlink()
    assert run(campaign, attempt_number(1)).exit_class is ExitClass.DONE
    assert campaign.files() == ["0000003.12.0.json", "0000003.12.1.json", "0000003.root"]


def test_what_is_done_is_not_done_again(campaign: PayloadCampaign) -> None:
    """HTCondor lost the end of a job that had succeeded and starts it again: output and record stay as they are."""
    assert run(campaign, attempt_number(0)).exit_class is ExitClass.DONE
    before = campaign.output.read_bytes()
    assert run(campaign, attempt_number(1)).exit_class is ExitClass.DONE
    assert campaign.files() == ["0000003.12.0.json", "0000003.root"]
    assert campaign.output.read_bytes() == before


@pytest.mark.parametrize("change", ["damaged output", "other plan", "no record"])
def test_what_no_record_vouches_for_is_done_again(campaign: PayloadCampaign, change: str) -> None:
    """An output counts as done only if a record of this very plan says that these are its bytes."""
    assert run(campaign, attempt_number(0)).exit_class is ExitClass.DONE
    if change == "damaged output":
        content = bytearray(campaign.output.read_bytes())
        content[-1] ^= 1
        campaign.output.write_bytes(content)
    elif change == "other plan":
        campaign.change(manifest_digest="another")
    else:
        (campaign.block_json.parent / "records" / "0000003.12.0.json").unlink()
    assert run(campaign, attempt_number(1)).exit_class is ExitClass.DONE
    assert "0000003.12.1.json" in campaign.files()


def test_an_event_with_hits_on_silent_planes_gets_scores(campaign: PayloadCampaign, tmp_path: Path) -> None:
    """A plane of zeros is unusual, not wrong: its hits get the network's opinion of nothing."""
    path = write_file(tmp_path / "silent.root", [without_wires(an_event(1, 12))])
    campaign.change_job(input_file=str(path), entry_start=0, entry_stop=1)
    assert run(campaign).exit_class is ExitClass.DONE
    with uproot.open(campaign.output) as output:
        rows = output["scores"].arrays()
    scores = np.stack([ak.to_numpy(rows[name][0]) for name in ("track", "em", "none")])
    assert scores.shape == (3, 12)
    assert np.allclose(scores.sum(axis=0), 1, atol=1e-5)
    assert np.allclose(scores, scores[:, :1])


def test_a_file_of_events_without_hits_comes_out_without_scores(campaign: PayloadCampaign, tmp_path: Path) -> None:
    """No hits must not be an error, and must not need the pool."""
    path = write_file(tmp_path / "empty.root", [an_event(number, 0) for number in range(3)])
    campaign.change_job(input_file=str(path), entry_start=0, entry_stop=3, flavour="gpu")
    assert run(campaign).exit_class is ExitClass.DONE
    with uproot.open(campaign.output) as output:
        assert output["scores"].arrays()["n_hit"].to_list() == [0, 0, 0]
    assert campaign.record().requests == 0


class _Signalled(StopSwitch):
    """A switch on which SIGTERM has come."""

    @property
    def signal_name(self) -> str:
        return "SIGTERM"


def test_whatever_foreign_code_makes_of_a_stop_is_a_stop(
    campaign: PayloadCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A C++ module that is being imported makes an ImportError of the stop; the job was stopped all the same."""

    def interrupted(*arguments: object) -> None:
        raise ImportError("initialization failed")

    monkeypatch.setattr(attempt_module, "open_scorer", interrupted)
    ending = Attempt(campaign.block, campaign.block.jobs[0], WORKER, _Signalled()).run()
    assert ending.exit_class is campaign.record().exit_class is ExitClass.STOPPED
    assert campaign.files() == ["0000003.12.1.json"]
