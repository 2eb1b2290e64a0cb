from accounts.models import AuditEvent
from listings.filters import ContainsFilter, DateRangeFilter, ListingFilterSet, OptionFilter
from web.tables.audit_trail import action_words


def actions() -> list[tuple[str, str]]:
    return [(action, action_words(action)) for action in AuditEvent.objects.actions()]


class AuditFilters(ListingFilterSet):
    happened = DateRangeFilter("occurred_at", label="Happened", default_days=7)
    who = ContainsFilter(label="Who")
    action = OptionFilter(label="Action", choices=actions)
    target = ContainsFilter(label="What or whom")
