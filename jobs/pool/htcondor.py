"""Which HTCondor an embedded pool runs: one that is on PATH, else the one that `jobs.pool.install` unpacked."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

__all__ = ["HTCondor", "embedded_htcondor", "find_htcondor", "htcondor_on_path"]

SYSTEM_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/usr/bin")
"""Searched after PATH: an ordinary user's PATH on Debian lacks the first two."""


@dataclass(frozen=True)
class HTCondor:
    """The programs of one HTCondor installation."""

    release: Path
    """What HTCondor calls RELEASE_DIR."""
    bin: Path
    """Holds condor_submit and the other commands of users."""
    sbin: Path
    """Holds condor_master and the other daemons."""
    libexec: Path
    """Holds condor_chirp and condor_shared_port."""
    version: str
    """For example ``23.9.6``."""


def htcondor_on_path() -> HTCondor | None:
    """Return the HTCondor that the site or a conda environment put on PATH, or None."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *SYSTEM_FOLDERS])
    master, user_tool = (shutil.which(name, path=path) for name in ("condor_master", "condor_config_val"))
    if master is None or user_tool is None:
        return None
    return _describe(Path(user_tool).parent, Path(master).parent)


def embedded_htcondor(prefix: Path) -> HTCondor | None:
    """Return the HTCondor that was unpacked under a prefix, or None where there is none that runs."""
    if not (prefix / "usr/sbin/condor_master").is_file():
        return None
    return _describe(prefix / "usr/bin", prefix / "usr/sbin")


def find_htcondor(prefix: Path) -> HTCondor | None:
    """Return the HTCondor to use: the one on PATH, else the one unpacked under the prefix, else None."""
    return htcondor_on_path() or embedded_htcondor(prefix)


def _describe(bin_folder: Path, sbin_folder: Path) -> HTCondor | None:
    release = bin_folder.parent
    places = [release / "libexec/condor", release / "libexec", release / "lib/condor/libexec"]
    libexec = next((place for place in places if (place / "condor_shared_port").is_file()), None)
    version = _version(bin_folder / "condor_version")
    if libexec is None or version is None:
        return None
    return HTCondor(release=release, bin=bin_folder, sbin=sbin_folder, libexec=libexec, version=version)


def _version(program: Path) -> str | None:
    try:
        done = subprocess.run([str(program)], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"\$CondorVersion: (\S+)", done.stdout)
    return match.group(1) if match else None
