"""How much a client may ask at once, and how long it may wait: the numbers that a site or a test turns."""

from __future__ import annotations

from dataclasses import dataclass, fields

__all__ = ["Limits"]


@dataclass(frozen=True)
class Limits:
    """Bounds of one client.

    Attributes:
        batch_patches: Patches in a request; the server's max_batch_size may make it less. 256 is larrecodnn's.
        largest_request_bytes: Bytes of patches in a request; one patch goes however large it is.
        paced_request_s: Seconds' worth of a pacer's share in a request. A second can stay unfilled by up to one
            request, so 0.03 leaves at most 3 % of the share unused. At 34 Mb/s that is 13 patches, and from 800 Mb/s
            on the usual 256; Triton joins small requests again (dynamic batching).
        window_requests: Requests in flight at once. Four of 2.4 MB keep a link of up to 5 Gb/s at 12 ms full.
        paced_window_requests: The same where a pacer keeps requests small: 32 of 0.03 s are a second's worth, so a
            pool that answers within a second leaves nothing of the share unused.
        window_bytes: Bytes in flight at once; one request goes out however large it is.
        check_timeout_s: Seconds that an endpoint gets to say that it is ready and what it serves.
        request_timeout_s: Seconds that one request gets, its upload included.
        backoff_first_s: Upper end of the first wait after a failure; each further one doubles it (full jitter).
        backoff_max_s: Upper end of every later wait.
        patience_s: Seconds without a single answer after which the pool counts as away.
        bad_answers_allowed: Unusable answers to one request before that is the result.

    Raises:
        ValueError: a bound is not positive.

    """

    batch_patches: int = 256
    largest_request_bytes: int = 4_000_000
    paced_request_s: float = 0.03
    window_requests: int = 4
    paced_window_requests: int = 32
    window_bytes: int = 16_000_000
    check_timeout_s: float = 5.0
    request_timeout_s: float = 60.0
    backoff_first_s: float = 0.5
    backoff_max_s: float = 30.0
    patience_s: float = 300.0
    bad_answers_allowed: int = 2

    def __post_init__(self) -> None:
        """Refuse bounds that would never send anything."""
        for field in fields(self):
            if not getattr(self, field.name) > 0:
                message = f"{field.name} must be positive, not {getattr(self, field.name)}"
                raise ValueError(message)
