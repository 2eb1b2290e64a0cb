"""Brings the database and the static files up to date, and makes the demo district in a database without users.

python -m config.services.prepare FILE [--outgoing] writes into the file how to sign in. With --outgoing the demo
district has messages that go out from now on; without it, none of an earlier start does.
"""

import sys
from pathlib import Path

import django
from django.core.management import call_command


def main(sign_ins: Path, *, outgoing: bool = False) -> None:
    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    call_command("collectstatic", verbosity=0, interactive=False)
    with sign_ins.open("w") as said:
        call_command("make_demo", if_empty=True, stdout=said)
    # Only now, since it wants the settings.
    from config import demo

    if outgoing and demo.sign_ins():
        demo.plan_outgoing()
    else:
        demo.keep_outgoing_back()


if __name__ == "__main__":
    main(Path(sys.argv[1]), outgoing="--outgoing" in sys.argv[2:])
