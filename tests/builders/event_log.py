"""HTCondor's event log, line for line."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["EventLog"]

_USAGE = [f"\t\tUsr 0 00:00:00, Sys 0 00:00:00  -  {which} Usage" for which in ("Run Remote", "Run Local")]
_TOTAL_USAGE = [f"\t\tUsr 0 00:00:00, Sys 0 00:00:00  -  {which} Usage" for which in ("Total Remote", "Total Local")]
_BYTES = [f"\t0  -  {which} By Job" for which in ("Run Bytes Sent", "Run Bytes Received")]
_TOTAL_BYTES = [f"\t0  -  {which} By Job" for which in ("Total Bytes Sent", "Total Bytes Received")]


class EventLog:
    """Writes events as HTCondor's shadow and schedd do, one call each.

    Args:
        path: of the log.
        at: when everything happens, seconds since the epoch; a test may change it.

    """

    def __init__(self, path: Path, at: float = 1_795_437_693.0) -> None:
        self.path = path
        self.at = at
        path.parent.mkdir(parents=True, exist_ok=True)

    def _event(self, number: int, cluster: int, proc: int, *lines: str) -> None:
        job = f"{cluster:03d}.-01.000" if proc < 0 else f"{cluster:03d}.{proc:03d}.000"
        with self.path.open("a") as log:
            log.write(
                f"{number:03d} ({job}) {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(self.at))} "
                + "\n".join(lines)
                + "\n...\n"
            )

    def cluster_submitted(self, cluster: int) -> None:
        """A cluster with late materialization was handed in."""
        self._event(35, cluster, -1, "Cluster submitted from host: <127.0.0.1:9618?addrs=127.0.0.1-9618>")

    def submitted(self, cluster: int, proc: int, job: int) -> None:
        """A job was materialized, with our note."""
        where = "Job submitted from host: <127.0.0.1:9618?addrs=127.0.0.1-9618>"
        self._event(0, cluster, proc, where, f"    sonicgrid job {job}")

    def executing(self, cluster: int, proc: int, machine: str = "worker") -> None:
        """A job began to run."""
        self._event(1, cluster, proc, "Job executing on host: <10.0.0.7:9618>", f"\tSlotName: slot1@{machine}")

    def evicted(self, cluster: int, proc: int) -> None:
        """A job was sent back to the queue."""
        self._event(4, cluster, proc, "Job was evicted.", "\t(0) CPU times", *_USAGE, *_BYTES)

    def requeued(self, cluster: int, proc: int, code: int) -> None:
        """An attempt ended by itself, and HTCondor tries the job again at once."""
        end = f"\t(1) Normal termination (return value {code})"
        why = "\tThe job attribute OnExitRemove expression evaluated to FALSE"
        self._event(
            4, cluster, proc, "Job was evicted.", "\t(0) Job terminated and was requeued", *_USAGE, *_BYTES, end, why
        )

    def held(self, cluster: int, proc: int, reason: str) -> None:
        """A job was put on hold."""
        self._event(12, cluster, proc, "Job was held.", f"\t{reason}", "\tCode 26 Subcode 0")

    def released(self, cluster: int, proc: int) -> None:
        """A held job was released."""
        self._event(13, cluster, proc, "Job was released.", "\tperiodic_release")

    def told(self, cluster: int, proc: int, text: str) -> None:
        """A job wrote a line of its own."""
        self._event(8, cluster, proc, text)

    def aborted(self, cluster: int, proc: int, reason: str) -> None:
        """A job was removed."""
        self._event(9, cluster, proc, "Job was aborted.", f"\t{reason}")

    def terminated(self, cluster: int, proc: int, code: int) -> None:
        """A job ended by itself."""
        end = f"\t(1) Normal termination (return value {code})"
        self._event(5, cluster, proc, "Job terminated.", end, *_USAGE, *_TOTAL_USAGE, *_BYTES, *_TOTAL_BYTES)

    def killed(self, cluster: int, proc: int, signal: int) -> None:
        """A job was ended by a signal."""
        end = (f"\t(0) Abnormal termination (signal {signal})", "\t(0) No core file")
        self._event(5, cluster, proc, "Job terminated.", *end, *_USAGE, *_TOTAL_USAGE, *_BYTES, *_TOTAL_BYTES)

    def cluster_removed(self, cluster: int, *, jobs: int, complete: bool = True) -> None:
        """A cluster left the queue, with all its jobs materialized or not."""
        how = "Complete" if complete else "Incomplete"
        self._event(36, cluster, -1, "Cluster removed", f"\tMaterialized {jobs} jobs from {jobs} items.\t{how}")
