"""Opens what computes the scores: the inference pool, or the network in this process; only one of them is imported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

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
        WorkerUnfit: the flavour is gpu, and the block does not say how its site reaches the inference pool.
        ModelUnusable: the flavour is cpu, and the model file cannot be used.
        ImportError: the flavour's library is not installed here.

    """
    if flavour == "cpu":
        from sonic.local import LocalScorer

        return LocalScorer(Path(block.network.file))
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

    return Client(
        access.endpoints,
        network=block.network.name,
        version=block.network.version,
        limits=Limits(
            patience_s=access.patience_s, largest_request_bytes=max(1, round(access.largest_request_mb * 1e6))
        ),
        pacer=pacer,
    )
