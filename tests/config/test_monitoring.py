"""The board and the alert rules read figures that exist, and each alert is explained."""

import json
import re
from pathlib import Path

import pytest
import yaml
from django.conf import settings

from health.metrics import exposition

DOCS = Path(settings.BASE_DIR) / "docs"
RULES = [
    rule for group in yaml.safe_load((DOCS / "monitoring/alerts.yml").read_text())["groups"] for rule in group["rules"]
]
BOARD = json.loads((DOCS / "monitoring/grafana.json").read_text())
NAME = re.compile(r"messenger_logs_\w+")


@pytest.mark.slow
@pytest.mark.django_db
def test_every_figure_that_is_read_exists() -> None:
    families = set(re.findall(r"^# TYPE (\S+)", exposition().decode(), re.MULTILINE))
    known = families | {f"{name}_bucket" for name in families}
    asked = [rule["expr"] for rule in RULES] + [
        target["expr"] for panel in BOARD["panels"] for target in panel["targets"]
    ]
    assert {name for expression in asked for name in NAME.findall(expression)} <= known
    shown = {name for panel in BOARD["panels"] for target in panel["targets"] for name in NAME.findall(target["expr"])}
    missing = {name for name in families if name.startswith("messenger_logs") and not name.endswith("_created")} - {
        name.removesuffix("_bucket") for name in shown
    }
    assert missing == set(), "the board shows every figure"


def test_every_alert_is_explained() -> None:
    explained = re.findall(r"^\| `(MessengerLogs\w+)` \|", (DOCS / "production.md").read_text(), re.MULTILINE)
    assert explained == [rule["alert"] for rule in RULES]
    assert all(rule["labels"]["severity"] in {"critical", "warning"} for rule in RULES)
