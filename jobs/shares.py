"""What each running job may send now: one small file of the campaign, which jobs read through HTCondor.

The job ad cannot carry it. HTCondor tells a running job of a change to its ad at once, but of the next ones only up to
36 s later (23.9), and links must not wait that long. A file on the submit machine is read through the job's own shadow
(chirp), wherever the job runs and whatever it shares: what it says is seen by every job at its next look.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from jobs.errors import CampaignError
from jobs.seal import seal_json, unseal_json

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LONGEST_SHARES", "Shares", "read_shares", "shares_text"]

LONGEST_SHARES = 65_536
"""Bytes of a file with more sites than any campaign has."""


class Shares(BaseModel):
    """The file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = Field(1, description="Version of this format")
    mbps: dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]] = Field(
        description="By site, Mb/s on the wire that one job may send"
    )


def shares_text(mbps: Mapping[str, float]) -> bytes:
    """Return the file's content."""
    return seal_json(Shares(mbps={site: round(share, 4) for site, share in mbps.items()}).model_dump_json().encode())


def read_shares(text: bytes) -> Mapping[str, float]:
    """Return the shares by site.

    Raises:
        CampaignError: the text is not a file of shares of a version that this program knows.

    """
    try:
        return Shares.model_validate_json(unseal_json(text)).mbps
    except ValueError as error:
        message = f"not a readable file of shares: {text[:100]!r}: {error}"
        raise CampaignError(message) from error
