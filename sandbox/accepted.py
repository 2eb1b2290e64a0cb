"""What the provider has taken to pass it on: the record by which tests judge what was handed over, and how often."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Accepted:
    """A mail to one address, a call or a text to one number."""

    number: int
    """In order of arrival, from 1."""
    kind: str
    """mail, call or text"""
    to: str
    at: float
    id: str
    """The provider's id; of a mail its message-id, which all recipients of a send share."""
    about: Callable[[], Mapping[str, Any]]
    """What came with it; made when it is asked for."""

    def described(self) -> dict[str, Any]:
        fields = {"number": self.number, "kind": self.kind, "to": self.to, "at": self.at, "id": self.id}
        return {**fields, **self.about()}


class AcceptedLog:
    """Everything that was taken, in order of arrival."""

    def __init__(self) -> None:
        self._all: list[Accepted] = []
        self._first = 1
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._all)

    def note(self, kind: str, at: float, id: str, abouts: Mapping[str, Callable[[], Mapping[str, Any]]]) -> None:
        """Note what was taken at once, by where it goes."""
        with self._lock:
            begin = self._first + len(self._all)
            self._all.extend(
                Accepted(number, kind, to, at, id, about) for number, (to, about) in enumerate(abouts.items(), begin)
            )

    def list(self, kind: str = "", after: int = 0) -> list[dict[str, Any]]:
        """What was taken, of one kind or of all, behind a number."""
        with self._lock:
            found = self._all[max(0, after - self._first + 1) :]
        return [one.described() for one in found if not kind or one.kind == kind]

    def counts(self) -> dict[str, int]:
        with self._lock:
            kinds = [one.kind for one in self._all]
        return {kind: kinds.count(kind) for kind in ("mail", "call", "text")}

    def clear(self) -> None:
        """Forget it all; numbers go on."""
        with self._lock:
            self._first += len(self._all)
            self._all.clear()
