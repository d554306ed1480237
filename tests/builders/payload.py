"""Builds small real inputs for the payload: events of a tiny detector, and a block that reads them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from jobs.block import Block, BlockJob, Network, Reco, SiteAccess
from jobs.reco.event import BadChannels, ChannelMap, Event, EventId, Hits, Wires
from jobs.reco.schema import Provenance
from jobs.reco.write import write_events
from jobs.record import Record, read_record
from sonic.server.models import DEMO_MODEL

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["PayloadCampaign", "a_campaign", "a_channel_map", "an_event", "without_wires", "write_file"]

N_WIRES = 30
N_TICKS = 600


def a_channel_map() -> ChannelMap:
    """Return one APA of three small planes, with channel numbers that start at 100."""
    n = 3 * N_WIRES
    return ChannelMap(
        channel=np.arange(100, 100 + n, dtype=np.int32),
        apa=np.zeros(n, np.int16),
        plane=np.repeat(np.arange(3, dtype=np.int8), N_WIRES),
        wire=np.tile(np.arange(N_WIRES, dtype=np.int32), 3),
    )


def an_event(number: int, n_hits: int, *, amplitude: float = 4000.0) -> Event:
    """Return an event whose hits lie in no order of channels, each in a region of interest of its own channel."""
    rng = np.random.default_rng(number)
    channels = a_channel_map().channel
    roi_channel = np.sort(rng.choice(channels, size=min(len(channels), 60), replace=False)).astype(np.int32)
    length = 60
    start = rng.integers(0, N_TICKS - length, len(roi_channel), dtype=np.int32)
    samples = rng.uniform(0, amplitude, length * len(roi_channel)).astype(np.float32)
    chosen = rng.integers(0, len(roi_channel), n_hits)
    peak = start[chosen] + rng.uniform(2, length - 2, n_hits)
    return Event(
        id=EventId(7, 1, number),
        n_ticks=N_TICKS,
        tick_ns=500.0,
        wires=Wires(roi_channel, start, np.full(len(roi_channel), length, np.int32), samples),
        hits=Hits(
            channel=roi_channel[chosen],
            start_tick=start[chosen],
            end_tick=start[chosen] + np.int32(length),
            peak_tick=peak.astype(np.float32),
            rms_ticks=np.full(n_hits, 3.0, np.float32),
            peak_amplitude=np.full(n_hits, 2000.0, np.float32),
            integral=np.full(n_hits, 9000.0, np.float32),
        ),
        bad=BadChannels(*(np.empty(0, np.int32) for _ in range(3))),
    )


def without_wires(event: Event) -> Event:
    """Return the event with silent planes: its hits stay."""
    nothing = np.empty(0, np.int32)
    return replace(event, wires=Wires(nothing, nothing, nothing, np.empty(0, np.float32)))


def write_file(path: Path, events: Iterable[Event]) -> Path:
    """Write events to a file."""
    provenance = Provenance(origin="generated", detector="test", software_version="0")
    write_events(path, events, a_channel_map(), provenance, force=True)
    return path


@dataclass
class PayloadCampaign:
    """A block on the disk that a test changes and runs."""

    root: Path
    block: Block

    @property
    def block_json(self) -> Path:
        """The description of the block."""
        return self.root / "block.json"

    @property
    def output(self) -> Path:
        """The output of job 3."""
        return self.root / "outputs" / "0000003.root"

    def change_job(self, **changes: Any) -> PayloadCampaign:  # noqa: ANN401  # any field of BlockJob
        """Change the job and write the description."""
        return self.change(jobs=(self.block.jobs[0].model_copy(update=changes),))

    def change(self, **changes: Any) -> PayloadCampaign:  # noqa: ANN401  # any field of Block
        """Change the block and write the description."""
        self.block = self.block.model_copy(update=changes)
        self.block_json.write_text(self.block.model_dump_json())
        return self

    def record(self) -> Record:
        """Return the one record."""
        (path,) = (self.root / "records").iterdir()
        return read_record(path)

    def files(self) -> list[str]:
        """Names of the files in the folders of outputs and records."""
        folders = (self.root / "outputs", self.root / "records")
        return sorted(path.name for folder in folders if folder.is_dir() for path in folder.iterdir())


def a_campaign(tmp_path: Path) -> PayloadCampaign:
    """Return a block of one cpu job, number 3, over entries 1 to 3 of a file of four events with 5, 40, 0, 17 hits."""
    path = write_file(tmp_path / "input.root", (an_event(number, n) for number, n in enumerate([5, 40, 0, 17])))
    job = BlockJob(
        job=3,
        input_file=str(path),
        entry_start=1,
        entry_stop=4,
        flavour="cpu",
        output_file=str(tmp_path / "outputs" / "0000003.root"),
    )
    block = Block(
        version=1,
        campaign="test",
        manifest_digest="abc",
        block=0,
        records=str(tmp_path / "records"),
        network=Network(name="cnn_emtrkmichel_1", version="1", file=str(DEMO_MODEL)),
        reco=Reco(adc_per_electron=0.003),
        sites={"here": SiteAccess(endpoints=("127.0.0.1:1",), wire_format="patches", patience_s=0.5)},
        jobs=(job,),
    )
    return PayloadCampaign(tmp_path, block).change()
