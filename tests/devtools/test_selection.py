"""Which tests bin/test runs, and how many examples they try."""

import os
import subprocess
import sys

import pytest

from devtools.test import parser, pytest_arguments
from tests.devtools.conftest import ROOT


def collected(*arguments: str, ci: str = "") -> list[str]:
    """What pytest would run, in a process of its own."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-n0", *arguments]
    environment = os.environ | {"CI": ci}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return [line.partition("::")[2] for line in done.stdout.splitlines() if "::" in line]


def arguments_for(*options: str) -> list[str]:
    found, chosen = parser().parse_known_args(options)
    return pytest_arguments(found, chosen, browser=True)


@pytest.mark.slow
def test_thorough_tries_as_many_examples_as_ci() -> None:
    file = "tests/chaos/test_plan.py"
    assert "--hypothesis-profile ci" in " ".join(arguments_for("--thorough"))
    assert "--hypothesis-profile" not in " ".join([*arguments_for(), *arguments_for("--fast"), *arguments_for(file)])

    thorough = collected("--hypothesis-profile", "ci", file)

    assert thorough == collected(file, ci="true")
    assert len(thorough) > 5 * len(collected(file))


@pytest.mark.slow
def test_fast_tries_a_few_examples_of_what_is_tried_often_elsewhere() -> None:
    files = ["tests/web/api/test_schema.py", "tests/web/test_crawl.py", "tests/reports/test_any_text.py"]

    found = collected(*arguments_for("--fast", *files))

    for name in ("test_an_example_of_each_operation", "test_a_few_pages", "test_a_few_random_texts"):
        assert any(name in test for test in found), name
