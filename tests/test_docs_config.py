"""The pages on campaign specs and site configs say what the code says, key by key."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from jobs.pool.access import AccessFile, TlsKeys, TokenKeys
from jobs.spec.campaign import Campaign, Estimate, FileList, JobSize, NetworkChoice, Output, RecoChoice, load_campaign
from jobs.spec.environment import Environment
from jobs.spec.links import GpuPool, Links, SharedLink, load_links
from jobs.spec.site import Site, load_site
from jobs.spec.tls import Tls
from jobs.spec.units import DURATION, RATE, SHARE, SIZE, STARTS, Quantity

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

CHECKOUT = Path(__file__).resolve().parent.parent
REFERENCE = CHECKOUT / "docs" / "reference"
SECTIONS: dict[str, type[BaseModel]] = {
    "jobs": JobSize,
    "network": NetworkChoice,
    "reco": RecoChoice,
    "output": Output,
    "estimate": Estimate,
}


def _tables(page: str) -> list[list[list[str]]]:
    """Return the tables of a page: rows of cells, without the heads."""
    text = (REFERENCE / page).read_text(encoding="utf-8")
    found = re.findall(r"^\|.*\n\| --- .*\n((?:\|.*\n)+)", text, flags=re.MULTILINE)
    return [[[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()] for table in found]


def _default(model: type[BaseModel], name: str, field: FieldInfo) -> str:
    """Return the default as a person writes it in YAML."""
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True, validated_data={})
    assert default is not PydanticUndefined
    if default in (None, "", (), {}) or isinstance(default, BaseModel):
        return "-"
    made = model.model_construct(**{name: default})
    shown = made.model_dump(include={name}, by_alias=True, warnings=False)[field.alias or name]
    return f"`{yaml.safe_dump(shown, default_style=None).splitlines()[0]}`"


def _rows(model: type[BaseModel], prefix: str = "") -> list[list[str]]:
    """Return what the table about a model must hold."""
    return [
        [f"`{prefix}{field.alias or name}`", _default(model, name, field), str(field.description)]
        for name, field in model.model_fields.items()
        if not field.exclude
    ]


def test_campaign_md_lists_every_key() -> None:
    """Key, default and meaning must be those of the models, in their order; the units those that are read."""
    top, *sections, units = _tables("campaign.md")
    assert top == _rows(Campaign)
    assert sections == [_rows(model, f"{name}.") for name, model in SECTIONS.items()]
    quantities = {"size": SIZE, "duration": DURATION, "share": SHARE, "rate": RATE, "starts": STARTS}
    assert units == [_units(name, quantity) for name, quantity in quantities.items()]


def _units(name: str, quantity: Quantity) -> list[str]:
    return [name, ", ".join(f"`{unit}`" for unit in quantity.units), f"`{quantity.example.strip(chr(34))}`"]


def test_sites_md_lists_every_key() -> None:
    """Key, default and meaning must be those of the models, in their order."""
    site, tls, environment, links, link, pool = _tables("sites.md")
    assert site == _rows(Site)
    assert tls == _rows(Tls, "tls.")
    assert environment == _rows(Environment, "environment.")
    assert links == _rows(Links)
    assert link == _rows(SharedLink, "shared_links.NAME.")
    assert pool == _rows(GpuPool, "gpu_pools.NAME.")


def test_access_md_lists_every_key() -> None:
    """Key, default and meaning must be those of the models, in their order."""
    access, tls, tokens = _tables("access.md")[:3]
    assert access == _rows(AccessFile)
    assert tls == _rows(TlsKeys, "tls.")
    assert tokens == _rows(TokenKeys, "tokens.")


def test_the_complete_models_have_every_key() -> None:
    """complete.yaml of specs and of sites shows each key there is, so that nobody has to guess one."""
    written = (CHECKOUT / "workflow/campaigns/complete.yaml").read_text(encoding="utf-8")
    keys = set(re.findall(r"^ *(?:# |- )?([a-z_]+):", written, flags=re.MULTILINE))
    models: list[type[BaseModel]] = [Campaign, FileList, *SECTIONS.values()]
    assert keys >= {field.alias or name for model in models for name, field in model.model_fields.items()}
    text = (CHECKOUT / "site_configs/complete.yaml").read_text(encoding="utf-8")
    site = yaml.safe_load(text)
    assert set(site) == {field.alias or name for name, field in Site.model_fields.items() if not field.exclude}
    assert set(re.findall(r"^  (?:# )?([a-z]+): ", text, flags=re.MULTILINE)) == {
        *Environment.model_fields,
        *Tls.model_fields,
    }


def test_the_model_of_links_is_complete_and_used() -> None:
    """links.yaml shows each key there is, and complete.yaml names what it holds."""
    links = yaml.safe_load((CHECKOUT / "site_configs/links.yaml").read_text(encoding="utf-8"))
    assert set(links) == set(Links.model_fields)
    for group, model in (("shared_links", SharedLink), ("gpu_pools", GpuPool)):
        (entry,) = links[group].values()
        assert set(entry) == {field.alias or name for name, field in model.model_fields.items()}
    site = load_site(CHECKOUT / "site_configs/complete.yaml")
    assert set(site.shared_links) == set(links["shared_links"])
    assert {site.gpu_pool} == set(links["gpu_pools"])


def _load_site_or_links(path: Path) -> None:
    if "endpoints:" in path.read_text():
        load_site(path)
    else:
        load_links(path.rename(path.with_name("links.yaml")).parent)


@pytest.mark.parametrize(("page", "load"), [("campaign.md", load_campaign), ("sites.md", _load_site_or_links)])
def test_the_examples_are_right(page: str, load: object, tmp_path: Path) -> None:
    """Every YAML example of a page loads as it stands."""
    text = (REFERENCE / page).read_text(encoding="utf-8")
    examples = re.findall(r"^```yaml\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    assert examples
    assert callable(load)
    for number, example in enumerate(examples):
        path = tmp_path / f"example{number}.yaml"
        path.write_text(example)
        load(path)
