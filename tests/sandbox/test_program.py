"""`python -m sandbox` as the demo starts it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from tests.wait import PATIENCE

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run() -> Iterator[Callable[..., tuple[subprocess.Popen[str], str]]]:
    """Start the program with these arguments; gives the process and the address that it tells."""
    running: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> tuple[subprocess.Popen[str], str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox", "--port", "0", *arguments],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"]},
            stdout=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        assert process.stdout
        words = process.stdout.readline().split()
        return process, next(word for word in words if word.startswith("http://"))

    yield start
    for process in running:
        process.kill()
        process.wait()
        assert process.stdout
        process.stdout.close()


@pytest.mark.slow
def test_it_writes_to_the_people_it_is_given(run: Callable[..., tuple[object, str]], tmp_path: Path) -> None:
    file = tmp_path / "people.jsonl"
    known = {"200001": "pa.vang@example.com", "200002": "lien.nguyen@example.org"}
    people = ({"person_id": key, "name": "Vang, Pa", "address": to, "language": "hmn"} for key, to in known.items())
    file.write_text("".join(f"{json.dumps(person)}\n" for person in people))
    _, url = run("--history-days", "2", "--per-day", "100", "--people", str(file))
    page = requests.get(
        f"{url}/v3/mg.harrison.example/events",
        params={"begin": str(time.time() - 86_400 * 3), "ascending": "yes"},
        auth=("api", "key-sandbox"),
        timeout=10,
    )
    items = page.json()["items"]
    assert {item["recipient"] for item in items} == set(known.values())
    told = [item for item in items if isinstance(item["user-variables"], dict)]
    assert told
    assert all(known[item["user-variables"]["person_id"]] == item["recipient"] for item in told)


@pytest.mark.slow
def test_it_serves_the_domains_of_its_arguments_with_traffic(run: Callable[..., tuple[object, str]]) -> None:
    _, url = run(
        *("--api-key", "key-demo", "--domains", "mg.one.example,mg.two.example", "--senders", "admin:principal,clerk"),
        *("--history-days", "2", "--per-day", "200", "--time-zone", "America/New_York", "--seed", "7"),
    )
    for domain in ("mg.one.example", "mg.two.example"):
        page = requests.get(
            f"{url}/v3/{domain}/events",
            params={"begin": str(time.time() - 86_400 * 3), "ascending": "yes"},
            auth=("api", "key-demo"),
            timeout=10,
        )
        items = page.json()["items"]
        assert items
        assert {item["user-variables"]["sender"] for item in items if isinstance(item["user-variables"], dict)} <= {
            "admin",
            "clerk",
        }


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_when_it_is_told_to(
    run: Callable[..., tuple[subprocess.Popen[str], str]], number: signal.Signals
) -> None:
    process, url = run("--per-day", "0")
    requests.post(f"{url}/sandbox/faults", json={"what": "hold"}, timeout=10)
    process.send_signal(number)
    assert process.wait(PATIENCE) == 0


@pytest.mark.slow
def test_without_traffic_it_has_no_events(run: Callable[..., tuple[object, str]]) -> None:
    _, url = run("--per-day", "0")
    assert requests.get(f"{url}/sandbox/", timeout=10).json()["events"] == {"mg.harrison.example": 0}


@pytest.mark.slow
def test_it_imports_nothing_of_the_product_and_no_django() -> None:
    script = (
        "import sys, sandbox.__main__;"
        "print(sorted({name.partition('.')[0] for name in sys.modules}"
        " & {'django', 'config', 'grid', 'accounts', 'mailgun_sync', 'requests'}))"
    )
    result = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
