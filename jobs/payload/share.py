"""The part of its site's link that this job may use: from the job's ad, and read again while the job runs.

A campaign edits the attribute of running jobs (`condor_qedit -forward`); the job notices within seconds.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from jobs.attributes import share_attribute
from jobs.payload.errors import ChirpFailed
from jobs.payload.repeat import Repeated
from sonic.pace import Pacer

if TYPE_CHECKING:
    from jobs.block import SiteAccess
    from jobs.payload.chirp import Chirp
    from jobs.payload.worker import Worker

__all__ = ["FLOOR_MBPS", "READ_AGAIN_S", "first_pacer", "follow_share"]

FLOOR_MBPS = 1.0
"""Share of a job in HTCondor that was told none, Mb/s: it gets on, and a thousand of them take 1 Gb/s together."""

READ_AGAIN_S = 5.0
"""How often the job's ad is asked; the answer comes from the job's shadow, not from the schedd."""


def first_pacer(access: SiteAccess | None, worker: Worker) -> Pacer | None:
    """Return the pacer of a job that starts; None if nothing is to be paced.

    That is so where a gateway keeps the site's budget, and outside HTCondor, where a person runs one job by hand.

    Args:
        access: how the job's site reaches the inference pool; None if the campaign does not know the site.
        worker: where the job runs, and the share that its ad held at the start.

    """
    if access is None or not access.pace:
        return None
    share_mbps = worker.share_mbps
    if share_mbps is None and worker.in_htcondor:
        share_mbps = FLOOR_MBPS
    return None if share_mbps is None else Pacer(share_mbps)


def follow_share(pacer: Pacer, chirp: Chirp, site: str, every_s: float = READ_AGAIN_S) -> Repeated:
    """Return the thread that keeps the pacer at what the job's ad says; while it says nothing, the last share holds."""
    attribute = share_attribute(site)

    def read() -> None:
        text = chirp.get_job_attr(attribute)
        try:
            share_mbps = float(text)
        except ValueError:
            share_mbps = math.nan
        if not 0 <= share_mbps < math.inf:
            message = f"the job's ad has {text!r} as {attribute}; its share stays {pacer.rate_mbps} Mb/s"
            raise ChirpFailed(message)
        if share_mbps != pacer.rate_mbps:
            pacer.set_rate(share_mbps)

    return Repeated("share of the link", read, first_s=0.0, every_s=every_s)
