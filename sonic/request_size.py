"""How large the next request may be: what client, endpoint and share of the link allow, whichever is least."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sonic.message import Most
from sonic.network import PATCH_BYTES

if TYPE_CHECKING:
    from sonic.endpoints import Endpoint
    from sonic.limits import Limits
    from sonic.message import Format
    from sonic.pace import Pacer

__all__ = ["ENVELOPE_BYTES", "largest_request"]

ENVELOPE_BYTES = 256
"""Upper bound of a request's bytes beside its tensor: names, shapes, length prefixes; 170 with the usual names."""


def largest_request(format_: Format, limits: Limits, pacer: Pacer, endpoint: Endpoint) -> Most:
    """Return how large a request to an endpoint may be, at the share of this moment.

    Args:
        format_: of the message in it.
        limits: of the client.
        pacer: of the client.
        endpoint: as its check and its answers have shown it.

    """
    most_bytes = min(limits.largest_request_bytes, endpoint.most_bytes)
    if format_.name == "views":
        in_part_of_share = pacer.payload_bytes_in(limits.paced_message_s)
        most_bytes = min(most_bytes, max(limits.least_message_bytes, in_part_of_share))
        return Most(min(endpoint.most_patches, limits.message_patches), most_bytes)
    most_bytes = min(most_bytes, pacer.payload_bytes_in(limits.paced_request_s))
    patches = max(1, int(min(endpoint.most_patches, limits.batch_patches, most_bytes // PATCH_BYTES)))
    # Whole requests are to fill a second of the share; messages of views have no size that could be chosen so.
    return Most(pacer.units_in_request(PATCH_BYTES, ENVELOPE_BYTES, patches), most_bytes)
