"""What the `views` wire format takes on the wire with one codec or another, on files of real or generated events.

Every view goes into as few messages as its size allows; what the format compresses is then compressed by each codec
that is installed, and unpacked again. CPU time of one process on one core, the least of several tries; prints one table
for each file and writes one JSON.
"""

from __future__ import annotations

import argparse
import importlib
import json
import lzma
import os
import sys
import time
import zlib
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import zstandard
from measure.machine import Machine, describe_machine, is_busy
from rich.console import Console
from rich.table import Table

from jobs.reco.event import EventId
from jobs.reco.generate import GeneratorParameters, generate_event
from jobs.reco.geometry import channel_map
from jobs.reco.read import open_events
from jobs.reco.views import DEFAULT_ADC_PER_ELECTRON, build_views
from sonic.hit_pixels import HitPixels, Span
from sonic.message import Most
from sonic.network import PATCH_BYTES
from sonic.views import ViewCutter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sonic import View

TRIES = 5
N_APAS, SEED = 6, 1
HEADER_BYTES, CHECKSUM_BYTES = 24, 4
EVERYTHING = Most(2**31, float("inf"))

console = Console(highlight=False)


class Codec(NamedTuple):
    """A codec at one level."""

    name: str
    pack: Callable[[bytes], bytes]
    unpack: Callable[[bytes], bytes]


@dataclass(frozen=True)
class Size:
    """What one codec makes of all messages of a file; CPU seconds are of all of them together."""

    codec: str
    bytes: int
    pack_s: float
    unpack_s: float


@dataclass(frozen=True)
class Source:
    """One file, or the generated event, and what became of it; `patches_bytes` is of the `patches` format."""

    name: str
    events: int
    hits: int
    messages: int
    content_bytes: int
    patches_bytes: int
    sizes: list[Size]


@dataclass(frozen=True)
class Results:
    """What the tables and the JSON say."""

    machine: Machine
    machine_was_busy: bool
    sources: list[Source]


def codecs() -> list[Codec]:
    """Return what is installed: Zstandard, zlib and lzma always; lz4 and brotli where they can be imported."""
    unzstd = zstandard.ZstdDecompressor().decompress
    found = [
        Codec(f"zstd, level {level}", zstandard.ZstdCompressor(level=level).compress, unzstd) for level in (1, 3, 9, 15)
    ]
    found += [
        Codec("zlib, level 6", partial(zlib.compress, level=6), zlib.decompress),
        Codec("lzma, level 6", lzma.compress, lzma.decompress),
    ]
    for name, module, options in (("lz4", "lz4.frame", {}), ("brotli, level 5", "brotli", {"quality": 5})):
        try:
            codec = importlib.import_module(module)
        except ImportError:
            console.print(f"{name}: left out, it is not installed")
            continue
        found.append(Codec(name, partial(codec.compress, **options), codec.decompress))
    return found


def measure(name: str, events: Sequence[tuple[View, ...]], measured: Sequence[Codec]) -> Source:
    """Pack all events of a file with each codec."""
    hits = sum(view.n_hits for views in events for view in views)
    pixels = [HitPixels(views) for views in events]
    contents = [content for of_event in pixels for content in _contents(of_event)]
    frame_bytes = len(contents) * (HEADER_BYTES + CHECKSUM_BYTES)
    sizes = []
    for codec in measured:
        packed, pack_s = _timed(codec.pack, contents)
        unpacked, unpack_s = _timed(codec.unpack, packed)
        if unpacked != contents:
            raise SystemExit(f"{codec.name} does not give back what it was given")
        sizes.append(Size(codec.name, sum(map(len, packed)) + frame_bytes, pack_s, unpack_s))
    patches_bytes = PATCH_BYTES * sum(of_event.n_patches for of_event in pixels)
    return Source(name, len(events), hits, len(contents), sum(map(len, contents)), patches_bytes, sizes)


def _contents(pixels: HitPixels) -> Iterator[bytes]:
    """Yield the contents of an event's messages, before they are compressed."""
    cutter, done = ViewCutter(pixels), 0
    while done < pixels.n_patches:
        message = cutter.cut(Span(done, pixels.n_patches), EVERYTHING)
        frame = message.tensor.tobytes()[HEADER_BYTES:-CHECKSUM_BYTES]
        yield zstandard.ZstdDecompressor().decompress(frame)
        done = message.span.stop


def _timed(work: Callable[[bytes], bytes], pieces: Sequence[bytes]) -> tuple[list[bytes], float]:
    """Return the results, and the CPU seconds of the fastest of several tries."""
    done, fastest_s = [], float("inf")
    for _ in range(TRIES):
        began = time.process_time()
        done = [work(piece) for piece in pieces]
        fastest_s = min(fastest_s, time.process_time() - began)
    return done, fastest_s


def _events_of(path: Path) -> list[tuple[View, ...]]:
    with open_events(str(path)) as file:
        return [build_views(event, file.channels, DEFAULT_ADC_PER_ELECTRON).views for event in file.events()]


def _generated() -> list[tuple[View, ...]]:
    event = generate_event(SEED, EventId(1, 0, 1), GeneratorParameters(n_apas=N_APAS))
    return [build_views(event, channel_map(N_APAS), DEFAULT_ADC_PER_ELECTRON).views]


def _table(source: Source) -> Table:
    table = Table(
        title=f"{source.name}: {source.hits:,} hits; patches {source.patches_bytes / 1e6:.1f} MB;"
        f" views {source.content_bytes / 1e6:.2f} MB before compression, {source.messages} messages",
        caption=f"CPU time on one core, least of {TRIES} tries",
    )
    table.add_column("codec")
    for head in ("bytes", "bytes a hit", "times smaller than patches", "CPU s, pack", "CPU s, unpack"):
        table.add_column(head, justify="right")
    for size in source.sizes:
        factor = f"{source.patches_bytes / size.bytes:.0f}"
        a_hit = f"{size.bytes / source.hits:.1f}"
        table.add_row(size.codec, f"{size.bytes:,}", a_hit, factor, f"{size.pack_s:.3f}", f"{size.unpack_s:.3f}")
    return table


def _write(results: Results, path: Path) -> None:
    document = {
        "benchmark": "view_codecs",
        "written": datetime.now(tz=UTC).isoformat(timespec="seconds"),
        "zstandard": ".".join(map(str, zstandard.ZSTD_VERSION)),
        **asdict(results),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n")


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, help="ROOT files of events; by default one generated event")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/view_codecs.json"), help="(%(default)s)")
    options = parser.parse_args()
    machine, measured = describe_machine(), codecs()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    named = [(path.stem, _events_of(path)) for path in options.files]
    if not named:
        named = [(f"generated, {N_APAS} APAs", _generated())]
    sources = [measure(name, events, measured) for name, events in named]
    for source in sources:
        console.print(_table(source))
    _write(Results(machine, is_busy(machine.load_at_start), sources), options.out)
    console.print(f"written to {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
