"""bin/python, the first thing that every command does: a Python of the system makes .venv."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.devtools.conftest import ROOT

pytestmark = pytest.mark.slow

PRINT_PLACE = ["-c", "import sys; print(sys.prefix)"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout that needs no packages, with a space in its name."""
    checkout = tmp_path / "a checkout"
    shutil.copytree(ROOT / "bin", checkout / "bin")
    (checkout / "requirements.txt").touch()
    (checkout / "requirements-dev.txt").touch()
    return checkout


def python(checkout: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = ["/bin/sh", checkout / "bin" / "python", *arguments]
    return subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, cwd="/")


@pytest.mark.thorough
def test_the_packages_are_installed_once_and_anew_when_they_change(checkout: Path) -> None:
    installing = python(checkout, *PRINT_PLACE)
    # What the program prints stays alone: other commands read it.
    assert "Installing" in installing.stderr
    assert installing.stdout == f"{checkout / '.venv'}\n"
    assert python(checkout, *PRINT_PLACE).stdout == f"{checkout / '.venv'}\n"

    left = checkout / ".venv" / "left by an earlier installation"
    left.touch()
    package = checkout / "package"
    package.mkdir()
    (package / "setup.py").write_text("from setuptools import setup; setup(name='package')")
    (checkout / "requirements-dev.txt").write_text("./package\n")
    refused = python(checkout, *PRINT_PLACE)

    assert refused.returncode == 1
    assert "hashes" in refused.stderr, "a package without a hash is not installed"
    assert "could not be installed" in refused.stderr
    assert not left.exists()
    assert not (checkout / ".venv" / "installed").exists()


def test_packages_of_another_checkout_are_never_cleared(checkout: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / ".venv"
    other.mkdir(parents=True)
    (other / "of the other").touch()
    (checkout / ".venv").symlink_to(other)

    refused = python(checkout, *PRINT_PLACE)

    assert refused.returncode == 1
    assert f"{other}" in refused.stderr
    assert (other / "of the other").exists()


def test_without_a_python_it_says_what_is_needed(checkout: Path, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "dirname").symlink_to(shutil.which("dirname") or "/usr/bin/dirname")
    too_old = tools / "python3"
    too_old.write_text("#!/bin/sh\nexit 1\n")
    too_old.chmod(0o755)

    refused = python(checkout, "-V", PATH=str(tools), PYTHON="")

    assert refused.returncode == 1
    assert "Python 3.11 or newer is needed" in refused.stderr
