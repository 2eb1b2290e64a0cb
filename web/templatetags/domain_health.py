from typing import Any

from django import template
from django.template import RequestContext

from web.views.domain_health import health_context

register = template.Library()


@register.inclusion_tag("web/_domain_health.html", takes_context=True)
def domain_health(context: RequestContext) -> dict[str, Any]:
    """{% domain_health %} shows the health of the domains. It takes two queries."""
    user: Any = context.request.user
    return {"request": context.request, "csrf_token": context["csrf_token"], **health_context(user)}


@register.filter
def percent(rate: float | None) -> str:
    """{{ rate|percent }} shows 0.0123 as 1.23 %."""
    return "—" if rate is None else f"{rate * 100:.2f} %"
