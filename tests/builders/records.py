"""Records of attempts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobs.exits import ExitClass
from jobs.record import Record, StageSeconds, pack_record

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["RecordWriter"]


class RecordWriter:
    """Writes records into a folder; every field can be given, and has a plain value where it is not."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def write(
        self,
        job: int,
        attempt: int = 0,
        exit_class: ExitClass = ExitClass.DONE,
        **fields: Any,  # noqa: ANN401 - fields of a record
    ) -> Record:
        """Write the record of one attempt of one job."""
        values: dict[str, Any] = {
            "campaign": "test",
            "manifest_digest": "digest",
            "block": 0,
            "job": job,
            "attempt": attempt,
            "cluster": 1,
            "proc": job,
            "flavour": "gpu",
            "site": "local",
            "host": "worker",
            "cpu_model": "a CPU",
            "endpoint": "127.0.0.1:8001",
            "model": "cnn_emtrkmichel_1",
            "model_version": "1",
            "software_version": "0",
            "input_file": "/data/a.root",
            "input_uuid": "uuid",
            "entry_start": job,
            "entry_stop": job + 1,
            "exit_class": exit_class,
            "started": 1000.0 + attempt,
            "ended": 1010.0 + attempt,
            "stages": StageSeconds(),
            "cpu_s": 1.0,
            "max_rss_mb": 100.0,
        }
        record = Record(**(values | fields))
        path = self.folder / f"{job:07d}.{record.cluster}.{attempt}.json"
        path.write_bytes(pack_record(record))
        return record
