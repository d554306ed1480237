"""Where the embedded pool's load balancer listens: what the word `embedded` in a site config stands for."""

from __future__ import annotations

from jobs.errors import PoolError
from jobs.pool.state import find_pool

__all__ = ["embedded_endpoint"]


def embedded_endpoint() -> str:
    """Return host:port of the embedded pool's load balancer.

    Raises:
        PoolError: there is no embedded pool, or it was started without inference servers.

    """
    pool = find_pool()
    if pool is None or not pool.endpoints:
        message = "a site's endpoint is the embedded pool's, which has none; start it with `sonicgrid pool up`"
        raise PoolError(message)
    return pool.endpoints[0]
