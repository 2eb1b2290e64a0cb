"""The outcomes of accepted mails, calls and texts: by seed and address, unless a test has decided them."""

import random
import threading
from collections import Counter

from sandbox.people import MAILBOXES, Mailbox

CALLS = {
    "confirm": 26,  # somebody answers, listens and presses 0
    "live": 22,  # somebody answers and presses nothing
    "machine": 34,
    "no answer": 9,
    "busy": 4,
    "failed": 2,
    "unknown": 2,
    "fax": 1,
}
TEXTS = {"delivered": 93, "sent": 3, "undelivered": 3, "failed": 1}
CHANCES: dict[str, dict[str, int]] = {
    "mail": {mailbox.value: share for mailbox, share in MAILBOXES.items()},
    "call": CALLS,
    "text": TEXTS,
}


class Chances:
    """Outcomes by chance: always the same for a seed. A second call to a number may have another outcome."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._decided: dict[tuple[str, str], list[str]] = {}
        self._times: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def decide(self, kind: str, to: str, *outcomes: str) -> None:
        """Set the outcomes of the next mails, calls or texts to an address. The last outcome stays for all later ones.

        An empty `to` means every address of that kind. Raises ValueError for an unknown kind or outcome.
        """
        if kind not in CHANCES or not outcomes or not set(outcomes) <= CHANCES[kind].keys():
            raise ValueError(f"Of a {kind} cannot become {', '.join(outcomes) or 'nothing'}")
        with self._lock:
            self._decided[kind, to] = list(outcomes)

    def draw(self, kind: str, to: str) -> str:
        """Return the outcome of the next mail, call or text to this address."""
        with self._lock:
            for key in ((kind, to), (kind, "")):
                if left := self._decided.get(key):
                    return left.pop(0) if len(left) > 1 else left[0]
            self._times[kind, to] += 1
            # A mailbox always behaves the same. A phone may be answered the next time.
            time = 1 if kind == "mail" else self._times[kind, to]
        rng = random.Random(f"{self._seed} {kind} {to} {time}")
        return rng.choices(list(CHANCES[kind]), list(CHANCES[kind].values()))[0]

    def mailbox(self, address: str) -> Mailbox:
        """Return the kind of the mailbox of an address."""
        return Mailbox(self.draw("mail", address))
