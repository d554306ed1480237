"""What is fuzzed: every reader of bytes that a stranger, a crash or a disk may have written.

A target takes any bytes. It may refuse them with the one error that its reader promises, and must then say something;
what it takes must mean what it says. Anything else is a finding.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import zstandard

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["TARGETS", "Target"]


@dataclass(frozen=True)
class Target:
    """One reader.

    Attributes:
        modules: whose branches guide the fuzzer.
        make: imports the reader and returns what is called with every input; called once, after the fuzzer has hooked
            itself into imports, with a folder for files.
        longest_bytes: of an input.
        json: whether inputs are JSON, to be changed as such.

    """

    modules: tuple[str, ...]
    make: Callable[[Path], Callable[[bytes], None]]
    longest_bytes: int = 4096
    json: bool = False


def refused(error: Exception, where: str = "") -> None:
    """Hold an error to its promise: it says something, and where."""
    assert str(error)
    assert where in str(error)


def _view_message(_folder: Path) -> Callable[[bytes], None]:
    from sonic.errors import MessageDamaged, MessageInvalid
    from sonic.strip_patches import StripPatches
    from sonic.view_message import pack, unpack
    from tests.builders.view_message import HEADER, assert_same

    def sealed(body: bytes) -> bytes:
        return body + struct.pack("<I", zlib.crc32(body))

    def run(data: bytes) -> None:
        # A checksum and a compressed frame keep random bytes out: all but the first kind of input get through them.
        kind, rest = data[:1], data[1:]
        if kind == b"\x01":
            rest = sealed(rest)
        elif kind == b"\x02":
            rest = sealed(rest[: HEADER.size] + zstandard.ZstdCompressor(level=1).compress(rest[HEADER.size :]))
        try:
            strip = unpack(rest, most_patches=64)
        except (MessageDamaged, MessageInvalid) as error:
            refused(error)
            return
        assert_same(unpack(pack(strip), most_patches=64), strip)
        if strip.pixels.size <= 2**16:
            patches = StripPatches(np.frombuffer(rest, np.uint8), most_patches=64)
            assert patches.cut(0, len(patches)).shape == (len(strip.wire), 48, 48, 1)

    return run


def _record(folder: Path) -> Callable[[bytes], None]:
    from jobs.errors import CampaignError
    from jobs.record import Record, read_record

    def run(data: bytes) -> None:
        path = folder / "record.json"
        path.write_bytes(data)
        try:
            record = read_record(path)
        except CampaignError as error:
            refused(error, str(path))
            return
        path.write_text(record.model_dump_json())
        assert read_record(path) == Record.model_validate_json(data)

    return run


def _event_log(_folder: Path) -> Callable[[bytes], None]:
    from jobs.errors import CampaignError
    from jobs.heartbeat import decode
    from jobs.running.event_text import EVENT_END, read_events
    from jobs.running.standing import after, submitted

    def run(data: bytes) -> None:
        events = list(read_events(data))
        whole, end, rest = data.partition(EVENT_END)
        assert events == [*read_events(whole + end), *read_events(rest)], "events depend on where a log is cut"
        standing = None
        for event in events:
            if event is None:
                continue
            standing = after(standing, event) if standing else submitted(event)
            try:
                decode(event.text)
            except CampaignError as error:
                refused(error)

    return run


def _clusters(folder: Path) -> Callable[[bytes], None]:
    from jobs.layout import BlockFolder
    from jobs.running.clusters import note_cluster, read_clusters

    def run(data: bytes) -> None:
        block = BlockFolder(folder)
        block.cluster.write_bytes(data)
        before = [one for one in read_clusters(block) if one.cluster != 17]
        note_cluster(block, 17, [3, 4])
        now = read_clusters(block)
        assert [one for one in now if one.cluster != 17] == before
        assert [one.jobs for one in now if one.cluster == 17] == [(3, 4)], "a damaged line spoils the next one"

    return run


def _shares(_folder: Path) -> Callable[[bytes], None]:
    from jobs.errors import CampaignError
    from jobs.shares import read_shares, shares_text

    def run(data: bytes) -> None:
        try:
            shares = read_shares(data)
        except CampaignError as error:
            refused(error)
            return
        assert all(0 <= share < float("inf") for share in shares.values())
        assert set(read_shares(shares_text(shares))) == set(shares)

    return run


def _spec(folder: Path) -> Callable[[bytes], None]:
    from jobs.errors import ConfigError
    from jobs.spec.campaign import dump_campaign, load_campaign

    def run(data: bytes) -> None:
        path = folder / "fuzzed.yaml"
        path.write_bytes(data)
        try:
            campaign = load_campaign(path)
        except ConfigError as error:
            refused(error, str(path))
            return
        path.write_text(dump_campaign(campaign))
        assert load_campaign(path) == campaign, "a spec with its defaults filled in is another one"

    return run


def _site(folder: Path) -> Callable[[bytes], None]:
    from jobs.errors import ConfigError
    from jobs.spec.site import load_site

    def run(data: bytes) -> None:
        path = folder / "fuzzed.yaml"
        path.write_bytes(data)
        try:
            site = load_site(path)
        except ConfigError as error:
            refused(error, str(path))
            return
        assert site.name == "fuzzed"
        assert site.uplink_mbps > 0

    return run


TARGETS = {
    "view-message": Target(("sonic.view_message", "sonic.strip_patches"), _view_message),
    "record": Target(("jobs.record",), _record, json=True),
    "event-log": Target(("jobs.running.event_text", "jobs.running.standing", "jobs.heartbeat"), _event_log),
    "clusters": Target(("jobs.running.clusters", "jobs.running.ranges"), _clusters),
    "shares": Target(("jobs.shares",), _shares, json=True),
    "spec": Target(("jobs.spec", "yaml"), _spec),
    "site": Target(("jobs.spec", "yaml"), _site),
}
"""By name; their inputs so far lie in `corpus/NAME`."""
