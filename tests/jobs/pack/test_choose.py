"""The packages of an archive are those that the payload imports, with what they require, and no others."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import packages_distributions

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from jobs.errors import PackError
from jobs.layout import CHECKOUT
from jobs.pack.choose import PAYLOAD_NEEDS, choose_packages

IMPORTS = """\
import json, sys
from jobs.payload.__main__ import _import_lightly
_import_lightly()
import jobs.payload.attempt, jobs.payload.worker, sonic.client, sonic.local, classad2
named = {name.partition(".")[0] for name, module in sys.modules.items() if getattr(module, "__file__", None)}
print(json.dumps(sorted(named - sys.stdlib_module_names - {"jobs", "sonic", "__main__"})))
"""


def imported() -> dict[str, list[str]]:
    """Modules that the payload imports, both flavours, each with the packages that may have brought it."""
    done = subprocess.run([sys.executable, "-c", IMPORTS], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    owners = packages_distributions()
    # A module of no package is one that the environment itself brings, such as setuptools' shim.
    return {
        name: [canonicalize_name(owner) for owner in owners[name]] for name in json.loads(done.stdout) if name in owners
    }


def test_whatever_the_payload_imports_is_chosen() -> None:
    """Each module of a third party that a job loads belongs to a package of the archive."""
    chosen = set(choose_packages())
    found = {name: owners for name, owners in imported().items() if set(owners) != {"setuptools"}}
    assert len(found) > 15
    assert {name for name, owners in found.items() if not chosen.intersection(owners)} == set()


def test_the_list_asks_for_nothing_that_is_not_imported() -> None:
    """Every package on the list is one whose modules the payload loads."""
    loaded = {owner for owners in imported().values() for owner in owners}
    assert {canonicalize_name(Requirement(line).name) for line in PAYLOAD_NEEDS} <= loaded


def test_what_only_the_submit_side_uses_stays_at_home() -> None:
    """The workflow engine, plots and tables make the archive no heavier."""
    assert not {"snakemake", "matplotlib", "pyarrow", "scipy", "typer", "rich"} & set(choose_packages())


def test_extras_bring_what_they_require() -> None:
    """`tritonclient[grpc]` comes with gRPC, plain `tritonclient` without."""
    assert "grpcio" in choose_packages(["tritonclient[grpc]"], [])
    assert "grpcio" not in choose_packages(["tritonclient"], [])


def test_a_package_that_is_missing_is_named() -> None:
    """The error says what is missing and what to do."""
    with pytest.raises(PackError, match=r"no-such-package, which the payload needs, is not installed.*install it"):
        choose_packages(["no-such-package"], [])


def test_what_is_only_used_may_be_missing() -> None:
    """A package that a job can do without does not keep the rest from being packed."""
    assert set(choose_packages(["xxhash"], ["no-such-package"])) == {"xxhash"}
