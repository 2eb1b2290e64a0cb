"""One round: a site works while its parts fail; then all of it works again, and the ledger must agree."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import django
import requests
from django.db import DatabaseError, InterfaceError, connection

from chaos.plan import Fault, How, plan_of
from chaos.site import Site, site
from devtools.running import VAR

_STORES = (DatabaseError, InterfaceError, requests.RequestException)


@dataclass(frozen=True)
class Options:
    seconds: float
    longest: float
    """The longest time (seconds) for which a part is away."""

    @property
    def patience(self) -> float:
        """How long (seconds) everything may take to come to an end after the last fault."""
        return 5 * self.longest + 150


def run_round(seed: int, options: Options, say: Callable[[str], None]) -> list[str]:
    """Run a round. Returns what broke a rule, and keeps the logs of such a round."""
    with _folder() as folder, site(longest=options.longest, seed=seed, folder=folder) as running:
        os.environ.update(running.services.environment)
        django.setup()
        try:
            violations = _work(running, seed, options, say)
        except BaseException:
            _keep(running, seed, say)
            raise
        if violations:
            _keep(running, seed, say)
        return violations


def _work(site: Site, seed: int, options: Options, say: Callable[[str], None]) -> list[str]:
    # These know the models, which need Django to be set up.
    from chaos.traffic import Traffic
    from chaos.verdict import Verdict
    from chaos.watch import WITHIN, Watch

    plan = plan_of(seed, seconds=options.seconds, longest=options.longest)
    traffic, watch = Traffic(site, plan, patience=options.patience), Watch(site)
    watch.start()
    began = time.monotonic()
    traffic.start(began)
    try:
        _play(site, plan.faults, began, random.Random(seed), say)
        _wait(site, lambda: traffic.finished, options.patience)
        cleared = _wait(site, lambda: watch.works, WITHIN)
    finally:
        traffic.stop()
        watch.stop()
    say(f"{time.monotonic() - began:6.1f} s  everything is in the ledger; waiting until it has come to an end")
    verdict = Verdict(site, traffic)
    calm = _wait(site, lambda: not open_now(site), options.patience)
    violations = [] if calm else [f"stuck: {words}" for words in open_now(site)]
    if not cleared:
        violations.append(f"health: all works again, and it is still said after {WITHIN:.0f} s: {watch.samples[-1]}")
    violations += [*traffic.errors, *watch.violations(), *verdict.violations()]
    say(f"{time.monotonic() - began:6.1f} s  {verdict.summary()}")
    return violations


def open_now(site: Site) -> list[str]:
    from chaos.calm import unrest

    try:
        return unrest(site)
    except _STORES as error:
        connection.close()
        return [f"a store does not answer ({type(error).__name__})"]


def _play(site: Site, faults: list[Fault], began: float, rng: random.Random, say: Callable[[str], None]) -> None:
    """Let each fault begin and end at its time."""
    from chaos.provider import behave, fail

    ends: dict[str, float] = {}
    waiting = list(faults)
    while waiting or ends:
        now = time.monotonic() - began
        for part in [part for part, end in ends.items() if end <= now]:
            del ends[part]
            site.heal(part) if part != How.MOOD else behave(site.provider_url)
        while waiting and waiting[0].at <= now:
            fault = waiting.pop(0)
            say(str(fault))
            key = How.MOOD.value if fault.how is How.MOOD else fault.part
            if fault.how is How.MOOD:
                fail(site.provider_url, fault.mood)
            else:
                site.strike(fault.part, fault.how, rng)
            if fault.how is not How.KILL_ONE:
                ends[key] = max(ends.get(key, 0), now + fault.seconds)
        site.keep_alive()
        time.sleep(0.05)
    site.work_again()
    behave(site.provider_url)


def _wait(site: Site, ready: Callable[[], bool], patience: float) -> bool:
    """Wait until it is ready. Returns whether it became so in time."""
    deadline = time.monotonic() + patience
    while not ready():
        if time.monotonic() > deadline:
            return False
        site.keep_alive()
        time.sleep(0.5)
    return True


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="chaos-") as name:
        yield Path(name)


def _keep(site: Site, seed: int, say: Callable[[str], None]) -> None:
    """Keep the logs, the provider's record and the ledger of a round in which something went wrong."""
    kept = VAR / "chaos" / f"seed-{seed}"
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    for file in (*site.services.logs.glob("*.log"), *site.folder.glob("*.jsonl")):
        with suppress(OSError):
            shutil.copy(file, kept)
    (kept / "away.txt").write_text("\n".join(map(repr, sorted(site.away, key=lambda one: one[2]))))
    say(f"Logs and the provider's record are kept in {kept}")
