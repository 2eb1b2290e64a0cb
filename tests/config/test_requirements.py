"""What others made is pinned: packages by version and hash, images by digest, Bootstrap by what it publishes."""

import base64
import hashlib
import re
from importlib.metadata import requires
from itertools import product

import pytest
from bootstrap_wrapper import get_bootstrap_dir
from django.conf import settings
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from reports.writers.pdf.fonts import FONTS

ROOT = settings.BASE_DIR
FILES = ["requirements", "requirements-dev"]
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
PINNED = re.compile(r"==[^=*]+")
IMAGE = re.compile(r"^(?:FROM|\s+image:) (\S+)", re.MULTILINE)
OURS = "messenger-logs"
PLATFORMS = [
    {"sys_platform": system, "platform_machine": machine, "python_full_version": version}
    for system, machine, version in product(["linux", "darwin"], ["x86_64", "aarch64", "arm64"], ["3.11.2", "3.14.0"])
]
BOOTSTRAP = "sRIl4kxILFvY47J16cr9ZwB07vP4J8+LH7qKQnuqkuIAvNWLzeN8tE5YBujZqJLB"
"""The SHA-384 that Bootstrap's documentation gives for the style sheet of 5.3.8, for pages that take it from a CDN."""


def asked(name: str) -> list[Requirement]:
    """What a file asks for, and what the files that it includes ask for."""
    found: list[Requirement] = []
    for line in (ROOT / f"{name}.in").read_text().splitlines():
        text = line.partition("#")[0].strip()
        if text.startswith("-r "):
            found += asked(text.removeprefix("-r ").removesuffix(".in"))
        elif text and not text.startswith("-c "):
            found.append(Requirement(text))
    return found


def entries(name: str) -> list[str]:
    """The entries of a generated file: each one a package with its hashes."""
    text = (ROOT / f"{name}.txt").read_text().replace("\\\n", "")
    return [line for line in text.splitlines() if not line.startswith("#")]


def installed(name: str) -> dict[str, Requirement]:
    found = [Requirement(HASH.sub("", entry)) for entry in entries(name)]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def platforms(requirement: Requirement) -> list[dict[str, str]]:
    """The platforms that a requirement is for."""
    return [each for each in PLATFORMS if requirement.marker is None or requirement.marker.evaluate(each)]


@pytest.mark.parametrize("name", FILES)
def test_each_package_that_is_asked_for_is_pinned(name: str) -> None:
    assert [str(each) for each in asked(name) if not PINNED.fullmatch(str(each.specifier))] == []


@pytest.mark.parametrize("name", FILES)
def test_each_package_that_is_installed_has_a_version_and_hashes(name: str) -> None:
    assert entries(name)
    assert [entry for entry in entries(name) if not HASH.search(entry)] == []
    assert [str(each) for each in installed(name).values() if not PINNED.fullmatch(str(each.specifier))] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_what_is_asked_for_is_installed(name: str) -> None:
    """On each platform; bin/requirements puts the files in step."""
    for requirement in asked(name):
        found = installed(name)[canonicalize_name(requirement.name)]
        assert found.specifier == requirement.specifier, requirement.name
        assert platforms(found) == platforms(requirement), requirement.name


def test_an_extra_that_a_package_asks_for_is_pinned_with_it() -> None:
    """An entry without the extra does not pin it for pip: it takes the newest version, and then refuses it."""
    pinned = installed("requirements-dev")
    wanted = [
        wish
        for name, entry in pinned.items()
        if entry.marker is None or entry.marker.evaluate()
        for wish in map(Requirement, requires(name) or [])
        if wish.extras and (wish.marker is None or any(wish.marker.evaluate({"extra": e}) for e in entry.extras | {""}))
    ]
    assert wanted
    assert [str(wish) for wish in wanted if not wish.extras <= pinned[canonicalize_name(wish.name)].extras] == []


def test_tests_run_with_the_packages_of_production() -> None:
    assert set(entries("requirements")) <= set(entries("requirements-dev"))


@pytest.mark.parametrize("name", FILES)
def test_no_file_names_the_host_of_a_registry(name: str) -> None:
    assert "://" not in (ROOT / f"{name}.txt").read_text() + (ROOT / f"{name}.in").read_text()


@pytest.mark.parametrize("name", ["Dockerfile", "docker-compose.yml"])
def test_each_image_has_a_version_and_a_digest(name: str) -> None:
    images = set(IMAGE.findall((ROOT / name).read_text())) - {OURS}
    assert images
    assert [image for image in images if not re.fullmatch(r"\S+:\d[^@]*@sha256:[0-9a-f]{64}", image)] == []


def test_the_style_sheet_is_the_one_that_bootstrap_publishes() -> None:
    content = (get_bootstrap_dir() / "css" / "bootstrap.min.css").read_bytes()
    assert base64.b64encode(hashlib.sha384(content).digest()).decode() == BOOTSTRAP


def test_the_notice_says_where_each_font_comes_from() -> None:
    notice = (ROOT / "NOTICE").read_text()
    for script, package, file in FONTS:
        assert package.replace("_", "-") in notice, script
        assert file.removeprefix("files/") in notice, script
