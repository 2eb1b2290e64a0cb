"""Which addresses are of the internet."""

import socket

import pytest
import requests

from providers.public_addresses import PrivateAddressError, check_public, is_public
from providers.transport import new_session
from sandbox.server import Sandbox


@pytest.mark.parametrize("address", ["93.184.215.14", "8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808"])
def test_addresses_of_the_internet(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.1.2.3",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",  # the metadata of a cloud
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
        "2002:a00:1::",
    ],
)
def test_addresses_of_private_networks_and_of_this_host(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "0x7f.1", "2130706433", "[::1]", "", "no such host", "."])
def test_a_host_that_is_private_or_not_there_is_refused(host: str) -> None:
    with pytest.raises(PrivateAddressError):
        check_public(host.strip("[]"))


def test_one_private_address_among_others_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 443)) for each in ("8.8.8.8", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(PrivateAddressError):
        check_public("both.example")
    del found[1]
    assert check_public("both.example") == "8.8.8.8"


def test_a_session_for_the_internet_does_not_connect_to_this_host(sandbox: Sandbox) -> None:
    with new_session() as session:
        assert session.get(sandbox.url, timeout=10).status_code
    asked = len(sandbox.requests)
    with new_session(public_only=True) as session, pytest.raises(requests.ConnectionError, match="private network"):
        session.get(sandbox.url, timeout=10)
    assert len(sandbox.requests) == asked
