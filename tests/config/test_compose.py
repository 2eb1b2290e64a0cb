"""Each service of docker-compose.yml is limited, watched, started again, and knows its secrets from files alone."""

import re
import tomllib
from typing import Any

import pytest
import yaml
from django.conf import settings

COMPOSE = yaml.safe_load((settings.BASE_DIR / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONCE = {"migrate"}
"""It ends when its work is done: the others wait for that, so it needs no check of health and must not come again."""

SECRET = re.compile(r"secret|password|passwd|token|credential|api_key|_key$|_url$|dsn", re.IGNORECASE)
WITH_A_LOGIN = re.compile(r"://[^/@\s]*:[^/@\s]*@")
NO_SECRET = {"EMAIL_URL": "${EMAIL_URL:-dummymail://}"}
"""The value comes from the environment of the host, and the default has no login."""


def environment_of(service: str) -> dict[str, str]:
    given = SERVICES[service].get("environment", {})
    assert isinstance(given, dict), "one way to write it"
    return {name: str(value) for name, value in given.items()}


def size(text: str) -> int:
    """Bytes of a size such as 512m, or of the default in ${NAME:-512m}."""
    found = re.fullmatch(r"(?:\$\{\w+:-)?(\d+)([kmg])\}?", text)
    assert found, text
    return int(found[1]) * 1024 ** ("kmg".index(found[2]) + 1)


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_rotates_its_log(service: str) -> None:
    logging = SERVICES[service]["logging"]
    assert size(logging["options"]["max-size"]) * int(logging["options"]["max-file"]) <= 100 * 1024**2


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_has_a_limit_of_memory(service: str) -> None:
    assert size(SERVICES[service]["mem_limit"]) > 0


@pytest.mark.parametrize("service", [name for name in SERVICES if name not in ONCE])
def test_each_service_that_stays_is_watched_and_started_again(service: str) -> None:
    assert SERVICES[service]["restart"] == "unless-stopped"
    check = SERVICES[service]["healthcheck"]
    assert check["test"][0] in {"CMD", "CMD-SHELL"}
    assert "interval" in check


@pytest.mark.parametrize("service", sorted(ONCE))
def test_the_others_wait_for_what_runs_once(service: str) -> None:
    assert SERVICES[service]["restart"] == "no"
    ours = {name for name, other in SERVICES.items() if other["image"] == SERVICES[service]["image"]} - ONCE
    assert ours
    for name in ours:
        assert SERVICES[name]["depends_on"][service] == {"condition": "service_completed_successfully"}


@pytest.mark.parametrize("service", SERVICES)
def test_no_secret_stands_in_the_environment(service: str) -> None:
    named = {
        name: value for name, value in environment_of(service).items() if SECRET.search(name.removesuffix("_FILE"))
    }
    for name, value in named.items():
        in_a_file = name.endswith("_FILE") and value.removeprefix("/run/secrets/") in SERVICES[service]["secrets"]
        assert in_a_file or NO_SECRET.get(name) == value, name


@pytest.mark.parametrize("service", SERVICES)
def test_no_secret_stands_in_what_a_service_runs(service: str) -> None:
    runs = yaml.safe_dump([SERVICES[service].get("command", ""), SERVICES[service].get("entrypoint", "")])
    assert not WITH_A_LOGIN.search(runs + yaml.safe_dump(environment_of(service)))
    for line in runs.splitlines():
        if re.search(r"requirepass|--pass|password", line):
            assert "/run/secrets/" in line


def test_valkey_takes_nobody_without_its_password() -> None:
    """What the queue holds is run by the workers."""
    valkey = SERVICES["valkey"]
    script = str(valkey["command"][-1])
    (given,) = re.findall(r"^\s*requirepass (.+)$", script, re.MULTILINE)
    assert given == "$$(cat /run/secrets/valkey_password)"
    assert "valkey_password" in valkey["secrets"]
    assert "ports" not in valkey


def test_the_database_of_the_product_has_a_password_and_no_port_of_the_host() -> None:
    postgres = SERVICES["postgres"]
    assert environment_of("postgres")["POSTGRES_PASSWORD_FILE"] == "/run/secrets/postgres_password"
    assert "POSTGRES_HOST_AUTH_METHOD" not in environment_of("postgres")
    assert "ports" not in postgres


def test_only_the_migration_has_the_owner_of_the_tables() -> None:
    """Everything else runs as a role that can change neither the tables nor the audit trail."""
    knowing = {name for name, service in SERVICES.items() if "migration_database_url" in service.get("secrets", [])}
    named = {name for name in SERVICES if any("MIGRATION" in key for key in environment_of(name))}
    assert knowing == named == ONCE == {"migrate"}
    assert SERVICES["migrate"]["command"].startswith("python manage.py migrate")
    owners = {name for name, service in SERVICES.items() if "postgres_password" in service.get("secrets", [])}
    assert owners == {"postgres"}


def test_each_secret_is_a_file_that_some_service_reads() -> None:
    used = {secret for service in SERVICES.values() for secret in service.get("secrets", [])}
    assert used == COMPOSE["secrets"].keys()
    assert all(re.fullmatch(r"\./secrets/\w+", secret["file"]) for secret in COMPOSE["secrets"].values())


def test_the_image_holds_every_room_and_nothing_that_stands_apart() -> None:
    contracts = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    held = (settings.BASE_DIR / ".dockerignore").read_text().splitlines()
    assert {f"!{room.strip()}" for layer in layers for room in layer.split("|")} <= set(held)
    assert not {"!sandbox", "!devtools", "!bench", "!chaos", "!tests"} & set(held)
