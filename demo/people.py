"""The people of the demo district, as its e-mail provider knows them."""

from demo.names import COMMUNITIES, pairs
from messenger_logs.choices import Mode
from messenger_logs.models import Delivery

# A name of several communities belongs to the first one.
LANGUAGES = {shown: community.tag for community in reversed(COMMUNITIES) for shown, _ in pairs(community.family)}


def mail_people() -> list[dict[str, str]]:
    """Return everybody who got an e-mail: person_id, name, address and language, in the order of their ids.

    Who comes with the messages of a start is not among them: the stand-in writes the same mail again after each start.
    """
    rows = (
        Delivery.objects.filter(mode=Mode.EMAIL, message__external_id=None)
        .exclude(address="")
        .order_by("recipient__person_id", "address")
        .distinct("recipient__person_id")
        .values_list("recipient__person_id", "recipient__name", "address")
    )
    return [
        {"person_id": person_id, "name": name, "address": address, "language": LANGUAGES.get(name.split(",")[0], "en")}
        for person_id, name, address in rows
    ]
