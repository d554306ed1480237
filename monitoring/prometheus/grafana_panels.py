"""What the Grafana dashboard shows: its panels in the order of the campaign's page, as data."""

from __future__ import annotations

from monitoring.prometheus.grafana_view import Query, Section, View

__all__ = ["SECTIONS"]

_C = 'campaign="$campaign"'
_S = f'{_C},site=~"$site"'
_RATE = "[$__rate_interval]"


def _number(title: str, unit: str, expr: str, note: str = "") -> View:
    return View(title, "stat", unit, (Query(expr),), note, width=4)


def _lines(
    title: str, unit: str, *queries: tuple[str, str], note: str = "", width: int = 12, stacked: bool = False
) -> View:
    made = tuple(Query(expr, legend) for expr, legend in queries)
    return View(title, "timeseries", unit, made, note, width, stacked)


def _by_site(name: str, factor: str = "") -> tuple[str, str]:
    return f"{factor}sum by (site) (rate({name}{{{_S}}}{_RATE}))", "{{site}}"


def _share_of(part: str, whole: str) -> tuple[str, str]:
    sums = [f"sum by (site) (rate({name}{{{_S}}}{_RATE}))" for name in (part, whole)]
    return " / ".join(sums), "{{site}}"


def _latency(quantile: str) -> tuple[str, str]:
    rate = f"sum by (le) (rate(sonicgrid_request_latency_seconds_bucket{{{_S}}}{_RATE}))"
    return f"histogram_quantile({quantile}, {rate})", f"p{quantile[2:].ljust(2, '0')}"


def _of_triton(part: str) -> tuple[str, str]:
    spent = f"sum(rate(nv_inference_{part}_duration_us{_RATE}))"
    return f"1e-6 * {spent} / sum(rate(nv_inference_request_success{_RATE}))", part.replace("_", " ")


_HEADLINE = (
    _number("Events done", "percentunit", f"sonicgrid_events_done{{{_C}}} / sonicgrid_events_planned{{{_C}}}"),
    _number("Left", "s", f"sonicgrid_eta_seconds{{{_C}}}", "Time until the last event, at the rate of the last hour."),
    _number("Jobs running", "short", f'sum(sonicgrid_jobs{{{_C},state="running"}})'),
    _number("Jobs failed", "short", f'sum(sonicgrid_jobs{{{_C},state="failed"}})'),
    _number("Jobs held", "short", f'sum(sonicgrid_jobs{{{_C},state="held"}})'),
    _number("Heard of", "s", f"time() - sonicgrid_last_heard_timestamp_seconds{{{_C}}}", "Age of all numbers here."),
)

_LINKS = (
    View(
        "Link use and budget: $link",
        "timeseries",
        "bps",
        (
            Query(f'8 * sonicgrid_link_sent_bytes_per_second{{{_C},link=~"$link"}}', "{{link}} sent"),
            Query(f'8 * sonicgrid_link_budget_bytes_per_second{{{_C},link=~"$link"}}', "{{link}} budget", limit=True),
        ),
        "On the wire, framing included. Upright lines are edits of site configs.",
        width=24,
    ),
    View(
        "Budget in use",
        "bargauge",
        "percentunit",
        (
            Query(
                f"sonicgrid_link_sent_bytes_per_second{{{_C}}} / (sonicgrid_link_budget_bytes_per_second{{{_C}}} > 0)",
                "{{link}}",
            ),
        ),
    ),
    _lines(
        "Jobs that the throttle lets in",
        "short",
        (f"sonicgrid_site_running_jobs{{{_S}}}", "{{site}} running"),
        (f"sonicgrid_site_room_jobs{{{_S}}}", "{{site}} may run now"),
        (f"sonicgrid_site_admitted_jobs{{{_S}}}", "{{site}} may run in the end"),
    ),
    _lines(
        "What one job may send, and needs",
        "bps",
        (f"8 * sonicgrid_site_share_bytes_per_second{{{_S}}}", "{{site}} share"),
        (f"8 * sonicgrid_site_job_need_bytes_per_second{{{_S}}}", "{{site}} need"),
    ),
    _lines(
        "Decisions of the throttle and edits",
        "short",
        (f"increase(sonicgrid_throttle_decisions_total{{{_S}}}{_RATE})", "{{site}} decisions"),
        (f"increase(sonicgrid_site_edits_total{{{_C}}}{_RATE})", "edits"),
    ),
)

_POOL = (
    _lines(
        "Latency of requests, as jobs see it",
        "s",
        _latency("0.5"),
        _latency("0.95"),
        _latency("0.99"),
        note="Of all chosen sites together, from sending to the answer.",
    ),
    _lines(
        "Where Triton spends it",
        "s",
        *(_of_triton(part) for part in ("queue", "compute_input", "compute_infer", "compute_output")),
        note="Mean of a request; of all clients of these servers.",
        stacked=True,
    ),
    _lines(
        "Requests",
        "reqps",
        (f"sum(rate(sonicgrid_requests_total{{{_S}}}{_RATE}))", "answered"),
        (f"sum(rate(sonicgrid_request_retries_total{{{_S}}}{_RATE}))", "sent again"),
        (f"sum by (reason) (rate(nv_inference_request_failure{_RATE}))", "Triton: {{reason}}"),
    ),
    _lines(
        "Patches in one execution",
        "short",
        (
            f"sum by (model) (rate(nv_inference_count{_RATE})) / sum by (model) (rate(nv_inference_exec_count{_RATE}))",
            "{{model}}",
        ),
    ),
    _lines(
        "Servers and requests in flight",
        "short",
        ("sum(envoy_cluster_membership_healthy)", "healthy servers"),
        ("sum(envoy_cluster_upstream_rq_active)", "in flight"),
        ("sum(nv_inference_pending_request_count)", "in Triton's queues"),
    ),
    _lines(
        "GPU use",
        "percentunit",
        ("nv_gpu_utilization", "{{instance}} {{gpu_uuid}}"),
        ("nv_gpu_memory_used_bytes / nv_gpu_memory_total_bytes", "{{instance}} {{gpu_uuid}} memory"),
        note="Empty on a pool without GPUs.",
    ),
)

_TROUBLE = (
    _lines(
        "Attempts that failed",
        "short",
        (
            f'sum by (exit_class) (increase(sonicgrid_attempts_ended_total{{{_S},exit_class!="done"}}{_RATE})) > 0',
            "{{exit_class}}",
        ),
        stacked=True,
    ),
    _lines("Held jobs by reason", "short", (f"sonicgrid_held_jobs{{{_C}}} > 0", "{{reason}}"), stacked=True),
    _lines("Notes of the collector", "short", (f"sonicgrid_standing_notes{{{_C}}}", "standing")),
    _lines("Collector", "short", (f"sonicgrid_collector_up{{{_C}}}", "up")),
)

_TIME = (
    _lines("CPU efficiency", "percentunit", _share_of("sonicgrid_cpu_seconds_total", "sonicgrid_wall_seconds_total")),
    _lines(
        "Time with an event being scored",
        "percentunit",
        _share_of("sonicgrid_inference_seconds_total", "sonicgrid_running_seconds_total"),
        note="While a remote GPU works, a job's CPU waits: read it beside the CPU efficiency.",
    ),
    _lines(
        "Time held back by the share",
        "percentunit",
        _share_of("sonicgrid_paced_seconds_total", "sonicgrid_running_seconds_total"),
    ),
)

SECTIONS = (
    Section("Campaign", _HEADLINE),
    Section(
        "Jobs",
        (
            _lines(
                "Jobs by state",
                "short",
                (f"sum by (state) (sonicgrid_jobs{{{_S}}})", "{{state}}"),
                width=24,
                stacked=True,
            ),
        ),
    ),
    Section("Links", _LINKS),
    Section(
        "Throughput",
        (
            _lines("Events per second", "short", _by_site("sonicgrid_events_processed_total"), stacked=True),
            _lines("Hits per second", "short", _by_site("sonicgrid_hits_processed_total"), stacked=True),
            _lines(
                "Jobs per hour",
                "short",
                (
                    f'3600 * sum by (site) (rate(sonicgrid_attempts_ended_total{{{_S},exit_class="done"}}{_RATE}))',
                    "{{site}}",
                ),
                stacked=True,
            ),
            _lines(
                "What jobs wait for",
                "short",
                (f"sum by (reason) (sonicgrid_waiting_jobs{{{_C}}}) > 0", "{{reason}}"),
                stacked=True,
            ),
        ),
    ),
    Section("Inference pool", _POOL),
    Section("Failures and holds", _TROUBLE),
    Section("Where the time goes", _TIME),
)
"""In the order of the page."""
