"""The tables that the inference benchmark prints."""

from __future__ import annotations

from statistics import mean
from typing import TYPE_CHECKING

from rich.table import Table

from measure.scoring.cases import ROUTE_WORDS
from measure.scoring.verdict import EXPERIMENT_CPU_S, MOST_CPU_S
from measure.scoring.ways import WAYS

if TYPE_CHECKING:
    from measure.scoring.cases import Route
    from measure.scoring.results import Results

__all__ = ["case_table", "whole_table"]


def case_table(results: Results, route: Route) -> Table:
    """Return the cases of one route, with ONNX Runtime alone at the top."""
    inputs = results.inputs
    busy = f"; the machine was busy: load {results.machine.load_at_start:.1f}"
    table = Table(
        title=f"Inference {ROUTE_WORDS[route]}: {results.model} network, {results.servers} servers with"
        f" {results.threads_per_server} threads each on {results.machine.cores} cores, events of {inputs.apas} APAs and"
        f" {inputs.patches_per_event:,.0f} patches{busy if results.busy else ''}",
        caption=f"patches/s: median and range of {len(results.cases[0].slices)} slices of"
        f" {results.times.measured_s:g} s; of (b): in the same round; CPU s and MB: for an event;"
        " *: answers are so far apart that a slice counts from its first request on",
    )
    table.add_column("way")
    for name in ("jobs", "patches/s", "range", "of (b)", "CPU s: job", "Triton", "Envoy", "MB", "by Envoy"):
        table.add_column(name, justify="right")
    ratio_of = {ratio.case: ratio.value for ratio in results.ratios}
    letters = dict(zip(WAYS, "abcd", strict=True))
    shown = [one for one in results.cases if one.case.route in ("none", route)]
    order = list(WAYS)
    for one in sorted(shown, key=lambda one: (one.case.route != "none", one.case.jobs, order.index(one.case.way))):
        case = one.case
        served, through_envoy = case.route != "none", case.route == "envoy"
        table.add_row(
            f"({letters[case.way]}) {WAYS[case.way]}",
            str(case.jobs),
            f"{one.patches_per_s:,.0f}" + ("*" if any(slice_.short for slice_ in one.slices) else ""),
            "{:,.0f} - {:,.0f}".format(*one.range_per_s),
            f"{ratio_of[case]:.3f}" if case in ratio_of else "",
            f"{one.middle('job_cpu_s_per_event'):.2f}",
            f"{one.middle('triton_cpu_s_per_event'):.2f}" if served else "",
            f"{one.middle('envoy_cpu_s_per_event'):.2f}" if through_envoy else "",
            f"{one.middle('bytes_per_event') / 1e6:.2f}" if served else "",
            f"{one.middle('envoy_bytes_per_event') / 1e6:.2f}" if through_envoy else "",
        )
    return table


def whole_table(results: Results) -> Table:
    """Return what whole events cost one job, and whether their scores are right."""
    table = Table(
        title="Whole events, one job alone, through Envoy",
        caption=f"aim: under {MOST_CPU_S:g} CPU s for views; the experiment's client needed about"
        f" {EXPERIMENT_CPU_S:g} s to build patches",
    )
    table.add_column("way")
    for name in ("CPU s in the job", "seconds", "MB handed to gRPC"):
        table.add_column(name, justify="right")
    table.add_column("scores")
    for form, events in results.whole.items():
        table.add_row(
            WAYS[form],
            f"{mean(events.cpu_s):.2f}",
            f"{mean(events.seconds):.2f}",
            f"{mean(events.bytes_sent) / 1e6:.2f}",
            f"the same bits as {WAYS['onnx']}'s" if events.same_scores else "DIFFERENT",
        )
    return table
