"""Runs a command beside the two servers: python -m devtools [--var FOLDER] [--state NAME] COMMAND..."""

import argparse
from pathlib import Path

from .processes import run
from .running import VAR, command, running


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser("python -m devtools", description="Run a command beside PostgreSQL and Valkey.")
    parser.add_argument("--var", type=Path, default=VAR, help="the folder that holds all state (default: var/)")
    parser.add_argument("--state", default="demo", help="which state: a name of your choice (default: demo)")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args(arguments)
    with running(options.var.resolve(), options.state) as services:
        return run(options.command, env=services.environment)


if __name__ == "__main__":
    command(main)
