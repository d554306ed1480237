"""The part of its site's link that this job may use: from the job's ad, then from the campaign's file of shares.

The file is read every few seconds through HTCondor. While it cannot be read the campaign may have let in other jobs
that count on a smaller share, so the job goes on at a floor.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from jobs.errors import CampaignError
from jobs.payload.errors import ChirpFailed
from jobs.payload.repeat import Repeated
from jobs.shares import LONGEST_SHARES, read_shares
from sonic.pace import Pacer

if TYPE_CHECKING:
    from jobs.block import SiteAccess
    from jobs.payload.chirp import Chirp
    from jobs.payload.worker import Worker

__all__ = ["FAILURES_TO_FLOOR", "FLOOR_MBPS", "READ_AGAIN_S", "first_pacer", "follow_share"]

FLOOR_MBPS = 1.0
"""Share of a job in HTCondor that is told none, Mb/s: it gets on, and a thousand of them take 1 Gb/s together."""

READ_AGAIN_S = 5.0
"""How often the file is read; the job's shadow reads it, the schedd is not asked."""

FAILURES_TO_FLOOR = 2
"""Failures in a row after which the job falls to the floor."""


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


def follow_share(pacer: Pacer, chirp: Chirp, site: str, shares_file: str, every_s: float = READ_AGAIN_S) -> Repeated:
    """Return the thread that keeps the pacer at what the campaign's file says for a site.

    Args:
        pacer: of the job.
        chirp: the line to HTCondor.
        site: where the job runs.
        shares_file: path on the machine that submitted the job.
        every_s: seconds between two looks, give or take.

    """
    failed = 0

    def read() -> None:
        nonlocal failed
        try:
            share_mbps = read_shares(chirp.read_file(shares_file, LONGEST_SHARES))[site]
            if not 0 <= share_mbps < math.inf:
                message = f"{shares_file}: {share_mbps} for {site} is no share"
                raise CampaignError(message)
        except (ChirpFailed, CampaignError, KeyError):
            failed += 1
            if failed >= FAILURES_TO_FLOOR:
                pacer.set_rate(min(pacer.rate_mbps or 0.0, FLOOR_MBPS))
            raise
        failed = 0
        if share_mbps != pacer.rate_mbps:
            pacer.set_rate(share_mbps)

    return Repeated("share of the link", read, first_s=0.0, every_s=every_s)
