"""A campaign under guard, from end to end: TLS, tokens, outputs on a real XRootD server, names that nobody chooses.

One run for three promises: outputs that are staged out are validated and merged from there, secrets are in no file, ad,
log, page or command line but their own, and no name is ever read as code.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme
import yaml

from jobs.pool.access import keys_folder
from jobs.pool.client import client_command, client_environment
from jobs.pool.config import PoolFiles
from jobs.pool.down import pool_down
from jobs.pool.up import pool_up
from jobs.reco.generate import GeneratorParameters, generate_file
from sonic.server.tokens import sign_token, write_private
from tests.builders.certificates import issue, write_ca
from tests.builders.grid import SONICGRID, Grid, merged_scores
from tests.builders.xrootd_server import XrootdServerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobs.layout import CampaignFolder

NASTY = 'it\'s "one" $(touch pwned) `touch pwned` ; touch pwned & -rf %s.root'
"""A file name with whatever a shell, a submit description, HTML and a format string could take for themselves."""


@dataclass
class Guarded:
    """A pool that wants TLS and a token, an XRootD server, and everything that must stay secret."""

    grid: Grid
    storage: XrootdServerProcess
    secret_files: list[Path]
    seen: list[str] = field(default_factory=list)
    """Command lines and job ads while the campaign ran."""

    def condor(self, *arguments: str) -> str:
        """Run a command of HTCondor."""
        command = client_command(self.grid.pool, arguments)
        return subprocess.run(
            command, env=client_environment(self.grid.pool), capture_output=True, text=True, check=False
        ).stdout

    def secrets(self) -> dict[str, bytes]:
        """The content of each secret, or its middle, by the file that it is in."""
        found = {}
        for path in self.secret_files:
            lines = [line for line in path.read_bytes().splitlines() if line and not line.startswith(b"-----")]
            found[str(path)] = lines[len(lines) // 2]
        return found


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """The pool, with one server and four slots."""
    root = tmp_path_factory.mktemp("guarded")
    pool, keys = root / "pool", root / "certificates"
    keys.mkdir(mode=0o700)
    authority = trustme.CA()
    ca, tls = write_ca(authority, keys, "ca"), issue(authority, keys, "host")
    access = root / "access.yaml"
    access.write_text(f"tls:\n  certificate: {tls.certificate}\n  key: {tls.key}\ntokens: own\n")
    storage = XrootdServerProcess(root / "xrootd")
    storage.folder.mkdir()
    try:
        storage.start()
        pool_up(pool, sites={"local": 4}, servers=1, access=access)
        token = keys / "token"
        write_private(token, sign_token(keys_folder(pool)))
        grid = Grid(root, pool)
        site = {"endpoints": "embedded", "uplink": "10 Gb/s", "token_file": str(token), "tls": {"ca": str(ca)}}
        (root / "guarded-sites").mkdir()
        (root / "guarded-sites" / "local.yaml").write_text(yaml.safe_dump(site))
        files = PoolFiles(pool)
        own = [token, tls.key, keys_folder(pool) / "key.pem", files.signing_key, *files.tokens.iterdir()]
        yield Guarded(grid, storage, own)
    finally:
        pool_down(pool)
        storage.stop()


@pytest.fixture(scope="module")
def folder(guarded: Guarded) -> CampaignFolder:
    """The campaign's folder, after its end."""
    grid = guarded.grid
    for number, name in enumerate(["plain.root", NASTY]):
        parameters = GeneratorParameters(n_apas=1, density=0.05)
        generate_file(grid.root / "data" / name, 4, 7, parameters, subrun=number)
    folder = grid.write_spec(
        "guarded",
        description="<script>alert(1)</script> $(touch pwned) {{7*7}}",
        output={"stage_out": f"{guarded.storage.url}/it's here; touch pwned"},
    )
    over = threading.Event()
    watch = threading.Thread(target=_watch, args=(guarded, over))
    watch.start()
    try:
        grid.run("submit", "guarded.yaml", "--sites-folder", str(grid.root / "guarded-sites"))
    finally:
        over.set()
        watch.join()
    return folder


def _watch(guarded: Guarded, over: threading.Event) -> None:
    """Note command lines of all processes and ads of all jobs, again and again."""
    while not over.wait(0.5):
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                guarded.seen.append(process.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
            except OSError:
                continue
        guarded.seen.append(guarded.condor("condor_q", "-allusers", "-long"))


def test_outputs_are_on_the_server_and_merged_from_there(guarded: Guarded, folder: CampaignFolder) -> None:
    """Every event is in the merged files once; each job's output is on the server alone, and nothing half-written."""
    assert len(merged_scores(folder)) == 8
    names = guarded.storage.names()
    assert names == [f"it's here; touch pwned/guarded/outputs/00000/guarded-{job:07d}.root" for job in range(4)]
    assert [path for path in folder.outputs.rglob("*") if path.is_file()] == []
    for record in guarded.grid.records(folder):
        assert record.output_file.startswith(guarded.storage.url)
        assert record.endpoint
    assert json.loads(folder.validation.read_text())["complete"] is True


def test_no_name_was_read_as_code(guarded: Guarded, folder: CampaignFolder) -> None:
    """Nothing was started by a file name or a value of the spec; both are shown as they are."""
    for place in (guarded.grid.root, Path.cwd(), folder.root):
        assert list(place.rglob("pwned")) == []
    assert {Path(record.input_file).name for record in guarded.grid.records(folder)} == {"plain.root", NASTY}
    page = folder.report.read_text()
    assert "<script>alert(1)</script>" not in page
    assert guarded.grid.root.joinpath("data", NASTY).exists()


def test_secrets_are_nowhere_but_in_their_files(guarded: Guarded, folder: CampaignFolder, tmp_path: Path) -> None:
    """No file of campaign, pool, storage or store, no ad, page or command line has a token or a key in it."""
    stores = tmp_path / "stores"
    command = [
        SONICGRID,
        "dashboard",
        "guarded.yaml",
        "--port",
        "0",
        "--token",
        "--json",
        "--store-folder",
        str(stores),
    ]
    environment = guarded.grid.environment | {"XDG_STATE_HOME": str(tmp_path / "state")}
    with (
        (tmp_path / "dashboard.log").open("w") as log,
        subprocess.Popen(
            command, cwd=guarded.grid.root, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        try:
            assert process.stdout is not None
            address, _, query = json.loads(process.stdout.readline())["address"].partition("?")
            token = query.removeprefix("token=")
            deadline = time.monotonic() + 60
            while "sonicgrid_jobs{" not in _get(f"{address}metrics", token):
                assert time.monotonic() < deadline, "the dashboard has not taken the campaign up"
                time.sleep(0.2)
            pages = [_get(f"{address}{path}", token) for path in ("", "metrics", "c/guarded", "json/c/guarded/job/1")]
            shown = Path(f"/proc/{process.pid}/cmdline").read_bytes().decode()
        finally:
            process.send_signal(signal.SIGINT)
    (token_file,) = [path for path in (tmp_path / "state").rglob("token") if path.is_file()]
    secrets = guarded.secrets() | {str(token_file): token.encode()}
    assert len(guarded.seen) > 20
    assert any("SonicGridCampaign" in one for one in guarded.seen)
    texts = {f"seen {number}": one for number, one in enumerate([*guarded.seen, *pages, shown])}
    texts["history"] = guarded.condor("condor_history", "-long")
    assert "SonicGridCampaign" in texts["history"]
    assert not [page for page in pages if "<script>alert(1)" in page]
    for where, text in texts.items():
        assert [file for file, secret in secrets.items() if secret.decode() in text] == [], where
    places = [guarded.grid.root, stores, tmp_path]
    for path in (path for place in places for path in place.rglob("*") if path.is_file()):
        content = path.read_bytes()
        found = [file for file, secret in secrets.items() if secret in content and str(path) != file]
        assert found == [], path


def test_secret_files_are_for_their_owner_alone(guarded: Guarded) -> None:
    """Files with secrets have 0600, and the pool's folders of them 0700."""
    for path in guarded.secret_files:
        assert path.stat().st_mode & 0o777 == 0o600, path
        assert path.parent.stat().st_mode & 0o777 == 0o700, path.parent
        assert path.stat().st_uid == os.geteuid()


def _get(address: str, token: str) -> str:
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})  # noqa: S310 - of our own
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - of our own
        content: bytes = answer.read()
    return content.decode()
