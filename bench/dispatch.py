"""bin/bench dispatch measures deliveries per second at a provider that answers after 100 ms, and the time of a cancel.

The workers and the stand-in are separate processes. A rate counts from the first claim to the last record. One request
at a time is measured in the same run, because the machine may be busy with other things; so is the processor time.
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

KEY = "key-bench"
ADDRESSES = {
    Mode.EMAIL: "'p' || n || '@example.com'",
    Mode.TEXT: "'+1612' || lpad(n::text, 7, '0')",
    Mode.VOICE: "'+1763' || lpad(n::text, 7, '0')",
}
# What is open after everything was handed over: a call rings until its result is asked for.
OPEN = {Mode.VOICE: ["waiting"]}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser("bin/bench dispatch", description=__doc__)
    parser.add_argument("--texts", type=int, default=6_000)
    parser.add_argument("--calls", type=int, default=3_000)
    parser.add_argument("--emails", type=int, default=20_000)
    parser.add_argument("--one-at-a-time", type=int, default=60, help="devices for the way with one request at a time")
    parser.add_argument("--alert", type=int, default=30_000, help="texts that two workers send; 0 leaves it out")
    parser.add_argument("--cancel", type=int, default=1_000_000, help="waiting deliveries to cancel; 0 leaves it out")
    options = parser.parse_args(arguments)
    with own_database("dispatch"):
        measure_rates({Mode.TEXT: options.texts, Mode.VOICE: options.calls}, options.one_at_a_time)
        measure_alert(options)
        if options.cancel:
            measure_cancel(options.cancel)


@dataclass(frozen=True)
class Rate:
    mode: Mode
    way: str
    deliveries: int
    seconds: float
    processor: float
    """Processor seconds of the workers."""

    @property
    def a_second(self) -> float:
        return self.deliveries / self.seconds

    def row(self, slow: "Rate") -> list[str]:
        numbers = [f"{self.deliveries:,}", f"{self.seconds:.1f}", f"{self.a_second:,.0f}"]
        processor = f"{self.processor / self.deliveries * 1000:.2f}"
        return [str(self.mode.label), self.way, *numbers, f"{self.a_second / slow.a_second:.1f}", processor]


HEADERS = ["mode", "way", "deliveries", "seconds", "a second", "ratio", "CPU s per 1,000"]


def measure_rates(counts: dict[Mode, int], few: int) -> None:
    rows = []
    with provider() as environment:
        for mode, count in counts.items():
            if not count:
                continue
            slow = rate(mode, few, 1, environment | {"DISPATCH_CONCURRENCY": "1"}, "one at a time")
            one, two = (rate(mode, count, workers, environment) for workers in (1, 2))
            rows += [each.row(slow) for each in (slow, one, two)]
    print_table("Handing over at 100 ms per answer, with every answer recorded", HEADERS, rows)


def measure_alert(options: argparse.Namespace) -> None:
    rows = []
    with provider() as environment:
        if options.alert:
            sent = rate(Mode.TEXT, options.alert, 2, environment)
            rows.append(sent.row(sent))
        if options.emails:
            sent = rate(Mode.EMAIL, options.emails, 1, environment)
            rows.append(sent.row(sent))
    if rows:
        print_table("A text to everybody, and an e-mail", HEADERS, rows)


def rate(mode: Mode, count: int, workers: int, environment: dict[str, str], way: str = "") -> Rate:
    message = make_message(mode, count)
    command = [sys.executable, "-c", _WORKER.format(mode=mode.value)]
    processes = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(workers)]
    used = sum(float(process.communicate()[0]) for process in processes)
    assert [process.returncode for process in processes] == [0] * workers
    assert not Delivery.objects.filter(message=message, status__in=OPEN.get(mode, ["waiting", "in_progress"])).exists()
    times = Claim.objects.filter(message=message).aggregate(first=Min("claimed_at"), last=Max("settled_at"))
    took = (times["last"] - times["first"]).total_seconds()
    return Rate(mode, way or f"{workers} worker{'s' * (workers > 1)}", count, took, used)


# It prints the processor time that it needed after its start.
_WORKER = """
import time
import django
django.setup()
from dispatch.services.scheduling import start_due
from dispatch.services.sending import send_due
from messenger_logs.choices import Mode
began = time.process_time()
start_due()
while send_due(Mode("{mode}")):
    pass
print(time.process_time() - began)
"""


@contextmanager
def provider() -> Iterator[dict[str, str]]:
    """Run the stand-in, and give the environment for workers: its address and this measurement's database."""
    with subprocess.Popen([sys.executable, "-m", "bench.provider"], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            url = process.stdout.readline().strip()
            usual, _, _ = os.environ["DATABASE_URL"].rpartition("/")
            yield os.environ | {
                "DATABASE_URL": f"{usual}/{connection.settings_dict['NAME']}",
                "MAILGUN_API_BASE": url,
                "MAILGUN_API_KEY": KEY,
                "MAILGUN_DOMAINS": "mg.bench.example",
                "VOXOLOGY_API_BASE": f"{url}/v1",
                "VOXOLOGY_API_KEY": KEY,
                "VOXOLOGY_CALLER_ID": "+16125550100",
                "VOXOLOGY_TEXT_NUMBER": "+16125550100",
                "VOXOLOGY_WEBHOOK_SECRET": "a-long-and-random-secret",
                "VOICE_HOURS": "00:00-23:59",
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
