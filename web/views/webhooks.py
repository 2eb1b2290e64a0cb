"""The webhooks of the voice and text provider. It does not sign its requests, so a secret in the address is the proof.

Nobody is signed in here, and there is no session. A request is believed only where our own records agree with it. If it
cannot be read, the answer says why.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from core.dates import read_timestamp
from core.strict_json import JSONError, read_json
from dispatch.services.webhooks import confirm_call, find_call, record_incoming_text, record_text_status
from providers.http import kept
from web.api.parsers import Compressed, is_compressed

MAX_BYTES = 64 * 1024
KEY = "confirm"  # the provider's name for the key that was pressed
SECONDS_FOR_A_KEY = 5
# If another name comes twice in an object, that is no reason to miss a family's STOP.
ONLY_ONCE = frozenset({"caller_no", "text_message", "session_data", KEY})
# The documentation of texts names neither an id nor a time. These are the names that the provider uses elsewhere, and
# usual ones.
IDS = ("id", "message_id", "text_id")
TIMES = ("timestamp", "time", "received_at", "start_time", "created_at")

Action = dict[str, Any]


class _RefusedError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.answer = JsonResponse({"error": message}, status=status)


def from_provider(view: Callable[[dict[str, Any]], HttpResponse]) -> Callable[..., HttpResponse]:
    """Make a view for POST requests to the secret address. It gets the JSON object of the request.

    Other addresses get 404, a body that is too large 413, and one that is no JSON object 400.
    """

    @csrf_exempt
    @require_POST
    @wraps(view)
    def guarded(request: HttpRequest, secret: str) -> HttpResponse:
        expected = settings.VOXOLOGY_WEBHOOK_SECRET
        if not expected or not constant_time_compare(secret.encode(), expected.encode()):
            raise Http404
        try:
            return view(_read(request))
        except _RefusedError as refused:
            return refused.answer

    return guarded


@from_provider
def call_flow(body: dict[str, Any]) -> HttpResponse:
    """Answer what a call says: first the message; after the key 0, thanks."""
    session = body.get("session_data")
    about = find_call(session if isinstance(session, dict) else {})
    if about is None:
        # Not one of our calls, or its message was canceled meanwhile.
        return _actions()
    pressed = _find(body, KEY)
    if pressed is None:
        return _actions(
            _say(about.text),
            _say("Press 0 to confirm that you have heard this message."),
            {
                "type": "COLLECT",
                "name": KEY,
                "params": {"num_digits": 1, "finish_on_key": "pound", "timeout": SECONDS_FOR_A_KEY * 1000},
            },
        )
    if str(pressed).strip() != "0":
        return _actions()
    confirm_call(about, call_id=str(body.get("call_id", "")), raw=_kept(body))
    return _actions(_say("Thank you. Goodbye."))


@from_provider
def texts(body: dict[str, Any]) -> HttpResponse:
    """Take a text from a family, such as STOP, or a receipt: the result of a text that we sent."""
    text, caller = body.get("text_message"), body.get("caller_no")
    if not isinstance(caller, str) or not caller:
        raise _RefusedError(400, "caller_no is missing.")
    if isinstance(text, str):
        record_incoming_text(caller=caller, text=text, raw=_kept(body), id=_id(body), sent_at=_sent_at(body))
        return JsonResponse({})
    id, status = body.get("id"), body.get("status")
    if not (isinstance(id, str) and id and isinstance(status, str)):
        raise _RefusedError(400, "It is neither a text nor a receipt of one.")
    if not record_text_status(caller=caller, id=id, status=status, raw=_kept(body)):
        # The receipt may come before our own record of the text. After 404 the provider sends it again.
        raise _RefusedError(404, "There is no such text.")
    return JsonResponse({})


def _read(request: HttpRequest) -> dict[str, Any]:
    if is_compressed(request):
        raise _RefusedError(415, Compressed.default_detail)
    length = request.headers.get("Content-Length") or "0"
    if not length.isdecimal() or int(length) > MAX_BYTES:
        raise _RefusedError(413, f"At most {MAX_BYTES:,} bytes are read.")
    try:
        body = read_json(request.body, only_once=ONLY_ONCE)
    except JSONError as error:
        raise _RefusedError(400, f"It {error}.") from None
    if not isinstance(body, dict):
        raise _RefusedError(400, "It is not a JSON object.")
    return body


def _id(body: dict[str, Any]) -> str:
    """Return the provider's id of a text, under one of the names that it might have; "" without one."""
    return next((str(body[name]) for name in IDS if isinstance(body.get(name), str | int)), "")


def _sent_at(body: dict[str, Any]) -> datetime | None:
    return next(filter(None, (read_timestamp(body.get(name)) for name in TIMES)), None)


def _kept(body: dict[str, Any]) -> str:
    return kept(json.dumps(body))


def _find(value: Any, name: str) -> Any:
    """Return the value of a name, at any depth: it is not documented where the provider puts key presses."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if isinstance(value.get(name), str | int):
                return value[name]
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return None


def _say(text: str) -> Action:
    return {"type": "SAY", "params": {"text": text, "loop": 1}}


def _actions(*actions: Action) -> JsonResponse:
    """Return a call flow. It ends the call, except if it waits for a key: then the next request decides."""
    waits = bool(actions) and actions[-1]["type"] == "COLLECT"
    return JsonResponse({"actions": [*actions, *([] if waits else [{"type": "HANGUP"}])]})
