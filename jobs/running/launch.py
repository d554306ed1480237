"""How a job starts on a worker, as commands of a submit description: pure text.

Three ways: the Python of a shared file system, an archive of `sonicgrid pack`, a container image. Without a shared
file system HTCondor carries files both ways. What comes home is one folder, because HTCondor holds a job that lacks a
file it was told to bring, and a failed attempt has no output; `jobs.running.bring_home` puts the files in their place.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from jobs.errors import UsageError
from jobs.exits import CHECKPOINT_EXIT
from jobs.reco.url import is_url
from jobs.running.quote import quote_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobs.layout import BlockFolder
    from jobs.spec.environment import Environment

__all__ = [
    "ContainerImage",
    "JobFiles",
    "Launch",
    "PackedArchive",
    "SharedPython",
    "WorkerEnvironment",
    "launch",
    "worker_environment",
]

LAUNCHER = Path(__file__).with_name("launch.sh")

_UNPACKED = "environment"
"""Folder of the sandbox that the launcher makes."""

_TIMES_UNPACKED = 4
"""An archive and what is in it take so many times the archive's size on the worker, for a moment both."""

_DISK_OF_URL_MB = 500
"""The same for an archive whose size is not known here."""


@dataclass(frozen=True)
class SharedPython:
    """Workers see the file system of the machine that submits, and this interpreter on it."""

    python: Path


@dataclass(frozen=True)
class PackedArchive:
    """An archive of `sonicgrid pack`: a path, or a URL that HTCondor on the worker can fetch."""

    archive: str


@dataclass(frozen=True)
class ContainerImage:
    """An image that holds this software: ``docker://…``, a ``.sif`` file, whatever the site's HTCondor takes."""

    image: str


WorkerEnvironment = SharedPython | PackedArchive | ContainerImage


def worker_environment(environment: Environment | None) -> WorkerEnvironment:
    """Return what a site config says of its workers; by default they share this interpreter."""
    if environment is None:
        return SharedPython(Path(sys.executable))
    if environment.python:
        return SharedPython(Path(environment.python))
    return PackedArchive(environment.archive) if environment.archive else ContainerImage(environment.container or "")


@dataclass(frozen=True)
class JobFiles:
    """What HTCondor carries to a worker besides the environment; not used with a shared file system.

    Attributes:
        inputs: by job number, the input: a path is carried, a URL is read from where it is.
        network_file: ONNX file; empty if no job of the cluster runs the network itself.
        checkpoints: whether the jobs leave now and then to have what they scored brought home.

    """

    inputs: Mapping[int, str] = field(default_factory=dict)
    network_file: str = ""
    checkpoints: bool = False


@dataclass(frozen=True)
class Launch:
    """The part of a submit description that says how a job starts.

    Attributes:
        commands: submit commands, in their order.
        extra_disk_mb: what the environment takes on the worker's disk.
        inputs: by job number, the path that HTCondor carries; None if it carries no inputs.

    """

    commands: Mapping[str, str]
    extra_disk_mb: int = 0
    inputs: Mapping[int, str] | None = None

    def queue(self, jobs: Sequence[tuple[int, str]]) -> str:
        """Return the queue statement for jobs given by number and flavour."""
        names, rows = "job,flavour", [f"{job},{flavour}" for job, flavour in jobs]
        if self.inputs is not None:
            names += ",job_input"
            rows = [f"{row},{self.inputs.get(job, '')}" for row, (job, _) in zip(rows, jobs, strict=True)]
        return f"queue {names} from (\n" + "\n".join(rows) + "\n)"


def launch(environment: WorkerEnvironment, folder: BlockFolder, files: JobFiles) -> Launch:
    """Return how the jobs of a block start.

    Raises:
        UsageError: HTCondor cannot carry a file by the name that it has, or the archive is not there.

    """
    match environment:
        case SharedPython(python):
            return Launch(_shared(python, folder))
        case PackedArchive(archive):
            name = PurePosixPath(archive).name
            commands = {"universe": "vanilla"} | _carried([archive], name, folder, files)
            return Launch(commands, _disk_mb(archive), _carried_inputs(files))
        case ContainerImage(image):
            commands = {"universe": "container", "container_image": image} | _carried([], "-", folder, files)
            return Launch(commands, 0, _carried_inputs(files))


def _shared(python: Path, folder: BlockFolder) -> dict[str, str]:
    return {
        "universe": "vanilla",
        "executable": str(python),
        "arguments": quote_words(["-m", "jobs.payload", str(folder.description), "$(job)"]),
        "output": "logs/$(job).log",
        "error": "logs/$(job).log",
        "should_transfer_files": "NO",
    }


def _carried(environment: Sequence[str], archive: str, folder: BlockFolder, files: JobFiles) -> dict[str, str]:
    returned = folder.returned.name
    carried = [*environment, str(folder.description), *([files.network_file] if files.network_file else [])]
    _check_names(carried, _carried_inputs(files), returned)
    arguments = [archive, returned, folder.description.name, "$(job)", "--returned", returned]
    commands = {
        "executable": str(LAUNCHER),
        "arguments": quote_words([*arguments, "--leave-to-save"] if files.checkpoints else arguments),
        # HTCondor would bring two streams of one name home one over the other; the launcher joins them.
        "output": "/dev/null",
        "error": f"{folder.logs}/$(job).log",
        "should_transfer_files": "YES",
        "when_to_transfer_output": "ON_EXIT",
        "transfer_input_files": ",".join([*carried, "$(job_input)"]),
        "transfer_output_files": returned,
    }
    if files.checkpoints:
        # Saved by HTCondor when the job leaves for it, and also when it is asked to go and has a moment for it.
        commands |= {
            "when_to_transfer_output": "ON_EXIT_OR_EVICT",
            "checkpoint_exit_code": str(CHECKPOINT_EXIT),
            "transfer_checkpoint_files": returned,
        }
    return commands


def _carried_inputs(files: JobFiles) -> dict[int, str]:
    return {job: path for job, path in files.inputs.items() if not is_url(path)}


def _check_names(carried: Sequence[str], inputs: Mapping[int, str], returned: str) -> None:
    """Refuse what HTCondor's list of files would read as something else, or what would meet in the sandbox.

    Raises:
        UsageError: names the file, and says what to do.

    """
    taken = {returned: "the folder that comes home", _UNPACKED: "the unpacked environment"}
    for path in carried:
        _take(taken, path)
    for job, path in inputs.items():
        _take(dict(taken), path, f"job {job}: ")


def _take(taken: dict[str, str], path: str, who: str = "") -> None:
    bad = sorted(character for character in set(path) if character in ",$\n\r")
    if bad:
        named = " ".join(map(repr, bad))
        raise UsageError(f"{who}HTCondor cannot carry {path} to a worker, because of {named} in its name: rename it")
    name = PurePosixPath(path).name
    if name in taken:
        raise UsageError(f"{who}{path} and {taken[name]} would have one name on the worker, {name}: rename the file")
    taken[name] = path


def _disk_mb(archive: str) -> int:
    """Return the room that an archive takes on the worker.

    Raises:
        UsageError: there is no such archive.

    """
    if is_url(archive):
        return _DISK_OF_URL_MB
    try:
        size = Path(archive).stat().st_size
    except OSError as error:
        message = f"{archive}: the archive with the workers' environment cannot be read: {error.strerror}"
        raise UsageError(f"{message}; make it with `sonicgrid pack --out {archive}`") from error
    return math.ceil(_TIMES_UNPACKED * size / 1e6)
