from accounts.models import AuditEvent
from accounts.tables import action_words
from grid.filters import ContainsFilter, DateRangeFilter, GridFilterSet, OptionFilter


def actions() -> list[tuple[str, str]]:
    return [(action, action_words(action)) for action in AuditEvent.objects.actions()]


class AuditFilters(GridFilterSet):
    happened = DateRangeFilter("occurred_at", label="Happened", default_days=7)
    who = ContainsFilter(label="Who")
    action = OptionFilter(label="Action", choices=actions)
    target = ContainsFilter(label="What or whom")
