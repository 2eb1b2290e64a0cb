"""Updates the database and the static files, and makes the demo district in a database without users.

python -m devtools.prepare SIGN_INS PEOPLE CLOSED [--outgoing] writes three files: how to sign in, the people of the
demo district who get e-mail, in the format of the stand-in provider, and the days on which its schools were closed.
With --outgoing, the demo district gets messages that go out from now on. Without it, the messages of earlier starts
are stopped.
"""

import json
import os
import sys
from io import StringIO
from pathlib import Path

import django
from django.core.management import call_command


def main(sign_ins_file: Path, people: Path, closed: Path, *, outgoing: bool = False) -> None:
    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    call_command("collectstatic", verbosity=0, interactive=False)
    call_command("make_demo", if_empty=True, stdout=StringIO())
    # Models can be imported now that Django is set up.
    from demo.outgoing import keep_outgoing_back, plan_outgoing
    from demo.people import closed_days, mail_people
    from demo.staff import replace_published_password, sign_ins

    own_password = os.environ.get("DEMO_PASSWORD", "")
    if own_password:
        replace_published_password(own_password)
    how_to_sign_in = sign_ins(own_password)
    sign_ins_file.write_text(how_to_sign_in)
    is_demo = bool(how_to_sign_in)
    # A stand-in provider gets no real people.
    known = mail_people() if is_demo else []
    closed.write_text(",".join(closed_days()) if is_demo else "")
    people.write_text("".join(f"{json.dumps(person)}\n" for person in known))
    if outgoing and is_demo:
        plan_outgoing()
    else:
        keep_outgoing_back()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]), outgoing="--outgoing" in sys.argv[4:])
