"""The tokens of a provider: with them we ask it again whether it still lets the person in."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from core.sealing import seal, unseal

_PURPOSE = "tokens of a sign-in provider"


@dataclass(frozen=True)
class Tokens:
    refresh: str = ""
    access: str = ""
    # Seconds since 1970.
    access_until: float = 0

    @classmethod
    def of(cls, token: Any) -> Tokens:
        """Return what is in allauth's SocialToken, or nothing for None: SAML has no tokens."""
        if token is None:
            return cls()
        until = token.expires_at.timestamp() if token.expires_at else 0
        return cls(refresh=token.token_secret or "", access=token.token, access_until=until)

    @classmethod
    def opened(cls, sealed: str) -> Tokens:
        text = unseal(sealed, purpose=_PURPOSE)
        return cls(**json.loads(text)) if text else cls()

    def sealed(self) -> str:
        return seal(json.dumps(asdict(self)), purpose=_PURPOSE)

    def after(self, earlier: Tokens) -> Tokens:
        """Return these tokens, with the earlier refresh token where there is no new one: Google gives it once."""
        return Tokens(self.refresh or earlier.refresh, self.access, self.access_until)
