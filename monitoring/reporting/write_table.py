"""Writes the table for a paper as CSV, and as LaTeX that a paper can include; numbers are rounded to their errors."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from monitoring.reporting.round_off import round_interval, three_digits

if TYPE_CHECKING:
    from monitoring.numbers import Interval, PaperRow, PaperTable

__all__ = ["to_csv", "to_tex"]

_ESCAPED = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "&": r"\&",
        "%": r"\%",
        "$": r"\$",
        "#": r"\#",
        "_": r"\_",
        "{": r"\{",
        "}": r"\}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
    }
)
_NO_SITE = "no site known"
_NOTHING = "--"

_HEADS = (
    ("Site", ""),
    ("Jobs", ""),
    ("Events", ""),
    ("Failures", "attempts (jobs)"),
    ("Wall", "h"),
    ("CPU", "h"),
    (r"$\langle$Rate$\rangle$", "Mb/s (budget)"),
    ("Peak", "Mb/s (budget)"),
    ("Speed-up", "gpu/cpu"),
    ("Threads", "per GPU"),
    ("Requests", ""),
    ("Sent", "MB/event"),
)


def to_csv(table: PaperTable) -> str:
    """Return the table with one column for each number; where there is none the cell is empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    rows = [_plain(row) for row in (*table.rows, table.total)]
    writer.writerow(rows[0])
    writer.writerows(row.values() for row in rows)
    return out.getvalue()


def to_tex(table: PaperTable, campaign: str) -> str:
    """Return a `tabular` for the package booktabs, with a comment that says what is what."""
    lines = [
        f"% SonicGrid, campaign {_one_line(campaign)}. Needs \\usepackage{{booktabs}}.",
        "% Jobs and events: done. Failures, hours, requests: of all attempts. Rates: on the wire, in brackets the part",
        "% of the site's budget. Speed-up: time per event of cpu over gpu jobs on the same CPU model. Threads per GPU:",
        "% time per event in a job over the time for which one GPU works on it (arXiv:2009.04509). Errors: 68 %.",
        rf"\begin{{tabular}}{{l{'r' * (len(_HEADS) - 1)}}}",
        r"\toprule",
        " & ".join(head for head, _ in _HEADS) + r" \\",
        " & ".join(unit for _, unit in _HEADS) + r" \\",
        r"\midrule",
        *(_tex_row(row) for row in table.rows),
        r"\midrule",
        _tex_row(table.total),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Return text that LaTeX shows as it is."""
    return _one_line(text).translate(_ESCAPED)


def _plain(row: PaperRow) -> dict[str, str | int]:
    return {
        # A spreadsheet would take a name that begins like a formula for one.
        "site": f"'{row.site}" if row.site.startswith(("=", "+", "-", "@")) else row.site,
        "jobs": row.jobs,
        "events": row.events,
        "attempts_failed": row.attempts_failed,
        "jobs_failed": row.jobs_failed,
        "wall_hours": three_digits(row.wall_hours),
        "cpu_hours": three_digits(row.cpu_hours),
        "mean_mbps": _number(row.mean_mbps),
        "peak_mbps": _number(row.peak_mbps),
        "mean_of_budget": _number(row.mean_of_budget),
        "peak_of_budget": _number(row.peak_of_budget),
        **_with_errors("speed_up", row.speed_up),
        **_with_errors("cpu_threads_per_gpu", row.cpu_threads_per_gpu),
        "requests": row.requests,
        "sent_bytes_per_event": _number(row.sent_bytes_per_event),
    }


def _with_errors(name: str, interval: Interval | None) -> dict[str, str | int]:
    value, up, down = round_interval(interval) if interval else ("", "", "")
    return {name: value, f"{name}_error_up": up, f"{name}_error_down": down}


def _tex_row(row: PaperRow) -> str:
    failures = f"{_count(row.attempts_failed)} ({_count(row.jobs_failed)})"
    megabytes = None if row.sent_bytes_per_event is None else row.sent_bytes_per_event * 1e-6
    cells = (
        escape(row.site) or _NO_SITE,
        _count(row.jobs),
        _count(row.events),
        failures,
        three_digits(row.wall_hours),
        three_digits(row.cpu_hours),
        _rate(row.mean_mbps, row.mean_of_budget),
        _rate(row.peak_mbps, row.peak_of_budget),
        _tex_interval(row.speed_up),
        _tex_interval(row.cpu_threads_per_gpu),
        _count(row.requests),
        _number(megabytes) or _NOTHING,
    )
    return " & ".join(cells) + r" \\"


def _tex_interval(interval: Interval | None) -> str:
    if interval is None:
        return _NOTHING
    value, up, down = round_interval(interval)
    return rf"${value}^{{+{up}}}_{{-{down}}}$"


def _rate(mbps: float | None, share: float | None) -> str:
    if mbps is None:
        return _NOTHING
    return three_digits(mbps) + (rf" ({100 * share:.0f}\,\%)" if share is not None else "")


def _number(value: float | None) -> str:
    return "" if value is None else three_digits(value)


def _count(value: int) -> str:
    return f"{value:,}".replace(",", r"\,")


def _one_line(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text)
