"""The command line: one module per family of commands, put together in `jobs.cli.app`."""

from __future__ import annotations
