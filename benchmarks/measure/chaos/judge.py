"""Judges a campaign by its files alone: every event exactly once and right, or missing for a reason that was injected.

Nothing here is shared with the campaign's own check: that one is judged, too.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from measure.chaos.evidence import can_be_read, digest_of, read_documents, read_manifest_rows, read_scores

if TYPE_CHECKING:
    from collections.abc import Mapping

    from measure.chaos.evidence import FoundEvent, Row
    from measure.chaos.truth import TrueEvent, TrueFile

__all__ = ["Damage", "Judgement", "judge_campaign"]

TOLERANCE = 1e-5
"""Largest difference of two scores that count as equal: servers gather patches into other batches than a job does."""

BAD_INPUT = "bad_input"


@dataclass(frozen=True)
class Damage:
    """An input that was damaged.

    Attributes:
        path: of the file.
        at: when, seconds since the epoch; who had read it by then had it whole.

    """

    path: str
    at: float


@dataclass
class Judgement:
    """What was found; the campaign passes if there are no problems.

    Attributes:
        jobs, done, failed: of the manifest.
        events: in outputs that are right.
        resumed: of these, which an attempt took over from an earlier one that was killed or failed.
        records: of attempts.
        twice: jobs that succeeded more than once; only one output of each counts.
        leftovers: half-written files of killed attempts, which count for nothing.
        largest_difference: of a score from the reference.
        problems: in words.

    """

    jobs: int = 0
    done: int = 0
    failed: int = 0
    events: int = 0
    resumed: int = 0
    records: int = 0
    twice: int = 0
    leftovers: int = 0
    largest_difference: float = 0.0
    problems: list[str] = field(default_factory=list)


def judge_campaign(
    folder: Path, truth: Mapping[str, TrueFile], damages: Mapping[str, Damage], exit_status: int, told: str
) -> Judgement:
    """Judge a campaign that has ended.

    Args:
        folder: of the campaign.
        truth: by the path of each input.
        damages: what was done to inputs, by path.
        exit_status: of the last `sonicgrid submit`.
        told: verdict that `sonicgrid status` gives.

    """
    return _Judge(folder, truth, damages).judge(exit_status, told)


class _Judge:
    def __init__(self, folder: Path, truth: Mapping[str, TrueFile], damages: Mapping[str, Damage]) -> None:
        self._folder = folder
        self._truth = truth
        self._damages = damages
        self._found = Judgement()

    def judge(self, exit_status: int, told: str) -> Judgement:
        rows = read_manifest_rows(self._folder / "manifest.parquet")
        self._found.jobs = len(rows)
        self._check_manifest(rows)
        records = self._read_records(rows)
        done = {row.job: row for row in rows if self._is_right(row, records.get(row.job, []))}
        self._found.done = len(done)
        self._check_strangers(rows)
        missing = [row for row in rows if row.job not in done]
        self._found.failed = len(missing)
        self._check_missing(missing, records, told)
        self._check_merged(done)
        self._check_end(exit_status, complete=not missing)
        return self._found

    def _say(self, problem: str) -> None:
        self._found.problems.append(problem)

    def _check_manifest(self, rows: list[Row]) -> None:
        """Every entry of every input is asked for exactly once."""
        wanted = {(path, entry) for path, file in self._truth.items() for entry in range(len(file.events))}
        asked = Counter((row.input_file, entry) for row in rows for entry in range(row.entry_start, row.entry_stop))
        for path, entry in sorted(wanted - set(asked)):
            self._say(f"the manifest asks no job for entry {entry} of {path}")
        for (path, entry), count in sorted(asked.items()):
            if count > 1 or (path, entry) not in wanted:
                self._say(f"the manifest asks {count} jobs for entry {entry} of {path}")

    def _read_records(self, rows: list[Row]) -> dict[int, list[dict[str, Any]]]:
        records: dict[int, list[dict[str, Any]]] = {}
        for block in sorted({row.block for row in rows}):
            documents, problems = read_documents(self._folder / "blocks" / f"{block:05d}" / "records")
            self._found.problems += problems
            self._found.records += len(documents)
            for document in documents:
                records.setdefault(int(document["job"]), []).append(document)
        successes = Counter(
            record["job"] for of_job in records.values() for record in of_job if record["exit_class"] == "done"
        )
        self._found.twice = sum(count > 1 for count in successes.values())
        return records

    def _is_right(self, row: Row, records: list[dict[str, Any]]) -> bool:
        """Return whether a job's output counts: it is there, and a record of success vouches for these very bytes."""
        path = self._folder / row.output_file
        successes = [record for record in records if record["exit_class"] == "done"]
        if not path.is_file():
            if successes:
                self._say(f"job {row.job}: a record says done, and {row.output_file} is not there")
            return False
        if not successes:
            # Of an attempt that was killed before it could say so.
            return False
        size, sha256 = digest_of(path)
        if not any((one["output_bytes"], one["output_sha256"]) == (size, sha256) for one in successes):
            self._say(f"job {row.job}: {row.output_file} has other bytes than its records say")
            return False
        try:
            file = read_scores(path)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is no output
            self._say(f"job {row.job}: {row.output_file} cannot be read: {error}")
            return False
        said = file.provenance[0]
        truth = self._truth[row.input_file]
        if (said["input_uuid"], row.input_uuid) != (truth.uuid, truth.uuid) or said["job"] != row.job:
            self._say(f"job {row.job}: {row.output_file} says it is of job {said['job']}, input {said['input_uuid']}")
            return False
        wanted = list(range(row.entry_start, row.entry_stop))
        if [event.entry for event in file.events] != wanted:
            self._say(f"job {row.job}: holds entries {[event.entry for event in file.events]}, not {wanted}")
            return False
        for event in file.events:
            if (problem := self._differs(event, truth.events[event.entry])) is not None:
                self._say(f"job {row.job}, entry {event.entry}: {problem}")
                return False
        self._found.events += len(file.events)
        self._found.resumed += max(int(one["events_resumed"]) for one in successes)
        return True

    def _differs(self, event: FoundEvent, true: TrueEvent) -> str | None:
        if event.identity != true.identity:
            return f"is event {event.identity}, not {true.identity}"
        if not np.array_equal(event.hit_channel, true.hit_channel):
            return "has other hits"
        if len(true.scores):
            largest = float(np.max(np.abs(event.scores - true.scores)))
            # A comparison with NaN is false, too.
            if not largest <= TOLERANCE:
                return f"has scores that are off by up to {largest:.2g}"
            self._found.largest_difference = max(self._found.largest_difference, largest)
        return None

    def _check_strangers(self, rows: list[Row]) -> None:
        """Nothing is among the outputs but outputs, and pieces that nobody takes for one."""
        known = {row.output_file for row in rows}
        for path in sorted((self._folder / "outputs").rglob("*")):
            if path.is_file() and str(path.relative_to(self._folder)) not in known:
                if path.suffix == ".part":
                    self._found.leftovers += 1
                else:
                    self._say(f"{path}: no job makes this file")

    def _check_missing(self, missing: list[Row], records: Mapping[int, list[dict[str, Any]]], told: str) -> None:
        """What is missing is what was injected, and is listed with that reason by all who list failures."""
        validation = json.loads((self._folder / "validation.json").read_bytes())
        listed = {int(one["job"]): one for one in validation["missing"]}
        page = (self._folder / "report.html").read_text() if (self._folder / "report.html").exists() else ""
        for row in missing:
            damage = self._damages.get(row.input_file)
            said = listed.pop(row.job, None)
            if damage is None or can_be_read(row.input_file, row.entry_start, row.entry_stop):
                reason = said["exit_class"] + ": " + said["reason"] if said else "nobody says why"
                self._say(f"job {row.job} is missing, and nothing was done to its input: {reason}")
                continue
            if said is None or said["exit_class"] != BAD_INPUT or row.input_file not in said["reason"]:
                self._say(f"job {row.job}: its input was damaged, and validation.json says {said}")
            if not any(one["exit_class"] == BAD_INPUT for one in records.get(row.job, [])):
                self._say(f"job {row.job}: its input was damaged, and no record says so")
            for name, text in (("the report", page), ("`sonicgrid status`", told)):
                if Path(row.input_file).name not in text:
                    self._say(f"job {row.job}: {name} does not name {row.input_file}")
        for job, said in sorted(listed.items()):
            self._say(f"job {job}: its output is right, and validation.json says {said['exit_class']}")
        for damage in self._damages.values():
            self._check_luck(damage, {row.job for row in missing}, records)
        if validation["contradictions"] or validation["rejected"]:
            self._say(f"validation.json has contradictions: {validation['contradictions']} {validation['rejected']}")

    def _check_luck(self, damage: Damage, missing: set[int], records: Mapping[int, list[dict[str, Any]]]) -> None:
        """Who read a damaged input all the same had it before."""
        for job, of_job in records.items():
            for one in of_job:
                unread = one["input_file"] == damage.path and one["started"] > damage.at and job not in missing
                if (
                    unread
                    and one["exit_class"] == "done"
                    and not can_be_read(damage.path, one["entry_start"], one["entry_stop"])
                ):
                    self._say(f"job {job}: succeeded after its input was damaged")

    def _check_merged(self, done: Mapping[int, Row]) -> None:
        """The merged files hold every event of the jobs that are done, once, and nothing else."""
        index_path = self._folder / "merged" / "index.json"
        if not index_path.exists():
            self._say("there is no index of merged files")
            return
        index = json.loads(index_path.read_bytes())
        names = {one["file"] for one in index["files"]}
        for path in (self._folder / "merged").glob("*.root"):
            if path.name not in names:
                self._say(f"{path}: is not in the index of merged files")
        true_of = {event.identity: event for file in self._truth.values() for event in file.events}
        wanted = Counter(
            event.identity
            for row in done.values()
            for event in self._truth[row.input_file].events[row.entry_start : row.entry_stop]
        )
        found: Counter[tuple[int, int, int]] = Counter()
        for one in index["files"]:
            path = self._folder / "merged" / one["file"]
            if not path.is_file() or digest_of(path) != (one["bytes"], one["sha256"]):
                self._say(f"{path}: is not there, or has other bytes than the index says")
                continue
            for event in read_scores(path).events:
                found[event.identity] += 1
                true = true_of.get(event.identity)
                problem = "is of no input" if true is None else self._differs(event, true)
                if problem:
                    self._say(f"{path}: event {event.identity} {problem}")
        for identity, count in sorted((found - wanted).items()):
            self._say(f"the merged files hold event {identity} {count} times too often")
        for identity in sorted(wanted - found):
            self._say(f"the merged files lack event {identity}")

    def _check_end(self, exit_status: int, *, complete: bool) -> None:
        validation = json.loads((self._folder / "validation.json").read_bytes())
        if validation["complete"] != complete:
            self._say(f"validation.json says complete: {validation['complete']}, which is not so")
        if (self._folder / "complete").exists() != complete:
            self._say(f"the mark `complete` is {'not there' if complete else 'there'}")
        if exit_status != (0 if complete else 1):
            self._say(f"the last `sonicgrid submit` left with exit status {exit_status}")
