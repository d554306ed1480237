"""Opens what computes the scores: the inference pool, or the network in this process; only what is needed is imported.

What a job does when the pool does not answer is the campaign's choice: it waits on, it leaves, so that HTCondor holds
it for a while, or it goes on with the network in this process.
"""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from jobs.payload.credentials import find_credentials
from jobs.payload.errors import WorkerUnfit
from jobs.payload.worker import SITE_VARIABLE

if TYPE_CHECKING:
    from jobs.block import Block
    from jobs.payload.worker import Worker
    from sonic.pace import Pacer
    from sonic.scores import Scorer

__all__ = ["open_scorer"]


def open_scorer(block: Block, flavour: Literal["gpu", "cpu"], worker: Worker, pacer: Pacer | None) -> Scorer:
    """Return what computes the scores of a job; with the gpu flavour, no faster than the pacer lets it.

    Raises:
        CredentialsUnusable: this worker has not what the site's endpoints ask for.
        WorkerUnfit: the flavour is gpu, and the block does not say how its site reaches the inference pool.
        ModelUnusable: the flavour is cpu, and the model file cannot be used.
        ImportError: the flavour's library is not installed here.

    """
    if flavour == "cpu":
        return _open_local(block)
    access = block.sites.get(worker.site)
    if access is None:
        known = ", ".join(sorted(block.sites)) or "none"
        message = (
            f"site '{worker.site}' of host {worker.host} is not one that the campaign knows (it knows {known}); "
            f"correct the slots of the site config, or set {SITE_VARIABLE} outside HTCondor"
        )
        raise WorkerUnfit(message)
    from sonic.client import Client
    from sonic.limits import Limits

    choice = block.network.when_pool_away
    client = Client(
        access.endpoints,
        network=block.network.name,
        version=block.network.version,
        limits=Limits(
            patience_s=math.inf if choice == "wait" else access.patience_s,
            largest_request_bytes=max(1, round(access.largest_request_mb * 1e6)),
        ),
        pacer=pacer,
        wire_format=access.wire_format,
        credentials=find_credentials(access),
    )
    if choice != "cpu":
        return client
    from sonic.fallback import FallbackScorer

    return FallbackScorer(client, partial(_open_local, block))


def _open_local(block: Block) -> Scorer:
    from sonic.local import LocalScorer

    return LocalScorer(Path(block.network.file))
