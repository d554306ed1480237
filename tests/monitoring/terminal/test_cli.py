"""The command `sonicgrid status`, once and with --watch."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from jobs.errors import UsageError
from monitoring.terminal.cli import status

if TYPE_CHECKING:
    from pathlib import Path

    from tests.monitoring.terminal.conftest import Driven


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    """Return an application with the command, where there is no pool."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("SONICGRID_POOL", str(tmp_path / "no-pool"))
    monkeypatch.delenv("CONDOR_CONFIG", raising=False)
    application = typer.Typer()
    application.command("status")(status)
    return application


def test_once_it_is_what_it_was(driven: Driven, app: typer.Typer) -> None:
    """Without --watch it prints states and events once; with --json one document."""
    driven.start(0, 1)
    root = str(driven.campaign.folder.root)
    shown = CliRunner().invoke(app, [root])
    assert shown.exit_code == 0, shown.output
    assert "running" in shown.output
    document = json.loads(CliRunner().invoke(app, [root, "--json"]).stdout)
    assert document["states"] == {"running": 2, "pending": 8}


@pytest.mark.parametrize(("missing", "code"), [((), 0), ((9,), 1)])
def test_watching_what_has_ended(driven: Driven, app: typer.Typer, missing: tuple[int, ...], code: int) -> None:
    """A campaign that has ended is shown once, with the panels of its page and the verdict; its exit code is true."""
    driven.start(*range(10))
    driven.finish(*(set(range(10)) - set(missing)))
    driven.end(*missing)
    watched = CliRunner().invoke(app, [str(driven.campaign.folder.root), "--watch"])
    assert watched.exit_code == code, watched.output
    assert f"{10 - len(missing)} done" in watched.output
    assert "50 events" in watched.output
    assert ("complete but for 1 of 10 jobs" if missing else "complete: 10 jobs") in watched.output


def test_watching_is_for_people(driven: Driven, app: typer.Typer) -> None:
    """--json and --watch together are wrong use."""
    result = CliRunner().invoke(app, [str(driven.campaign.folder.root), "--watch", "--json"])
    assert isinstance(result.exception, UsageError)
