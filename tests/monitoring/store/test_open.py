"""A store has one writer and many readers, belongs to one campaign, and is made anew where it cannot be used."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from jobs.layout import CampaignFolder
from monitoring.errors import StoreUnusable
from monitoring.store.open import open_reader, open_writer, transaction
from monitoring.store.place import find_store, store_folder

FACTS = {"campaign": "a", "manifest digest": "1"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the store lies."""
    return tmp_path / "a.sqlite"


def test_readers_read_while_the_writer_writes(path: Path) -> None:
    """A transaction that is under way holds up no reader, and shows nothing of itself."""
    opened = open_writer(path, FACTS)
    assert opened.fresh
    reader = open_reader(path)
    with transaction(opened.connection):
        opened.connection.execute("INSERT INTO facts VALUES ('new', 'yes')")
        assert reader.execute("SELECT count(*) FROM facts").fetchone()[0] == 2
    assert reader.execute("SELECT count(*) FROM facts").fetchone()[0] == 3
    assert opened.connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_readers_cannot_write(path: Path) -> None:
    """Whoever reads a store leaves it as it is."""
    open_writer(path, FACTS)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        open_reader(path).execute("DELETE FROM facts")


def test_no_shared_memory_is_asked_of_a_network_file_system(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There, readers and writer take turns by the rollback journal."""
    monkeypatch.setattr("monitoring.store.open.shares_memory", lambda _: False)
    opened = open_writer(path, FACTS)
    assert opened.connection.execute("PRAGMA journal_mode").fetchone()[0] == "delete"
    with transaction(opened.connection):
        opened.connection.execute("INSERT INTO facts VALUES ('new', 'yes')")
    assert open_reader(path).execute("SELECT count(*) FROM facts").fetchone()[0] == 3


def test_a_store_is_its_users_alone(path: Path) -> None:
    """Names of users and machines are in it."""
    open_writer(path, FACTS)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_store_of_another_version_is_set_aside(path: Path) -> None:
    """It is kept under another name, what is lost is said, and a new one begins."""
    open_writer(path, FACTS).connection.execute("PRAGMA user_version = 99")
    opened = open_writer(path, FACTS)
    assert opened.fresh
    assert "version 99" in opened.note
    assert "samples of metrics" in opened.note
    assert list(path.parent.glob("a.sqlite.set-aside-*"))


def test_a_damaged_store_is_set_aside(path: Path) -> None:
    """A file that is no database does not stop the dashboard."""
    path.write_bytes(b"this is no database" * 1000)
    opened = open_writer(path, FACTS)
    assert opened.fresh
    assert "damaged" in opened.note


def test_the_same_store_is_opened_again(path: Path) -> None:
    """A store that fits is used as it is."""
    open_writer(path, FACTS).connection.close()
    opened = open_writer(path, FACTS)
    assert (opened.fresh, opened.note) == (False, "")


def test_no_store_to_read_is_one_clear_error(path: Path) -> None:
    """Who reads too early is told what makes the store."""
    with pytest.raises(StoreUnusable, match=r"monitoring\.collect"):
        open_reader(path)


def test_stores_of_campaigns_do_not_collide(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Two campaigns of one name in two folders have two stores, in the folder that XDG says."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    one, two = (find_store(CampaignFolder(tmp_path / name), "pdsp/../x") for name in ("a", "b"))
    assert one != two
    assert one.parent == two.parent == tmp_path / "sonicgrid" / "dashboard"
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert store_folder() == Path.home() / ".local" / "state" / "sonicgrid" / "dashboard"
