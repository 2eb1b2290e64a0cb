"""What the provider tells about a domain."""

from sandbox.exchange import RefusedError, Request, Response
from sandbox.provider import Provider


def respond(provider: Provider, request: Request, name: str) -> Response:
    """Answer with the state of a domain. Raises RefusedError if the provider does not know it."""
    if request.method != "GET":
        raise RefusedError(405, "Domains can only be read")
    if name not in provider.stores:
        raise RefusedError(404, f"Domain not found: {name}")
    return Response.json({"domain": {"name": name, "state": "active", "type": "custom"}})
