"""docs/compose-two-districts.yml: what the districts have in common is the image, PostgreSQL and Valkey."""

from typing import Any

import pytest
import yaml
from django.conf import settings

COMPOSE = yaml.safe_load((settings.BASE_DIR / "docs" / "compose-two-districts.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DISTRICTS = ("harrison", "lincoln")
COMMON = {"postgres", "valkey"}


def of(district: str) -> dict[str, dict[str, Any]]:
    return {name.removeprefix(district): one for name, one in SERVICES.items() if name.startswith(f"{district}-")}


def used_by(district: str) -> set[str]:
    """The secrets, volumes, files and ports of a district's services."""
    found: set[str] = set()
    for one in of(district).values():
        found |= {secret["source"] for secret in one["secrets"]} | {one["env_file"]} | set(one.get("ports", ()))
        found |= {volume.partition(":")[0] for volume in one["volumes"]}
    return found


def test_each_district_has_the_same_services() -> None:
    assert of("harrison").keys() == of("lincoln").keys() == {"-migrate", "-web", "-worker", "-beat"}
    assert set(SERVICES) == COMMON | {f"{name}{kind}" for name in DISTRICTS for kind in of(name)}


def test_nothing_of_a_district_is_known_to_the_other() -> None:
    assert not used_by("harrison") & used_by("lincoln")
    named = {name for name in used_by("harrison") if "harrison" not in name}
    assert named == {"127.0.0.1:8001:8000"}


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_is_limited_watched_and_knows_its_secrets_from_declared_files(name: str) -> None:
    service = SERVICES[name]
    assert service["logging"]
    assert service["mem_limit"]
    sources = {secret if isinstance(secret, str) else secret["source"] for secret in service["secrets"]}
    assert sources <= COMPOSE["secrets"].keys()
    if name.endswith("-migrate"):
        assert service["restart"] == "no"
        assert service["depends_on"] == {"postgres": {"condition": "service_healthy"}}
        assert "MIGRATION_DATABASE_URL_FILE" in service["environment"]
    else:
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"]
        assert "MIGRATION_DATABASE_URL_FILE" not in service.get("environment", {})


@pytest.mark.parametrize("district", DISTRICTS)
def test_nothing_of_a_district_starts_before_its_migration(district: str) -> None:
    for kind in ("-web", "-worker", "-beat"):
        migrated = of(district)[kind]["depends_on"][f"{district}-migrate"]
        assert migrated == {"condition": "service_completed_successfully"}
