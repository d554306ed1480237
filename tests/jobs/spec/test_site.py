"""Site configs."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.block import TlsFiles
from jobs.errors import ConfigError, UsageError
from jobs.spec.site import find_sites_folder, load_site, load_sites, site_access, site_files

CHECKOUT = Path(__file__).resolve().parents[3]


UPLINK = "uplink: 10 Gb/s\n"
GOOD = "endpoints: a:1\n" + UPLINK


def _write(folder: Path, text: str, name: str = "FNAL") -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(text)
    return path


def test_a_site_of_two_keys(tmp_path: Path) -> None:
    """Endpoints and uplink are all that must be said; name and slots follow from the file's name."""
    site = load_site(_write(tmp_path, "endpoints: triton.example.org:8001\nuplink: 10 Gb/s\n", "US_FNAL-2"))
    assert site.name == "US_FNAL-2"
    assert site.slots == 'GLIDEIN_Site == "US_FNAL-2"'
    assert site.endpoints == ("triton.example.org:8001",)
    assert site.budget_mbps == pytest.approx(8000)
    assert (site.most_jobs, site.ramp_per_min, site.admit_factor) == (None, 60, 1.25)
    assert (site.rate_per_job_mbps, site.least_rate_per_job_mbps, site.most_rate_per_job_mbps) == (None, 0.1, None)
    assert (site.admission, site.gateway, site.environment) == ("auto", False, None)
    assert (site.shared_links, site.gpu_pool, site.largest_request_mb) == ((), None, 4)


def test_the_budget_is_the_share_of_the_uplink(tmp_path: Path) -> None:
    """100 Gb/s and a share of 80 % are 80,000 Mb/s."""
    site = load_site(_write(tmp_path, "endpoints: embedded\nuplink: 100 Gb/s\ncampaign_share: 80 %\n"))
    assert site.budget_mbps == pytest.approx(80_000)


def test_an_expression_over_several_lines_becomes_one(tmp_path: Path) -> None:
    """A submit description has no room for line breaks."""
    site = load_site(_write(tmp_path, "endpoints: embedded\nuplink: 1 Gb/s\nslots: |\n  HasCVMFS &&\n    Cpus > 1\n"))
    assert site.slots == "HasCVMFS && Cpus > 1"


def test_a_text_in_an_expression_may_say_anything(tmp_path: Path) -> None:
    """Only a reference to the job's ad is refused, not the same letters in a text or in a longer name."""
    slots = 'Owner == "my.name" && TARGET.Army.x =!= 1'
    assert load_site(_write(tmp_path, GOOD + f"slots: '{slots}'\n")).slots == slots


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("uplink: 1 Gb/s\n", "endpoints", "write `endpoints: triton.example.org:8001`"),
        ("endpoints: []\n" + UPLINK, "endpoints", "at least one"),
        ("endpoints: [a:1, b]\n" + UPLINK, "endpoints[1]", "host:port"),
        ("endpoints: http://a:8000\n" + UPLINK, "endpoints", "host:port"),
        ("endpoints: a:0\n" + UPLINK, "endpoints", "host:port"),
        ("endpoints: a:65536\n" + UPLINK, "endpoints", "host:port"),
        ("endpoints: 'a b:80'\n" + UPLINK, "endpoints", "host:port"),
        ("endpoints: ':80'\n" + UPLINK, "endpoints", "host:port"),
        ("endpoints: 2001:db8::1:8001\n" + UPLINK, "endpoints", "brackets"),
        ("endpoints: embeded\n" + UPLINK, "endpoints", "the word embedded"),
        (GOOD + "slots: 'GLIDEIN_Site = \"x\"'\n", "slots", "equality is =="),
        (GOOD + "slots: 'x =='\n", "slots", "ClassAd"),
        (GOOD + "slots: ''\n", "slots", "ClassAd"),
        (GOOD + "slots: HasCVMFS; x = 1\n", "slots", "ClassAd"),
        (GOOD + "slots: my.GLIDEIN_Site == 1\n", "slots", "write GLIDEIN_Site"),
        ("endpoints: a:1\n", "uplink", "is missing (write `uplink: 10 Gb/s`"),
        ("endpoints: a:1\nuplnk: 1 Gb/s\n", "uplnk", "did you mean 'uplink'?"),
        ("endpoints: a:1\nuplink: 100\n", "uplink", "100 has no unit"),
        ("endpoints: a:1\nuplink: 100 MB/s\n", "uplink", "bytes"),
        ("endpoints: a:1\nuplink: 100 gb/s\n", "uplink", "small b"),
        ("endpoints: a:1\nuplink: -1 Gb/s\n", "uplink", "negative"),
        ("endpoints: a:1\nuplink: 0 Gb/s\n", "uplink", "campaign_share: 0 %"),
        ("endpoints: a:1\nuplink: 100 kb/s\n", "uplink", "0.08 Mb/s (80 % of an uplink of 0.1 Mb/s) is too small"),
        (GOOD + "campaign_share: 101 %\n", "campaign_share", "100 %"),
        (GOOD + "campaign_share: -1 %\n", "campaign_share", "negative"),
        (GOOD + "campaign_share: 0.8\n", "campaign_share", "no unit"),
        (GOOD + "shared_links: [a, a]\n", "shared_links", "names 'a' twice"),
        (GOOD + "shared_links: ['a b']\n", "shared_links[0]", "letters, digits"),
        (GOOD + "most_jobs: 0\n", "most_jobs", "at least 1"),
        (GOOD + "most_jobs: many\n", "most_jobs", "whole number"),
        (GOOD + "ramp: 0/min\n", "ramp", "or no job ever starts"),
        (GOOD + "ramp: 50\n", "ramp", "no unit"),
        (GOOD + "ramp: 50 Mb/s\n", "ramp", "not bits"),
        (GOOD + "ramp: -5/min\n", "ramp", "negative"),
        (GOOD + "admit_factor: 0.9\n", "admit_factor", "at least 1"),
        (GOOD + "admit_factor: 4.5\n", "admit_factor", "at most 4"),
        (GOOD + "admit_factor: .nan\n", "admit_factor", "at most 4"),
        (GOOD + "admit_factor: '2'\n", "admit_factor", "a number"),
        (GOOD + "least_rate_per_job: 2 Mb/s\nmost_rate_per_job: 1 Mb/s\n", "most_rate_per_job", "which is 2 Mb/s"),
        (GOOD + "most_rate_per_job: 1 kb/s\n", "most_rate_per_job", "less than least_rate_per_job"),
        (GOOD + "most_rate_per_job: 1 Mb/s\nrate_per_job: 2 Mb/s\n", "rate_per_job", "raise most_rate_per_job"),
        (GOOD + "rate_per_job: 1 kb/s\n", "rate_per_job", "lower least_rate_per_job, which is 0.1 Mb/s"),
        (GOOD + "rate_per_job: 0 Mb/s\n", "rate_per_job", "more than 0"),
        (GOOD + "rate_per_job: 9 Gb/s\n", "rate_per_job", "8 Gb/s (80 % of an uplink of 10 Gb/s) is too small"),
        (GOOD + "rate_per_job: 9 Gb/s\n", "rate_per_job", "one job of its 9 Gb/s (raise uplink or campaign_share"),
        (GOOD + "least_rate_per_job: 9 Gb/s\n", "least_rate_per_job", "lower least_rate_per_job"),
        (GOOD + "admission: root\n", "admission", "'auto', 'negotiator' or 'materialize'"),
        (GOOD + "gateway: 1\n", "gateway", "true or false"),
        (GOOD + "gpu_pool: [a]\n", "gpu_pool", "must be a text"),
        (GOOD + "wire_format: jpeg\n", "wire_format", "'patches' or 'views'"),
        (GOOD + "tls: {cert: /a}\n", "tls.cert", "is not a key here"),
        (GOOD + "tls: {certificate: /a}\n", "tls", "a certificate and no key (give both, or neither)"),
        (GOOD + "tls: {key: /a}\n", "tls", "a key and no certificate"),
        (GOOD + "tls: {ca: ca.pem}\n", "tls.ca", "absolute path"),
        (GOOD + "tls: true\n", "tls", "a group of keys"),
        (GOOD + "tls: {}\ntoken_file: token\n", "token_file", "begin it with a variable"),
        (GOOD + "token_file: /a\n", "token_file", "needs TLS"),
        (GOOD + "largest_request: 9 kB\n", "largest_request", "one hit alone may take 9,216 bytes"),
        (GOOD + "largest_request: 4 Mb\n", "largest_request", "megabits"),
        (GOOD + "environment: {}\n", "environment", "exactly one of python, archive, container"),
        (GOOD + "environment: {python: /a, container: b}\n", "environment", "has python and container"),
        (GOOD + "environment: {python: bin/python}\n", "environment.python", "absolute path"),
        (GOOD + "environment: {container: 'a b'}\n", "environment.container", "white space"),
        (GOOD + "environment: {conda: /a}\n", "environment.conda", "is not a key here"),
        (GOOD + "environment: /usr/bin/python\n", "environment", "a group of keys"),
        (GOOD + "name: x\n", "name", "not a key"),
        (GOOD + "campaign_shares: 10 %\n", "campaign_shares", "did you mean 'campaign_share'?"),
    ],
)
def test_each_bad_key_is_one_clear_problem(tmp_path: Path, text: str, key: str, words: str) -> None:
    """Every wrong key is named with its remedy, and nothing else is complained about."""
    path = _write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_site(path)
    (problem,) = caught.value.problems
    assert problem.file.startswith(str(path))
    assert problem.key.startswith(key)
    assert words in str(problem)


def test_a_file_name_that_is_no_site_name(tmp_path: Path) -> None:
    """The name goes into expressions and limits, so it is held to letters, digits, '-' and '_'."""
    with pytest.raises(ConfigError, match="letters, digits"):
        load_site(_write(tmp_path, GOOD, 'a"b'))


def test_all_sites_of_a_folder_or_some(tmp_path: Path) -> None:
    """Without names every site is read; with names only those, in their order."""
    for name in ("CERN", "FNAL", "BNL"):
        _write(tmp_path, GOOD, name)
    assert list(load_sites(tmp_path)) == ["BNL", "CERN", "FNAL"]
    assert list(load_sites(tmp_path, ["FNAL", "BNL"])) == ["FNAL", "BNL"]


def test_problems_of_all_sites_come_at_once(tmp_path: Path) -> None:
    """Two bad sites and one that is not there are one error."""
    for name in ("CERN", "FNAL"):
        _write(tmp_path, "endpoints: a\nuplink: 1 Gb/s\n", name)
    with pytest.raises(ConfigError) as caught:
        load_sites(tmp_path, ["CERN", "FNAL", "CREN"], asked_by="spec.yaml")
    assert len(caught.value.problems) == 3
    assert "did you mean 'CERN'? known: CERN, FNAL" in str(caught.value)
    assert "spec.yaml: sites" in str(caught.value)


def test_the_embedded_pool_is_asked_only_where_it_is_named(tmp_path: Path) -> None:
    """`embedded` becomes the load balancer's address of now; other endpoints stay, in their order."""

    def no_pool() -> str:
        pytest.fail("asked for a pool that the site does not name")

    plain = load_site(_write(tmp_path, GOOD))
    mixed = load_site(_write(tmp_path, "endpoints: [embedded, a:1]\nuplink: 1 Gb/s\n"))
    assert site_access(plain, no_pool).endpoints == ("a:1",)
    assert site_access(mixed, lambda: "127.0.0.1:4711").endpoints == ("127.0.0.1:4711", "a:1")


@pytest.mark.parametrize("written", ["tls: {}\n", "tls:\n"])
def test_the_key_alone_switches_tls_on(tmp_path: Path, written: str) -> None:
    """Nobody who wrote `tls:` may get a connection in the open."""
    site = load_site(_write(tmp_path, GOOD + written))
    assert site_access(site, str).tls == TlsFiles()
    assert site_access(load_site(_write(tmp_path, GOOD)), str).tls is None


@pytest.mark.parametrize("endpoint", ["embedded", "127.0.0.1:8001", "localhost:8001", "'[::1]:8001'"])
def test_a_token_may_stay_on_the_machine_without_tls(tmp_path: Path, endpoint: str) -> None:
    """Nobody is on the way to an endpoint of the worker's own machine."""
    text = f"endpoints: {endpoint}\nuplink: 1 Gb/s\ntoken_file: /run/token\n"
    assert load_site(_write(tmp_path, text)).token_file is not None


def test_what_a_job_shows_travels_by_name(tmp_path: Path) -> None:
    """Wire format and files come to the job as they were written, variables and all, for the worker to fill in."""
    text = "wire_format: views\ntls: {ca: /ca.pem, certificate: $CERT, key: '$DIR/key'}\ntoken_file: ${T}/x\n"
    access = site_access(load_site(_write(tmp_path, GOOD + text)), str)
    assert (access.wire_format, access.token_file) == ("views", "${T}/x")
    assert access.tls == TlsFiles(ca="/ca.pem", certificate="$CERT", key="$DIR/key")


def test_finds_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The option counts before the variable, and the variable before the checkout's own folder."""
    monkeypatch.delenv("SONICGRID_SITES", raising=False)
    assert find_sites_folder() == CHECKOUT / "site_configs"
    monkeypatch.setenv("SONICGRID_SITES", str(tmp_path))
    assert find_sites_folder() == tmp_path
    (tmp_path / "x").mkdir()
    assert find_sites_folder(tmp_path / "x") == tmp_path / "x"
    with pytest.raises(UsageError, match="no such folder"):
        find_sites_folder(tmp_path / "y")


@pytest.mark.parametrize("path", site_files(CHECKOUT / "site_configs").values(), ids=lambda path: path.stem)
def test_the_shipped_sites_are_right(path: Path) -> None:
    """Every site config that comes with the project loads."""
    assert load_site(path).name == path.stem


def test_the_minimal_site_is_short() -> None:
    """A new site should not look like work: ten lines at most."""
    assert len((CHECKOUT / "site_configs/minimal.yaml").read_text().splitlines()) <= 10
