"""`sonicgrid pool` where no pool has to run: tokens, and what is wrong use."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import jwt
import pytest

from jobs.pool.access import keys_folder
from sonic.server.tokens import make_signing_key
from tests.builders.grid import SONICGRID

if TYPE_CHECKING:
    from pathlib import Path


def _pool(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [SONICGRID, "pool", *words, "--folder", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_token_goes_into_a_file_of_its_owner(tmp_path: Path) -> None:
    """With --out nothing is printed that is secret, and the life time is the one that was asked for."""
    make_signing_key(keys_folder(tmp_path))
    out = tmp_path / "token"
    done = _pool(tmp_path, "token", "--out", str(out), "--lifetime", "2 h")

    claims = jwt.decode(out.read_text(), options={"verify_signature": False})
    assert done.returncode == 0
    assert claims["exp"] - claims["iat"] == 7200
    assert out.stat().st_mode & 0o777 == 0o600
    assert out.read_text() not in done.stdout + done.stderr


def test_a_token_is_printed_alone(tmp_path: Path) -> None:
    """So that it can be piped on; with --json it is a document."""
    make_signing_key(keys_folder(tmp_path))

    assert _pool(tmp_path, "token").stdout.count(".") == 2
    assert json.loads(_pool(tmp_path, "token", "--json").stdout)["lifetime_s"] == 86400


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("token",), 1, "start the pool with tokens of its own first"),
        (("token", "--lifetime", "24"), 2, "has no unit"),
        (("up", "--access", "a.yaml", "--open"), 2, "give one of the two"),
        (("up", "--access", "there-is-none.yaml"), 2, "there is no such file"),
    ],
)
def test_what_cannot_be_done_is_told(tmp_path: Path, words: tuple[str, ...], code: int, said: str) -> None:
    """The exit status tells wrong use from failure, and the message what to do."""
    done = _pool(tmp_path, *words)

    assert done.returncode == code
    assert said in done.stderr


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """No token is left in a half-made file beside it."""
    make_signing_key(keys_folder(tmp_path))
    (tmp_path / "out").mkdir()
    done = _pool(tmp_path, "token", "--out", str(tmp_path / "out"))

    assert done.returncode == 2
    assert "cannot write it" in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"keys", "out"}
