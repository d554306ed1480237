"""A file system of a few megabytes for a campaign's results, which can be filled to its last byte and emptied again.

It is a tmpfs, for which one must be root. Without that the results lie on the machine's own disk, which nobody may
fill: then the fault is left out, and the table says so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["SmallDisk"]

_FILLER = ".filler"


class SmallDisk:
    """Mounted while it is held.

    Args:
        place: folder that it is mounted on; made if it is missing.
        megabytes: its size.

    Attributes:
        is_small: whether it could be mounted.

    """

    def __init__(self, place: Path, megabytes: int) -> None:
        self._place = place
        place.mkdir(parents=True, exist_ok=True)
        self.is_small = self._mount(megabytes)

    def _mount(self, megabytes: int) -> bool:
        mount = shutil.which("mount")
        if mount is None or os.geteuid() != 0:
            return False
        command = [mount, "-t", "tmpfs", "-o", f"size={megabytes}m", "sonicgrid-chaos", str(self._place)]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def fill(self) -> int:
        """Take every free byte; returns how many that were."""
        taken = 0
        block = b"\0" * (1 << 20)
        handle = os.open(self._place / _FILLER, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            for size in (len(block), 4096, 1):
                try:
                    while True:
                        taken += os.write(handle, block[:size])
                except OSError:
                    continue
        finally:
            os.close(handle)
        return taken

    def free(self) -> None:
        """Give everything back."""
        (self._place / _FILLER).unlink(missing_ok=True)

    def unmount(self) -> None:
        """Throw it away with all that it holds."""
        if self.is_small:
            subprocess.run(["umount", "--lazy", str(self._place)], capture_output=True, check=False)  # noqa: S607 - the system's
