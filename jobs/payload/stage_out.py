"""Puts a job's output where the campaign wants it: in a directory, or on an XRootD server, by the same steps.

The output is written on the worker first. Then it is copied under a name of this attempt, compared with what was
written, and given its final name, just before the record. Whatever dies in between leaves a file of the attempt's
name, which the next attempt of the same job removes, or `validate` at the end.
"""

from __future__ import annotations

import queue
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeVar

from jobs.payload.errors import OutputRefused
from jobs.payload.output import Finished, ScoresFile, is_partial_of, partial_name
from jobs.storage.errors import StorageRefused
from jobs.storage.storage import content_of, open_storage

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobs.payload.output import ScoredEvent
    from jobs.payload.places import Places
    from jobs.payload.schema import OutputProvenance
    from jobs.payload.worker import Worker

__all__ = ["StagedFile", "open_output"]

_Result = TypeVar("_Result")

_TIDY_S = 3.0
"""Longest wait at the end for what was put there to be removed: a job that must stop is killed soon."""


def open_output(places: Places, worker: Worker) -> ScoresFile | StagedFile:
    """Return the output of an attempt, ready to be written.

    Raises:
        OutputRefused: a file system does not let it be made.
        StorageRefused: the place that it is to go to does not answer, or does not let us in.

    """
    if not places.staged_to:
        return ScoresFile(places.output, worker, places.partial_folder)
    try:
        scratch = TemporaryDirectory(prefix="sonicgrid-", dir=places.partial_folder, ignore_cleanup_errors=True)
    except OSError as error:
        message = f"{places.partial_folder}: no scratch folder can be made there: {error.strerror or error}"
        raise OutputRefused(f"{message}; check space and permissions on this worker") from error
    with ExitStack() as on_failure:
        on_failure.callback(scratch.cleanup)
        staged = StagedFile(scratch, places.staged_to, worker)
        on_failure.pop_all()
    return staged


class StagedFile:
    """An output that is written here and belongs elsewhere; used like a `ScoresFile`.

    Args:
        scratch: folder on this worker for it alone; removed by `discard`.
        target: path or URL that it shall have.
        worker: whose attempt this is; names the file until then.

    Raises:
        OutputRefused: it cannot be written here.
        StorageRefused: the place does not answer, or does not let us in; better known before the work than after it.

    """

    def __init__(self, scratch: TemporaryDirectory[str], target: str, worker: Worker) -> None:
        self._scratch = scratch
        self._target = target
        folder, _, name = target.rpartition("/")
        self._partial = f"{folder}/{partial_name(name, worker)}"
        self._begun = False
        self._storage = aside(lambda: open_storage(target))
        aside(lambda: self._remove_leftovers(folder, name))
        self._written = ScoresFile(Path(scratch.name) / name, worker)

    def add(self, event: ScoredEvent) -> None:
        """Write one event, sooner or later."""
        self._written.add(event)

    def finish(self, provenance: OutputProvenance) -> Finished:
        """Close the file here, and see it whole there.

        Raises:
            OutputRefused: it could not be written here.
            StorageRefused: it did not arrive there as it is.

        """
        finished = self._written.finish(provenance)
        self._begun = True
        aside(self._bring)
        return finished

    def _bring(self) -> None:
        local = self._written.partial
        try:
            content = content_of(local)
        except OSError as error:
            raise OutputRefused(f"{local}: the output cannot be read again: {error.strerror or error}") from error
        self._storage.put(local, self._partial)
        self._storage.check(self._partial, content)

    def commit(self) -> None:
        """Give it its final name there; what an earlier attempt left under it is replaced.

        Raises:
            StorageRefused: the place does not take the name.

        """
        self._storage.rename(self._partial, self._target)
        self._begun = False

    def withdraw(self) -> None:
        """Take back what was committed: nobody will vouch for it."""
        with suppress(StorageRefused):
            self._storage.remove(self._target)

    def discard(self) -> None:
        """Leave nothing half-written, as far as the place answers; harmless after `commit`."""
        self._written.discard()
        self._scratch.cleanup()
        if self._begun:
            with suppress(StorageRefused, TimeoutError):
                aside(lambda: self._storage.remove(self._partial), _TIDY_S)

    def _remove_leftovers(self, folder: str, name: str) -> None:
        for entry in self._storage.folder(folder):
            if is_partial_of(entry.name.rpartition("/")[2], name):
                # One that stays, because somebody else owns it, is in nobody's way.
                with suppress(StorageRefused):
                    self._storage.remove(entry.name)


def aside(action: Callable[[], _Result], longest_s: float | None = None) -> _Result:
    """Do something in another thread, so that a signal reaches this one meanwhile, whatever library hangs there.

    Args:
        action: what is done; what it raises, this raises.
        longest_s: longest wait for it, seconds; by default until it is done.

    Raises:
        TimeoutError: it took longer, and goes on by itself.

    """
    answers: queue.SimpleQueue[tuple[_Result | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            answers.put((action(), None))
        except BaseException as error:  # noqa: BLE001  # it is raised where somebody waits for it
            answers.put((None, error))

    threading.Thread(target=run, name="stage-out", daemon=True).start()
    try:
        result, error = answers.get(timeout=longest_s)
    except queue.Empty:
        raise TimeoutError(f"not done within {longest_s:g} s") from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value]  # None only where an error was raised, or as the result itself
