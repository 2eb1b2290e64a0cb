"""Sign-in providers come from the environment; what cannot work is said at the start."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.environment import Env
from config.sso_providers import mapping, providers

GOOGLE = {"SSO_PROVIDERS": "google", "SSO_GOOGLE_CLIENT_ID": "id", "SSO_GOOGLE_CLIENT_SECRET": "secret"}
MICROSOFT = {
    "SSO_PROVIDERS": "microsoft",
    "SSO_MICROSOFT_CLIENT_ID": "id",
    "SSO_MICROSOFT_CLIENT_SECRET": "secret",
    "SSO_MICROSOFT_TENANT": "7f3c0a52-0000-0000-0000-000000000000",
}
SAML = {
    "SSO_PROVIDERS": "adfs",
    "SSO_ADFS_KIND": "saml",
    "SSO_ADFS_ENTITY_ID": "http://adfs.example/trust",
    "SSO_ADFS_METADATA_URL": "https://adfs.example/metadata.xml",
}


@pytest.fixture
def read(monkeypatch):
    def with_environment(environment: dict[str, str]) -> dict[str, Any]:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return providers(Env())

    return with_environment


def test_without_a_name_there_is_no_provider(read) -> None:
    found = read({})
    assert [kind["APPS"] for kind in found.values()] == [[], []]


@pytest.mark.parametrize(
    ("environment", "name", "url", "scopes"),
    [
        (GOOGLE, "Google", "https://accounts.google.com", ["openid", "profile", "email"]),
        (
            MICROSOFT,
            "Microsoft",
            "https://login.microsoftonline.com/7f3c0a52-0000-0000-0000-000000000000/v2.0",
            ["openid", "profile", "email", "offline_access"],
        ),
        (
            {
                name.replace("GOOGLE", "CLASSLINK").replace("google", "classlink"): value.replace("google", "classlink")
                for name, value in GOOGLE.items()
            },
            "ClassLink",
            "https://launchpad.classlink.com",
            ["openid", "profile", "email"],
        ),
    ],
    ids=["google", "microsoft", "classlink"],
)
def test_what_everybody_enters_need_not_be_entered(
    read, environment: dict[str, str], name: str, url: str, scopes: list[str]
) -> None:
    [app] = read(environment)["openid_connect"]["APPS"]
    assert (app["name"], app["settings"]["server_url"], app["settings"]["scope"]) == (name, url, scopes)
    assert app["settings"]["origins"] == [url.removesuffix("/7f3c0a52-0000-0000-0000-000000000000/v2.0")]


def test_a_saml_provider_by_its_metadata_or_by_hand(read) -> None:
    [app] = read(SAML | {"SSO_ADFS_ORIGINS": "https://login.example, https://mfa.example"})["saml"]["APPS"]
    assert app["settings"]["idp"] == {
        "entity_id": "http://adfs.example/trust",
        "metadata_url": "https://adfs.example/metadata.xml",
    }
    assert app["settings"]["origins"] == ["https://adfs.example", "https://login.example", "https://mfa.example"]
    by_hand = {"SSO_ADFS_METADATA_URL": "", "SSO_ADFS_URL": "https://adfs.example/ls", "SSO_ADFS_CERTIFICATE": "MII"}
    [app] = read(SAML | by_hand)["saml"]["APPS"]
    assert app["settings"]["idp"]["sso_url"] == "https://adfs.example/ls"


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"SSO_PROVIDERS": "google"}, "SSO_GOOGLE_CLIENT_ID is missing"),
        (
            {"SSO_PROVIDERS": "okta", "SSO_OKTA_CLIENT_ID": "x", "SSO_OKTA_CLIENT_SECRET": "x"},
            "SSO_OKTA_URL is missing",
        ),
        ({"SSO_PROVIDERS": "Google"}, "small letters"),
        ({"SSO_PROVIDERS": "saml"}, "is not saml or openid_connect"),
        (MICROSOFT | {"SSO_MICROSOFT_TENANT": "common"}, "any organization"),
        (MICROSOFT | {"SSO_MICROSOFT_TENANT": ""}, "SSO_MICROSOFT_TENANT is missing"),
        (GOOGLE | {"SSO_GOOGLE_REQUIRE": "hd"}, "no object of JSON"),
        (GOOGLE | {"SSO_GOOGLE_KIND": "ldap"}, "oidc or saml"),
        (SAML | {"SSO_ADFS_METADATA_URL": ""}, "SSO_ADFS_URL is missing"),
    ],
)
def test_what_cannot_work_is_said(read, environment: dict[str, str], words: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=words):
        read(environment)


@pytest.mark.parametrize("text", ["[]", "x", '{"a": 1}', '{"a": ["b"]}'])
def test_a_mapping_has_text_alone(monkeypatch, text: str) -> None:
    monkeypatch.setenv("SSO_GROUPS", text)
    with pytest.raises(ImproperlyConfigured):
        mapping(Env(), "SSO_GROUPS")
