"""The store of files does the same on the local disk and in a bucket of S3."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zipfile import ZipFile

import pytest
from django.core.exceptions import SuspiciousOperation
from pytest_django import Settings

from core.files import AWAY, Files, FilesAway, LocalFiles, discard, files
from core.s3_files import S3Files
from core.timeouts import why_unavailable
from tests.s3 import Bucket, bucket_of


@pytest.fixture(scope="module")
def bucket() -> Iterator[Bucket]:
    with bucket_of("private") as bucket:
        yield bucket


@pytest.fixture(scope="module")
def in_bucket(bucket: Bucket) -> S3Files:
    return S3Files(**bucket.options("district-1"))


@pytest.fixture(params=["disk", "s3"])
def store(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> Files:
    settings.REPORT_FOLDER = tmp_path / "reports"
    if request.param == "disk":
        return LocalFiles()
    request.getfixturevalue("bucket").empty()
    found: S3Files = request.getfixturevalue("in_bucket")
    return found


def write(store: Files, name: str, content: bytes = b"rows") -> None:
    with store.writing(name) as file:
        file.write(content)


@pytest.mark.slow
@pytest.mark.parametrize("size", [0, 9 * 2**20])
def test_what_is_written_is_read_again(store: Files, size: int) -> None:
    content = bytes(range(256)) * (size // 256)
    with store.writing("1-a.csv") as file:
        file.write(content)
        assert file.tell() == size
        assert not store.exists("1-a.csv"), "nobody sees a part of it"
    assert (store.exists("1-a.csv"), store.size("1-a.csv")) == (True, size)
    with store.reading("1-a.csv") as file:
        assert file.read(7) == content[:7]
        assert file.read() == content[7:]
    with store.local("1-a.csv") as path:
        assert path.read_bytes() == content


def test_after_an_error_nothing_stays(store: Files) -> None:
    with pytest.raises(TypeError), store.writing("imports/a.csv") as file:
        file.writelines([b"half of it", "no bytes"])  # type: ignore[list-item]
    assert not store.exists("imports/a.csv")
    assert not list(store.entries("imports"))


def test_what_is_not_there_says_so_and_is_removed_without_a_word(store: Files) -> None:
    with pytest.raises(FileNotFoundError):
        store.reading("1-a.csv")
    with pytest.raises(FileNotFoundError), store.local("1-a.csv"):
        pass
    with pytest.raises(FileNotFoundError):
        store.size("1-a.csv")
    assert not store.exists("1-a.csv")
    store.remove("1-a.csv")


def test_a_folder_has_its_own_files(store: Files) -> None:
    assert not list(store.entries("records"))
    for name in ("1-a.csv", "2-b.pdf", "imports/c.csv", "roster/d.zip"):
        write(store, name)
    assert sorted(entry.name for entry in store.entries("")) == ["1-a.csv", "2-b.pdf"]
    [entry] = store.entries("imports")
    assert entry.name == "imports/c.csv"
    assert abs(entry.modified - datetime.now(UTC)) < timedelta(minutes=1)
    store.remove(entry.name)
    assert not list(store.entries("imports"))


def test_a_name_leads_nowhere_else(store: Files) -> None:
    for name in ("../a.csv", "imports/../../a.csv", "/etc/passwd"):
        with pytest.raises(SuspiciousOperation):
            store.reading(name)


def test_an_open_file_is_read_to_its_end_when_it_is_removed_meanwhile(store: Files) -> None:
    write(store, "records/a.zip", b"z" * 300_000)
    with store.reading("records/a.zip") as file:
        begin = file.read(10)
        store.remove("records/a.zip")
        assert len(begin + file.read()) == 300_000


def test_a_zip_is_read_in_any_order(store: Files) -> None:
    with store.writing("roster/a.zip") as file, ZipFile(file, "w") as archive:
        archive.writestr("users.csv", "sourcedId")
    with store.local("roster/a.zip") as path, ZipFile(path) as archive:
        assert archive.read("users.csv") == b"sourcedId"


def test_files_on_the_disk_are_for_the_account_of_the_product_alone(settings: Settings, tmp_path: Path) -> None:
    settings.REPORT_FOLDER = tmp_path / "reports"
    write(files(), "imports/a.csv")
    path = tmp_path / "reports" / "imports" / "a.csv"
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    files().check()


@pytest.mark.slow
def test_in_s3_nobody_reads_a_file_without_a_key(bucket: Bucket, in_bucket: S3Files) -> None:
    write(in_bucket, "1-a.csv")
    grants = bucket.client.get_object_acl(Bucket=bucket.name, Key="district-1/1-a.csv")["Grants"]
    assert not [grant for grant in grants if "AllUsers" in str(grant)]


@pytest.mark.slow
def test_a_store_that_does_not_answer_is_said_in_words(bucket: Bucket, settings: Settings) -> None:
    away = bucket.options() | {"endpoint_url": "http://127.0.0.1:9"}
    settings.STORAGES = settings.STORAGES | {"files": {"BACKEND": "core.s3_files.S3Files", "OPTIONS": away}}
    for ask in _everything(files()):
        with pytest.raises(FilesAway) as error:
            ask()
        assert why_unavailable(error.value) == str(error.value) == AWAY
    discard("1-a.csv")  # The cleaning does it later.


def _everything(store: Files) -> list[Callable[[], object]]:
    return [lambda: store.reading("1-a.csv"), lambda: list(store.entries("")), store.check, lambda: write(store, "b")]
