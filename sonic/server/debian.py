"""Single Debian packages without root: parts of an embedded pool that no Python package carries.

A private apt state is pointed at the mirror that this machine's own apt sources name, so the machine's packages are
never touched and the repository's signatures are checked as always. Packages are unpacked, not installed: none of
their scripts runs.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

from sonic.errors import SetupFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["AptSource", "debian_mirror", "fetch_debian_packages", "machine_suite", "parse_deb822", "parse_one_line"]

ARCHIVE_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


@dataclass(frozen=True)
class AptSource:
    """One repository that the machine's apt knows."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str = ""
    """Path of the keyring, or empty where the source does not say."""


def parse_deb822(text: str) -> list[AptSource]:
    """Return the binary sources of a ``.sources`` file, switched-off ones left out."""
    sources: list[AptSource] = []
    for paragraph in _paragraphs(text):
        if "deb" not in paragraph.get("types", "").split() or paragraph.get("enabled", "yes").lower() == "no":
            continue
        signed_by = paragraph.get("signed-by", "")
        sources.extend(
            AptSource(
                uri=uri,
                suites=tuple(paragraph.get("suites", "").split()),
                components=tuple(paragraph.get("components", "").split()),
                signed_by=signed_by if signed_by.startswith("/") else "",
            )
            for uri in paragraph.get("uris", "").split()
        )
    return sources


def _paragraphs(text: str) -> list[dict[str, str]]:
    paragraphs: list[dict[str, str]] = [{}]
    key = ""
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        if not line.strip():
            paragraphs.append({})
        elif line[0].isspace():
            paragraphs[-1][key] = f"{paragraphs[-1].get(key, '')} {line.strip()}".strip()
        else:
            key, _, value = line.partition(":")
            key = key.strip().lower()
            paragraphs[-1][key] = value.strip()
    return [paragraph for paragraph in paragraphs if paragraph]


def parse_one_line(text: str) -> list[AptSource]:
    """Return the binary sources of a ``sources.list`` file."""
    sources = []
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if len(words) < 3 or words[0] != "deb":
            continue
        options: list[str] = []
        rest = words[1:]
        if rest[0].startswith("["):
            closing = next((index for index, word in enumerate(rest) if word.endswith("]")), len(rest) - 1)
            options = " ".join(rest[: closing + 1]).strip("[] ").split()
            rest = rest[closing + 1 :]
        if len(rest) >= 2:
            settings = dict(option.split("=", 1) for option in options if "=" in option)
            sources.append(AptSource(rest[0], (rest[1],), tuple(rest[2:]), settings.get("signed-by", "")))
    return sources


def machine_suite(os_release: Path = Path("/etc/os-release")) -> str:
    """Return the code name of the Debian release that this machine runs.

    Raises:
        SetupFailed: it does not run Debian.
    """
    release = {}
    if os_release.is_file():
        pairs = (line.partition("=") for line in os_release.read_text(encoding="utf-8").splitlines())
        release = {key: value.strip().strip("\"'") for key, _, value in pairs}
    if release.get("ID") != "debian" or not release.get("VERSION_CODENAME"):
        system = release.get("PRETTY_NAME", "an unknown system")
        message = f"this machine runs {system}, not Debian: install HTCondor and the servers from your own system, or "
        message += "with conda (environment.yml), then run this again"
        raise SetupFailed(message)
    return release["VERSION_CODENAME"]


def debian_mirror(suite: str, etc_apt: Path = Path("/etc/apt")) -> AptSource:
    """Return the source from which this machine takes its own release's main packages.

    Args:
        suite: code name of the machine's release, for example ``bookworm``.
        etc_apt: the folder of apt's configuration.

    Raises:
        SetupFailed: no source there names that release.
    """
    found: list[AptSource] = []
    folder = etc_apt / "sources.list.d"
    for path in [etc_apt / "sources.list", *sorted(folder.glob("*.list")), *sorted(folder.glob("*.sources"))]:
        if path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            found += parse_deb822(text) if path.suffix == ".sources" else parse_one_line(text)
    for source in found:
        if {suite, "stable", "oldstable"} & set(source.suites) and "main" in source.components:
            return source
    message = f"no source under {etc_apt} names Debian's {suite} main repository: add the line of your mirror there"
    raise SetupFailed(message)


def fetch_debian_packages(
    names: Sequence[str],
    suite: str,
    into: Path,
    *,
    report: Callable[[str], None],
    with_dependencies: bool = False,
    leave_out: Iterable[str] = (),
) -> dict[str, str]:
    """Download packages from the machine's own Debian mirror and unpack them under a folder.

    Args:
        names: packages, for example ``["libpython3.11"]``.
        suite: release to take them from, which need not be the machine's.
        into: folder that gets ``usr/...``; made when it is not there.
        report: called with one line of progress at a time.
        with_dependencies: also everything that the packages depend on, down to the C library.
        leave_out: shell patterns of packages not to unpack.

    Returns:
        Version of every package that was unpacked, by name.

    Raises:
        SetupFailed: a tool is missing, the machine is not an x86-64 Debian, or the mirror does not answer.
    """
    for tool in ("apt-get", "dpkg"):
        if shutil.which(tool) is None:
            raise SetupFailed(f"{tool} is not on PATH: parts of the embedded pool come from Debian packages")
    if platform.machine() != "x86_64":
        raise SetupFailed(f"the embedded pool is built for x86_64 and this machine is {platform.machine()}")
    into.mkdir(parents=True, exist_ok=True)
    source = debian_mirror(machine_suite())
    with tempfile.TemporaryDirectory(prefix=".apt-", dir=into.parent) as scratch:
        apt = _PrivateApt(Path(scratch), source, suite)
        report(f"reading the package lists of Debian {suite}")
        apt.run("update", remedy="is this machine online, and does `apt-get update` work on it?")
        report(f"downloading {', '.join(names)}" + (" and what it depends on" if with_dependencies else ""))
        if with_dependencies:
            apt.run("install", "--yes", "--no-install-recommends", "--download-only", *names)
        else:
            apt.run("download", *names)
        archives = [path for path in sorted(apt.archives.glob("*.deb")) if not _left_out(path, leave_out)]
        report(f"unpacking {len(archives)} packages")
        with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
            list(pool.map(lambda archive: _unpack(archive, into), archives))
    return {archive.name.split("_")[0]: archive.name.split("_")[1].replace("%3a", ":") for archive in archives}


def _left_out(archive: Path, patterns: Iterable[str]) -> bool:
    return any(fnmatch(archive.name.split("_")[0], pattern) for pattern in patterns)


def _unpack(archive: Path, into: Path) -> None:
    done = subprocess.run(["dpkg", "-x", str(archive), str(into)], capture_output=True, text=True, check=False)  # noqa: S607 - dpkg is wherever this system keeps it
    if done.returncode != 0:
        raise SetupFailed(f"cannot unpack {archive.name} into {into}: {done.stderr.strip()}")


class _PrivateApt:
    """apt-get with lists, cache and status of its own; what the machine has installed plays no part."""

    def __init__(self, folder: Path, source: AptSource, suite: str) -> None:
        self.archives = folder / "cache" / "archives"
        for part in (folder / "lists" / "partial", self.archives / "partial"):
            part.mkdir(parents=True)
        (folder / "status").touch()
        # Another release is signed by another key, which Debian's own keyring holds beside this one's.
        keyrings = dict.fromkeys([source.signed_by, str(ARCHIVE_KEYRING)]) if source.signed_by else {}
        option = f"[signed-by={','.join(path for path in keyrings if Path(path).is_file())}] " if keyrings else ""
        (folder / "sources.list").write_text(f"deb {option}{source.uri} {suite} main\n", encoding="utf-8")
        self.config = folder / "apt.conf"
        self.config.write_text(
            f"""Dir::State "{folder}";
Dir::State::lists "{folder}/lists";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
Dir::Etc::SourceList "{folder}/sources.list";
Dir::Etc::SourceParts "-";
Dir::Etc::Preferences "-";
Dir::Etc::PreferencesParts "-";
APT::Sandbox::User "root";
Acquire::Retries "3";
Acquire::Languages "none";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
""",
            encoding="utf-8",
        )

    def run(self, *arguments: str, remedy: str = "") -> None:
        done = subprocess.run(
            ["apt-get", "--quiet", f"--config-file={self.config}", *arguments],  # noqa: S607 - the system's own
            cwd=self.archives,
            env={**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"},
            capture_output=True,
            text=True,
            check=False,
        )
        complaints = [line for line in done.stderr.splitlines() if line.startswith(("E:", "Err:"))]
        # A mirror that does not answer is only a warning to `apt-get update`.
        unreachable = [line for line in done.stderr.splitlines() if "Failed to fetch" in line]
        if done.returncode != 0 or unreachable:
            said = "; ".join(unreachable or complaints or [done.stderr.strip()])
            raise SetupFailed(f"apt-get {arguments[0]} failed: {said}" + (f" ({remedy})" if remedy else ""))
