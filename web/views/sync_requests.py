"""What the buttons of Mailgun Sync share that ask a worker for something about a domain."""

from __future__ import annotations

from typing import Protocol

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect

from accounts.access import SignedInRequest
from accounts.models import User
from mailgun_sync.models import SendingDomain
from mailgun_sync.services.control import QueueAway


class AskWorker(Protocol):
    def __call__(self, *, domain: SendingDomain, by: User) -> None: ...


def ask_worker(request: SignedInRequest, pk: int, ask: AskWorker, *, asked: str, queue_away: str) -> HttpResponse:
    """Ask for the work, and go back to the page with the sentence `asked`, in which {domain} stands for its name.

    It has the sentence `queue_away` where the queue of tasks does not answer.
    """
    domain = get_object_or_404(SendingDomain, pk=pk)
    try:
        ask(domain=domain, by=request.user)
    except QueueAway:
        messages.error(request, queue_away)
    else:
        messages.success(request, asked.format(domain=domain))
    return redirect("web:mailgun_sync")
