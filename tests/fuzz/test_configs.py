"""Whatever is changed in a spec or a site config: it is refused by its name, or taken and means the same again."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.errors import ConfigError
from jobs.spec.campaign import dump_campaign, load_campaign
from jobs.spec.links import load_links
from jobs.spec.site import load_site

CHECKOUT = Path(__file__).parents[2]
SPEC = CHECKOUT / "workflow" / "campaigns" / "complete.yaml"
SITE = CHECKOUT / "site_configs" / "complete.yaml"
LINKS = CHECKOUT / "site_configs" / "links.yaml"

TAKES_A_FOLDER = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.dates(),
    st.text(max_size=20),
    st.sampled_from(["0 Mb/s", "-1 %", "1e400 Mb/s", "101 %", "5 parsecs", "nan h", "∞", "$HOME", "a/../../b", "0"]),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)


def changed(document: dict[str, Any], data: st.DataObject) -> dict[str, Any]:
    """Return a copy with some of its keys, at any depth, changed, taken away or joined by a stranger."""
    document = copy.deepcopy(document)
    for _ in range(data.draw(st.integers(1, 3))):
        holder: Any = document
        key = data.draw(st.sampled_from(sorted(holder)))
        while isinstance(holder[key], dict) and holder[key] and data.draw(st.booleans()):
            holder = holder[key]
            key = data.draw(st.sampled_from(sorted(holder)))
        how = data.draw(st.sampled_from(["change", "remove", "add"]))
        if how == "remove":
            del holder[key]
        else:
            holder[key if how == "change" else data.draw(st.text(max_size=8))] = data.draw(VALUES)
        if not document:
            break
    return document


def written(folder: Path, document: dict[str, Any], name: str = "changed.yaml") -> Path:
    """Write it as a person's editor would, in whatever style."""
    path = folder / name
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    return path


@TAKES_A_FOLDER
@given(data=st.data())
def test_a_changed_spec_is_refused_or_taken(tmp_path: Path, data: st.DataObject) -> None:
    """A spec that is taken is the same campaign when its dump is read."""
    path = written(tmp_path, changed(yaml.safe_load(SPEC.read_text()), data))
    try:
        campaign = load_campaign(path)
    except ConfigError as error:
        refusal = error
    else:
        assert load_campaign(written(tmp_path, yaml.safe_load(dump_campaign(campaign)))) == campaign
        return
    assert refusal.problems
    assert all(problem.file.startswith(str(path)) for problem in refusal.problems)


@TAKES_A_FOLDER
@given(data=st.data())
def test_a_changed_site_is_refused_or_taken(tmp_path: Path, data: st.DataObject) -> None:
    """A site that is taken has a finite budget, and no more than the whole of it."""
    path = written(tmp_path, changed(yaml.safe_load(SITE.read_text()), data))
    try:
        site = load_site(path)
    except ConfigError as error:
        refusal = error
    else:
        assert 0 <= site.budget_mbps <= site.uplink_mbps < float("inf")
        return
    assert refusal.problems
    assert all(problem.file.startswith(str(path)) for problem in refusal.problems)


@TAKES_A_FOLDER
@given(data=st.data())
def test_changed_links_are_refused_or_taken(tmp_path: Path, data: st.DataObject) -> None:
    """Shared links that are taken have a finite budget."""
    path = written(tmp_path, changed(yaml.safe_load(LINKS.read_text()), data), "links.yaml")
    try:
        links = load_links(tmp_path)
    except ConfigError as error:
        refusal = error
    else:
        assert all(0 <= link.budget_mbps < float("inf") for link in links.shared_links.values())
        return
    assert refusal.problems
    assert all(problem.file.startswith(str(path)) for problem in refusal.problems)


@TAKES_A_FOLDER
@given(text=st.text(max_size=200) | st.binary(max_size=200))
def test_what_is_no_config_is_refused(tmp_path: Path, text: str | bytes) -> None:
    """Any text or bytes: no error but the one that says where and what to do."""
    path = tmp_path / "any.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    for load in (load_campaign, load_site):
        try:
            load(path)
        except ConfigError as error:
            refusal = error
        else:
            raise AssertionError(text)
        assert all(problem.remedy for problem in refusal.problems)
