"""bin/bench NAME runs bench/NAME.py with its own PostgreSQL and Valkey, which write to disk as in production."""

import sys

from .processes import run
from .running import ROOT, VAR, command, running

# Runs a measurement as a program, after Django is set up.
_RUN = (
    "import runpy, sys, django; django.setup(); del sys.argv[0]; "
    "runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)"
)


def main(arguments: list[str]) -> int:
    programs = (file for file in (ROOT / "bench").glob("*.py") if '"__main__"' in file.read_text())
    names = sorted(file.stem for file in programs)
    if not arguments or arguments[0] not in names:
        print(f"bin/bench NAME [ARGUMENTS], where NAME is one of: {', '.join(names)}")
        return 2
    name, *rest = arguments
    with running(VAR, "bench") as services:
        migrated = run([sys.executable, "-m", "django", "migrate", "--verbosity=0"], env=services.environment)
        return migrated or run([sys.executable, "-c", _RUN, f"bench.{name}", *rest], env=services.environment)


if __name__ == "__main__":
    command(main)
