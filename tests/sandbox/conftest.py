from collections.abc import Iterator
from typing import Any

import pytest
import requests

from sandbox.server import Sandbox


class Api:
    """The Events API of the stand-in, called as a client calls it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.session = requests.Session()
        self.session.auth = ("api", sandbox.api_key)

    def get(self, **parameters: Any) -> requests.Response:
        """The first page for these parameters; by default everything kept, oldest first."""
        address = f"{self.sandbox.url}/v3/{self.sandbox.domain}/events"
        return self.session.get(address, params=parameters or {"begin": 0, "ascending": "yes"}, timeout=60)

    def follow(self, page: requests.Response, way: str = "next") -> requests.Response:
        """Return the page that a page's paging names."""
        return self.session.get(page.json()["paging"][way], timeout=60)

    def pages(self, **parameters: Any) -> Iterator[requests.Response]:
        """Yield every page of a traversal, with the empty page at its end."""
        page = self.get(**parameters)
        while ids(page):
            yield page
            page = self.follow(page)
        yield page

    def traverse(self, **parameters: Any) -> list[str]:
        """The ids of a whole traversal."""
        return [id for page in self.pages(**parameters) for id in ids(page)]


def ids(page: requests.Response) -> list[str]:
    """Return the ids on a page, which must have status 200."""
    assert page.status_code == 200, page.text
    return [item["id"] for item in page.json()["items"]]


@pytest.fixture
def api(sandbox: Sandbox) -> Iterator[Api]:
    api = Api(sandbox)
    yield api
    api.session.close()
