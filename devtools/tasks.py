"""python -m devtools.tasks does eight tasks of an office in Chromium, on the demo that bin/run serves.

It begins each task on Home, counts clicks and seconds, takes a picture of the answer, and writes docs/tasks.md. It
fails if a task takes too many clicks or too long. Like a person it reads before each click, and types letter by letter.
"""

import argparse
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from .browser import find_chromium
from .processes import SetupError
from .running import ROOT, VAR, command
from .small_png import save_small

MOST_CLICKS, MOST_SECONDS = 3, 10.0
DOCUMENT, PICTURES = ROOT / "docs" / "tasks.md", ROOT / "docs" / "images" / "tasks"
_WIDTH, _HEIGHT, _MOST_BYTES = 1280, 800, 60_000
# A person looks for the place of the next click, and types six letters a second.
_READS_SECONDS, _LETTER_MILLISECONDS = 1.0, 160
# The demo begins an emergency two minutes after its start; it takes about five minutes.
_EMERGENCY_BEGINS_SECONDS = 240
# Messages of the demo district.
CLOSED, NEWSLETTER, EMERGENCY = "closed today", "news of the week", "Water main break"
FOUND_MESSAGE = "section[aria-labelledby=messages-heading] .found a"
_PHONE, _MAILBOX = re.compile(r"\(\d{3}\) \d{3}-\d{4}"), re.compile(r"\S+@\S+")
_SEARCH = "Find a person, message or address"


class Hand:
    """Someone at a page, who clicks and types. Counts the clicks, and keeps the last paper that was opened."""

    def __init__(self, page: Page, family: "Family") -> None:
        self.page, self.family, self.clicks, self.paper = page, family, 0, b""

    def click(self, place: Locator) -> None:
        time.sleep(_READS_SECONDS)
        self.clicks += 1
        place.click()

    def search(self, text: str) -> None:
        """Type into the field at the top, and press Enter. The field is reached with the key /."""
        self.page.keyboard.press("/")
        expect(self.page.get_by_label(_SEARCH)).to_be_focused()
        self.page.keyboard.type(text, delay=_LETTER_MILLISECONDS)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url("**?find=*")

    def open_paper(self, place: Locator) -> None:
        """Click on what opens a PDF in another tab, and read it."""
        context = self.page.context
        with context.expect_event("request", lambda request: request.is_navigation_request()) as asked:
            # A Chromium without windows shows no PDF. The same request is made here, and not twice.
            context.route("**/*", lambda route: route.abort())
            self.click(place)
        context.unroute("**/*")
        answer = context.request.get(asked.value.url)
        self.paper = answer.body()
        assert self.paper.startswith(b"%PDF"), f"{asked.value.url} is no PDF: {answer.status}"


@dataclass(frozen=True)
class Family:
    """A student whose parent the last emergency did not reach, and what messages to look for."""

    student: str
    parent: str
    contact: str
    subject: str
    message: str


@dataclass(frozen=True)
class Task:
    """`way` says in plain words what one does; {…} is of the Family. `who` is the username of who has the task."""

    name: str
    question: str
    who: str
    way: str
    do: Callable[[Hand], object]
    finds_words: str


@dataclass(frozen=True)
class Done:
    task: Task
    question: str
    way: str
    clicks: int
    seconds: float

    @property
    def fault(self) -> str:
        """What is too much; "" if nothing is."""
        too_many = f"{self.clicks} clicks" if self.clicks > MOST_CLICKS else ""
        too_long = f"{self.seconds:.1f} s" if self.seconds > MOST_SECONDS else ""
        return " and ".join(filter(None, [too_many, too_long]))

    @property
    def row(self) -> str:
        return f"| [{self.question}](#{self.task.name}) | {self.clicks} | {self.seconds:.1f} |"

    @property
    def section(self) -> str:
        name = self.task.name
        return (
            f'<a id="{name}"></a>\n\n## {self.question}\n\n{self.way}\n\n![{self.question}](images/tasks/{name}.png)\n'
        )


# The tasks. Each leaves the answer on the page.


def did_she_get_it(hand: Hand) -> None:
    hand.search(hand.family.student)
    hand.click(choice_of(hand.page, hand.family))
    line = hand.page.locator("#grid-list tbody tr").filter(has_text=hand.family.subject).first
    expect(line).to_be_visible()


def who_was_reached_by_no_device(hand: Hand) -> None:
    hand.search(CLOSED)
    hand.click(hand.page.locator(FOUND_MESSAGE).first)
    hand.click(hand.page.locator("#unreached-people"))
    expect(hand.page.locator("#grid-list tbody tr").first).to_be_visible()


def bounces_by_reason(hand: Hand) -> None:
    hand.click(hand.page.locator("#last-days-reasons"))
    first_day = hand.page.locator("#grid-created_from").input_value()
    hand.click(hand.page.get_by_role("link", name="last 7 days"))
    expect(hand.page.locator("#grid-created_from")).not_to_have_value(first_day)
    expect(hand.page.locator("#grid-list tbody tr").first).to_be_visible()


def who_looked(hand: Hand) -> None:
    hand.search(hand.family.message)
    hand.click(hand.page.locator(FOUND_MESSAGE).first)
    hand.click(hand.page.locator("#who-saw"))
    expect(hand.page.locator("#grid-list tbody tr").first).to_be_visible()


def reach_of_last_month(hand: Hand) -> None:
    hand.click(hand.page.locator("#last-month-reach"))
    expect(hand.page.locator(".heat-map").first).to_be_visible()


def a_year_on_paper(hand: Hand) -> None:
    hand.search(hand.family.contact)
    hand.click(hand.page.get_by_role("link", name="last 12 months"))
    expect(hand.page.get_by_role("link", name="this school year")).to_be_visible()
    hand.click(hand.page.locator("#grid-export"))
    hand.open_paper(hand.page.locator("#grid-export-pdf"))


def failed_deliveries_on_paper(hand: Hand) -> None:
    hand.search(NEWSLETTER)
    hand.click(hand.page.locator(FOUND_MESSAGE).first)
    hand.click(hand.page.locator("#to-report"))
    hand.open_paper(hand.page.locator("#failed-delivery"))


def wait_for_last_call(page: Page) -> None:
    """Wait until the figures of a cancel are final, and show them."""
    expect(page.locator("#certificate")).to_be_visible(timeout=120_000)
    page.locator("#cancel-proof").scroll_into_view_if_needed()


def cancel_and_prove_it(hand: Hand) -> None:
    hand.click(hand.page.locator(".lines-now a").filter(has_text=EMERGENCY))
    hand.click(hand.page.locator("#cancel-message"))
    hand.click(hand.page.locator("#cancel-ok"))
    expect(hand.page.locator("#cancel-proof")).to_be_visible()


TASKS = [
    Task(
        *("did-she-get-it", "Did {parent}, of the family of {student}, get the message, and why not?", "messenger"),
        "Type the name of the student, “{student}”, and press Enter. Click on “{parent}”. The list has each"
        " message, each device, and why it was not reached.",
        *(did_she_get_it, "Why Not Reached"),
    ),
    Task(
        *("no-device", "Who was reached by no device?", "messenger"),
        f"Type words of the subject, “{CLOSED}”, and press Enter. Click on the message, and on “unreached people”. For"
        " the last emergency, one click on its line on Home does the same.",
        *(who_was_reached_by_no_device, "Devices, and why not"),
    ),
    Task(
        *("failed-on-paper", "The failed deliveries, as PDF", "messenger"),
        f"Type words of the subject, “{NEWSLETTER}”, and press Enter. Click on the message, on Report, and on Print"
        " Failed Delivery.",
        *(failed_deliveries_on_paper, ""),
    ),
    Task(
        *("bounces", "Which e-mails of this week bounced, by reason?", "messenger"),
        "On Home, click on “Why e-mails were not delivered”, and on “last 7 days”.",
        *(bounces_by_reason, "Days"),
    ),
    Task(
        *("who-looked", "Who looked at message {message}?", "admin"),
        "Type the number {message} and press Enter. Click on the message, and on “Seen by …”.",
        *(who_looked, "Who"),
    ),
    Task(
        *("reach-of-last-month", "How many people were reached last month, by school and mode?", "messenger"),
        "On Home, click on “Reach of last month, by school and mode”.",
        *(reach_of_last_month, "Reach"),
    ),
    Task(
        *("a-year-on-paper", "All that was sent to {parent} in a year, on paper", "messenger"),
        "Type a phone number or address, “{contact}”, and press Enter. Click on “last 12 months”, on Export,"
        " and on PDF.",
        *(a_year_on_paper, ""),
    ),
    Task(
        *("cancel", "Stop an emergency that goes out, and prove it", "messenger"),
        "On Home, click on the message under “Going out now”, on Cancel this Message, and on OK. The proof stays on the"
        " page of the message: each device is in one of four figures. They are final when the last call has ended. Then"
        " Certificate has them on paper.",
        *(cancel_and_prove_it, "Canceled"),
    ),
]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser("python -m devtools.tasks", description=__doc__)
    parser.add_argument("--site", default="http://127.0.0.1:8000", help="the address that bin/run printed")
    names = [task.name for task in TASKS]
    parser.add_argument("--only", action="append", choices=names, help="only these, and write no document")
    options = parser.parse_args(arguments)
    tasks = [task for task in TASKS if not options.only or task.name in options.only]
    with chromium() as browser:
        family = look_around(browser, options.site)
        done = [do(browser, options.site, task, family) for task in tasks]
    if not options.only:  # one run did all that the document tells
        write_down(done)
    return int(any(one.fault for one in done))


@contextmanager
def chromium() -> Iterator[Browser]:
    (VAR / "log").mkdir(parents=True, exist_ok=True)
    program = find_chromium(VAR / "log" / "chromium.log")
    if program is None:
        raise SetupError("There is no Chromium here, and none could be installed.")
    with sync_playwright() as playwright:
        expect.set_options(timeout=30_000)  # the machine may be busy with the demo
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def password() -> str:
    """Return the password that bin/run printed, or the one that the environment gave it."""
    if own := os.environ.get("DEMO_PASSWORD"):
        return own
    printed = re.search(r"with the password (\S+)", (VAR / "log" / "demo" / "sign-ins.txt").read_text())
    if printed is None:
        raise SetupError("Start bin/run first.")
    return printed[1]


@contextmanager
def signed_in(browser: Browser, site: str, username: str) -> Iterator[Page]:
    """Give the Home page of a person of the demo."""
    context = browser.new_context(base_url=site, viewport={"width": _WIDTH, "height": _HEIGHT}, reduced_motion="reduce")
    page = context.new_page()
    page.goto("/accounts/login/")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password", exact=True).fill(password())
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Home")
    yield page
    context.close()


def look_around(browser: Browser, site: str) -> Family:
    """Choose a family that the last message to the whole district did not reach. This is not a part of the tasks."""
    with signed_in(browser, site, "messenger") as page:
        look_for(page, CLOSED)
        message = page.locator(FOUND_MESSAGE).first
        address = message.get_attribute("href") or ""
        found = message.inner_text(), address.strip("/").rpartition("/")[2]
        page.goto(f"{address}unreached/")
        labels = ("Student", "Recipient", "Devices, and why not")
        cells = [page.locator(f'#grid tbody [data-label="{label}"]').all_inner_texts() for label in labels]
        families = [Family(line[0].partition(" (")[0], line[1], line[2], *found) for line in zip(*cells, strict=True)]
        for contact in (_PHONE, _MAILBOX):
            for one in families:
                known = contact.search(one.contact)
                if known and one.parent != one.student and _is_found(page, family := replace(one, contact=known[0])):
                    return family
    raise SetupError("This is not the demo district: nobody was left out when all schools were closed.")


def _is_found(page: Page, family: Family) -> bool:
    """Whether the number or address is of nobody else, and the parent is among the first with such a student."""
    look_for(page, family.contact)
    if "/recipient-log/" not in page.url:
        return False
    look_for(page, family.student)
    return choice_of(page, family).count() == 1


def choice_of(page: Page, family: Family) -> Locator:
    """Return the button of a parent among the people found."""
    return page.get_by_role("button", name=re.compile(f"^{family.parent}, person id .*, about .*{family.student} "))


def look_for(page: Page, text: str) -> None:
    page.locator("#top-search").fill(text)
    with page.expect_navigation():
        page.locator("#top-search").press("Enter")


def do(browser: Browser, site: str, task: Task, family: Family) -> Done:
    with signed_in(browser, site, task.who) as page:
        if task.do is cancel_and_prove_it:
            wait_for_emergency(page)
        hand, began = Hand(page, family), time.perf_counter()
        task.do(hand)
        seconds = time.perf_counter() - began
        question, way = (text.format(**vars(family)) for text in (task.question, task.way))
        done = Done(task, question, way, hand.clicks, seconds)
        if task.do is cancel_and_prove_it:
            wait_for_last_call(page)
        expect(page.locator("main")).to_contain_text(task.finds_words)
        picture = of_paper(hand.paper) or page.screenshot(animations="disabled")
    save_small(picture, PICTURES / f"{task.name}.png", most_bytes=_MOST_BYTES, width=_WIDTH)
    print(f"{task.name:<20} {done.clicks} clicks  {done.seconds:4.1f} s  {done.fault and 'TOO MUCH'}", flush=True)
    return done


def wait_for_emergency(page: Page) -> None:
    """Wait on Home until an emergency goes out, as somebody does who has just begun one."""
    until = time.monotonic() + _EMERGENCY_BEGINS_SECONDS
    while not page.locator(".lines-now a").filter(has_text=EMERGENCY).count():
        if time.monotonic() > until:
            raise SetupError(
                "No emergency goes out. One begins two minutes after each start of bin/run: start it again."
            )
        time.sleep(2)
        page.reload()


def of_paper(pdf: bytes) -> bytes:
    """Return the first sheet as a picture; nothing if it is no PDF, or nothing here can draw it."""
    program = shutil.which("pdftoppm")
    if not pdf or program is None:
        return b""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "paper.pdf")
        file.write_bytes(pdf)
        drawn = [program, "-png", "-f", "1", "-l", "1", "-r", "100", str(file)]
        return subprocess.run(drawn, capture_output=True, check=True).stdout


def write_down(done: list[Done]) -> None:
    today = date.today()  # noqa: DTZ011  (of the person who reads it)
    DOCUMENT.write_text(document(done, today))


def document(done: list[Done], day: date) -> str:
    rows, sections = "\n".join(one.row for one in done), "\n".join(one.section for one in done)
    return _DOCUMENT.format(day=f"{day:%m/%d/%Y}", rows=rows, sections=sections)


_DOCUMENT = """\
# Eight tasks of an office

`bin/python -m devtools.tasks` did these tasks in Chromium on {day}, on the demo district that `bin/run` makes, and
wrote this page. Each begins on Home, for a person with the right to it. Each may take three clicks and ten seconds.

Typing is no click; the key `/` leads to the search field from every page. The script reads for a second before each
click and types six letters a second. So the seconds are about those of a person who knows where to look. Where a PDF is
wanted, they end when the whole file is there.

| task | clicks | seconds |
|---|---|---|
{rows}

{sections}"""


if __name__ == "__main__":
    command(main)
