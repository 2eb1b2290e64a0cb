"""`python -m sandbox`: the stand-in as a program, with the mail of a made-up district."""

import argparse
import os
import signal
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sandbox import messages_api
from sandbox.announcements import Sender
from sandbox.journal import Journal, read_journal
from sandbox.people import read_people
from sandbox.provider import API_KEY, DOMAIN, Provider
from sandbox.roster_district import STUDENTS, fill
from sandbox.server import Sandbox
from sandbox.traffic import Traffic


def main(arguments: list[str] | None = None) -> None:
    """Serve until interrupted or terminated."""
    options = _options(arguments)
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
    sandbox.phones.pace, sandbox.mail_pace, sandbox.webhooks.pace = (
        options.pace,
        options.mail_pace,
        options.webhook_pace,
    )
    sandbox.phones.call_flow_url = options.call_flow_url
    sandbox.phones.texts_url = options.texts_url
    sandbox.phones.replies = options.replies
    sandbox.roster.client_secret = options.api_key
    fill(
        sandbox.roster,
        options.schools,
        seed=options.seed,
        today=datetime.now(options.time_zone).date(),
        shares=options.school_shares,
        students=options.students,
    )
    if options.webhook_url:
        sandbox.webhooks.start(options.webhook_url, options.webhook_signing_key)
    if options.per_day:
        traffic = Traffic(
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
        traffic.fill()
        sandbox.before_answer = traffic.fill
    # Blocked until sigwait; the server's threads inherit that.
    ends = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    with sandbox:
        print(f"Stand-in providers at {sandbox.url} for {', '.join(options.domains)}", flush=True)
        signal.sigwait(ends)


def recall(provider: Provider, journal: Path) -> None:
    """Take up what an earlier run of the stand-in had accepted."""
    for entry in read_journal(journal):
        if entry["kind"] == "mail":
            messages_api.recall(provider, entry)
        elif entry["kind"] != "request":
            provider.phones.recall(entry)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    """Read the arguments. Secrets may also come in the environment: everybody can read the arguments of a program."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="A stand-in for the providers.")
    environment = os.environ.get
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8025, help="0 takes a free one")
    parser.add_argument("--api-key", default=environment("SANDBOX_API_KEY", API_KEY), help="or SANDBOX_API_KEY")
    parser.add_argument("--domains", type=_list, default=[DOMAIN], help="sending domains, separated by commas")
    parser.add_argument(
        "--senders",
        type=lambda text: [Sender.parse(name) for name in _list(text)],
        default=[Sender.parse("admin")],
        help="usernames that send, separated by commas; each may have a role: jlee:principal",
    )
    parser.add_argument("--schools", type=_list, default=["Harrison High"], help="separated by commas")
    parser.add_argument(
        "--school-shares",
        type=lambda text: [int(percent) for percent in text.split(",")],
        default=[],
        help="percents of the students of the roster at each school, separated by commas",
    )
    parser.add_argument("--students", type=int, default=STUDENTS, help="in the roster")
    parser.add_argument(
        "--closed",
        type=lambda text: {date.fromisoformat(day) for day in text.split(",") if day},
        help="days without school, of which others send the news; without it there are days of snow by chance",
    )
    parser.add_argument("--time-zone", type=ZoneInfo, default=ZoneInfo("America/Chicago"))
    parser.add_argument("--retention-days", type=float, default=30)
    parser.add_argument("--history-days", type=int, default=30, help="days of mail before today")
    parser.add_argument("--per-day", type=int, default=3000, help="events a day on average; 0 makes none at all")
    parser.add_argument(
        "--call-flow-url",
        default=environment("SANDBOX_CALL_FLOW_URL", ""),
        help="the product's address for the actions of a call, or SANDBOX_CALL_FLOW_URL",
    )
    parser.add_argument(
        "--texts-url",
        default=environment("SANDBOX_TEXTS_URL", ""),
        help="the product's address for incoming texts and receipts, or SANDBOX_TEXTS_URL",
    )
    parser.add_argument(
        "--webhook-url",
        default=environment("SANDBOX_WEBHOOK_URL", ""),
        help="the product's address for events of e-mails, or SANDBOX_WEBHOOK_URL",
    )
    parser.add_argument(
        "--webhook-signing-key",
        default=environment("SANDBOX_WEBHOOK_SIGNING_KEY", ""),
        help="or SANDBOX_WEBHOOK_SIGNING_KEY",
    )
    parser.add_argument("--replies", type=float, default=0.0, help="part of the families that answer a text with STOP")
    parser.add_argument("--pace", type=float, default=1.0, help="multiplies the times of calls and texts")
    parser.add_argument("--mail-pace", type=float, default=1.0, help="multiplies the times in the life of a mail")
    parser.add_argument(
        "--webhook-pace", type=float, default=1.0, help="multiplies the waits before a webhook comes again"
    )
    parser.add_argument("--journal", type=Path, help="a file of what was accepted, which the next start takes up")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--people", type=Path, help="a file of the people who get the mail; see people.read_people")
    return parser.parse_args(arguments)


def _list(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise argparse.ArgumentTypeError("at least one is needed")
    return names


if __name__ == "__main__":
    main()
