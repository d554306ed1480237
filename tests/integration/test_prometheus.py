"""A real Prometheus reads our page, Triton's and Envoy's, and answers all that Grafana and the alerts ask."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.parse
import urllib.request
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import tritonclient.grpc as triton_grpc
import yaml

from jobs.pool.folders import runtime_folder
from monitoring.prometheus.exposition import ALL_METRICS
from monitoring.prometheus.install import install
from sonic.server.ports import PortPicker
from tests.builders.dashboard_server import running
from tests.builders.inference_load import infer, noise
from tests.builders.promql import FILES, alert_rules, grafana_expressions, metric_names
from tests.builders.watched_campaign import DONE, RUNNING, WatchedCampaign

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sonic.server.state import ServersState
    from tests.builders.dashboard_server import Running

PATIENCE_S = 60.0

_SOMETIMES = {"nv_gpu_utilization", "nv_gpu_memory_used_bytes", "nv_gpu_memory_total_bytes"}
"""Triton says these on a machine with a GPU only."""


class Asked:
    """Asks a Prometheus through its API; `log` is what it writes."""

    def __init__(self, port: int, log: Path) -> None:
        self.root = f"http://127.0.0.1:{port}"
        self.log = log

    def get(self, path: str, **query: str) -> Any:  # noqa: ANN401 - any JSON
        """Return the data of an answer; an error of Prometheus is one here."""
        address = f"{self.root}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310 - our own
            said = json.load(answer)
        assert said["status"] == "success", said
        return said["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the series that an expression gives now."""
        found: list[dict[str, Any]] = self.get("query", query=expression)["result"]
        return found


def wait_until(what: Callable[[], bool], message: str) -> None:
    """Wait until something holds, and say what did not."""
    until = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < until, message
        time.sleep(0.2)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the dashboard is started."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def watched(home: Path) -> WatchedCampaign:
    """A campaign with jobs in every state."""
    return WatchedCampaign.begin(home / "results", collect=False)


@pytest.fixture(scope="module")
def dashboard(watched: WatchedCampaign, home: Path) -> Iterator[Running]:
    """The dashboard of that campaign, with its collector, which asks for a token."""
    with running("--port", "0", "--token", home=home) as found:
        assert found.first["campaigns"] == [watched.campaign.name]
        yield found


@pytest.fixture(scope="module")
def prometheus(
    dashboard: Running, home: Path, inference_pool: ServersState, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Asked]:
    """A Prometheus with the sample configuration, on our ports and in a hurry."""
    folder = tmp_path_factory.mktemp("prometheus")
    server = install(runtime_folder(), report=lambda _: None).server
    port = PortPicker().pick()
    _write_configuration(
        folder, dashboard.client.port, home / "state" / "sonicgrid" / "dashboard" / "token", inference_pool
    )
    command = [
        str(server),
        f"--config.file={folder / 'prometheus.yaml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log, cwd=folder) as process:
        try:
            asked = Asked(port, folder / "log")
            wait_until(lambda: _is_ready(asked, process), f"Prometheus does not start: {folder / 'log'}")
            yield asked
        finally:
            process.terminate()


def _is_ready(asked: Asked, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "Prometheus ended"
    try:
        with closing(urllib.request.urlopen(f"{asked.root}/-/ready", timeout=5)) as answer:  # noqa: S310 - our own
            return bool(answer.status == 200)
    except OSError:
        return False


def _write_configuration(folder: Path, dashboard: int, token: Path, servers: ServersState) -> None:
    """Write the sample configuration as a person would edit it, with a round every second."""
    wanted = yaml.safe_load((FILES / "prometheus.yaml").read_text(encoding="utf-8"))
    wanted["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    wanted["rule_files"] = [str(FILES / "alerts.yaml")]
    jobs = {job["job_name"]: job for job in wanted["scrape_configs"]}
    jobs["sonicgrid"]["static_configs"] = [{"targets": [f"127.0.0.1:{dashboard}"]}]
    jobs["triton"]["static_configs"] = [{"targets": list(servers.metrics_endpoints)}]
    jobs["envoy"]["static_configs"] = [{"targets": [f"127.0.0.1:{servers.admin_port}"]}]
    jobs["sonicgrid"]["authorization"] = {"credentials_file": str(token)}
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(wanted))


@pytest.fixture(scope="module")
def lively(prometheus: Asked, watched: WatchedCampaign, inference_pool: ServersState) -> Asked:
    """The same, after it saw the campaign and the servers before and after something happened."""
    wait_until(lambda: all(up for _, up in _targets(prometheus)), "a target does not come up")
    collected = f"sonicgrid_events_done == {5 * len(DONE)}"
    wait_until(lambda: bool(prometheus.query(collected)), "the campaign is not collected")
    seen = _times_read(prometheus)
    wait_until(lambda: _times_read(prometheus) >= seen + 2, "Prometheus does not read on")
    for job in RUNNING:
        watched.beat(job, time.time(), window_s=10.0)
    watched.fail(RUNNING.start, time.time())
    watched.end(RUNNING[1], time.time())
    with triton_grpc.InferenceServerClient(inference_pool.endpoint) as client:
        for _ in range(4):
            infer(client, noise(8))
    done = 'sum(sonicgrid_attempts_ended_total{exit_class="done"}) == ' + str(len(DONE) + 1)
    wait_until(lambda: bool(prometheus.query(done)), "what happened does not arrive")
    seen = _times_read(prometheus)
    wait_until(lambda: _times_read(prometheus) >= seen + 2, "Prometheus does not read on")
    return prometheus


def _times_read(asked: Asked) -> float:
    found = asked.query("min(count_over_time(up[10m]))")
    return float(found[0]["value"][1]) if found else 0.0


def _targets(asked: Asked) -> list[tuple[str, bool]]:
    targets = asked.get("targets")["activeTargets"]
    return [(target["labels"]["job"], target["health"] == "up") for target in targets]


def test_all_targets_are_up(lively: Asked) -> None:
    """Prometheus reads our page with the token, both Triton servers and Envoy, without an error."""
    targets = lively.get("targets")["activeTargets"]
    assert sorted(target["labels"]["job"] for target in targets) == ["envoy", "sonicgrid", "triton", "triton"]
    assert [target["lastError"] for target in targets] == [""] * 4
    # Series that come twice, or samples that it does not take, are in its log alone.
    assert [line for line in lively.log.read_text().splitlines() if "level=warn" in line or "level=error" in line] == []


def test_every_metric_of_ours_is_there(lively: Asked) -> None:
    """Each metric of the reference has a series, with the labels that it says and those that Prometheus adds."""
    for metric in ALL_METRICS:
        name = f"{metric.name}_bucket" if metric.kind == "histogram" else metric.name
        found = lively.query(name)
        labels = {label for series in found for label in series["metric"]} - {"__name__", "instance", "job", "le"}
        assert labels == set(metric.labels), name


def test_types_and_help_arrive(lively: Asked) -> None:
    """Prometheus knows type and help of each metric, by which its page and Grafana complete queries."""
    known = lively.get("metadata")
    for metric in ALL_METRICS:
        # In OpenMetrics, a counter's family has no ending, and an info is a type of its own.
        name = metric.name.removesuffix("_total") if metric.kind == "counter" else metric.name.removesuffix("_info")
        assert {entry["type"] for entry in known[name]} == {metric.kind}, name
        assert {entry["help"] for entry in known[name]} == {metric.text}, name


@pytest.mark.parametrize("place", sorted({place for place, _ in grafana_expressions()}))
def test_what_grafana_asks_is_answered(lively: Asked, place: str) -> None:
    """Every expression of a panel gives at least one series, once Grafana's variables have values."""
    variables = {
        "$campaign": "pdsp-test",
        "$site": ".*",
        "$link": ".*",
        "$__rate_interval": "1m",
    }
    for title, expression in grafana_expressions():
        if title != place:
            continue
        asked = expression
        for name, value in variables.items():
            asked = asked.replace(name, value)
        found = lively.query(asked)
        assert found or metric_names(expression) <= _SOMETIMES or title == "Edits of site configs", asked


def test_every_rule_is_evaluated(lively: Asked) -> None:
    """Prometheus has evaluated all rules and has no complaint; what is recorded has series."""
    groups = lively.get("rules")["groups"]
    wait_until(
        lambda: all(rule["health"] == "ok" for group in lively.get("rules")["groups"] for rule in group["rules"]),
        f"rules that are not well: {groups}",
    )
    names = [rule["name"] for group in groups for rule in group["rules"]]
    assert sorted(names) == sorted(rule.get("record") or rule["alert"] for rule in alert_rules())
    for rule in alert_rules():
        if "record" in rule:
            wait_until(lambda rule=rule: bool(lively.query(rule["record"])), rule["record"])  # type: ignore[misc]


def test_metrics_of_servers_in_the_files_are_those_of_their_pages(lively: Asked) -> None:
    """Each metric of Triton or Envoy that a rule or a panel asks for is on the real pages."""
    on_pages = set(lively.get("label/__name__/values"))
    expressions = [expression for _, expression in grafana_expressions()] + [rule["expr"] for rule in alert_rules()]
    wanted = set().union(*map(metric_names, expressions))
    assert {name for name in wanted if name.startswith(("nv_", "envoy_"))} - _SOMETIMES <= on_pages


def test_what_prometheus_has_is_what_the_store_says(lively: Asked) -> None:
    """A number can be followed from the query back to the campaign."""
    (done,) = lively.query('sonicgrid_jobs{state="done",site="FNAL"}')
    assert done["metric"]["campaign"] == "pdsp-test"
    assert float(done["value"][1]) == len(DONE) // 2 + (RUNNING[1] % 2 == 0)
    (healthy,) = lively.query("envoy_cluster_membership_healthy")
    assert float(healthy["value"][1]) == 2


def test_nothing_is_wrong_that_is_not(lively: Asked) -> None:
    """Only what the campaign has, held jobs and a host that is set aside, may be an alert, or about to be one."""
    active = {alert["labels"]["alertname"] for alert in lively.get("alerts")["alerts"]}
    assert active == {"SonicgridJobsHeld", "SonicgridSetAside"}
