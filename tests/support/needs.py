"""System packages for tests and measurements: `python -m tests.support.needs [NAME …]` installs them, or says how.

Without a name: everything that the tests need. As root on Debian, missing packages are installed with apt. Otherwise
they are listed with the command to install them, and the exit status is 1. Nothing is ever skipped.
"""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.support.servers import postgresql_program

# Only Debian packages the faster headless Chromium; its derivatives also have apt-get.
IS_DEBIAN = Path("/etc/os-release").exists() and platform.freedesktop_os_release().get("ID") == "debian"


def has_script(language: str) -> bool:
    """Whether a Noto font supports the language (according to fontconfig)."""
    if not shutil.which("fc-list"):
        return False
    found = subprocess.run(["fc-list", f":lang={language}", "family"], capture_output=True, text=True, check=False)
    return "Noto" in found.stdout


def chromium_program() -> str | None:
    """Return the path of Chromium. The headless shell, which never draws windows, takes a third less time."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((found for name in names if (found := shutil.which(name))), None)


@dataclass(frozen=True)
class Need:
    """A requirement: its description, a check whether it is installed, and its Debian packages."""

    what: str
    is_there: Callable[[], bool]
    packages: tuple[str, ...]


NEEDS = {
    "postgresql": Need(
        "PostgreSQL's programs initdb and postgres",
        lambda: bool(postgresql_program("initdb") and postgresql_program("postgres")),
        ("postgresql",),
    ),
    "redis": Need("redis-server", lambda: bool(shutil.which("redis-server")), ("redis-server",)),
    "chromium": Need(
        "Chromium",
        lambda: bool(shutil.which("chromium-headless-shell") if IS_DEBIAN else chromium_program()),
        ("chromium-headless-shell",),
    ),
    "fonts": Need(
        "Noto fonts of all our scripts",
        lambda: all(has_script(language) for language in ("ja", "zh-cn", "ko", "ne", "ar", "vi")),
        ("fontconfig", "fonts-noto-cjk", "fonts-noto-core"),
    ),
    "gettext": Need("xgettext", lambda: bool(shutil.which("xgettext") and shutil.which("msgmerge")), ("gettext",)),
    "git": Need("git", lambda: bool(shutil.which("git")), ("git",)),
    "wrk": Need("wrk, which loads web servers", lambda: bool(shutil.which("wrk")), ("wrk",)),
}
FOR_TESTS = ("postgresql", "redis", "chromium", "fonts", "gettext")


def missing(names: tuple[str, ...]) -> list[Need]:
    """Return the named needs that are not installed."""
    return [NEEDS[name] for name in names if not NEEDS[name].is_there()]


def main(names: tuple[str, ...]) -> int:
    """Install what is missing; return 1 if something still is."""
    unknown = [name for name in names if name not in NEEDS]
    if unknown:
        print(f"Nobody knows {', '.join(unknown)}; there are {', '.join(NEEDS)}.", file=sys.stderr)  # noqa: T201
        return 1
    names = names or FOR_TESTS
    lacking = missing(names)
    packages = sorted({package for need in lacking for package in need.packages})
    if lacking and Path("/etc/debian_version").exists() and os.geteuid() == 0 and shutil.which("apt-get"):
        _install(packages)
        lacking = missing(names)
    for need in lacking:
        print(f"{need.what} is missing.", file=sys.stderr)  # noqa: T201
    if lacking:
        print(f"On Debian: sudo apt-get install -y {' '.join(packages)}", file=sys.stderr)  # noqa: T201
    return 1 if lacking else 0


def _install(packages: list[str]) -> None:
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        subprocess.run(["apt-get", "-q", *words], env=quiet, check=False)


if __name__ == "__main__":
    sys.exit(main(tuple(sys.argv[1:])))
