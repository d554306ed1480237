"""Does one fault to a running campaign, and has it put right by who would."""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from measure.chaos.cast import everything, find_role
from measure.chaos.damage import damage_input, tear_log
from measure.chaos.faults import Deed, Restorer, fault_named
from measure.chaos.judge import Damage

if TYPE_CHECKING:
    from measure.chaos.disk import SmallDisk
    from measure.chaos.faults import Fault, Planned
    from measure.chaos.person import Person
    from measure.chaos.scene import Scene

__all__ = ["Injected", "Injector"]

_WAIT_FOR_ROLE_S = 10.0


@dataclass(frozen=True)
class Injected:
    """What was done.

    Attributes:
        at_s: when, seconds after the first job was handed over.
        fault: name of it.
        what: in words, with process numbers and files; or why it could not be done.
        done: whether it was done.
        seconds: until it was put right.

    """

    at_s: float
    fault: str
    what: str
    done: bool
    seconds: float = 0.0


class Injector:
    """Hurts one scene.

    Args:
        scene: which.
        person: puts right what a person would.
        disk: that holds the results.
        began: moment from which planned times count, by `time.monotonic`.

    Attributes:
        damages: what was done to inputs, by path.

    """

    def __init__(self, scene: Scene, person: Person, disk: SmallDisk, began: float) -> None:
        self._scene = scene
        self._person = person
        self._disk = disk
        self._began = began
        self.damages: dict[str, Damage] = {}

    def inject(self, planned: Planned) -> Injected:
        """Do one fault, and wait until it is put right."""
        fault = fault_named(planned.fault)
        at_s = time.monotonic() - self._began
        what = self._do(fault, planned)
        if what is None:
            return Injected(round(at_s, 1), fault.name, "there was nobody to do it to", done=False)
        self._restore(fault, planned)
        took_s = time.monotonic() - self._began - at_s
        return Injected(round(at_s, 1), fault.name, what, done=True, seconds=round(took_s, 1))

    def _do(self, fault: Fault, planned: Planned) -> str | None:
        match fault.deed:
            case Deed.KILL:
                return self._kill(fault, planned.pick)
            case Deed.STOP:
                return self._stop(fault, planned)
            case Deed.FILL_DISK:
                return self._fill_disk(planned.after_s)
            case Deed.DAMAGE_INPUT:
                return self._damage(planned)
            case Deed.TEAR_LOG:
                logs = sorted(self._scene.folder.glob("blocks/*/events.log"))
                path = logs[int(planned.pick * len(logs))] if logs else None
                return f"{tear_log(path, planned.variant)} in {path.parent.name}/{path.name}" if path else None
            case Deed.SUBMIT_AGAIN:
                second = self._scene.command("second", "submit", str(self._scene.spec), "--json")
                return f"a second submit, process {second.pid}"
            case Deed.RESTART_POOL:
                self._scene.pool_down()
                return "sonicgrid pool down"
            case Deed.KILL_EVERYTHING:
                self._person.mark_submit_killed()
                found = everything(self._scene)
                self._scene.collecting = None
                killed = _kill_all(found)
                # What died meanwhile may have started something.
                return f"{killed + _kill_all(everything(self._scene))} processes"

    def _kill(self, fault: Fault, pick: float) -> str | None:
        found = self._wait_for(fault.what)
        if not found:
            return None
        if fault.what in {"command", "driver"}:
            self._person.mark_submit_killed()
            return f"{_kill_all(found)} processes"
        one = found[int(pick * len(found))]
        if fault.what == "collector":
            self._scene.collecting = None
        if fault.restorer is Restorer.PERSON_SUBMIT:
            self._person.mark_submit_killed()
        _kill_all([one])
        return f"process {one.pid}"

    def _stop(self, fault: Fault, planned: Planned) -> str | None:
        found = self._wait_for(fault.what)
        if not found:
            return None
        found[0].send_signal(signal.SIGSTOP)
        self._person.watch_until(time.monotonic() + planned.after_s)
        with suppress(psutil.NoSuchProcess):
            found[0].send_signal(signal.SIGCONT)
        return f"process {found[0].pid} stopped for {planned.after_s:.0f} s"

    def _fill_disk(self, seconds: float) -> str | None:
        if not self._disk.is_small:
            return None
        until = time.monotonic() + seconds
        taken = self._disk.fill()
        while time.monotonic() < until and not self._person.ended:
            self._person.watch_until(time.monotonic() + 1.0)
            # What others give back is taken, too.
            taken += self._disk.fill()
        self._disk.free()
        return f"{taken / 1e6:.0f} MB taken, for {seconds:.0f} s"

    def _damage(self, planned: Planned) -> str | None:
        whole = [path for path in self._scene.inputs if str(path) not in self.damages]
        # From the end: the jobs of the first files have read them.
        later = whole[len(whole) // 2 :]
        if not later:
            return None
        path = later[int(planned.pick * len(later))]
        how = damage_input(path, planned.variant)
        self.damages[str(path)] = Damage(str(path), time.time())
        return f"{path.name}: {how}"

    def _restore(self, fault: Fault, planned: Planned) -> None:
        if fault.deed in {Deed.STOP, Deed.FILL_DISK}:
            return
        until = time.monotonic() + planned.after_s
        while time.monotonic() < until and not self._person.ended:
            self._person.tend()
        pool = fault.restorer in {Restorer.PERSON_POOL, Restorer.PERSON_BOTH}
        if pool:
            self._scene.pool_up()
        if fault.restorer in {Restorer.PERSON_SUBMIT, Restorer.PERSON_BOTH}:
            self._person.submit()
        if fault.restorer in {Restorer.PERSON_COLLECT, Restorer.PERSON_BOTH}:
            self._scene.collect()

    def _wait_for(self, role: str) -> list[psutil.Process]:
        """Return who plays a role, and wait a little for the first one."""
        until = time.monotonic() + _WAIT_FOR_ROLE_S
        while not (found := find_role(self._scene, role)):
            if time.monotonic() > until or self._person.ended:
                return []
            self._person.tend()
        return found


def _kill_all(processes: list[psutil.Process]) -> int:
    """Kill at once; returns how many there still were."""
    killed = 0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
            killed += 1
    psutil.wait_procs(processes, timeout=5)
    return killed
