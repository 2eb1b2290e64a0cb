"""Reads the parts of a page that tests look at."""

import re


def table_body(html: str) -> str:
    """Return the inside of the first table's body; "" for a page without one."""
    found = re.search(r"<tbody[^>]*>(.*?)</tbody>", html, re.DOTALL)
    return found[1] if found else ""


def before_table_body(html: str) -> str:
    return re.split(r"<tbody[^>]*>", html, maxsplit=1)[0]


def table_head(html: str) -> str:
    """Return the inside of the first table's head; "" for a page without one."""
    found = re.search(r"<thead[^>]*>(.*?)</thead>", html, re.DOTALL)
    return found[1] if found else ""
