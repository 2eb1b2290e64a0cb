"""`python -m sandbox`: the stand-in as a program, with the mail of a made-up district."""

import argparse
import signal
from datetime import datetime, timedelta
from pathlib import Path

from sandbox import messages_api
from sandbox.journal import Journal, read_journal
from sandbox.options import read_options
from sandbox.people import read_people
from sandbox.provider import Provider
from sandbox.roster_district import fill
from sandbox.server import Sandbox
from sandbox.traffic import Traffic


def main(arguments: list[str] | None = None) -> None:
    """Serve until interrupted or terminated."""
    options = read_options(arguments)
    sandbox = _stand_in(options)
    if options.webhook_url:
        sandbox.webhooks.start(options.webhook_url, options.webhook_signing_key)
    if options.per_day:
        traffic = _traffic(sandbox, options)
        traffic.fill()
        sandbox.before_answer = traffic.fill
    # Blocked until sigwait; the server's threads inherit that.
    ends = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    with sandbox:
        print(f"Stand-in providers at {sandbox.url} for {', '.join(options.domains)}", flush=True)
        signal.sigwait(ends)


def _stand_in(options: argparse.Namespace) -> Sandbox:
    sandbox = Sandbox(
        host=options.host,
        port=options.port,
        api_key=options.api_key,
        domains=options.domains,
        retention=timedelta(days=options.retention_days),
        seed=options.seed,
        journal=Journal(options.journal),
    )
    if options.journal:
        recall(sandbox, options.journal)
    sandbox.mail_pace, sandbox.webhooks.pace = options.mail_pace, options.webhook_pace
    phones = sandbox.phones
    phones.pace, phones.replies = options.pace, options.replies
    phones.call_flow_url, phones.texts_url = options.call_flow_url, options.texts_url
    sandbox.roster.client_secret = options.api_key
    today = datetime.now(options.time_zone).date()
    shares, students = options.school_shares, options.students
    fill(sandbox.roster, options.schools, seed=options.seed, today=today, shares=shares, students=students)
    return sandbox


def _traffic(sandbox: Sandbox, options: argparse.Namespace) -> Traffic:
    return Traffic(
        sandbox,
        senders=options.senders,
        time_zone=options.time_zone,
        history_days=options.history_days,
        per_day=options.per_day,
        seed=options.seed,
        people=read_people(options.people.read_text().splitlines(), options.seed) if options.people else (),
        schools=options.schools,
        closed=options.closed,
    )


def recall(provider: Provider, journal: Path) -> None:
    """Take up what an earlier run of the stand-in had accepted."""
    for entry in read_journal(journal):
        if entry["kind"] == "mail":
            messages_api.recall(provider, entry)
        elif entry["kind"] != "request":
            provider.phones.recall(entry)


if __name__ == "__main__":
    main()
