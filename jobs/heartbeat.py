"""What a running job says about its last minute, as one line in HTCondor's event log.

The payload writes it (chirp `ulog`, event 008), the throttle and monitoring read it.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jobs.errors import CampaignError
from jobs.whole import Whole
from sonic.scores import LATENCY_COUNTS
from sonic.wire_format import WireFormat

__all__ = ["Heartbeat", "decode"]

_MARK = "sonicgrid {"
"""How a heartbeat begins; the notes of a submit event begin with the same word and go on otherwise."""

_DECIMALS = 3


class Heartbeat(BaseModel):
    """One stretch of one attempt; numbers without `total` are of the stretch alone."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    version: Literal[1] = Field(1, description="Version of this format")
    job: Whole = Field(description="Number of the job in the campaign's manifest")
    attempt: Whole = Field(description="0 for the first start, one more for each later one")
    site: str = Field(description="Site of the slot; empty if the slot says none")
    flavour: Literal["gpu", "cpu"] = Field(description="Where the network runs")
    window_s: float = Field(ge=0, description="Seconds that it covers, up to the moment of sending")
    events: Whole = Field(ge=0, description="Events finished")
    hits: Whole = Field(ge=0, description="Hits of the events finished")
    bytes_sent: Whole = Field(ge=0, description="Bytes of requests handed to gRPC, repeats included")
    requests: Whole = Field(ge=0, description="Requests answered")
    retries: Whole = Field(ge=0, description="Requests sent again")
    paced_s: float = Field(ge=0, description="Seconds for which the share held a request that could have gone")
    latency_s: float = Field(ge=0, description="Seconds from sending to the answer, summed over the requests")
    latency_counts: tuple[Whole, ...] = Field((), description=LATENCY_COUNTS)
    prepare_s: float = Field(ge=0, description="Seconds of reading and preparing the events that were made ready")
    inference_s: float = Field(ge=0, description="Seconds in which an event was being scored")
    write_s: float = Field(ge=0, description="Seconds of writing scores")
    share_mbps: float | None = Field(description="The share at this moment, Mb/s on the wire; null if not paced")
    total_events: Whole = Field(ge=0, description="Events finished since the start of the attempt")
    total_bytes_sent: Whole = Field(ge=0, description="Bytes handed to gRPC since the start of the attempt")
    prepared_hits: Whole = Field(0, ge=0, description="Hits of the events that were prepared for scoring")
    hits_on_cpu: Whole = Field(
        0, ge=0, description="Hits that a job of the gpu flavour scored in the job, because no endpoint answered"
    )
    wire_format: WireFormat = Field("patches", description="How hits travel to the inference pool")
    last: bool = Field(False, description="Whether the attempt is ending")

    def encode(self) -> str:
        """Return the line, well below the 1 kB that every version of HTCondor keeps of one."""
        rounded = {
            name: round(value, _DECIMALS) for name, value in self if isinstance(value, float) and name != "share_mbps"
        }
        return f"sonicgrid {self.model_copy(update=rounded).model_dump_json()}"


def decode(text: str) -> Heartbeat | None:
    """Return the heartbeat that a line of an event log holds; None if the line is not ours.

    Raises:
        CampaignError: the line is ours, and damaged or of a version that this program does not know.

    """
    line = text.strip()
    if not line.startswith(_MARK):
        return None
    try:
        return Heartbeat.model_validate_json(line.partition(" ")[2])
    except ValidationError as error:
        message = f"not a readable heartbeat in an event log: {line[:200]!r}: {error}"
        raise CampaignError(message) from error
