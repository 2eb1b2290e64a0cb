"""Made-up Mailgun events for measuring: shaped and sized as real ones."""

import json
import random
from collections.abc import Iterator

FIRST = [
    "maria",
    "jose",
    "fatima",
    "ahmed",
    "linh",
    "mai",
    "pao",
    "yer",
    "chue",
    "anh",
    "thi",
    "wei",
    "jun",
    "olga",
    "ivan",
    "emma",
    "noah",
    "liam",
    "ava",
    "juan",
    "ana",
]
LAST = [
    "garcia",
    "nguyen",
    "vang",
    "xiong",
    "mohamed",
    "ali",
    "hassan",
    "lopez",
    "tran",
    "lee",
    "smith",
    "johnson",
    "yang",
    "hernandez",
    "pham",
    "chen",
]
SUBJECTS = [
    "Attendance notice",
    "School closed tomorrow",
    "Lunch balance is low",
    "Conference sign-up opens Monday",
    "Missing assignments this week",
    "Bus 14 runs late",
    "Picture day is Thursday",
    "Library books are due",
]


def events(count: int, *, begin: float, end: float, seed: int = 1) -> Iterator[str]:
    """``count`` events as JSON text, spread evenly from ``begin`` to ``end`` (epoch seconds)."""
    chance = random.Random(seed)
    for number in range(count):
        first, last = chance.choice(FIRST), chance.choice(LAST)
        recipient = f"{first}.{last}{chance.randrange(100_000)}@example.{chance.choice(['com', 'org', 'net'])}"
        message_id = f"{seed}.{number // 200:08x}@mg.harrison.example"
        event: dict[str, object] = {
            "event": "delivered",
            "id": f"{chance.getrandbits(128):032x}"[:22],
            "timestamp": round(begin + (end - begin) * number / count, 6),
            "log-level": "info",
            "envelope": {
                "transport": "smtp",
                "sender": "office@mg.harrison.example",
                "sending-ip": "192.0.2.7",
                "targets": recipient,
            },
            "flags": {"is-routed": False, "is-authenticated": True, "is-system-test": False, "is-test-mode": False},
            "delivery-status": {
                "tls": True,
                "mx-host": "mx.example.com",
                "code": 250,
                "description": "",
                "session-seconds": 0.43,
                "utf8": True,
                "attempt-no": 1,
                "message": "OK",
                "certificate-verified": True,
            },
            "message": {
                "headers": {
                    "to": recipient,
                    "message-id": message_id,
                    "from": "office@mg.harrison.example",
                    "subject": f"{chance.choice(SUBJECTS)} ({chance.randrange(500)})",
                },
                "attachments": [],
                "size": 4821,
            },
            "storage": {
                "url": "https://storage.example/v3/domains/mg.harrison.example/messages/AwABB",
                "region": "us-west1",
                "key": "AwABB",
                "env": "production",
            },
            "recipient": recipient,
            "recipient-domain": recipient.partition("@")[2],
            "tags": ["messenger"],
            "user-variables": {"sender": "principal", "person_id": str(chance.randrange(200_000))},
        }
        if number % 20 == 0:
            event |= {"event": "failed", "severity": "permanent", "reason": "bounce"}
        yield json.dumps(event)
