"""Updates the catalogs of what pages and reports say in other languages: python -m devtools.messages.

It finds every text that passes through gettext in templates and Python, keeps the translations of those that are still
there, adds the new ones without a translation, and compiles. It does what Django's makemessages and compilemessages
do, without the programs of GNU gettext. The compiled catalogs are in the repository, so that only somebody who changes
texts needs this.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

from .running import ROOT

LOCALE = ROOT / "locale"
# Rooms without texts for users: tests, tools, the stand-in for the providers.
_WITHOUT_TEXTS = {"bench", "bin", "chaos", "devtools", "locale", "sandbox", "static", "tests", "var"}
_CALLS = [f"{name}{lazy}" for name in ("gettext", "ngettext", "pgettext", "npgettext") for lazy in ("", "_lazy")]
_FUNCTIONS = ["_", "gettext_noop", *_CALLS]
_ALWAYS = datetime(2026, 1, 1, tzinfo=UTC)


def extracted() -> Catalog:
    """Return a catalog of all texts of the product, without translations."""
    catalog = Catalog(charset="utf-8", fuzzy=False)
    for path in _sources():
        calls: Any = extract_python(io.BytesIO(_code(path).encode()), dict.fromkeys(_FUNCTIONS), [], {})
        for _, function, texts, _ in calls:
            _add(catalog, function, texts if isinstance(texts, tuple) else (texts,))
    return catalog


def catalogs() -> dict[str, Path]:
    """Return the catalog of each language by its code."""
    return {path.parent.parent.name: path for path in sorted(LOCALE.glob("*/LC_MESSAGES/django.po"))}


def updated(path: Path, language: str) -> Catalog:
    """Return what the catalog of a language should be: all texts, with the translations that it has."""
    with path.open("rb") as file:
        catalog = read_po(file, locale=language)
    catalog.update(extracted(), no_fuzzy_matching=True, keep_user_comments=True)
    catalog.obsolete.clear()
    # A file changes only with its texts.
    catalog.creation_date = _ALWAYS
    return catalog


def written(catalog: Catalog) -> bytes:
    """Return the catalog as a ``.po`` file, in the order of its texts, without lines that change by themselves."""
    buffer = io.BytesIO()
    write_po(buffer, catalog, width=120, no_location=True, sort_output=True, omit_header=False, ignore_obsolete=True)
    return buffer.getvalue()


def compiled(catalog: Catalog) -> bytes:
    """Return the catalog as a ``.mo`` file."""
    buffer = io.BytesIO()
    write_mo(buffer, catalog)
    return buffer.getvalue()


def missing(catalog: Catalog) -> list[Message]:
    """Return the texts that have no translation."""
    return [message for message in catalog if message.id and not _complete(message)]


def _complete(message: Message) -> bool:
    strings = message.string if isinstance(message.string, tuple) else (message.string,)
    return all(strings)


def _add(catalog: Catalog, function: str, texts: tuple[str | None, ...]) -> None:
    context = texts[0] if "pgettext" in function else None
    told = [text for text in (texts[1:] if context else texts) if text]
    number = 2 if function.startswith("n") else 1
    if len(told) >= number:
        catalog.add(told[0] if number == 1 else (told[0], told[1]), context=context)


def _sources() -> Iterator[Path]:
    for room in sorted(ROOT.iterdir()):
        if room.is_dir() and not room.name.startswith(".") and room.name not in _WITHOUT_TEXTS:
            paths = [*room.rglob("*.py"), *room.rglob("*.html"), *room.rglob("*.txt")]
            yield from sorted(path for path in paths if "migrations" not in path.parts)


def _code(path: Path) -> str:
    """Return the file as Python whose calls of gettext are those of the file."""
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return source
    # What stands between the tags is blanked out, but its indentation means nothing in Python.
    return "\n".join(line.lstrip() for line in templatize(source, origin=str(path)).splitlines())


def main() -> None:
    for language, path in catalogs().items():
        catalog = updated(path, language)
        path.write_bytes(written(catalog))
        path.with_suffix(".mo").write_bytes(compiled(catalog))
        print(f"{language}: {len(catalog)} texts, {len(missing(catalog))} without a translation")


if __name__ == "__main__":
    main()
