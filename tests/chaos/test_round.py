"""A short round: parts are killed and frozen while messages go out, and nothing is lost, doubled or stuck."""

import random
import subprocess
import sys

import pytest

from tests.devtools.conftest import ROOT, without_servers
from tests.examples import many

USUAL_SEED = 1


@pytest.mark.slow
def test_nothing_is_lost_doubled_or_stuck_while_parts_fail() -> None:
    seed = random.randrange(10**6) if many() else USUAL_SEED
    rounds = 2 if many() else 1
    command = [sys.executable, "-m", "chaos", f"--rounds={rounds}", f"--seed={seed}", "--seconds=5", "--longest=1"]

    done = subprocess.run(command, cwd=ROOT, env=without_servers(), capture_output=True, text=True, timeout=800)

    print(done.stdout, done.stderr)  # where the test failed, pytest shows it
    assert done.returncode == 0
    assert done.stdout.count("nothing lost, doubled or stuck") == rounds
