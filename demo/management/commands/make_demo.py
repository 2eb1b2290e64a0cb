from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.database_roles import as_owner
from accounts.models import User
from demo.district import Size, make_district
from demo.staff import make_staff, sign_ins

USUAL = Size()


def count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ArgumentTypeError("must not be negative")
    return number


class Command(BaseCommand):
    help = "Make a demo district in a database that has no user yet: staff, families and messages. Say how to sign in."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--messages", type=count, default=USUAL.messages, help="default: %(default)s")
        parser.add_argument(
            "--recipients", type=count, default=USUAL.recipients, help="of all messages; default: %(default)s"
        )
        parser.add_argument("--events", type=count, default=0, help="events of the e-mail provider; default: none")
        parser.add_argument("--seed", type=int, default=USUAL.seed, help="another seed makes another district")
        parser.add_argument("--if-empty", action="store_true", help="where there are users, leave everything as it is")

    def handle(self, *args: Any, **options: Any) -> None:
        if not User.objects.exists():
            make_staff()
            # Who owns the tables may refresh their statistics, which the next statements need.
            with as_owner():
                make_district(Size(*(options[name] for name in ("messages", "recipients", "events", "seed"))))
        elif not options["if_empty"]:
            raise CommandError("There are users in this database already. The demo district wants an empty one.")
        self.stdout.write(sign_ins())
