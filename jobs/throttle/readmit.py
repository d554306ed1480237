"""The way back that people open: a host or a site that was set aside gets jobs again, because they say so."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from jobs.errors import CampaignError
from jobs.running.asked import who_asks

if TYPE_CHECKING:
    from jobs.layout import CampaignFolder

__all__ = ["Readmissions", "ask_to_readmit"]


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    at: float
    who: str
    name: str


def ask_to_readmit(folder: CampaignFolder, name: str) -> None:
    """Write down that jobs of a campaign may go to a host or a site again; its throttle acts on it.

    Raises:
        CampaignError: it cannot be written.

    """
    line = _Line(at=time.time(), who=who_asks(), name=name).model_dump_json().encode()
    try:
        with folder.readmitted.open("ab") as file:
            # On a line of its own, whatever a crash left there.
            file.write((b"\n" if file.tell() else b"") + line + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        message = f"{folder.readmitted}: cannot be written: {error.strerror or error}; nothing was asked for"
        raise CampaignError(message) from error


class Readmissions:
    """Knows what people asked for, and says it once."""

    def __init__(self, folder: CampaignFolder) -> None:
        self._path = folder.readmitted
        self._size = 0

    def new(self) -> list[tuple[str, float]]:
        """Return name and time of what was asked since the last call; what cannot be read is passed over."""
        try:
            size = self._path.stat().st_size
            if size == self._size:
                return []
            with self._path.open("rb") as file:
                file.seek(self._size if size > self._size else 0)
                content = file.read()
        except FileNotFoundError:
            return []
        except OSError as error:
            message = f"{self._path}: cannot be read: {error.strerror or error}"
            raise CampaignError(message) from error
        whole = content.rfind(b"\n") + 1
        self._size = (self._size if size > self._size else 0) + whole
        found = []
        for text in filter(None, content[:whole].split(b"\n")):
            try:
                line = _Line.model_validate_json(text)
            except ValidationError:
                continue
            found.append((line.name, line.at))
        return found
