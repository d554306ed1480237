"""How much a client may ask at once, and how long it may wait: the numbers that a site or a test turns."""

from __future__ import annotations

from dataclasses import dataclass, fields

__all__ = ["Limits"]


@dataclass(frozen=True)
class Limits:
    """Bounds of one client.

    Attributes:
        batch_patches: Patches in a request of the `patches` format; the server's max_batch_size may make it less. 256
            is larrecodnn's.
        message_patches: Patches that a message of the `views` format asks for; what the server says may make it less.
            4,096 keep a core of a CPU server busy for 2 s with the paper's network, and a GPU for a twentieth of that.
        largest_request_bytes: Bytes of patches or of a message in a request; one patch goes however large it is.
        paced_request_s: Most seconds' worth of a pacer's share in a request; it holds between half of it and all,
            so that whole requests fill a second. At 34 Mb/s that is up to 54 patches, and from 160 Mb/s on the usual
            256. Smaller ones would cost client and servers more: their work is by the request as much as by the patch.
        paced_message_s: The same for a message of the `views` format, whose strips repeat more of each other the
            smaller they are: but no message is made smaller than `least_message_bytes` for it.
        least_message_bytes: see `paced_message_s`.
        window_requests: Requests in flight at once, for a paced client only at the start. Four of 2.4 MB keep a link of
            up to 5 Gb/s at 12 ms full.
        paced_window_requests: The same where a pacer keeps requests small: 16 are one to two seconds' worth, so a pool
            that answers within that leaves nothing of the share unused. More would only wait in the servers' queues,
            which are bounded in requests.
        window_bytes: Bytes in flight at once; one request goes out however large it is.
        queue_target_s: Seconds that requests may wait in the servers' queues; where they wait longer, fewer are sent at
            once.
        check_timeout_s: Seconds that an endpoint gets to say that it is ready and what it serves.
        request_timeout_s: Seconds that one request gets, its upload included.
        backoff_first_s: Upper end of the first wait after a failure; each further one doubles it (full jitter).
        backoff_max_s: Upper end of every later wait.
        patience_s: Seconds without a single answer after which the pool counts as away; infinite to wait for ever.
        bad_answers_allowed: Unusable answers to one request before that is the result.

    Raises:
        ValueError: a bound is not positive.

    """

    batch_patches: int = 256
    message_patches: int = 4096
    largest_request_bytes: int = 4_000_000
    paced_request_s: float = 0.125
    paced_message_s: float = 0.25
    least_message_bytes: int = 16_384
    window_requests: int = 4
    paced_window_requests: int = 16
    window_bytes: int = 16_000_000
    queue_target_s: float = 2.0
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
