"""Scores from the pool while it answers, and from this process while it does not: a job that need not stop.

The network of the cpu flavour is opened only when it is needed first, because that loads ONNX Runtime.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

from sonic.errors import EndpointAway
from sonic.scores import Scorer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Self

    from sonic.scores import Scores, Traffic
    from sonic.view import View

__all__ = ["FallbackScorer", "PoolScorer"]


class PoolScorer(Scorer, Protocol):
    """A scorer that can tell whether it is worth asking; `sonic.client.Client` is one."""

    def reachable(self) -> bool:
        """Return whether any endpoint serves our network now, after one check of each and no wait."""
        ...


class FallbackScorer:
    """Asks a pool, and computes here what the pool does not answer; satisfies `sonic.scores.Scorer`.

    Once the pool was away it is asked before each further event whether it is back, without patience. A pool that says
    so and then fails the event costs its patience again, so after each time that happens in a row twice as many events
    are computed here before it is asked.

    Args:
        pool: asked first; closed with this scorer.
        open_local: opens what computes here, called at most once.

    Attributes:
        hits_on_cpu: hits that were, or are being, scored here; any thread may read it.

    """

    def __init__(self, pool: PoolScorer, open_local: Callable[[], Scorer]) -> None:
        self._pool = pool
        self._open_local = open_local
        self._local: Scorer | None = None
        self._stack = ExitStack()
        self._away = False
        self._failed_returns = 0
        self._events_to_skip = 0
        self.hits_on_cpu = 0

    @property
    def endpoint(self) -> str:
        """The endpoint that answered last; empty before the first answer."""
        return self._pool.endpoint

    def traffic(self) -> Traffic:
        """Return what was sent to the pool and received from it; any thread may ask."""
        return self._pool.traffic()

    def score(self, views: Sequence[View]) -> list[Scores]:
        """Return the scores of every view, in the views' order, all from the pool or all from here.

        Raises:
            RequestRefused: the pool refused the request, which computing here would only hide.
            BadAnswer: it was answered with something unusable, again and again.
            ModelUnusable: the pool is away, and the network cannot be run here.

        """
        if not self._away or self._is_back():
            try:
                scores = self._pool.score(views)
            except EndpointAway:
                if self._away:
                    self._failed_returns += 1
                    self._events_to_skip = 2**self._failed_returns - 1
                self._away = True
            else:
                self._away, self._failed_returns = False, 0
                return scores
        self.hits_on_cpu += sum(view.n_hits for view in views)
        return self._here().score(views)

    def _is_back(self) -> bool:
        if self._events_to_skip:
            self._events_to_skip -= 1
            return False
        return self._pool.reachable()

    def _here(self) -> Scorer:
        if self._local is None:
            self._local = self._stack.enter_context(self._open_local())
        return self._local

    def __enter__(self) -> Self:
        self._stack.enter_context(self._pool)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the pool's connections, and the network if it was opened."""
        self._stack.__exit__(kind, error, trace)
