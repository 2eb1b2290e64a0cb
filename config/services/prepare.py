"""Brings the database and the static files up to date, and fills an empty database with the demo district.

Prints how to sign in.
"""

import django
from django.core.management import call_command, get_commands


def main() -> None:
    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    call_command("collectstatic", verbosity=0, interactive=False)
    if "make_demo" in get_commands():
        call_command("make_demo", if_empty=True)
    else:
        print("There is no demo district yet: make_demo is missing.")


if __name__ == "__main__":
    main()
