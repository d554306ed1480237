"""How many patches the servers have scored, by Triton's own count: work done, whoever asked for it."""

from __future__ import annotations

import http.client
import re
from typing import TYPE_CHECKING

from measure.errors import BenchmarkFailed

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["patches_scored", "scored_on_page"]

_SCORED = re.compile(r"^nv_inference_count\{[^}]*\} (\S+)$", re.MULTILINE)


def patches_scored(metrics_endpoints: Iterable[str]) -> float:
    """Return what all servers have scored since their start.

    Raises:
        BenchmarkFailed: one of them does not tell.

    """
    return sum(scored_on_page(_page(endpoint)) for endpoint in metrics_endpoints)


def scored_on_page(metrics: str) -> float:
    """Return what one server has scored since its start, from the text of its metrics page.

    Raises:
        BenchmarkFailed: the page does not say.

    """
    counts = _SCORED.findall(metrics)
    if not counts:
        raise BenchmarkFailed("the servers do not tell how many patches they have scored")
    return sum(float(count) for count in counts)


def _page(endpoint: str) -> str:
    connection = http.client.HTTPConnection(endpoint, timeout=5)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()
    except (OSError, http.client.HTTPException) as error:
        raise BenchmarkFailed(f"the metrics page of a server at {endpoint} does not answer: {error}") from error
    finally:
        connection.close()
