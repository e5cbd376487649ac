"""What tests and measurements need beyond Python: `python -m tests.needs [NAME …]` brings it or says how to get it.

Without a name: everything that the tests need. Debian as root gets what is missing by apt; elsewhere
it is named with the command to get it, and the answer is 1. Nothing is ever skipped.
"""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.servers import postgresql_program

# Which alone has the quick Chromium as a package; others of its family install by apt-get, too.
IS_DEBIAN = Path("/etc/os-release").exists() and platform.freedesktop_os_release().get("ID") == "debian"


def has_script(language: str) -> bool:
    """Whether a font can write the language (fontconfig knows which)."""
    if not shutil.which("fc-list"):
        return False
    found = subprocess.run(["fc-list", f":lang={language}", "family"], capture_output=True, text=True, check=False)
    return "Noto" in found.stdout


def chromium_program() -> str | None:
    """Where Chromium is; the one that never draws windows takes a third less time."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((found for name in names if (found := shutil.which(name))), None)


@dataclass(frozen=True)
class Need:
    """One thing that is needed: what for, how to see that it is there, Debian's packages of it."""

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
    "wrk": Need("wrk, which loads web servers", lambda: bool(shutil.which("wrk")), ("wrk",)),
}
FOR_TESTS = ("postgresql", "redis", "chromium", "fonts", "gettext")


def missing(names: tuple[str, ...]) -> list[Need]:
    """Those of the named needs that are not there."""
    return [NEEDS[name] for name in names if not NEEDS[name].is_there()]


def main(names: tuple[str, ...]) -> int:
    """Bring what is missing; 1 if something still is."""
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
