"""Know an erased address or number again, without keeping it."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.db.models import QuerySet
from django.utils.crypto import salted_hmac

from messenger_logs.models import Delivery, ErasedAddress


def digest_of(address: str, *, secret: str | None = None) -> str:
    """Return the digest of an address or number in its canonical form."""
    return salted_hmac("messenger_logs.erased", address, secret=secret, algorithm="sha256").hexdigest()


def digests_of(address: str) -> list[str]:
    """Return its digests with all secrets that may have been in use: a secret can be renewed."""
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return [digest_of(address, secret=secret) for secret in secrets]


def anybody_erased() -> bool:
    """Whether any address was ever erased: in most installations none was, and nobody has to look."""
    return ErasedAddress.objects.exists()


def erased_among(addresses: Iterable[str]) -> set[str]:
    """Return those of these addresses that were erased, and that have not come back with a new message."""
    known = _known(addresses, ErasedAddress.objects.all())
    if not known:
        return set()
    return known - set(Delivery.objects.filter(address__in=known).values_list("address", flat=True).distinct())


def refusing_texts(numbers: Iterable[str]) -> set[str]:
    """Return those of these numbers whose STOP is kept as a digest alone."""
    return _known(numbers, ErasedAddress.objects.filter(opted_out=True))


def _known(addresses: Iterable[str], erased: QuerySet[ErasedAddress]) -> set[str]:
    by_digest = {digest: address for address in addresses if address for digest in digests_of(address)}
    if not by_digest:
        return set()
    found = erased.filter(digest__in=list(by_digest)).values_list("digest", flat=True)
    return {by_digest[digest] for digest in found}
