"""The dispatch loop without beat or broker, in one process or several."""

from __future__ import annotations

import signal
import threading
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import close_old_connections

from dispatch.services import calls
from dispatch.services.failures import noting_failures
from dispatch.services.recovery import recover
from dispatch.services.scheduling import start_due
from dispatch.services.sending import send_due
from messenger_logs.choices import PHONE, Mode


class Command(BaseCommand):
    help = "Hand over what is due, until it is stopped: the same work that Celery does. Any number may run."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="end when nothing is due any more")

    def handle(self, *args: Any, once: bool, **options: Any) -> None:
        stop = threading.Event()
        if not once:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: stop.set())
        total = 0
        while not stop.is_set():
            handed = self.turn()
            total += handed
            if handed:
                self.stdout.write(f"{total:,} handed over.")
            elif once or stop.wait(settings.DISPATCH_SECONDS):
                return
            else:
                close_old_connections()

    def turn(self) -> int:
        """Work a few seconds for each mode, so that no mode waits for a large message of another mode.

        Returns how many deliveries were handed over.
        """
        recover(until=time.monotonic() + settings.DISPATCH_SECONDS)
        # An error ends this process, and with it the work on all modes.
        with noting_failures(*Mode):
            start_due()
            handed = sum(send_due(mode, until=time.monotonic() + settings.DISPATCH_SECONDS) for mode in Mode)
        for mode in PHONE:
            calls.hang_up(mode, until=time.monotonic() + settings.DISPATCH_SECONDS)
            calls.poll(mode, until=time.monotonic() + settings.DISPATCH_SECONDS)
        return handed
