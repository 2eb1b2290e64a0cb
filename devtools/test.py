"""bin/test checks style, types and layers, and runs all tests with their own PostgreSQL and Valkey."""

import argparse
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from .browser import find_chromium
from .processes import Process, run, spawn, stop
from .running import VAR, command, running

_CHECKS = {
    "style": ["-m", "ruff", "check"],
    "format": ["-m", "ruff", "format", "--check"],
    "types": ["-m", "mypy"],
    "layers": ["-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
    "migrations": ["-m", "django", "makemigrations", "--check", "--dry-run"],
}
_PROCESSORS = os.cpu_count() or 1
# A worker that has nothing left takes half of what another one still has.
_SHARED = ["--dist", "worksteal", "-n"]
# Some tests wait, for a program, a page or a lock. Two workers for each processor use that time. The fast tests do not
# wait, and each worker has to start first.
_WORKERS, _FAST_WORKERS = 2 * _PROCESSORS, _PROCESSORS
# From day to day, of each test so many cases.
_CASES, _FAST_CASES = 3, 1
# As many random examples as in CI: see tests/examples.py, which knows CI by its environment.
_MANY_EXAMPLES = ["--hypothesis-profile", "ci"]
_COVERAGE = ["--cov", "--cov-report=term:skip-covered"]
# No test may reach a real provider, even if the environment names one. Bytecode, and the asserts that pytest rewrites,
# are kept for the next run: that saves each process half of its start.
_NOT_FOR_TESTS = ("MAILGUN_", "VOXOLOGY_", "SSO_", "PASSWORD_SIGN_IN", "PYTHONDONTWRITEBYTECODE")
_PICTURES = ["-q", "-n0", "-m", "pictures", "tests/browser/test_pictures.py"]
_IN_CI = os.environ.get("CI") == "true"


def main(arguments: list[str]) -> int:
    """Run all checks and tests; with arguments for pytest, run only pytest with these."""
    options, chosen = parser().parse_known_args(arguments)
    with running(VAR, "test", throw_away=True) as services:
        environment = {
            name: value for name, value in services.environment.items() if not name.startswith(_NOT_FOR_TESTS)
        }
        chromium = None if options.fast else find_chromium(services.logs / "chromium.log")
        environment["CHROMIUM"] = chromium or ""
        (VAR / "static").mkdir(exist_ok=True)  # the middleware for static files warns if it is missing
        if options.pictures is not None:
            environment["PICTURES_OF"] = " ".join(options.pictures)
            return run([sys.executable, "-m", "pytest", *_PICTURES], env=environment)
        tests = pytest_arguments(options, chosen, browser=bool(chromium))
        with _checking({} if chosen else _CHECKS, environment, services.logs) as checks:
            status = run([sys.executable, "-m", "pytest", *tests], env=environment)
            failed = [name for name, check in checks.items() if check.wait() != 0]
        without_browser = not (chromium or options.fast)
        _remark(failed, services.logs, without_browser=without_browser)
    return status or int(bool(failed) or (without_browser and _IN_CI))


def pytest_arguments(options: argparse.Namespace, chosen: list[str], *, browser: bool) -> list[str]:
    """Return what pytest is called with. Without a browser, its tests are left out."""
    everything = options.thorough or _IN_CI or bool(chosen)
    coverage = options.coverage or (_IN_CI and not chosen and not options.fast)
    return [
        *_selection(fast=options.fast, everything=everything, browser=browser),
        *(_MANY_EXAMPLES if options.thorough else []),
        *chosen,
        *(_COVERAGE if coverage else []),
    ]


def parser() -> argparse.ArgumentParser:
    """Of our own options; pytest has its own help."""
    parser = argparse.ArgumentParser("bin/test", add_help=False, allow_abbrev=False)
    parser.add_argument(
        "--fast", action="store_true", help="without the tests that take long, and of each other test one case"
    )
    parser.add_argument(
        "--thorough",
        action="store_true",
        help="with every case, all tests that take long, and many random examples; CI does so always",
    )
    parser.add_argument(
        "--pictures",
        nargs="*",
        metavar="WORD",
        help="pictures of each page, or of those with such a word in their name",
    )
    parser.add_argument("--coverage", action="store_true", help="say which lines no test ran; CI does so always")
    return parser


def _selection(*, fast: bool, everything: bool, browser: bool) -> list[str]:
    left_out = {"pictures": True, "browser": fast or not browser, "slow": fast, "thorough": not everything}
    marks = " and ".join(f"not {mark}" for mark, left in left_out.items() if left)
    workers, cases = (_FAST_WORKERS, _FAST_CASES) if fast else (_WORKERS, None if everything else _CASES)
    return [
        *(*_SHARED, str(workers)),
        *([f"--cases={cases}"] if cases else []),
        *(["--ignore=tests/browser"] if fast else []),
        *("-m", marks),
    ]


@contextmanager
def _checking(
    checks: Mapping[str, list[str]], environment: Mapping[str, str], logs: Path
) -> Iterator[dict[str, Process]]:
    """Run the checks beside the tests, which leave a processor idle now and then. Each has a log of its own."""
    running_checks = {
        name: spawn([sys.executable, *check], env=environment, log=_log(logs, name)) for name, check in checks.items()
    }
    try:
        yield running_checks
    finally:
        stop(*running_checks.values())


def _log(logs: Path, check: str) -> Path:
    return logs / f"check-{check}.log"


def _remark(failed: list[str], logs: Path, *, without_browser: bool) -> None:
    """Print what there is to know beyond pytest's own summary, which is the last line else."""
    for name in failed:
        print(_log(logs, name).read_text(errors="replace"))
        print(f"The check of {name} has failed: see above.")
    if without_browser:
        print("The browser tests did NOT run: there is no Chromium here, and none could be installed.")


if __name__ == "__main__":
    command(main)
