"""What a provider says about a person: claims of OpenID Connect, attributes of SAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# A claim may have hundreds of values, and the audit trail should stay readable.
MOST_VALUES = 500


@dataclass(frozen=True)
class Claims:
    """All that a provider says about one person at one moment."""

    said: Mapping[str, Any]

    def values(self, name: str) -> list[str] | None:
        """Return the values of a claim as text, in their order; None if the provider says nothing about it.

        `name` may be a path with dots into nested objects ("realm_access.roles"). A claim that is too large for a
        token is left out by Microsoft; then it is None, and not empty.
        Source: https://learn.microsoft.com/security/zero-trust/develop/configure-tokens-group-claims-app-roles
        """
        found = self._find(name)
        if found is None:
            left_out = self.said.get("_claim_names")
            return None if isinstance(left_out, Mapping) and name in left_out else []
        listed = found if isinstance(found, list | tuple) else [found]
        return list(dict.fromkeys(str(value) for value in listed if isinstance(value, str | int)))[:MOST_VALUES]

    def has(self, name: str) -> bool:
        return self._find(name) is not None

    def missing(self, required: Mapping[str, str]) -> list[str]:
        """Return the names of the claims that do not have the value that they must have."""
        return [name for name, value in required.items() if value not in (self.values(name) or [])]

    def _find(self, name: str) -> Any:
        if name in self.said:
            return self.said[name]
        found: Any = self.said
        for part in name.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        return found


def is_true(value: Any) -> bool:
    """Whether a claim says yes. Some providers send the word instead of the value, and "false" is a word, too."""
    return value is True or (isinstance(value, str) and value.lower() == "true")
