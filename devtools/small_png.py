"""Makes pictures of pages small enough for a repository."""

from io import BytesIO
from pathlib import Path

from PIL import Image

_COLORS = (256, 128, 64, 32, 16)


def save_small(png: bytes, file: Path, *, most_bytes: int, width: int | None = None) -> None:
    """Write a picture with a palette: of so many colors that it has at most so many bytes, if 16 are few enough."""
    picture = Image.open(BytesIO(png)).convert("RGB")
    if width and picture.width > width:
        picture = picture.resize((width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS)
    for colors in _COLORS:
        small = BytesIO()
        dither = Image.Dither.NONE
        picture.quantize(colors, dither=dither).save(small, "PNG", optimize=True)
        if small.tell() <= most_bytes:
            break
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(small.getvalue())
