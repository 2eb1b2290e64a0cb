"""Brings the database and the static files up to date, and makes the demo district in a database without users.

python -m config.services.prepare FILE writes into the file how to sign in.
"""

import sys
from pathlib import Path

import django
from django.core.management import call_command


def main(sign_ins: Path) -> None:
    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    call_command("collectstatic", verbosity=0, interactive=False)
    with sign_ins.open("w") as said:
        call_command("make_demo", if_empty=True, stdout=said)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
