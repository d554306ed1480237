"""Bring a whole embedded pool down; its queue and its ports are there again with the next ``pool up``."""

from __future__ import annotations

from pathlib import Path

from jobs.pool.folders import only_one, pool_folder
from jobs.pool.stop import stop_pool
from jobs.pool.up import UP_LOCK, servers_folder
from sonic.server.pool import stop_servers

__all__ = ["pool_down"]


def pool_down(folder: Path | None = None) -> bool:
    """Stop HTCondor, Triton and Envoy, and return whether any of HTCondor's processes ran.

    Jobs are stopped first, so that none of them sees its servers go. A pool that is down is no error.

    Args:
        folder: the pool's folder; None is the default one.

    Raises:
        SetupError: the folder cannot be written.
    """
    place = pool_folder(folder)
    if not place.is_dir():
        return False
    with only_one(place / UP_LOCK):
        stopped = stop_pool(place)
        if servers_folder(place).is_dir():
            stop_servers(servers_folder(place))
    return stopped > 0
