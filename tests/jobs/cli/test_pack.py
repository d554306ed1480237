"""`sonicgrid pack` says at once what keeps it from packing; packing itself is tried in tests/integration."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

from tests.builders.grid import SONICGRID

if TYPE_CHECKING:
    from pathlib import Path


def test_a_place_that_takes_no_archive_is_an_error(tmp_path: Path) -> None:
    """The exit status is 1 and the message says where, and what to do; with --json it is a document."""
    (tmp_path / "file").touch()
    out = str(tmp_path / "file" / "x.tar.gz")
    done = subprocess.run([SONICGRID, "pack", "--out", out, "--json"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    said = json.loads(done.stdout)
    assert said["kind"] == "PackError"
    assert said["error"].startswith(f"{out}: the archive cannot be written: ")
    assert "--out" in said["error"]
