"""bin/test checks style, types and layers, and runs all tests with their own PostgreSQL and Valkey."""

import os
import sys
from collections.abc import Mapping

from .browser import find_chromium
from .processes import run
from .running import VAR, command, running

_CHECKS = {
    "style": ["-m", "ruff", "check"],
    "format": ["-m", "ruff", "format", "--check"],
    "types": ["-m", "mypy"],
    "layers": ["-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
    "migrations": ["-m", "django", "makemigrations", "--check", "--dry-run"],
}
_PROVIDERS = ("MAILGUN_", "VOXOLOGY_")


def main(arguments: list[str]) -> int:
    """Run all checks and tests; with arguments, run only pytest with these."""
    with running(VAR, "test", throw_away=True) as services:
        # No test may reach a real provider, even if the environment names one.
        environment = {name: value for name, value in services.environment.items() if not name.startswith(_PROVIDERS)}
        failed = [] if arguments else _failed_checks(environment)
        chromium = find_chromium(services.logs / "chromium.log")
        selection = [] if chromium else ["-m", "not browser"]
        environment["CHROMIUM"] = chromium or ""
        (VAR / "static").mkdir(exist_ok=True)  # the middleware for static files warns if it is missing
        status = run([sys.executable, "-m", "pytest", "-n", "2", *selection, *arguments], env=environment)
    # pytest's own summary is the last line, unless there is more to know.
    remarks = [f"The check of {name} has failed: see above." for name in failed]
    if not chromium:
        remarks.append("The browser tests did NOT run: there is no Chromium here, and none could be installed.")
    if remarks:
        print(*remarks)
    return status or int(bool(failed) or (not chromium and os.environ.get("CI") == "true"))


def _failed_checks(environment: Mapping[str, str]) -> list[str]:
    failed = []
    for name, check in _CHECKS.items():
        print(f"Checking {name} ...", flush=True)
        if run([sys.executable, *check], env=environment) != 0:
            failed.append(name)
    return failed


if __name__ == "__main__":
    command(main)
