"""Plays campaigns: a scene is set once; then each campaign is run, hurt as planned, and its end judged."""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from shutil import copytree, ignore_patterns, rmtree
from typing import TYPE_CHECKING

import psutil

from measure.chaos.cast import everything, find_role
from measure.chaos.disk import SmallDisk
from measure.chaos.inject import Injector
from measure.chaos.judge import Judgement, judge_campaign
from measure.chaos.person import Person
from measure.chaos.reference import compute_truth
from measure.chaos.scene import Scene, Size
from measure.errors import BenchmarkFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from measure.chaos.faults import Planned
    from measure.chaos.inject import Injected
    from measure.chaos.truth import TrueFile

__all__ = ["Played", "Stage", "play", "size_for"]

_DISK_MB = 256
_DRAIN_S = 600.0
"""For a campaign to end after the last fault: the longest waits are the pauses of jobs that the pool did not answer."""

_FILES_PER_MINUTE = 16


@dataclass
class Played:
    """One campaign.

    Attributes:
        name: of the campaign.
        planned: every fault that was planned.
        injected: what was done, in order.
        seconds: from the first submit to the end.
        submits: how often the person submitted.
        unexpected: why a submit ended without a verdict although nobody had killed it; a person submitted again.
        judgement: of the end.

    """

    name: str
    planned: list[Planned]
    injected: list[Injected] = field(default_factory=list)
    seconds: float = 0.0
    submits: int = 0
    unexpected: list[str] = field(default_factory=list)
    judgement: Judgement = field(default_factory=Judgement)


def size_for(minutes: float) -> Size:
    """Return a campaign that lasts for about so long on a machine of two cores."""
    return Size(files=max(8, round(_FILES_PER_MINUTE * minutes)))


class Stage:
    """A scene with its pool, its disk and the truth, for as long as it is held.

    Args:
        root: an empty folder.
        size: of each campaign.

    """

    def __init__(self, root: Path, size: Size) -> None:
        self.root = root
        self.scene = Scene(root, size)

    def __enter__(self) -> Stage:
        with ExitStack() as stack:
            self.disk = SmallDisk(self.scene.results, _DISK_MB)
            stack.callback(self.disk.unmount)
            self.scene.write_files()
            self._truth = compute_truth(self.scene.originals)
            stack.callback(_end, self.scene)
            self.scene.pool_up()
            self.scene.relay()
            self._held = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    @property
    def truth(self) -> dict[str, TrueFile]:
        """What must come out of the campaign's inputs, by path."""
        return {str(path): self._truth[path.name] for path in self.scene.inputs}


def play(stage: Stage, name: str, planned: list[Planned], say: Callable[[str], None]) -> Played:
    """Play one campaign.

    Args:
        stage: where.
        name: of the campaign.
        planned: what is done to it, in order.
        say: takes lines of progress.

    """
    scene = stage.scene
    scene.begin(name)
    played = Played(name, planned)
    for one in planned:
        say(f"planned for {one.at_s:6.1f} s: {one.fault}")
    began = time.monotonic()
    person = Person(scene, began + max((one.at_s for one in planned), default=0.0) + _DRAIN_S, say)
    person.submit()
    try:
        person.wait_for_plan()
        scene.collect()
        injector = Injector(scene, person, stage.disk, time.monotonic())
        for one in _in_time(planned, person):
            done = injector.inject(one)
            say(f"{done.at_s:6.1f} s  {done.fault}: {done.what}")
            played.injected.append(done)
        person.watch_to_the_end()
        told = str(scene.status()["verdict"])
        played.judgement = judge_campaign(scene.folder, stage.truth, injector.damages, person.exit_status, told)
    except BenchmarkFailed as error:
        played.judgement.problems.append(str(error))
    played.seconds = round(time.monotonic() - began, 1)
    played.submits, played.unexpected = person.submits, person.reasons
    if person.collector_deaths:
        played.judgement.problems.append(f"the collector ended by itself {person.collector_deaths} times")
    _clear(stage, played)
    return played


def _clear(stage: Stage, played: Played) -> None:
    """Make room for the next campaign; what went wrong is kept, to be looked into."""
    scene = stage.scene
    _kill(find_role(scene, "driver") + find_role(scene, "collector"))
    stage.disk.free()
    if played.judgement.problems:
        copytree(scene.folder, stage.root / "kept" / scene.name, ignore=ignore_patterns(".snakemake"))
        # Its jobs may be in the queue.
        scene.pool_down()
        rmtree(scene.pool / "condor" / "spool", ignore_errors=True)
    rmtree(scene.folder, ignore_errors=True)
    scene.pool_up()


def _in_time(planned: list[Planned], person: Person) -> Iterator[Planned]:
    """Yield each fault when its time has come, as long as there is a campaign to hurt."""
    began = time.monotonic()
    for one in planned:
        person.watch_until(began + one.at_s)
        if person.ended:
            return
        yield one


def _end(scene: Scene) -> None:
    """Leave nothing running."""
    with suppress(BenchmarkFailed):
        scene.pool_down()
    _kill(everything(scene))
    scene.end()


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=10)
