"""Makes `grafana.json`, the dashboard to import into Grafana, from the panels as data.

`python -m monitoring.prometheus.make_grafana > monitoring/prometheus/grafana.json`, after every change of the panels.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from monitoring.prometheus.grafana_panels import SECTIONS

if TYPE_CHECKING:
    from monitoring.prometheus.grafana_view import Query, View

__all__ = ["grafana_dashboard", "main"]

SCHEMA_VERSION = 41
"""Of Grafana 12; a newer Grafana brings the file up to its own by itself."""

_COLUMNS = 24
_HEIGHTS = {"stat": 4, "timeseries": 8, "bargauge": 8}
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def grafana_dashboard() -> dict[str, Any]:
    """Return the dashboard, as Grafana's JSON has it."""
    return {
        "uid": "sonicgrid-campaign",
        "title": "SonicGrid campaign",
        "description": "Throughput, links and trouble of a campaign; the numbers of SonicGrid's own page.",
        "tags": ["sonicgrid"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "links": [],
        "annotations": {"list": [_annotation()]},
        "templating": {"list": _variables()},
        "panels": _panels(),
    }


def _panels() -> list[dict[str, Any]]:
    panels: list[dict[str, Any]] = []
    x = y = height = 0
    for section in SECTIONS:
        x, y, height = 0, y + height, 0
        panels.append(
            {
                "id": len(panels) + 1,
                "type": "row",
                "title": section.title,
                "collapsed": False,
                "gridPos": {"x": 0, "y": y, "w": _COLUMNS, "h": 1},
                "panels": [],
            }
        )
        y += 1
        for view in section.views:
            if x + view.width > _COLUMNS:
                x, y, height = 0, y + height, 0
            place = {"x": x, "y": y, "w": view.width, "h": _HEIGHTS[view.kind]}
            panels.append(_panel(view, len(panels) + 1, place))
            x += view.width
            height = max(height, place["h"])
    return panels


def _panel(view: View, number: int, place: dict[str, int]) -> dict[str, Any]:
    return {
        "id": number,
        "type": view.kind,
        "title": view.title,
        "description": view.note,
        "datasource": _SOURCE,
        "gridPos": place,
        "targets": [_target(query, chr(ord("A") + at)) for at, query in enumerate(view.queries)],
        "fieldConfig": {"defaults": _defaults(view), "overrides": _overrides(view)},
        "options": _options(view),
    }


def _target(query: Query, name: str) -> dict[str, Any]:
    return {
        "refId": name,
        "datasource": _SOURCE,
        "editorMode": "code",
        "expr": query.expr,
        "legendFormat": query.legend or "__auto",
        "range": True,
    }


def _defaults(view: View) -> dict[str, Any]:
    defaults: dict[str, Any] = {"unit": view.unit}
    if view.kind == "timeseries":
        stacking = {"mode": "normal" if view.stacked else "none", "group": "A"}
        defaults["min"] = 0
        defaults["custom"] = {"fillOpacity": 30 if view.stacked else 8, "lineWidth": 1, "stacking": stacking}
    if view.kind == "bargauge":
        steps = [{"color": "green", "value": None}, {"color": "red", "value": 1.03}]
        defaults |= {"min": 0, "max": 1.2, "thresholds": {"mode": "absolute", "steps": steps}}
    return defaults


def _overrides(view: View) -> list[dict[str, Any]]:
    """Draw limits as dashed lines, over the rest."""
    dashed = [
        {"id": "custom.fillOpacity", "value": 0},
        {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [8, 6]}},
    ]
    return [
        {"matcher": {"id": "byFrameRefID", "options": chr(ord("A") + at)}, "properties": dashed}
        for at, query in enumerate(view.queries)
        if query.limit
    ]


def _options(view: View) -> dict[str, Any]:
    if view.kind == "timeseries":
        legend = {"displayMode": "list", "placement": "bottom", "showLegend": True}
        return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
    reduce = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    if view.kind == "bargauge":
        return {"displayMode": "basic", "orientation": "horizontal", "reduceOptions": reduce}
    return {"colorMode": "none", "graphMode": "area", "reduceOptions": reduce}


def _variables() -> list[dict[str, Any]]:
    return [
        {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus", "refresh": 1},
        _variable("campaign", "label_values(sonicgrid_campaign_readable, campaign)"),
        _variable("site", 'label_values(sonicgrid_jobs{campaign="$campaign"}, site)', several=True),
        _variable(
            "link", 'label_values(sonicgrid_link_sent_bytes_per_second{campaign="$campaign"}, link)', several=True
        ),
    ]


def _variable(name: str, query: str, *, several: bool = False) -> dict[str, Any]:
    made: dict[str, Any] = {
        "name": name,
        "label": name.capitalize(),
        "type": "query",
        "datasource": _SOURCE,
        "definition": query,
        "query": {"query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery", "qryType": 1},
        "refresh": 2,
        "sort": 1,
    }
    if several:
        # All of them, with jobs that have no site yet.
        made |= {"multi": True, "includeAll": True, "allValue": ".*", "current": {"text": ["All"], "value": ["$__all"]}}
    return made


def _annotation() -> dict[str, Any]:
    expr = 'increase(sonicgrid_site_edits_total{campaign="$campaign"}[1m]) > 0'
    return {
        "name": "Edits of site configs",
        "datasource": _SOURCE,
        "enable": True,
        "iconColor": "orange",
        "expr": expr,
        "titleFormat": "A site config was changed",
        "target": {"refId": "Anno", "expr": expr},
    }


def main() -> int:
    """Write the JSON to standard output; the exit status is 0."""
    sys.stdout.write(json.dumps(grafana_dashboard(), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
