"""Small panels of a campaign, for tests of what draws them."""

from __future__ import annotations

from monitoring.panels.panel import Column, Fact, Facts, Line, Panel, Plot, Source, Table

SOURCE = Source("the test")


def a_plot(
    key: str, title: str, lines: dict[str, tuple[float | None, ...]], unit: str = "per_s", **more: object
) -> Panel:
    """Return a plot of series over minutes."""
    count = max((len(values) for values in lines.values()), default=0)
    made = tuple(Line(name, name, values, "state" if key == "states" else "") for name, values in lines.items())
    limit = more.pop("limit", None)
    if limit is not None:
        made = (*made, Line("budget", "budget", (float(str(limit)),) * count, "limit"))
    starts = tuple(range(0, 60 * count, 60))
    return Panel(key, title, "", SOURCE, Plot(unit, 60, starts, made, **more))  # type: ignore[arg-type]


def states(**jobs: int) -> Panel:
    """Return the plot of states, whose last bin has these numbers of jobs."""
    return a_plot(
        "states", "Jobs", {state: (0.0, float(count)) for state, count in jobs.items()}, "count", stacked=True
    )


def headline(eta_s: float | None = 7380.0) -> Panel:
    """Return the facts at the head of the page."""
    facts = (
        Fact("done", "Jobs done", 700, "count", note="of 1,000", tone="good"),
        Fact("events", "Events/s", 3.4, "per_s"),
        Fact("eta", "Ready in", eta_s, "s", None if eta_s is None else 6900.0, None if eta_s is None else 7900.0),
    )
    return Panel("headline", "Campaign", "Runs well; BNL is at its budget.", SOURCE, Facts(facts))


def links(sites: int = 3) -> Panel:
    """Return the table of links."""
    columns = (
        Column("link", "Link"),
        Column("used", "Use", "share", bar=True, tone="tone"),
        Column("sent", "Sent", "mbps"),
        Column("budget", "Budget", "mbps"),
        Column("tone", "tone"),
        Column("binds", "Binds"),
    )
    rows = tuple((f"SITE{n}", 0.31 * n, 310.0 * n, 1000.0, "bad" if n > 2 else "", "site link") for n in range(sites))
    return Panel("links", "Links", "", SOURCE, Table(columns, rows))


def failures(count: int = 2) -> Panel:
    """Return the table of failures."""
    columns = (Column("class", "Exit class"), Column("jobs", "Jobs", "count"), Column("error", "Error"))
    rows = tuple((f"class_{n}", 10 * n, "pool:8001: no answer\x1b[31m in 60 s\nand more") for n in range(count))
    return Panel("failures", "Failures", "", SOURCE, Table(columns, rows), tone="bad")


def everything() -> tuple[Panel, ...]:
    """Return a page with a bit of everything."""
    wave = tuple(float(n % 7) for n in range(50))
    return (
        headline(),
        states(failed=3, running=200, idle=40, pending=57, done=700),
        links(),
        a_plot("link-SITE1", "SITE1", {"sent": wave}, "mbps", limit=1000),
        a_plot("throughput", "Throughput", {"events": wave}),
        Panel(
            "waiting",
            "Waiting",
            "",
            SOURCE,
            Table((Column("why", "Why"), Column("jobs", "Jobs", "count")), (("site link of BNL", 97),)),
        ),
        a_plot("latency", "Latency", {"p50": wave, "p95": (None, *wave), "p99": wave}, "s"),
        failures(),
        Panel("holds", "Held jobs", "", SOURCE, Table((Column("why", "Why"),), ())),
    )
