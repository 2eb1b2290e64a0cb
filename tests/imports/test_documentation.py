"""docs/import.md says what column maps know."""

import re

from django.conf import settings

from imports.maps import FIELDS, READY


def test_every_field_and_every_ready_map_is_documented():
    _, _, text = (settings.BASE_DIR / "docs" / "import.md").read_text().partition("\n## CSV")
    lists = "\n".join(
        re.findall(r"^- of a (?:message|recipient|device): .*?(?=^- |\n\n)", text, re.MULTILINE | re.DOTALL)
    )
    assert set(re.findall(r"`(\w+)`", lists)) == set(FIELDS)
    assert set(re.findall(r"^\| `([\w-]+)` \|", text, re.MULTILINE)) == set(READY)
