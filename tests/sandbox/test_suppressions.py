"""The stand-in keeps the lists of suppressions, and obeys them."""

from datetime import timedelta
from typing import Any

import pytest
import requests

from sandbox.server import Sandbox

MAIL = "mai@example.com"


def ask(sandbox: Sandbox, method: str, path: str, **content: Any) -> requests.Response:
    url = path if path.startswith("http") else f"{sandbox.url}/v3/{sandbox.domain}/{path}"
    return requests.request(method, url, auth=("api", sandbox.api_key), timeout=5, **content)


def send(sandbox: Sandbox, to: str = MAIL) -> list[str]:
    """Send a mail, and return the kinds and reasons of its events."""
    before = len(events(sandbox))
    data = {"from": "office@mg.harrison.example", "to": to, "subject": "Snow day", "text": "Stay home."}
    assert ask(sandbox, "POST", "messages", data=data).status_code == 200
    sandbox.clock.move(30 * 86_400)
    new = events(sandbox)[before:]
    return [event.get("reason") or event["event"] for event in new]


def events(sandbox: Sandbox) -> list[dict[str, Any]]:
    sandbox.retention = timedelta(days=1_000)
    found: list[dict[str, Any]] = ask(sandbox, "GET", "events?begin=0&ascending=yes&limit=300").json()["items"]
    return found


@pytest.mark.parametrize(
    ("name", "reason"),
    [("bounces", "suppress-bounce"), ("complaints", "suppress-complaint"), ("unsubscribes", "suppress-unsubscribe")],
)
def test_an_address_on_a_list_is_not_tried_until_it_is_taken_off(sandbox: Sandbox, name: str, reason: str) -> None:
    sandbox.decide("mail", MAIL, "good")
    assert ask(sandbox, "POST", name, data={"address": MAIL}).status_code == 200
    assert reason in send(sandbox)
    assert ask(sandbox, "GET", f"{name}/{MAIL}").json()["address"] == MAIL
    assert ask(sandbox, "DELETE", f"{name}/{MAIL}").json()["address"] == MAIL
    assert ask(sandbox, "DELETE", f"{name}/{MAIL}").status_code == 404
    assert "delivered" in send(sandbox)


def test_a_bounce_puts_the_address_on_the_list(sandbox: Sandbox) -> None:
    sandbox.decide("mail", MAIL, "unknown")
    assert "bounce" in send(sandbox)
    assert ask(sandbox, "GET", "bounces").json()["items"][0]["address"] == MAIL
    assert "suppress-bounce" in send(sandbox)


def test_an_address_of_the_allowlist_never_comes_on_the_bounces(sandbox: Sandbox) -> None:
    sandbox.suppress("whitelists", {"type": "domain", "value": "example.com"})
    sandbox.decide("mail", MAIL, "unknown")
    assert "bounce" in send(sandbox)
    assert ask(sandbox, "GET", "bounces").json()["items"] == []


def test_only_an_empty_page_is_the_last(sandbox: Sandbox) -> None:
    many = [{"address": f"family{number:03}@example.com"} for number in range(250)]
    assert ask(sandbox, "POST", "bounces", json=many).status_code == 200
    page, sizes, found = ask(sandbox, "GET", "bounces?limit=100").json(), [], []
    while page["items"]:
        sizes.append(len(page["items"]))
        found += [entry["address"] for entry in page["items"]]
        page = ask(sandbox, "GET", page["paging"]["next"]).json()
    assert sizes == [100, 100, 50]
    assert found == [entry["address"] for entry in many]
    back = ask(sandbox, "GET", page["paging"]["previous"]).json()
    assert len(back["items"]) == 100


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "bounces?limit=1001", 400),
        ("GET", "bounces?limit=x", 400),
        ("PUT", "bounces", 405),
        ("GET", "bounces/nobody@example.com", 404),
        ("POST", "bounces", 400),
        ("DELETE", "bounces", 200),
    ],
)
def test_what_the_api_refuses(sandbox: Sandbox, method: str, path: str, status: int) -> None:
    assert ask(sandbox, method, path, data={"note": "x"} if method == "POST" else None).status_code == status
