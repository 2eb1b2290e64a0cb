"""bin/bench site lets many people click at once on a site with gunicorn, over HTTP, and measures each page.

Each of them clicks every few seconds, from one page to another. A second site has a Valkey that takes connections and
never answers: one person clicks there, because such a page must not take long either.
"""

import argparse
import os
import random
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from io import StringIO
from statistics import median, quantiles
from threading import Lock

import requests
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command
from django.db import connection
from django.urls import reverse

from accounts.models import User
from bench.databases import own_database
from bench.measure import print_table
from messenger_logs.models import Recipient, SentMessage

_LOG = "web:admin_sent_message_log"
_LARGEST = 200
"""People look at messages like any others, and now and then at a large one."""


class Clicks:
    """The seconds of each answer by page, and what was no success."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.errors: dict[str, list[str]] = defaultdict(list)
        self._lock = Lock()

    def add(self, page: str, took: float, error: str) -> None:
        with self._lock:
            self.seconds[page].append(took)
            if error:
                self.errors[page].append(error)

    def rows(self) -> list[list[str]]:
        return [
            [page, str(len(took)), *(f"{1000 * part(took):,.0f}" for part in (median, _p95, max)), self._failed(page)]
            for page, took in sorted(self.seconds.items())
        ]

    def _failed(self, page: str) -> str:
        errors = self.errors[page]
        return f"{len(errors)}: {errors[0]}" if errors else "0"


def _p95(values: list[float]) -> float:
    return quantiles(values, n=20)[-1] if len(values) > 1 else values[0]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser("bin/bench site", description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--recipients", type=int, default=1_500_000, help="of all messages")
    parser.add_argument("--events", type=int, default=3_000_000)
    parser.add_argument("--people", type=int, default=50, help="who click at once")
    parser.add_argument("--every", type=float, default=5.0, help="the seconds between two clicks of a person")
    parser.add_argument("--clicks", type=int, default=24, help="of each person")
    parser.add_argument("--workers", type=int, default=4, help="processes of gunicorn")
    parser.add_argument("--keep", action="store_true", help="keep the rows for the next measurement with --keep")
    options = parser.parse_args(arguments)
    with ExitStack() as stack:
        stack.enter_context(own_database("site", keep=options.keep))
        if not User.objects.exists():
            sizes = {name: getattr(options, name) for name in ("messages", "recipients", "events")}
            call_command("make_demo", stdout=StringIO(), **sizes)
        site = stack.enter_context(gunicorn(options.workers))
        clicks = measure(site, options)
        without_valkey = stack.enter_context(gunicorn(1, REDIS_URL=stack.enter_context(valkey_that_hangs())))
        alone = measure(without_valkey, argparse.Namespace(people=1, every=0.0, clicks=2 * len(PAGES)))
    headers = ["page", "clicks", "p50 ms", "p95 ms", "slowest ms", "errors"]
    print_table(f"{options.people} people at once, each clicks every {options.every:g} s", headers, clicks.rows())
    slowest = max(max(took) for took in alone.seconds.values())
    failed = sum(map(len, alone.errors.values()))
    usual = max(median(took) for took in clicks.seconds.values())
    print(
        f"\nValkey hangs, one person: the slowest page took {1000 * slowest:,.0f} ms, {failed} errors;"
        f" ratio to the median of the slowest page above: {slowest / usual:.1f}"
    )


def measure(site: str, options: argparse.Namespace) -> Clicks:
    """Let people click. The first click of each page comes before, and does not count."""
    cookies = cookies_of(User.objects.get(username="admin"))
    messages = list(SentMessage.objects.listed().classic().order_by("-pk").values_list("pk", flat=True)[:_LARGEST])
    # What a person of the district would look for.
    person = Recipient.objects.filter(message__in=messages).order_by("pk").values_list("name", flat=True).last() or ""
    warm, clicks = Clicks(), Clicks()
    visitor(site, cookies, messages, person, argparse.Namespace(every=0.0, clicks=len(PAGES)), 0, warm)
    with ThreadPoolExecutor(options.people) as people:
        for number in range(options.people):
            people.submit(visitor, site, cookies, messages, person, options, number, clicks)
    return clicks


def visitor(
    site: str,
    cookies: dict[str, str],
    messages: list[int],
    person: str,
    options: argparse.Namespace,
    number: int,
    clicks: Clicks,
) -> None:
    """Click from one page to the next, each person from another first page."""
    rng = random.Random(number)
    browser = requests.Session()
    browser.cookies.update(cookies)
    browser.get(site, timeout=60)  # gives the token that a search needs
    begins = time.monotonic() + options.every * rng.random()
    names = list(PAGES)
    for click in range(options.clicks):
        time.sleep(max(0.0, begins + click * options.every - time.monotonic()))
        page = names[(number + click) % len(names)]
        began = time.perf_counter()
        try:
            error = ask(browser, site, page, rng.choice(messages), person)
        except requests.RequestException as failed:
            error = type(failed).__name__
        clicks.add(page, time.perf_counter() - began, error)


# The address of each page, and what is asked of it; {person} is searched for with POST.
PAGES = {
    "Home": ("web:home", {}),
    "Sent Message Log": (_LOG, {}),
    "Message": (f"{_LOG}_message", {}),
    "Recipients": (f"{_LOG}_message_recipients", {}),
    "Search": ("web:search", {"person": ""}),
    "Mailgun Message Log": ("web:admin_mailgun_message_log", {}),
    "Export": (_LOG, {"export": "csv"}),
}


def ask(browser: requests.Session, site: str, page: str, message: int, person: str) -> str:
    """Ask for a page as a browser does. Returns what is wrong with the answer, "" if nothing."""
    route, values = PAGES[page]
    address = site + reverse(route, args=[message] if "_message_log_message" in route else [])
    if "person" in values:
        token = {"X-CSRFToken": browser.cookies["csrftoken"]}
        answer = browser.post(address, {"person": person}, headers=token, timeout=60)
    else:
        answer = browser.get(address, params=values, timeout=60)
    signed_out = "/accounts/login/" in answer.url
    return "" if answer.ok and not signed_out else f"status {answer.status_code}"


def cookies_of(user: User) -> dict[str, str]:
    """Return the cookies of somebody who has signed in: a sign-in itself takes its time on purpose."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "accounts.backends.UsernameOrEmailBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return {"sessionid": str(session.session_key)}


@contextmanager
def gunicorn(workers: int, **environment: str) -> Iterator[str]:
    """Serve this measurement's database, and give the address of the site."""
    usual, _, _ = os.environ["DATABASE_URL"].rpartition("/")
    environment = os.environ | {
        "DATABASE_URL": f"{usual}/{connection.settings_dict['NAME']}",
        "WEB_CONCURRENCY": str(workers),
        "ALLOWED_HOSTS": "127.0.0.1",
        **environment,
    }
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        site = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [sys.executable, "-m", "gunicorn", "--config=config/gunicorn.conf.py", f"--bind={site}"]
    quiet = [*command, "--log-level=critical"]
    with subprocess.Popen(quiet, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(f"http://{site}", process)
            yield f"http://{site}"
        finally:
            process.terminate()


def wait_for(site: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            requests.get(f"{site}/accounts/login/", timeout=30)
        except requests.RequestException:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("gunicorn does not answer.")


@contextmanager
def valkey_that_hangs() -> Iterator[str]:
    """Listen like a Valkey, and never answer: that costs a page more than one that refuses connections."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(512)
        yield f"redis://127.0.0.1:{server.getsockname()[1]}"


if __name__ == "__main__":
    main()
