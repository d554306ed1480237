"""Every file of a campaign, damaged in every way: nothing good is lost, and the campaign is complete again.

docs/reference/state.md says of each file what happens; this holds it to that.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jobs.block import read_block
from jobs.cli.standing import show_standing
from jobs.errors import CampaignError, ConfigError
from jobs.layout import CHECKOUT, CampaignFolder
from jobs.manifest import read_campaign_name, read_manifest
from jobs.planning.count import read_counts
from jobs.planning.mend import mend_plan
from jobs.planning.plan import read_summary
from jobs.record import read_record
from jobs.results.merge import merge, read_index
from jobs.results.validate import read_validation, validate
from jobs.running.mend import mend_results
from jobs.running.outcome import read_outcomes
from jobs.running.progress import CampaignFollower
from jobs.running.reopen import reopen
from jobs.running.submit import jobs_to_run
from jobs.shares import read_shares
from jobs.spec.campaign import load_campaign
from jobs.throttle.in_force import grid_in_force, put_in_force
from jobs.throttle.state import read_state
from tests.builders.bench import Bench
from tests.builders.whole_campaign import a_whole_campaign, judge_blocks

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = CHECKOUT / "docs" / "reference" / "state.md"
RECORD = "blocks/00000/records/0000000.1.0.json"
OUTPUT = "outputs/00000/small-0000000.root"

READERS: dict[str, Callable[[CampaignFolder], object]] = {
    "campaign.yaml": lambda folder: load_campaign(folder.spec),
    "manifest.parquet": lambda folder: (read_manifest(folder.manifest).table, read_manifest(folder.manifest).digest),
    "plan.json": read_summary,
    "inputs.json": lambda folder: read_counts(folder.inputs),
    "sites.yaml": grid_in_force,
    "shares.json": lambda folder: read_shares(folder.shares.read_bytes()),
    "throttle.json": read_state,
    "validation.json": read_validation,
    "merged/index.json": read_index,
    "blocks/00000/block.json": lambda folder: read_block(folder.block(0).description),
    "blocks/00000/outcome.parquet": lambda folder: read_outcomes(folder.block(0).outcome),
    RECORD: lambda folder: read_record(folder.root / RECORD),
}
"""What is checked when it is read."""

OTHERS = ("blocks/00000/clusters.jsonl", "site-edits.jsonl", "throttle.jsonl", "merged/small-0001.root", OUTPUT)

DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "a bit": lambda data: (
        data[: len(data) // 2] + bytes(byte ^ 1 for byte in data[len(data) // 2 :][:1]) + data[len(data) // 2 + 1 :]
    ),
    "cut": lambda data: data[: len(data) * 2 // 3],
    "empty": lambda data: b"",
}


@pytest.fixture(scope="module")
def _whole(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return a_whole_campaign(tmp_path_factory.mktemp("whole") / "here")


@pytest.fixture
def whole(_whole: Bench) -> Bench:
    """A finished campaign, each time as new at the same place."""
    root = _whole.folder.root.parents[1]
    good = root.with_name("good")
    if not good.exists():
        shutil.copytree(root, good, copy_function=shutil.copy2)
    shutil.rmtree(root)
    shutil.copytree(good, root, copy_function=shutil.copy2)
    return Bench(CampaignFolder(_whole.folder.root), _whole.made)


def submit(bench: Bench) -> list[str]:
    """What `sonicgrid submit` does before it starts the driver."""
    root = bench.folder.root.parents[1]
    spec, sites = root / "spec.yaml", root / "sites"
    said = [*mend_plan(spec, sites, bench.folder)]
    said += [str(edit) for edit in put_in_force(bench.folder, sites, bench.made.campaign.sites, str(spec))]
    said += mend_results(bench.folder)
    reopen(bench.folder)
    return said


def go_on(bench: Bench) -> set[int]:
    """Run what has to run, as the driver does, to the end of the campaign; returns the jobs that ran."""
    ran: set[int] = set()
    manifest = read_manifest(bench.folder.manifest)
    for number in range(manifest.n_blocks):
        for job in jobs_to_run(bench.folder.block(number), manifest.block(number), manifest.digest):
            bench.finish(job, attempt=5, input_uuid=bench.jobs[job].input_uuid)
            ran.add(job)
    judge_blocks(bench)
    found = validate(bench.folder)
    bench.folder.validation.write_text(found.model_dump_json())
    merge(bench.folder)
    assert found.complete, found.contradictions
    assert found.events == found.events_planned == 5
    return ran


def is_broken(bench: Bench, name: str) -> bool:
    """Whether a file is damaged where it matters; Parquet has bytes that nobody reads."""
    try:
        if name in READERS:
            READERS[name](bench.folder)
    except (CampaignError, ConfigError, ValueError, OSError):
        return True
    return False


@pytest.mark.parametrize("name", READERS)
def test_no_bit_of_a_file_changes_unnoticed(whole: Bench, name: str) -> None:
    """Read after any bit was flipped, a file says what it said before, or that it is damaged."""
    path = whole.folder.root / name
    good, before = path.read_bytes(), READERS[name](whole.folder)
    noticed = 0
    for at in range(0, len(good), max(1, len(good) // 150)):
        path.write_bytes(good[:at] + bytes([good[at] ^ (1 << at % 8)]) + good[at + 1 :])
        try:
            assert READERS[name](whole.folder) == before, f"byte {at}"
            if name == "manifest.parquet":
                assert read_campaign_name(path) == "small"
        except (CampaignError, ConfigError, ValueError, OSError):
            noticed += 1
    assert noticed > 20


@pytest.mark.parametrize("damage", [*DAMAGES, "gone"])
@pytest.mark.parametrize("name", [*READERS, *OTHERS])
def test_whatever_file_is_damaged_the_campaign_is_complete_again(whole: Bench, name: str, damage: str) -> None:
    """`sonicgrid submit` names the file and makes it anew; only a job whose own record or output it was runs again."""
    folder, path = whole.folder, whole.folder.root / name
    plan = {one: (folder.root / one).read_bytes() for one in ("campaign.yaml", "manifest.parquet", "plan.json")}
    if path.exists():
        if damage == "gone":
            path.unlink()
        else:
            path.write_bytes(DAMAGES[damage](path.read_bytes()))
    if name == OUTPUT and damage != "gone":
        # Its record vouches for its bytes; `validate` looks at them.
        folder.validation.write_text(validate(folder).model_dump_json())
    to_tell = name not in ("inputs.json", "shares.json") and damage != "gone" and is_broken(whole, name)
    said = submit(whole)
    if to_tell:
        assert any(name.rpartition("/")[2] in line for line in said), said
    ran = go_on(whole)
    assert ran == ({0} if name in (RECORD, OUTPUT) else set())
    assert plan == {one: (folder.root / one).read_bytes() for one in plan}
    assert submit(whole) == []


@pytest.mark.parametrize("name", READERS)
def test_status_works_with_one_file_damaged(whole: Bench, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Progress comes from what can be read; without a manifest the error says what to do."""
    whole.folder.block(0).events_log.write_text("")
    (whole.folder.root / name).write_bytes(b"")
    if name == "manifest.parquet":
        with pytest.raises(
            CampaignError, match=r"manifest.parquet: not a readable .* `sonicgrid submit` makes it anew"
        ):
            CampaignFollower(whole.folder)
        return
    now = CampaignFollower(whole.folder).look()
    assert (now.jobs, now.events) == (3, 5)
    show_standing(str(whole.folder.root), as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert said["jobs"] == 3
    told = {"sites.yaml", "throttle.json", "validation.json"}
    assert {one for one in told for line in said["damaged"] if one in line} == told & {name}


def test_a_lost_plan_needs_no_input_file(whole: Bench) -> None:
    """The counts and one file that names the digest are enough, even when the data went to tape."""
    shutil.rmtree(whole.folder.root.parents[1] / "data")
    for path in (whole.folder.manifest, whole.folder.plan):
        path.write_bytes(b"nonsense")
    digest = whole.made.manifest.digest
    said = mend_plan(whole.folder.root.parents[1] / "spec.yaml", whole.folder.root.parents[1] / "sites", whole.folder)
    assert len(said) == 2
    assert read_manifest(whole.folder.manifest).digest == digest


def test_another_plan_is_never_made_in_the_place_of_the_lost_one(whole: Bench) -> None:
    """Numbers of jobs would mean other events: what cannot be made as it was is refused, with what to do."""
    root = whole.folder.root.parents[1]
    (root / "spec.yaml").write_text((root / "spec.yaml").read_text().replace("events_per_job: 2", "events_per_job: 1"))
    whole.folder.spec.unlink()
    whole.folder.manifest.write_bytes(b"nonsense")
    with pytest.raises(CampaignError, match=r"manifest.parquet was damaged.* do not give the same plan any more; undo"):
        mend_plan(root / "spec.yaml", root / "sites", whole.folder)
    assert whole.folder.manifest.read_bytes() == b"nonsense"


def test_every_file_is_on_the_page(whole: Bench) -> None:
    """docs/reference/state.md has a row for each file that a campaign has."""
    rows = set(re.findall(r"^\| `([^`]+)` \|", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE))
    patterns = [re.compile(re.sub(r"[A-Z]{2,}", "[^/]+", re.escape(row))) for row in rows]
    for path in whole.folder.root.rglob("*"):
        name = str(path.relative_to(whole.folder.root))
        if path.is_file():
            assert any(pattern.fullmatch(name) for pattern in patterns), name
    assert {name.replace("00000", "BLOCK") for name in READERS if "records" not in name} <= rows


def test_every_file_can_be_read_without_this_program(whole: Bench, tmp_path: Path) -> None:
    """The page's examples run where only the usual libraries are, and none of ours."""
    examples = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    assert len(examples) >= 5
    program = tmp_path / "read.py"
    program.write_text("\n".join(examples) + "\nimport sys\nassert 'jobs' not in sys.modules\n")
    ran = subprocess.run(
        [sys.executable, "-I", str(program)], cwd=whole.folder.root, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads((whole.folder.root / "plan.json").read_text())["digest"] in ran.stdout
