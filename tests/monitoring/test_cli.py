"""The command `sonicgrid report`."""

from __future__ import annotations

import json
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from jobs.errors import UsageError

if TYPE_CHECKING:
    from tests.builders.campaign import CampaignBuilder


@pytest.fixture
def app() -> typer.Typer:
    """Return an application with the command as the command line finds it, by its entry point."""
    (entry,) = entry_points(group="sonicgrid.commands", name="report")
    application = typer.Typer()
    application.command("report")(entry.load())
    return application


def test_a_results_folder_gets_its_report(campaign: CampaignBuilder, app: typer.Typer) -> None:
    """The command writes the page, prints the headline and where the page is."""
    campaign.plan(2)
    campaign.attempt(0)
    result = CliRunner().invoke(app, [str(campaign.folder.root)])
    assert result.exit_code == 0, result.output
    assert "1 of 2 jobs are done" in " ".join(result.output.split())
    assert str(campaign.folder.report) in result.output
    assert campaign.folder.report.is_file()


def test_json_is_one_document(campaign: CampaignBuilder, app: typer.Typer) -> None:
    """With --json standard output is the content of report.json and nothing else."""
    campaign.plan(2)
    campaign.attempt(0)
    result = CliRunner().invoke(app, [str(campaign.folder.root), "--json"])
    assert json.loads(result.stdout) == json.loads(campaign.folder.report_numbers.read_text())


def test_an_unknown_campaign_is_wrong_use(app: typer.Typer) -> None:
    """A path that does not exist is an error of use, which the command line turns into exit 2."""
    result = CliRunner().invoke(app, ["nowhere.yaml"])
    assert isinstance(result.exception, UsageError)
    assert "nowhere.yaml" in str(result.exception)
