"""The webhook of Mailgun. Nobody is signed in here, and there is no session: a signature in each call is the proof.

Mailgun understands 200 as stored, and 406 as "never again". After any other answer it repeats the call for 8 hours.
"""

from __future__ import annotations

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from mailgun_sync.choices import Refusal
from mailgun_sync.services.webhooks import RefusedError, refuse, take_form, take_json
from web.api.parsers import is_compressed

# A call has one event, or a few; each has a few kilobytes.
MAX_BYTES = 2 * 1024 * 1024
FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")
STATUSES = {Refusal.NO_KEY: 503, Refusal.TOO_LARGE: 413}
NEVER_AGAIN = 406


@csrf_exempt
@require_POST
def mailgun(request: HttpRequest) -> HttpResponse:
    """Store the events of a call. The answer says how many there were, or why it was refused."""
    try:
        return JsonResponse({"events": _take(request)})
    except RefusedError as refused:
        return JsonResponse({"error": str(refused)}, status=STATUSES.get(refused.reason, NEVER_AGAIN))


def _take(request: HttpRequest) -> int:
    length = request.headers.get("Content-Length") or "0"
    if is_compressed(request) or not length.isdecimal() or int(length) > MAX_BYTES:
        raise refuse(Refusal.TOO_LARGE)
    if request.content_type not in FORMS:
        return take_json(request.body)
    try:
        fields = dict(request.POST.lists())
    except (MultiPartParserError, SuspiciousOperation):
        raise refuse(Refusal.UNREADABLE) from None
    return take_form(fields)
