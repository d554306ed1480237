"""No value reaches a shell of the workflow as code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

RULES = sorted((Path(__file__).resolve().parent.parent / "workflow" / "rules").glob("*.smk"))
PLAIN = {"wildcards.block"}
"""What needs no quotes: five digits, by the workflow's own constraint."""


@pytest.mark.parametrize("file", RULES, ids=lambda file: file.name)
def test_every_value_in_a_shell_command_is_quoted(file: Path) -> None:
    """Each `{...}` of a command line has Snakemake's `:q`, which quotes whatever is in it."""
    commands = re.findall(r"shell:\n((?: {8}.*\n)+)", file.read_text(encoding="utf-8"))
    assert len(commands) == file.read_text(encoding="utf-8").count("shell:")
    for command in commands:
        values = re.findall(r"\{([^{}]+)\}", command)
        assert values
        assert [value for value in values if not value.endswith(":q") and value not in PLAIN] == []
