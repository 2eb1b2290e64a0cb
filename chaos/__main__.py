"""bin/chaos kills and freezes the parts of a site while messages go out, and compares the provider with the ledger."""

import argparse
import os
import random
import sys

from chaos.round import Options, run_round
from devtools.processes import run
from devtools.running import command


def main(arguments: list[str]) -> int:
    """Run the rounds. Returns 1 if any of them broke a rule."""
    options = _options(arguments)
    if options.rounds == 1:
        return _round(options.seed, options)
    seeds = range(options.seed, options.seed + options.rounds)
    failed = [seed for seed in seeds if _in_a_process(seed, options)]
    return int(bool(failed))


def _in_a_process(seed: int, options: argparse.Namespace) -> int:
    """Run a round in a process of its own: the settings, with the folder for files, are read once in a process."""
    return run([sys.executable, "-m", "chaos", *_arguments(seed, options)], env=os.environ)


def _round(seed: int, options: argparse.Namespace) -> int:
    _say(f"Round with seed {seed}")
    violations = run_round(seed, Options(options.seconds, options.longest), _say)
    for sentence in violations:
        _say(f"  ✗ {sentence}")
    again = " ".join(["bin/chaos", *_arguments(seed, options)])
    _say(f"Seed {seed}: {'FAILED; again: ' + again if violations else 'nothing lost, doubled or stuck'}\n")
    return int(bool(violations))


def _arguments(seed: int, options: argparse.Namespace) -> list[str]:
    return [f"--seed={seed}", f"--seconds={options.seconds:g}", f"--longest={options.longest:g}"]


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("bin/chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument(
        "--seed",
        type=int,
        default=random.randrange(10**6),
        help="of the first round; the next one has the next number (default: any)",
    )
    parser.add_argument("--seconds", type=float, default=120, help="how long messages are made and parts fail")
    parser.add_argument("--longest", type=float, default=60, help="the most seconds for which a part is away")
    return parser.parse_args(arguments)


def _say(words: str) -> None:
    print(words, flush=True)


if __name__ == "__main__":
    command(main)
