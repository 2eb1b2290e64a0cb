"""The arguments of `python -m sandbox`."""

import argparse
import os
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from sandbox.announcements import Sender
from sandbox.provider import API_KEY, DOMAIN
from sandbox.roster_district import STUDENTS

_environment = os.environ.get


def read_options(arguments: list[str] | None) -> argparse.Namespace:
    """Read the arguments. Secrets may also come in the environment: everybody can read the arguments of a program."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="A stand-in for the providers.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8025, help="0 takes a free one")
    parser.add_argument("--api-key", default=_environment("SANDBOX_API_KEY", API_KEY), help="or SANDBOX_API_KEY")
    parser.add_argument("--journal", type=Path, help="a file of what was accepted, which the next start takes up")
    parser.add_argument("--seed", type=int, default=1)
    _add_mail(parser)
    _add_district(parser)
    _add_addresses_of_the_product(parser)
    _add_behavior(parser)
    return parser.parse_args(arguments)


def _add_mail(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--domains", type=_list, default=[DOMAIN], help="sending domains, separated by commas")
    parser.add_argument(
        "--senders",
        type=lambda text: [Sender.parse(name) for name in _list(text)],
        default=[Sender.parse("admin")],
        help="usernames that send, separated by commas; each may have a role: jlee:principal",
    )
    parser.add_argument("--people", type=Path, help="a file of the people who get the mail; see people.read_people")
    parser.add_argument("--retention-days", type=float, default=30)
    parser.add_argument("--history-days", type=int, default=30, help="days of mail before today")
    parser.add_argument("--per-day", type=int, default=3000, help="events a day on average; 0 makes none at all")


def _add_district(parser: argparse.ArgumentParser) -> None:
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


def _add_addresses_of_the_product(parser: argparse.ArgumentParser) -> None:
    for name, what in {
        "--call-flow-url": "the product's address for the actions of a call, or ",
        "--texts-url": "the product's address for incoming texts and receipts, or ",
        "--webhook-url": "the product's address for events of e-mails, or ",
        "--webhook-signing-key": "or ",
    }.items():
        variable = f"SANDBOX_{name.removeprefix('--').replace('-', '_').upper()}"
        parser.add_argument(name, default=_environment(variable, ""), help=what + variable)


def _add_behavior(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--replies", type=float, default=0.0, help="part of the families that answer a text with STOP")
    parser.add_argument("--pace", type=float, default=1.0, help="multiplies the times of calls and texts")
    parser.add_argument("--mail-pace", type=float, default=1.0, help="multiplies the times in the life of a mail")
    parser.add_argument(
        "--webhook-pace", type=float, default=1.0, help="multiplies the waits before a webhook comes again"
    )


def _list(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise argparse.ArgumentTypeError("at least one is needed")
    return names
