"""Nothing in the body of a message opens a connection, whatever element or attribute names an address."""

import socket
from collections.abc import Callable, Iterator
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Page

from accounts.models import User
from accounts.tools import Tool
from tests.fixtures.browser import sign_in
from tests.messenger_logs.factories import make_message
from web.body_frame import without_connections

ADDRESS = "http://127.0.0.1:9/x"

# By element: what would load, prepare or send something.
OPENING = [
    '<iframe src="{}"></iframe>',
    '<iframe srcdoc="<img src={}>"></iframe>',
    '<frameset><frame src="{}"></frameset>',
    '<portal src="{}"></portal>',
    '<fencedframe src="{}"></fencedframe>',
    '<object data="{}"><embed src="{}"></object>',
    '<embed src="{}">',
    '<applet code="{}" archive="{}"></applet>',
    '<img src="{}">',
    '<img src="data:x" srcset="{} 2x" lowsrc="{}" dynsrc="{}">',
    '<picture><source srcset="{}"><img src="{}"></picture>',
    '<image src="{}">',
    '<input type="image" src="{}">',
    '<video src="{}" poster="{}" autoplay></video>',
    '<video autoplay><source src="{}"><track src="{}" default></video>',
    '<audio src="{}" autoplay></audio>',
    '<bgsound src="{}">',
    '<script src="{}"></script>',
    '<link rel="stylesheet" href="{}">',
    '<link rel="preconnect" href="{}">',
    '<link rel="dns-prefetch" href="{}">',
    '<link rel="prefetch" href="{}">',
    '<link rel="preload" as="image" href="{}">',
    '<link rel="prerender" href="{}">',
    '<link rel="modulepreload" href="{}">',
    '<link rel="icon" href="{}">',
    '<link rel="manifest" href="{}">',
    '<meta http-equiv="refresh" content="0; url={}">',
    '<meta http-equiv="Link" content="<{}>; rel=preconnect">',
    '<base href="{}"><img src="y">',
    '<html manifest="{}">',
    '<body background="{}">',
    '<table background="{}"><td background="{}">x</td></table>',
    '<a href="{}" ping="{}">x</a>',
    '<a class="btn" href="{}">x</a>',
    '<a style="color: red" id=a title="<a>" href={} lang="en">x</a>',
    "<a class='\"' HREF='{}'>x</a>",
    '<map><area href="{}" ping="{}"></map>',
    '<form action="{}"><button formaction="{}">x</button></form>',
    '<blockquote cite="{}">x</blockquote>',
    '<svg><image href="{}" xlink:href="{}"/><use href="{}"/><script href="{}"/></svg>',
    '<svg><a xlink:href="{}"><text>x</text></a><foreignObject><iframe src="{}"></iframe></foreignObject></svg>',
    '<math href="{}"><mglyph src="{}"/></math>',
    '<template><img src="{}"></template>',
    '<noscript><img src="{}"></noscript>',
    '<!--><iframe src="{}"></iframe>-->',
    '<xmp><p title="</xmp><iframe src={}>"></xmp>',
    '<title><p title="</title><iframe src={}>"></title>',
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;iframe src={}&gt;'>",
    '<p title="<iframe src={}>">x</p>',
    '<IFRAME/SRC="{}">',
    '<if\0rame src="{}">',
    "<style>@import '{}'; @font-face {font-family: x; src: url({})} body {background: url({}); font: 9px x}</style>",
    "<p style=\"background: image-set('{}' 1x)\">x</p>",
    '<p style="list-style: url({}); cursor: url({}), auto">x</p>',
    '<p style="background: u\\72l({})">x</p>',
]


class Elements(HTMLParser):
    """The elements of a document, each with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def opens_nothing(html: str) -> bool:
    """Whether no attribute but the title of a link names an address."""
    attributes = [(tag, name, value or "") for tag, found in Elements(html).found for name, value in found.items()]
    return all(
        name == "title" or ((tag, name) == ("img", "src") and value.startswith("data:image/")) or "/" not in value
        for tag, name, value in attributes
    )


@pytest.mark.parametrize("html", OPENING)
def test_what_opens_a_connection_is_not_in_the_frame(html: str) -> None:
    cleaned = without_connections(html.replace("{}", ADDRESS))
    assert opens_nothing(cleaned), cleaned
    assert {tag for tag, _ in Elements(cleaned).found} <= {"a", "blockquote", "img", "p", "table", "tbody", "tr", "td"}


@given(st.lists(st.sampled_from(OPENING) | st.text(alphabet="<>'\"=/!- \0\tabimgsrc", max_size=20), max_size=6))
def test_what_opens_a_connection_is_not_in_the_frame_in_any_mixture(parts: list[str]) -> None:
    assert opens_nothing(without_connections("".join(parts).replace("{}", ADDRESS)))


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ("<p>Hello, <b>Mai</b></p>", "<p>Hello, <b>Mai</b></p>"),
        ('<a href="https://x.example/a?b=1&c">here</a>', '<a title="https://x.example/a?b=1&amp;c">here</a>'),
        ('<a class="btn" href="https://x.example/">x</a>', '<a class="btn" title="https://x.example/">x</a>'),
        ('<a href="mailto:office@x.example">us</a>', '<a title="mailto:office@x.example">us</a>'),
        ('<a href="javascript:alert(1)">x</a>', "<a>x</a>"),
        (
            '<img src="data:image/png;base64,AA==" alt="a" width="9">',
            '<img src="data:image/png;base64,AA==" alt="a" width="9">',
        ),
        ('<img src="https://x.example/a.png" alt="Our logo">', '<img alt="Our logo">'),
        ('<p style="color: red" align="center">x</p>', '<p style="color: red" align="center">x</p>'),
        ("<style>p { color: red }</style><p>x</p>", "<p>x</p>"),
        ("<iframe>not for readers</iframe>for readers", "for readers"),
    ],
)
def test_what_people_read_stays(html: str, shown: str) -> None:
    assert without_connections(html) == shown


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(1)
        yield server


@pytest.mark.django_db(transaction=True)
def test_a_browser_that_shows_the_body_connects_to_nobody(
    page: Page, listener: socket.socket, make_user: Callable[..., User]
) -> None:
    user: User = make_user(Tool.ADMIN_SENT_MESSAGE_LOG)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}/x"
    body = "".join(OPENING).replace("{}", address).replace("\0", "")
    message = make_message(bodies={"email": f"<p>Hello</p>{body}"})
    sign_in(page, user)
    page.goto(f"/messenger-administration/sent-message-log/{message.pk}/")
    page.locator("summary", has_text="Email").click()
    frame = page.frame_locator("iframe[title='Email body']")
    frame.get_by_text("Hello").wait_for()
    frame.get_by_text("x").first.hover()
    with pytest.raises(TimeoutError):
        listener.accept()
