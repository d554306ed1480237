"""How fast jobs get patches scored, and what that costs them: ONNX Runtime alone, a bare tritonclient, our client.

One run, one machine, servers of its own: patches a second of (a) ONNX Runtime alone in a loop, (b) a bare tritonclient
loop on patches that were cut beforehand, (c) our client in the `patches` format, (d) our client in the `views` format;
(b), (c) and (d) through Envoy and direct, with several numbers of jobs at once. Short slices of all cases take turns,
so that the ratios (c)/(b) and (d)/(b) are of neighbours in time. Prints tables, writes a JSON and a plot.

Exit status: 0 if the client reached its aims, 1 if not or if the run proves nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from measure.errors import BenchmarkFailed
from measure.machine import describe_machine
from measure.scoring.cases import ROUTES, deal, one_round
from measure.scoring.crew import Times, crew_of
from measure.scoring.rates import CaseResult, slice_result
from measure.scoring.results import Results, document_of
from measure.scoring.servers import own_servers
from measure.scoring.tables import case_table, whole_table
from measure.scoring.verdict import LEAST_RATIO
from rich.console import Console

from jobs.pool.folders import runtime_folder
from sonic.errors import SonicError
from sonic.server.install import install
from sonic.server.models import DEMO_MODEL

if TYPE_CHECKING:
    from measure.scoring.cases import Case
    from measure.scoring.crew import Crew
    from measure.scoring.inputs import Inputs
    from measure.scoring.rates import SliceResult
    from measure.scoring.servers import Servers

console = Console(soft_wrap=True, width=None if sys.stdout.isatty() else 120, highlight=False)


def main() -> int:
    """Measure, print, write and draw; return the exit status."""
    options = _options()
    try:
        results = _measure(options)
    except KeyboardInterrupt:
        return 130
    except (BenchmarkFailed, SonicError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    # Only now: every job imports this program, and none draws.
    from measure.scoring.plot import plot_rates

    _write(results, options.out)
    plot_rates(results.cases, options.plot or options.out.with_suffix(".png"))
    for route in ROUTES:
        console.print(case_table(results, route))
    console.print(whole_table(results))
    for line in results.failures or ["every aim is reached, and every score has the same bits"]:
        console.print(line, markup=False)
    console.print(f"written to {options.out} and {options.plot or options.out.with_suffix('.png')}")
    return 1 if results.failures else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=9, help="measured for each case, all rounds (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="slices that this is cut into (%(default)s)")
    parser.add_argument("--warm-up", type=float, default=1, help="seconds at the start of each slice (%(default)s)")
    parser.add_argument("--servers", type=int, default=2, help="Triton servers behind Envoy (%(default)s)")
    parser.add_argument("--jobs", type=parse_jobs, default="1,4,16", help="how many at once, a list (%(default)s)")
    parser.add_argument("--events", type=int, default=2, help="events that each job goes through (%(default)s)")
    parser.add_argument("--apas", type=int, default=6, help="APAs of an event (%(default)s)")
    parser.add_argument("--density", type=float, default=1, help="factor on the particles of an event (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the generator (%(default)s)")
    parser.add_argument("--model", default="demo", help="demo, paper or an ONNX file (%(default)s)")
    out = Path(__file__).resolve().parent / "results" / "inference.json"
    parser.add_argument("--out", type=Path, default=out, help="the JSON (%(default)s)")
    parser.add_argument("--plot", type=Path, help="the PNG (beside the JSON)")
    return parser.parse_args()


def parse_jobs(text: str) -> list[int]:
    """Read numbers of jobs, each once and in ascending order."""
    counts = sorted({int(word) for word in text.split(",") if word.strip()})
    if not counts or counts[0] < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: numbers from 1 on, with commas between them")
    return counts


def _measure(options: argparse.Namespace) -> Results:
    # Only here, too: it needs much that no job does.
    from measure.scoring.inputs import make_inputs

    from jobs.reco.generate import GeneratorParameters

    machine = describe_machine()
    _say(f"{machine.cores} cores of an {machine.cpu}, load {machine.load_at_start:.1f}")
    times = Times(options.warm_up, options.seconds / options.rounds)
    threads = max(1, machine.cores // options.servers)
    install(runtime_folder(), report=_say)
    with tempfile.TemporaryDirectory(prefix="sonicgrid-benchmark-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        model = _model(options.model, folder)
        _say(f"preparing {options.events} events (not measured)")
        parameters = GeneratorParameters(n_apas=options.apas, density=options.density)
        inputs = make_inputs(folder, options.events, options.seed, parameters, model, machine.cores)
        most_jobs = max(*options.jobs, options.servers)
        with own_servers(folder / "servers", options.servers, runtime_folder(), model, _say) as servers:
            _say(f"starting {most_jobs} jobs")
            with crew_of(most_jobs, folder, options.events, model, threads) as crew:
                _say("whole events, for scores and CPU time")
                whole = {form: crew.whole_events(form, servers.balanced) for form in LEAST_RATIO}
                cases = _cases(options, crew, servers, times, inputs)
    return Results(machine, options.model, options.servers, threads, inputs, times, whole, cases)


def _model(name: str, folder: Path) -> Path:
    if name == "demo":
        return DEMO_MODEL
    if name != "paper":
        return Path(name)
    # It needs onnx, which only this choice does.
    from sonic.server.models.build_paper import build_paper

    return build_paper(folder / "paper")


def _cases(
    options: argparse.Namespace, crew: Crew, servers: Servers, times: Times, inputs: Inputs
) -> tuple[CaseResult, ...]:
    slices: defaultdict[Case, list[SliceResult]] = defaultdict(list)
    for number in range(options.rounds):
        _say(f"round {number + 1} of {options.rounds}")
        for case in one_round(number, options.jobs, options.servers):
            servers.wait_until_idle()
            sliced = crew.score(case, deal(case, servers.balanced, servers.direct), servers, times)
            slices[case].append(slice_result(sliced, inputs.patches_per_event))
    return tuple(CaseResult(case, tuple(found)) for case, found in slices.items())


def _write(results: Results, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document_of(results), indent=2) + "\n")


def _say(line: str) -> None:
    console.print(f"{time.strftime('%H:%M:%S')} {line}", markup=False)


if __name__ == "__main__":
    sys.exit(main())
