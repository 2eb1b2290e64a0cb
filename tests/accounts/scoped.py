"""People whose rights are for some schools."""

from accounts.models import GroupScope, User
from accounts.scopes import ScopeReach
from messenger_logs.models import School


def hold_for(user: User, *schools: School) -> User:
    """Let the groups of the person hold their rights for these schools alone. Returns the person as a page reads it."""
    for group in user.groups.all():
        scope, _ = GroupScope.objects.update_or_create(group=group, defaults={"reach": ScopeReach.CHOSEN})
        scope.schools.set(schools)
    return User.objects.get(pk=user.pk)
