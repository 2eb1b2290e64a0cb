"""Two pictures of a page: what counts as a difference, and what is kept."""

from io import BytesIO
from pathlib import Path

from PIL import Image

from tests.pictures import keep, write_index


def png(color: str, *, dots: int = 0, size: tuple[int, int] = (100, 100)) -> bytes:
    picture, file = Image.new("RGB", size, color), BytesIO()
    for number in range(dots):
        picture.putpixel((number % size[0], number // size[0]), (255, 0, 0))
    picture.save(file, "PNG")
    return file.getvalue()


def test_only_what_a_person_would_see_counts_as_different(tmp_path: Path) -> None:
    assert not keep("home", "1440-light", png("white"), tmp_path).before
    assert not keep("home", "1440-light", png("#fefefe"), tmp_path).different
    assert not keep("home", "1440-light", png("white", dots=4), tmp_path).different
    assert keep("home", "1440-light", png("white", dots=40), tmp_path).different
    assert keep("home", "1440-light", png("white", dots=40, size=(100, 101)), tmp_path).different


def test_the_picture_before_is_beside_one_that_differs(tmp_path: Path) -> None:
    keep("home", "360-dark", png("black"), tmp_path)
    changed = keep("home", "360-dark", png("white"), tmp_path)

    assert (tmp_path / "before" / changed.name).read_bytes() == png("black")
    assert f"before/{changed.name}" in write_index([changed], tmp_path).read_text()

    same = keep("home", "360-dark", png("white"), tmp_path)
    assert not (tmp_path / "before" / same.name).exists()
    assert "None." in write_index([same], tmp_path).read_text()
