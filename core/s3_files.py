"""The files of the product in a bucket of S3, or of a store that speaks its protocol.

They are private: nothing makes an address of one. People get them through our views, which look at their rights.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import NamedTemporaryFile, TemporaryFile
from typing import Any, BinaryIO, cast

from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.response import StreamingBody
from django.core.files import File
from storages.backends.s3 import S3Storage

from core.files import Entry, FilesAway

_MISSING = {"404", "NoSuchKey", "NotFound"}


@contextmanager
def _asking() -> Iterator[None]:
    """Raise FileNotFoundError and FilesAway in place of the errors of boto3, which name buckets and hosts."""
    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in _MISSING:
            raise FileNotFoundError("The file is not there.") from error
        raise FilesAway from error
    except (BotoCoreError, Boto3Error) as error:
        raise FilesAway from error


class S3Files(S3Storage):
    def get_default_settings(self) -> dict[str, Any]:
        """Add time limits. Checksums that S3 does not require stay away: not every store knows them."""
        config = Config(
            connect_timeout=5,
            read_timeout=30,
            retries={"mode": "standard", "max_attempts": 3},
            signature_version="s3v4",
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        return {**super().get_default_settings(), "client_config": config}

    @contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        with TemporaryFile() as file:
            yield cast(BinaryIO, file)
            file.flush()
            with _asking():
                self.save(name, File(file))

    def reading(self, name: str) -> BinaryIO:
        with _asking():
            body = self._client.get_object(**self._place(name))["Body"]
        return io.BufferedReader(_Body(body), 2**16)

    @contextmanager
    def local(self, name: str) -> Iterator[Path]:
        with NamedTemporaryFile(suffix=PurePosixPath(name).suffix) as copy:
            with _asking():
                self._client.download_fileobj(**self._place(name), Fileobj=copy)
            copy.flush()
            yield Path(copy.name)

    def remove(self, name: str) -> None:
        with _asking():
            self.delete(name)

    def exists(self, name: str) -> bool:
        try:
            self.size(name)
        except FileNotFoundError:
            return False
        return True

    def size(self, name: str) -> int:
        with _asking():
            return int(self._client.head_object(**self._place(name))["ContentLength"])

    def entries(self, folder: str) -> Iterator[Entry]:
        begin = f"{self.location}/".lstrip("/")
        pages = self._client.get_paginator("list_objects_v2")
        prefix = f"{begin}{folder}/" if folder else begin
        with _asking():
            for page in pages.paginate(Bucket=self.bucket_name, Prefix=prefix, Delimiter="/"):
                for found in page.get("Contents", ()):
                    yield Entry(found["Key"].removeprefix(begin), found["LastModified"])

    def check(self) -> None:
        with _asking():
            self._client.head_bucket(Bucket=self.bucket_name)

    @property
    def _client(self) -> Any:
        """The client of this thread."""
        return self.connection.meta.client

    def _place(self, name: str) -> dict[str, str]:
        return {"Bucket": self.bucket_name, "Key": self._normalize_name(name)}


class _Body(io.RawIOBase):
    """The content of a file, as it comes."""

    def __init__(self, body: StreamingBody) -> None:
        self._body = body

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with _asking():
            data = self._body.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._body.close()
        super().close()
