"""The inference benchmark with the real Triton and Envoy: it measures, agrees with itself and leaves nothing behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]


def test_whole_benchmark_runs(server_runtime: Path, tmp_path: Path) -> None:
    """With tiny numbers every case is measured, scores agree, and everything is written; how fast is left open."""
    out = tmp_path / "results" / "inference.json"
    command = [sys.executable, str(ROOT / "benchmarks" / "inference.py"), "--out", str(out), "--seconds=1"]
    small = ["--rounds=1", "--warm-up=0.1", "--servers=1", "--jobs=1", "--events=1", "--apas=1", "--density=0.02"]
    environment = {
        **os.environ,
        "SONICGRID_RUNTIME": str(server_runtime),
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(tmp_path),
    }
    done = subprocess.run([*command, *small], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1)
    assert done.stderr == ""
    document = json.loads(out.read_text())
    assert document["same_scores"] is True
    assert len(document["cases"]) == 1 + 2 * 3
    assert (done.returncode == 0) == (document["failures"] == [])
    assert out.with_suffix(".png").is_file()
    views = next(case for case in document["cases"] if case["case"] == {"way": "views", "route": "envoy", "jobs": 1})
    assert 0 < views["slices"][0]["bytes_per_event"] < views["slices"][0]["envoy_bytes_per_event"] < 1e6
    assert [path.name for path in tmp_path.iterdir()] == ["results"]
    left = [process for process in psutil.process_iter(["environ"]) if _is_of(process, tmp_path)]
    assert left == []


def _is_of(process: psutil.Process, folder: Path) -> bool:
    mark: str = (process.info["environ"] or {}).get("SONICGRID_SERVERS", "")
    return mark.startswith(f"{folder}/")
