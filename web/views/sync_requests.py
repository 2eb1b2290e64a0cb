"""What the buttons about Mailgun's events share: they ask a worker for something about a domain, and lead back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse

from accounts.access import SignedInRequest
from accounts.models import User
from mailgun_sync.models import SendingDomain
from mailgun_sync.services.control import QueueAway

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class AskWorker(Protocol):
    def __call__(self, *, domain: SendingDomain, by: User) -> None: ...


def ask_worker(
    request: SignedInRequest, pk: int, ask: AskWorker, *, asked: str, queue_away: StrOrPromise
) -> HttpResponse:
    """Ask for the work, and go back to the page with the sentence `asked`, in which %(domain)s stands for its name.

    It has the sentence `queue_away` where the queue of tasks does not answer.
    """
    domain = get_object_or_404(SendingDomain, pk=pk)
    try:
        ask(domain=domain, by=request.user)
    except QueueAway:
        messages.error(request, queue_away)
    else:
        messages.success(request, asked % {"domain": domain})
    return back_to_events()


def back_to_events() -> HttpResponse:
    """Lead back to the part of System Health that has the buttons."""
    return redirect(f"{reverse('web:system_health')}?part=events")
