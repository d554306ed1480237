"""The workflow builds its DAG for every campaign that is shipped, and its rules call modules that are there."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest
import yaml

from jobs.layout import CHECKOUT
from jobs.running.driver import PROFILE, SNAKEFILE

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


@pytest.mark.parametrize("rules", RULES, ids=lambda path: path.stem)
def test_a_rule_does_not_fail_for_its_log(rules: Path, tmp_path: Path) -> None:
    """What a rule says is in its log and goes on to Snakemake; a full disk costs lines, a failure stays one."""
    ends = re.findall(r"2>&1 (\|.*)\"\n", rules.read_text())
    assert len(ends) == rules.read_text().count("    log:\n")

    def run(command: str, end: str, log: str, stdout: int | IO[str]) -> subprocess.CompletedProcess[str]:
        line = f"{command} 2>&1 {end.format(log=Quoted(log))}"
        bash = ["bash", "-euo", "pipefail", "-c", line]
        return subprocess.run(bash, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)

    for end in ends:
        log = tmp_path / "it's a log"
        said = run("echo said", end, str(log), subprocess.PIPE)
        assert (said.returncode, said.stdout, log.read_text()) == (0, "said\n", "said\n")
        with Path("/dev/full").open("w") as full:
            assert run("for n in 1 2 3; do echo $n; sleep 0.1; done", end, "/dev/full", full).returncode == 0
        assert run("exit 3", end, "/dev/full", subprocess.PIPE).returncode == 3


class Quoted(str):
    """Text that knows Snakemake's `:q`."""

    def __format__(self, how: str) -> str:
        assert how == "q"
        return shlex.quote(self)
