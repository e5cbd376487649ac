"""`make bench` reports clearly what it could not measure, and why."""

import subprocess
import sys

import pytest

from tests.support.servers import ROOT, environment

pytestmark = [pytest.mark.servers, pytest.mark.once]


def test_every_part_that_cannot_be_measured_is_named_at_the_end_with_its_reason(tmp_path):
    env = environment(PATH=str(tmp_path))
    command = [sys.executable, "-m", "benchmarks", "--only", "first-visit", "start-up", "--json", str(tmp_path / "out")]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)

    assert done.returncode == 1
    assert done.stderr.splitlines()[-2:] == [
        "NOT MEASURED: first-visit: NotMeasured: Missing: Chromium. "
        "On Debian: sudo apt-get install -y chromium-headless-shell",
        "NOT MEASURED: start-up: NotMeasured: Missing: git. On Debian: sudo apt-get install -y git",
    ]
    assert done.stdout.count("not measured") == 2
    assert (tmp_path / "out").exists()
