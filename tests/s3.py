"""A store that speaks the protocol of S3, on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from moto.server import ThreadedMotoServer


@dataclass
class Bucket:
    url: str
    name: str
    client: Any

    def options(self, prefix: str = "") -> dict[str, Any]:
        """Return the options of a storage in this bucket."""
        given = {"bucket_name": self.name, "endpoint_url": self.url, "location": prefix, "region_name": "us-east-1"}
        return given | {"access_key": "a", "secret_key": "b"}

    @property
    def environment(self) -> dict[str, str]:
        """The same, for a process."""
        names = {"BUCKET": self.name, "ENDPOINT_URL": self.url, "REGION": "us-east-1"}
        keys = {"ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b"}
        return {f"FILES_S3_{name}": value for name, value in (names | keys).items()}

    def names(self) -> list[str]:
        found = self.client.list_objects_v2(Bucket=self.name)
        return [entry["Key"] for entry in found.get("Contents", [])]

    def empty(self) -> None:
        for name in self.names():
            self.client.delete_object(Bucket=self.name, Key=name)


@contextmanager
def bucket_of(name: str) -> Iterator[Bucket]:
    """Serve an empty bucket."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
    client = boto3.client("s3", endpoint_url=url, region_name="us-east-1", **keys)
    try:
        client.create_bucket(Bucket=name)
        yield Bucket(url, name, client)
    finally:
        server.stop()
