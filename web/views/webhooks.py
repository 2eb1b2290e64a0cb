"""What the voice and text provider asks and tells us. It signs nothing, so a secret in the address stands for it.

Nobody is signed in here, and there is no session. What comes is believed only as far as our own records agree, and what
cannot be read is refused in words.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from core.strict_json import JSONError, read_json
from dispatch.services.webhooks import confirm_call, find_call, record_incoming_text, record_text_status
from providers.http import kept

MAX_BYTES = 64 * 1024
KEY = "confirm"  # under this name the provider tells which key was pressed
SECONDS_FOR_A_KEY = 5

Action = dict[str, Any]


class _RefusedError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.answer = JsonResponse({"error": message}, status=status)


def from_provider(view: Callable[[dict[str, Any]], HttpResponse]) -> Callable[..., HttpResponse]:
    """Let a view be reached by POST under the secret address alone; it gets the JSON object that was sent."""

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
    """What a call says: first the message, and to whoever presses 0 a word of thanks."""
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
    """A text of a family's, such as STOP; or a receipt: what became of a text of ours."""
    text, caller = body.get("text_message"), body.get("caller_no")
    if not isinstance(caller, str) or not caller:
        raise _RefusedError(400, "caller_no is missing.")
    if isinstance(text, str):
        record_incoming_text(caller=caller, text=text, raw=_kept(body))
        return JsonResponse({})
    id, status = body.get("id"), body.get("status")
    if not (isinstance(id, str) and id and isinstance(status, str)):
        raise _RefusedError(400, "It is neither a text nor a receipt of one.")
    if not record_text_status(caller=caller, id=id, status=status, raw=_kept(body)):
        # It may be quicker than our own record of the text: then the provider comes again.
        raise _RefusedError(404, "There is no such text.")
    return JsonResponse({})


def _read(request: HttpRequest) -> dict[str, Any]:
    length = request.headers.get("Content-Length") or "0"
    if not length.isdecimal() or int(length) > MAX_BYTES:
        raise _RefusedError(413, f"At most {MAX_BYTES:,} bytes are read.")
    try:
        body = read_json(request.body)
    except JSONError:
        raise _RefusedError(400, "It is not JSON.") from None
    if not isinstance(body, dict):
        raise _RefusedError(400, "It is not a JSON object.")
    return body


def _kept(body: dict[str, Any]) -> str:
    return kept(json.dumps(body))


def _find(value: Any, name: str) -> Any:
    """The value under a name, wherever it stands: where key presses do is not documented."""
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
    """A call flow. It ends the call, except where it waits for a key: then the next request decides."""
    waits = bool(actions) and actions[-1]["type"] == "COLLECT"
    return JsonResponse({"actions": [*actions, *([] if waits else [{"type": "HANGUP"}])]})
