"""Finds a Chromium for the browser tests, and installs one if there is none."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import sync_playwright

from .processes import SetupError

# The first one draws no window of its own, which takes most of the time of a test with the others.
_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_APT = "apt-get update && apt-get install --yes --no-install-recommends chromium-headless-shell fonts-liberation"
_INSTALLATION_SECONDS = 240


def find_chromium(log: Path) -> str | None:
    """Return the path of a Chromium that starts. If there is none, install one; None if that fails, too."""
    named = os.environ.get("CHROMIUM")
    if named and not _starts(named):
        raise SetupError(f"CHROMIUM names {named}, which does not start.")
    return named or _present() or _installed(log)


def _present() -> str | None:
    return next(filter(_starts, _candidates()), None)


def _candidates() -> Iterator[str]:
    yield from filter(None, map(shutil.which, _NAMES))
    with sync_playwright() as playwright:
        yield playwright.chromium.executable_path


def _starts(program: str) -> bool:
    with tempfile.TemporaryDirectory() as profile:
        options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}", "--dump-dom"]
        try:
            page = subprocess.run([program, *options, "about:blank"], capture_output=True, timeout=60)
        except (OSError, subprocess.TimeoutExpired):
            return False
    return b"<html" in page.stdout


def _installed(log: Path) -> str | None:
    print(f"Installing a Chromium for the browser tests; the log is {log} ...", flush=True)
    installers = [[sys.executable, "-m", "playwright", "install", "--only-shell", "chromium"]]
    if os.geteuid() == 0 and shutil.which("apt-get"):
        installers.insert(0, ["/bin/sh", "-c", _APT])
    for installer in installers:
        with log.open("ab") as output:
            try:
                subprocess.run(
                    installer,
                    env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    timeout=_INSTALLATION_SECONDS,
                )
            except subprocess.TimeoutExpired:
                continue
        if found := _present():
            return found
    return None
