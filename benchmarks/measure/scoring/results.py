"""Everything that one run of the inference benchmark has measured, and how it is written down."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

from measure.machine import is_busy
from measure.scoring.rates import ratios
from measure.scoring.verdict import AIMED_APAS, LEAST_RATIO, MOST_CPU_S, failures

if TYPE_CHECKING:
    from measure.machine import Machine
    from measure.scoring.crew import Times
    from measure.scoring.inputs import Inputs
    from measure.scoring.job import WholeEvents
    from measure.scoring.rates import CaseResult, Ratio
    from sonic.wire_format import WireFormat

__all__ = ["Results", "document_of"]


@dataclass(frozen=True)
class Results:
    """Everything that one run has measured."""

    machine: Machine
    model: str
    servers: int
    threads_per_server: int
    inputs: Inputs
    times: Times
    whole: dict[WireFormat, WholeEvents]
    cases: tuple[CaseResult, ...]

    @property
    def ratios(self) -> list[Ratio]:
        """Ours beside the bare loop."""
        return ratios(self.cases)

    @property
    def failures(self) -> list[str]:
        """Why the run proves nothing, or which aims were missed."""
        return failures(self.ratios, self.whole, full=self.inputs.apas == AIMED_APAS and self.inputs.density == 1)

    @property
    def busy(self) -> bool:
        """Whether others used the machine when the run began."""
        return is_busy(self.machine.load_at_start)


def document_of(results: Results) -> dict[str, object]:
    """Return what the JSON holds."""
    return {
        "benchmark": "inference",
        "written": datetime.now(tz=UTC).isoformat(timespec="seconds"),
        "machine": asdict(results.machine),
        "machine_was_busy": results.busy,
        "versions": {name: version(name) for name in ("tritonclient", "grpcio", "onnxruntime", "numpy")},
        "model": results.model,
        "servers": results.servers,
        "threads_per_server": results.threads_per_server,
        "inputs": asdict(results.inputs),
        "times": asdict(results.times),
        "same_scores": all(events.same_scores for events in results.whole.values()),
        "whole_events": {form: asdict(events) for form, events in results.whole.items()},
        "cases": [_with_medians(one) for one in results.cases],
        "ratios_to_bare": [{**asdict(one), "median": one.value} for one in results.ratios],
        "aims": {"ratio_to_bare": LEAST_RATIO, "job_cpu_s_per_event_views": MOST_CPU_S},
        "failures": results.failures,
    }


def _with_medians(one: CaseResult) -> dict[str, object]:
    slowest, fastest = one.range_per_s
    return {**asdict(one), "patches_per_s": one.patches_per_s, "slowest_per_s": slowest, "fastest_per_s": fastest}
