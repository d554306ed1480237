"""What an archive says about itself: `manifest.json` at its top, which `sonicgrid pack --json` prints too."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["MANIFEST", "RUN", "Contents"]

MANIFEST = "manifest.json"
"""Name of the manifest in the archive."""

RUN = "run"
"""Name of the program in the archive that starts its interpreter."""


class Contents(BaseModel):
    """What is in an archive, and what a worker must have to run it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = Field(1, description="Version of this format")
    software_version: str = Field(description="Version of SonicGrid")
    python: str = Field(description="Version of the packed interpreter")
    machine: str = Field(description="Processor that it runs on, as `uname -m` says")
    oldest_glibc: str = Field(description="Oldest GNU C library that a worker may have")
    packages: dict[str, str] = Field(description="Version of each Python package")
    libraries: tuple[str, ...] = Field(description="Shared libraries that came from the system that packed")
    files: int = Field(description="Number of files")
    unpacked_bytes: int = Field(description="Size of all files")
