#!/usr/bin/env python
import json
import os
import sys
from pathlib import Path


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    use_what_bin_run_runs()
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


def use_what_bin_run_runs() -> None:
    """While bin/run runs, a command works on its district, unless the environment names a database."""
    left_by_bin_run = Path(__file__).with_name("var") / "demo.json"
    if left_by_bin_run.exists() and not {"DATABASE_URL", "DATABASE_URL_FILE"} & os.environ.keys():
        os.environ.update(json.loads(left_by_bin_run.read_text()))


if __name__ == "__main__":
    main()
