"""The part of System Health about the lists of suppressions: their sizes, the allowlist, and the last readings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from listings.columns import AddressColumn, Column, ListingTable, NumberColumn, TimeColumn
from mailgun_sync.choices import RunOutcome, SuppressionList
from mailgun_sync.models import SendingDomain, Suppression, SuppressionRun
from mailgun_sync.services.domains import configured_domains
from web.views.sync_tables import RUN_STATUSES, OutcomeColumn

SHOWN_RUNS = 10
SHOWN_ODD = 50


class SuppressionRunTable(ListingTable):
    started_at = TimeColumn(seconds=True, verbose_name=_("Started"))
    domain = AddressColumn(verbose_name=_("Domain"))
    outcome = OutcomeColumn(RUN_STATUSES, reason=attrgetter("error"), verbose_name=_("Outcome"))
    pages = NumberColumn(verbose_name=_("Pages"))
    entries = NumberColumn(verbose_name=_("Entries"))
    added = NumberColumn(verbose_name=_("New"))
    removed = NumberColumn(verbose_name=_("Gone"))
    odd = NumberColumn(verbose_name=_("Odd"))


class OddTable(ListingTable):
    first_seen_at = TimeColumn(verbose_name=_("First seen"))
    domain = AddressColumn(verbose_name=_("Domain"))
    list = Column(verbose_name=_("List"))
    error = Column(verbose_name=_("Why it is odd"))
    raw = Column(verbose_name=_("Entry as it came"))


@dataclass(frozen=True)
class DomainLists:
    """The lists of a domain, as the last whole reading has them."""

    domain: SendingDomain
    counts: list[tuple[str, int]]
    own_domain: str
    """The entry of the allowlist that keeps mail to the district's own staff off the bounces; "" without one."""


def suppression_context(user: User) -> dict[str, Any]:
    runs = SuppressionRun.objects.select_related("domain")
    odd = Suppression.objects.visible_to(user).odd().select_related("domain").order_by("-first_seen_at", "-pk")
    return {
        "suppression_lists": list(lists_of_domains()),
        "suppression_runs": SuppressionRunTable(runs[:SHOWN_RUNS]),
        "suppressions_read": runs.filter(outcome=RunOutcome.SUCCEEDED).first(),
        "odd_suppressions": OddTable(odd[:SHOWN_ODD]),
    }


def lists_of_domains() -> Iterator[DomainLists]:
    """Yield the lists of each domain, with two queries for all of them."""
    counted = {name.value: Count("suppressions", filter=Q(suppressions__list=name)) for name in SuppressionList}
    allowed: dict[int, set[str]] = {}
    allowlist = Suppression.objects.filter(list=SuppressionList.ALLOWLIST, error="")
    for domain_id, address in allowlist.values_list("domain", "mailbox"):
        allowed.setdefault(domain_id, set()).add(address)
    for domain in configured_domains().annotate(**counted).order_by("name"):
        counts = [(str(name.label), getattr(domain, name.value)) for name in SuppressionList]
        yield DomainLists(domain, counts, _own_domain(domain.name, allowed.get(domain.pk, set())))


def _own_domain(sending: str, allowed: set[str]) -> str:
    """Return the allowed domain that the sending domain is part of: harrison.example for mg.harrison.example."""
    labels = sending.lower().split(".")
    above = (".".join(labels[at:]) for at in range(len(labels) - 1))
    return next((domain for domain in above if domain in allowed), "")
