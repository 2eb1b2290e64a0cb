"""Pictures of pages: written to var/pictures, compared with those that are there, and shown in one page of HTML."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageChops

FOLDER = Path(__file__).parents[1] / "var" / "pictures"
# A point counts as different if one of its colors is off by more than this, of 255; and a picture if more than this
# share of its points is.
_OFF, _SHARE = 24, 0.0005


@dataclass(frozen=True)
class Picture:
    page: str
    look: str
    """The width and the colors."""
    before: bool
    """Whether there was one of an earlier run."""
    different: bool

    @property
    def name(self) -> str:
        return f"{self.page}-{self.look}.png"


def differs(before: Path, now: bytes) -> bool:
    """Whether a person might see the difference between two pictures."""
    old, new = Image.open(before).convert("RGB"), Image.open(BytesIO(now)).convert("RGB")
    if old.size != new.size:
        return True
    channels = ImageChops.difference(old, new).split()
    most = ImageChops.lighter(ImageChops.lighter(channels[0], channels[1]), channels[2])
    return sum(most.histogram()[_OFF + 1 :]) > _SHARE * old.width * old.height


def keep(page: str, look: str, png: bytes, folder: Path = FOLDER) -> Picture:
    """Write a picture. If it differs from the one of an earlier run, that one is kept in `before/`."""
    (folder / "before").mkdir(parents=True, exist_ok=True)
    name = f"{page}-{look}.png"
    now, before = folder / name, folder / "before" / name
    before.unlink(missing_ok=True)
    was_there = now.exists()
    different = was_there and differs(now, png)
    if different:
        now.rename(before)
    now.write_bytes(png)
    return Picture(page, look, was_there, different)


def write_index(pictures: list[Picture], folder: Path = FOLDER) -> Path:
    """Write the page to look through them: first those that differ, beside what they were; then every page."""
    pages: dict[str, list[Picture]] = {}
    for picture in pictures:
        pages.setdefault(picture.page, []).append(picture)
    changed = "".join(
        f"<h3>{escape(one.name)}</h3>{_shown(f'before/{one.name}')}{_shown(one.name)}"
        for one in pictures
        if one.different
    )
    rest = "".join(f"<h2>{escape(page)}</h2>{''.join(_shown(one.name) for one in of)}" for page, of in pages.items())
    index = folder / "index.html"
    index.write_text(f"{_HEAD}<h1>Different: before, and now</h1>{changed or '<p>None.</p>'}<h1>Pages</h1>{rest}")
    return index


def _shown(name: str) -> str:
    link = escape(name)
    return f'<a href="{link}"><img src="{link}" alt="{link}" loading="lazy"></a>'


_HEAD = """<!doctype html><meta charset="utf-8"><title>Pictures of each page</title>
<style>body{font:16px sans-serif;margin:1rem}img{max-width:23%;max-height:32rem;margin:.3rem;border:1px solid #888;
vertical-align:top;object-fit:cover;object-position:top}</style>
"""
