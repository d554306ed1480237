"""Runs the command with the pages of the tests, as a program of its own."""

from __future__ import annotations

import sys
import types

import typer

from jobs.cli.output import print_error
from jobs.errors import JobsError
from monitoring.serve.cli import dashboard
from tests.builders.dashboard_pages import PAGES

stand_in = types.ModuleType("monitoring.serve.installed_pages")
stand_in.PAGES = PAGES  # type: ignore[attr-defined]
sys.modules[stand_in.__name__] = stand_in
try:
    typer.run(dashboard)
except JobsError as error:
    print_error(str(error))
    sys.exit(error.exit_code)
