"""bin/bench dispatch measures deliveries per second with one worker and with two, and the time of a cancel.

The workers and the stand-in provider are separate processes. A rate counts from the first claim to the last record.
The cancel stops a message with many waiting deliveries. It is compared with the usual way, which updates the rows and
then the message in one transaction: until the commit, every worker goes on.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Max, Min
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import User
from bench.databases import own_database
from bench.measure import print_table, seconds
from dispatch.models import Claim
from messenger_logs.cancel_figures import cancel_figures
from messenger_logs.choices import Mode
from messenger_logs.models import Delivery, SentMessage
from messenger_logs.services import cancel
from messenger_logs.services.complete_cancel import complete_cancel
from messenger_logs.services.totals import recount
from messenger_logs.tasks import stop_the_rest

DOMAIN, KEY = "mg.bench.example", "key-bench"
ADDRESSES = {Mode.EMAIL: "'p' || n || '@example.com'", Mode.TEXT: "'+1612' || lpad(n::text, 7, '0')"}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser("bin/bench dispatch", description=__doc__)
    parser.add_argument("--emails", type=int, default=20_000)
    parser.add_argument("--texts", type=int, default=1_000)
    parser.add_argument("--cancel", type=int, default=1_000_000, help="waiting deliveries of the message to cancel")
    options = parser.parse_args(arguments)
    with own_database("dispatch"):
        measure_rates({Mode.EMAIL: options.emails, Mode.TEXT: options.texts})
        measure_cancel(options.cancel)


@dataclass(frozen=True)
class Rate:
    mode: Mode
    workers: int
    deliveries: int
    seconds: float

    @property
    def a_second(self) -> float:
        return self.deliveries / self.seconds

    def row(self, one: "Rate") -> list[str]:
        numbers = [f"{self.deliveries:,}", f"{self.seconds:.1f}", f"{self.a_second:,.0f}"]
        return [self.mode.label, str(self.workers), *numbers, f"{self.a_second / one.a_second:.2f}"]


def measure_rates(counts: dict[Mode, int]) -> None:
    rows = []
    with provider() as environment:
        for mode, count in counts.items():
            one, two = (rate(mode, count, workers, environment) for workers in (1, 2))
            rows += [one.row(one), two.row(one)]
    headers = ["mode", "workers", "deliveries", "seconds", "a second", "ratio"]
    print_table("Handing over, with every answer recorded", headers, rows)


def rate(mode: Mode, count: int, workers: int, environment: dict[str, str]) -> Rate:
    message = make_message(mode, count)
    command = [sys.executable, "-m", "django", "dispatch", "--once"]
    processes = [subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) for _ in range(workers)]
    assert [process.wait() for process in processes] == [0] * workers
    assert not Delivery.objects.filter(message=message, status__in=["waiting", "in_progress"]).exists()
    times = Claim.objects.filter(message=message).aggregate(first=Min("claimed_at"), last=Max("settled_at"))
    return Rate(mode, workers, count, (times["last"] - times["first"]).total_seconds())


@contextmanager
def provider() -> Iterator[dict[str, str]]:
    """Run the stand-in, and give the environment for workers: its address and this measurement's database."""
    command = [sys.executable, "-m", "sandbox", "--port=0", f"--api-key={KEY}", f"--domains={DOMAIN}", "--per-day=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            url = process.stdout.readline().split(" at ")[1].split()[0]
            usual, _, _ = os.environ["DATABASE_URL"].rpartition("/")
            yield os.environ | {
                "DATABASE_URL": f"{usual}/{connection.settings_dict['NAME']}",
                "MAILGUN_API_BASE": url,
                "MAILGUN_API_KEY": KEY,
                "MAILGUN_DOMAINS": DOMAIN,
                "VOXOLOGY_API_BASE": f"{url}/v1",
                "VOXOLOGY_API_KEY": KEY,
                "VOXOLOGY_CALLER_ID": "+16125550100",
            }
        finally:
            process.terminate()


def measure_cancel(count: int) -> None:
    by = User.objects.create_user("bench")
    # The rest of the cancel is called here, so that it can be timed.
    setattr(stop_the_rest, "delay", lambda message_id: None)  # noqa: B010 (mypy knows it as a method)
    message = make_message(Mode.EMAIL, count, status="in_progress")
    stopped = seconds(lambda: cancel.cancel_message(message_id=message.pk, by=by))
    all_say_so = stopped + seconds(lambda: complete_cancel(message_id=message.pk))
    figures = cancel_figures(message.pk)
    assert (figures.never_started, figures.left, figures.waiting) == (count, 0, 0)
    message.delete()

    message = make_message(Mode.EMAIL, count, status="in_progress")
    naive = seconds(lambda: usual_cancel(message))
    print_table(
        f"Canceling a message with {count:,} waiting deliveries: seconds until",
        ["way", "nothing can be claimed", "all rows say so"],
        [["ours", f"{stopped:.3f}", f"{all_say_so:.1f}"], ["usual", f"{naive:.3f}", f"{naive:.1f}"]],
    )


@transaction.atomic
def usual_cancel(message: SentMessage) -> None:
    waiting = Delivery.objects.filter(message=message, status="waiting")
    waiting.update(status="canceled", outcome="canceled")
    recount(message_id=message.pk)
    SentMessage.objects.filter(pk=message.pk).update(status="canceled_ip")


def make_message(mode: Mode, count: int, status: str = "waiting") -> SentMessage:
    now = timezone.now()
    message = SentMessage.objects.create(
        engine="classic",
        message_type="Bench",
        status=status,
        subject="Bench",
        sender_name="Bench",
        created_at=now,
        scheduled_at=now,
        listed_from=now,
        modes=[mode],
        bodies={mode.value: "Hello"},
        dispatched_here=True,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO messenger_logs_recipient (message_id, person_id, name, student_number, student_name,"
            " merge_fields, counted) SELECT %s, n::text, 'Parent ' || n, '', '', '{}', true"
            " FROM generate_series(1, %s) AS n",
            [message.pk, count],
        )
        cursor.execute(
            "INSERT INTO messenger_logs_delivery (message_id, recipient_id, mode, address, duplicate, status, detail,"
            " outcome, attempt_count, provider_id, email_outcome, email_reason)"
            f" SELECT message_id, id, %s, {ADDRESSES[mode]}, false, 'waiting', '', 'pending', 0, '', '', ''"
            " FROM (SELECT *, person_id::int AS n FROM messenger_logs_recipient WHERE message_id = %s) AS r",
            [mode.value, message.pk],
        )
        cursor.execute("ANALYZE messenger_logs_delivery, messenger_logs_recipient")
    recount(message_id=message.pk)
    if status != "waiting":
        SentMessage.objects.filter(pk=message.pk).update(status=status, dispatch_started_at=Now())
    return message


if __name__ == "__main__":
    main()
