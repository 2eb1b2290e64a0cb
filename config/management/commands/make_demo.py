from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from config import demo


class Command(BaseCommand):
    help = "Make the people of the demo district, in a database that has no user yet, and say how to sign in."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--if-empty", action="store_true", help="where there are users, leave everything as it is")

    def handle(self, *args: Any, **options: Any) -> None:
        if not User.objects.exists():
            demo.make_staff()
        elif not options["if_empty"]:
            raise CommandError("There are users in this database already. The demo district wants an empty one.")
        self.stdout.write(demo.sign_ins())
