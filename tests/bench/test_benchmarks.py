"""Every benchmark still runs, at sizes that say nothing about speed."""

import importlib
from pathlib import Path

import pytest

import bench

pytestmark = [pytest.mark.slow, pytest.mark.thorough]

SMALL = {
    "catch_up": ["--events=2000", "--events-of-one=600", "--latency=0.01"],
    "contacts": ["--families=200", "--messages=2", "--suppressions=200"],
    "dispatch": ["--emails=60", "--texts=6", "--cancel=300"],
    "grid": ["--rows=3000", "--page=5"],
    "import": ["--rows=900"],
    "ingest": ["--events=600", "--rows=2000", "--rounds=1", "--catch-up=0"],
    "join": ["--events=600", "--naive=30"],
    "ledger": ["--messages=60", "--deliveries=4000", "--large=2000", "--page=1", "--reports=100", "--imports=1000"],
    "months": ["--rows=3000", "--page=5", "--rounds=1"],
    "pages": ["--messages=60", "--deliveries=400", "--large=200", "--events=200", "--rounds=1"],
    "reach": ["--messages=60", "--deliveries=4000", "--large=2000"],
    "reports": ["--rows=200", "--rounds=1"],
    "site": [
        "--messages=60",
        "--recipients=300",
        "--events=300",
        "--people=3",
        "--every=0",
        "--clicks=7",
        "--workers=1",
    ],
    "retention": ["--messages=60", "--recipients=300", "--events=300", "--rounds=1"],
}
PROGRAMS = {file.stem for file in Path(bench.__path__[0]).glob("*.py") if '"__main__"' in file.read_text()}
PROGRAMS -= {"provider"}  # it stands in for a provider, and measures nothing


@pytest.mark.parametrize("name", sorted(PROGRAMS))
@pytest.mark.django_db(transaction=True)
def test_a_benchmark_runs(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    importlib.import_module(f"bench.{name}").main(SMALL[name])

    assert "ratio" in capsys.readouterr().out
