"""The workflow builds its DAG for every campaign that is shipped, and its rules call modules that are there."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from jobs.layout import CHECKOUT
from jobs.running.driver import PROFILE, SNAKEFILE

if TYPE_CHECKING:
    from pathlib import Path

RULES = sorted((CHECKOUT / "workflow" / "rules").glob("*.smk"))


def snakemake(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Snakemake on the project's Snakefile."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(SNAKEFILE), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_dry_run(tmp_path: Path) -> None:
    """A campaign that has not begun would be planned, validated, merged, reported and judged, in this order."""
    spec = {"name": "dry", "inputs": "*.root", "sites": "local"}
    (tmp_path / "dry.yaml").write_text(yaml.safe_dump(spec))
    config = ("--config", f"campaign={tmp_path / 'dry.yaml'}")
    run = snakemake("--workflow-profile", str(PROFILE), "--directory", str(tmp_path), "--dry-run", *config)
    assert run.returncode == 0, run.stderr
    planned = re.findall(r"^(?:local)?(?:rule|checkpoint) (\w+):", run.stdout + run.stderr, re.MULTILINE)
    assert planned == ["plan", "validate", "merge", "report", "complete", "all"]
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("rules", RULES, ids=lambda path: path.stem)
def test_rules_call_modules_that_exist(rules: Path) -> None:
    """Every `python -m` of a rule names a module of ours."""
    modules = re.findall(r"python -m ([\w.]+)", rules.read_text())
    assert modules
    assert all(importlib.util.find_spec(module) for module in modules)


def test_spec_with_a_mistake_stops_before_anything_is_made(tmp_path: Path) -> None:
    """A spec that does not check ends Snakemake with the problem in its output."""
    (tmp_path / "typo.yaml").write_text("name: typo\ninputs: '*.root'\nsites: local\nflavor: cpu\n")
    run = snakemake("--directory", str(tmp_path), "--dry-run", "--config", f"campaign={tmp_path / 'typo.yaml'}")
    assert run.returncode != 0
    assert "did you mean 'flavour'" in run.stdout + run.stderr
