"""The mails, calls and texts that the provider has accepted. Tests read here what was handed over, and how often."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Accepted:
    """A mail to one address, or a call or text to one number."""

    number: int
    """In order of arrival, from 1."""
    kind: str
    """mail, call or text"""
    to: str
    at: float
    id: str
    """The provider's id; for a mail its message-id, which all recipients of a send share."""
    about: Callable[[], Mapping[str, Any]]
    """Returns the details, such as subject or text. They are made only on request, which keeps accepting quick."""

    def as_dict(self) -> dict[str, Any]:
        """Return the fields and the details."""
        fields = {"number": self.number, "kind": self.kind, "to": self.to, "at": self.at, "id": self.id}
        return {**fields, **self.about()}


class AcceptedLog:
    """Everything that the provider accepted, in order of arrival."""

    def __init__(self) -> None:
        self._all: list[Accepted] = []
        self._first = 1
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._all)

    def add(self, kind: str, at: float, id: str, abouts: Mapping[str, Callable[[], Mapping[str, Any]]]) -> None:
        """Add what was accepted in one request. `abouts` has the details by address or number."""
        with self._lock:
            begin = self._first + len(self._all)
            self._all.extend(
                Accepted(number, kind, to, at, id, about) for number, (to, about) in enumerate(abouts.items(), begin)
            )

    def list(self, kind: str = "", after: int = 0) -> list[dict[str, Any]]:
        """Return the accepted items of one kind or of all kinds, after a number."""
        with self._lock:
            found = self._all[max(0, after - self._first + 1) :]
        return [one.as_dict() for one in found if not kind or one.kind == kind]

    def counts(self) -> dict[str, int]:
        """Return the number of accepted items of each kind."""
        with self._lock:
            kinds = [one.kind for one in self._all]
        return {kind: kinds.count(kind) for kind in ("mail", "call", "text")}

    def clear(self) -> None:
        """Remove all items. The numbers continue."""
        with self._lock:
            self._first += len(self._all)
            self._all.clear()
