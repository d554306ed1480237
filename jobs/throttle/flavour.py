"""Where the network of a job with `flavour: auto` is sooner done: in the inference pool, or on the worker's own core.

Shipping the hits of an event takes its bytes over the job's share of the link; computing them takes the worker's
core. Every further gpu job makes all shares thinner, down to the one at which the core is as fast: so many jobs use
the link, and the next ones their own core.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.throttle.tally import Tally

if TYPE_CHECKING:
    from sonic.wire_format import WireFormat

__all__ = ["CORE_PATCHES_PER_S", "break_even_mbps", "thinnest_share_mbps"]

CORE_PATCHES_PER_S = 2250.0
"""Patches that one modern core scores in a second with the network of the paper (11.9 million parameters, ONNX Runtime
1.32, measured on an AMD EPYC core); what jobs of the cpu flavour report takes its place."""


def break_even_mbps(
    wire_format: WireFormat, patches_per_s: float = CORE_PATCHES_PER_S, tally: Tally | None = None
) -> float:
    """Return the share of a link, Mb/s on the wire, at which sending hits takes as long as computing them here.

    Args:
        wire_format: how they travel.
        patches_per_s: of one core.
        tally: reports of gpu jobs, for what a hit takes on the wire.

    """
    return patches_per_s * (tally or Tally()).mb_per_hit(wire_format) * 8


def thinnest_share_mbps(tally: Tally, wire_format: WireFormat, patches_per_s: float = CORE_PATCHES_PER_S) -> float:
    """Return the share, Mb/s on the wire, with which a gpu job is just as soon done as a cpu job.

    An event takes a gpu job the longer of preparing and sending, since these overlap, and a cpu job their sum, since
    computing needs the core that prepares: so the more a job has to prepare, the thinner a share will do.

    Args:
        tally: reports of gpu jobs; without any only sending and computing are compared.
        wire_format: how the hits of the site's jobs travel.
        patches_per_s: of one core.

    """
    compute_s_per_mb = 8 / break_even_mbps(wire_format, patches_per_s, tally)
    prepare_s_per_mb = tally.prepare_s / tally.wire_mb if tally.wire_mb > 0 else 0.0
    return 8 / (prepare_s_per_mb + compute_s_per_mb)
