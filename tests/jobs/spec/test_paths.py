"""Where relative paths start."""

from __future__ import annotations

from pathlib import Path

from jobs.spec.paths import absolute, base_folder


def test_paths_start_at_the_checkout_that_holds_the_file(tmp_path: Path) -> None:
    """The nearest folder above with a Snakefile counts, and where there is none the file's own folder."""
    site = tmp_path / "checkout" / "site_configs" / "FNAL.yaml"
    site.parent.mkdir(parents=True)
    assert base_folder(site) == site.parent
    (tmp_path / "checkout" / "Snakefile").touch()
    assert base_folder(site) == tmp_path / "checkout"


def test_what_is_absolute_already_stays(tmp_path: Path) -> None:
    """A URL and an absolute path stay as they are; `~` is the home, and `..` is resolved."""
    assert absolute("root://host//a.root", tmp_path) == "root://host//a.root"
    assert absolute("/data/a", tmp_path) == "/data/a"
    assert absolute("../a", tmp_path) == str(tmp_path.parent / "a")
    assert absolute("~/a", tmp_path) == str(Path.home() / "a")
