"""The voice and text provider's API: place a call, fetch its result, hang up, send a text.

Its documentation does not describe the form of answers or the receipts of texts. Here they are only plausible, and the
product does not rely on them.
"""

from typing import Any
from urllib.parse import unquote

from sandbox.exchange import RefusedError, Request, Response
from sandbox.faults import Fault, Kind
from sandbox.provider import Provider


def respond(provider: Provider, request: Request, fault: Fault | None) -> Response:
    """Answer a request. Raises RefusedError if the request breaks a rule; then nothing was accepted."""
    repeats = 2 if fault and fault.kind is Kind.TWICE else 1
    match request.method, request.path.removeprefix("/v1").split("/"):
        case "POST", ["", "Dials", "Connect"]:
            return _place(provider, _body(request), repeats)
        case "POST", ["", "Messages"]:
            return _text(provider, _body(request), repeats)
        case "GET", ["", "History", "Logs", "Calls", id]:
            if logged := provider.phones.logged(unquote(id)):
                return Response.json(logged)
            raise RefusedError(404, "There is no log of this call")
        case "DELETE", ["", "LiveCalls", id]:
            if provider.phones.hang_up(unquote(id)):
                return Response.json({"call_id": unquote(id)})
            raise RefusedError(404, "There is no such live call")
    raise RefusedError(404, "There is nothing at this address")


def _place(provider: Provider, body: dict[str, Any], repeats: int) -> Response:
    call = body.get("call")
    if not isinstance(call, dict):
        raise RefusedError(400, "call is missing")
    to, caller_id = _number(call, "no"), _number(call, "caller_id_no")
    placed = provider.phones.place(to, caller_id, body.get("session_data", {}), repeats=repeats)
    return Response.json({"call_id": placed.id})


def _text(provider: Provider, body: dict[str, Any], repeats: int) -> Response:
    number, to, text = _number(body, "api_no"), _number(body, "caller_no"), body.get("text_message")
    if not isinstance(text, str) or not text:
        raise RefusedError(400, "text_message is missing")
    id, status = provider.phones.send_text(to, number, text, repeats=repeats)
    return Response.json({"id": id, "status": status})


def _body(request: Request) -> dict[str, Any]:
    try:
        body = request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise RefusedError(400, "A JSON object is wanted")
    return body


def _number(body: dict[str, Any], name: str) -> str:
    number = body.get(name)
    if not isinstance(number, str) or not number.startswith("+") or not number[1:].isdigit():
        raise RefusedError(400, f"{name} is not a number such as +16125550123")
    return number
