"""What would this person see? An administrator sees it, changes nothing, and the audit trail has it."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.test import Client
from django.urls import ResolverMatch, URLPattern, reverse
from django.utils import timezone
from pytest_django import Settings

from accounts.account_services import close_account
from accounts.models import AuditEvent, User
from accounts.services import issue_token
from accounts.tools import Right, Tool, every_right
from accounts.view_as import PrivatePage, ReadOnlyView
from messenger_logs.models import School, SentMessage
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient
from tests.web.addresses import patterns
from web.message_urls import message_url
from web.view_as import OWN_NAME, PRIVATE, check_open

pytestmark = pytest.mark.django_db

MakeUser = Callable[..., User]
CHANGE = (Tool.USER_GROUPS, Right.WRITE)
LOG = Tool.SENT_MESSAGE_LOG
BANNER, READ_ONLY = "You see what Vang, Mai would see", "may only look: change nothing"


@pytest.fixture
def administrator(make_user: MakeUser) -> User:
    return make_user(*every_right(), username="admin", first_name="System", last_name="Administrator")


@pytest.fixture
def person(make_user: MakeUser) -> User:
    user = make_user(LOG, (LOG, Right.WRITE), Tool.MESSAGE_IMPORT, username="mai", first_name="Mai", last_name="Vang")
    user.schools.add(School.objects.create(name="Harrison High"))
    return user


@pytest.fixture
def message(person: User) -> SentMessage:
    message = make_message(sender=person, subject="Snow day", status="waiting")
    make_delivery(make_recipient(message, name="Xiong, Pa"))
    return message


@pytest.fixture
def client(administrator: User, signed_in: Callable[[User], Client]) -> Client:
    """The administrator, who has no message."""
    return signed_in(administrator)


@pytest.fixture
def view(client: Client, person: User) -> Client:
    """The administrator, who sees the product as the person."""
    response = client.post(reverse("web:view_as", args=[person.pk]), follow=True)
    assert response.redirect_chain == [("/", 302)]
    assert BANNER in response.text
    return client


def rows() -> list[tuple[str, str, str, Any]]:
    """The rows of the audit trail: who, what, on what, and as whom."""
    found = AuditEvent.objects.exclude(action__startswith="sign_").order_by("pk")
    return list(found.values_list("who", "action", "target", "details__as"))


def end(client: Client) -> Any:
    return client.post(reverse("web:end_view_as"), follow=True)


# What is seen


@pytest.mark.slow
def test_the_pages_are_those_of_the_person(view: Client, message: SentMessage) -> None:
    text = view.get(reverse("web:sent_message_log")).text
    assert "Snow day" in text
    assert BANNER in text
    assert "Audit Trail</a>" not in text, "the menu is that of the person"
    for absent in ("top-search", "grid-export", "Change password", "REST API"):
        assert absent not in text
    assert view.get(reverse("web:audit_trail")).status_code == 403
    text = view.get(message_url(LOG, message.pk, "recipients")).text
    assert "Xiong, Pa" in text
    assert BANNER in text


@pytest.mark.slow
def test_pages_that_are_refused_or_not_there_have_the_banner(view: Client, message: SentMessage) -> None:
    for address in (reverse("web:audit_trail"), message_url(LOG, message.pk + 1), "/no-such-page/"):
        response = view.get(address)
        assert response.status_code in (403, 404)
        assert BANNER in response.text


@pytest.mark.slow
def test_a_list_is_filtered_by_its_address_but_not_by_people(view: Client, message: SentMessage) -> None:
    text = view.get(reverse("web:sent_message_log"), {"subject": "Snow", "sort": "-created_at"}).text
    assert '<form id="grid" class="grid" method="get"' in text
    assert "Snow day" in text
    text = view.get(message_url(LOG, message.pk, "recipients"), {"recipient": "Nobody"}).text
    assert "Searches for people are not read from an address" in text
    assert "Xiong, Pa" in text


@pytest.mark.slow
def test_the_administrator_gets_back_to_the_persons_page(view: Client, person: User) -> None:
    response = end(view)
    assert response.redirect_chain == [(reverse("web:person", args=[person.pk]), 302)]
    assert BANNER not in response.text
    assert "Audit Trail</a>" in response.text
    assert end(view).redirect_chain == [("/", 302)], "ended already"


# In whose name


@pytest.mark.slow
def test_each_look_is_in_the_administrators_name(view: Client, message: SentMessage) -> None:
    view.get(message_url(LOG, message.pk))
    view.get(message_url(LOG, message.pk))
    view.get(reverse("web:audit_trail"))
    end(view)
    who, route = "Administrator, System", "/messenger/sent-message-log/<int:pk>/"
    assert [row for row in rows() if row[1] != "account.viewed"] == [
        (who, "view_as.started", "mai", None),
        (who, "view_as.page", "/", "mai"),
        (who, "message.viewed", message.recorded_name, "mai"),
        (who, "view_as.page", route, "mai"),
        (who, "access.refused", f"/{reverse('web:audit_trail')[1:]}", "mai"),
        (who, "view_as.ended", "mai", None),
    ]
    assert AuditEvent.objects.get(target=route).details == {"as": "mai", "pk": message.pk}


# Read only


def sample(pattern: URLPattern) -> dict[str, Any]:
    return dict.fromkeys(pattern.pattern.regex.groupindex, 1)


def matches() -> Iterator[ResolverMatch]:
    """Yield every address of the product."""
    for name, pattern in patterns():
        space = name.split(":")[0] if ":" in name else ""
        kwargs: dict[str, Any] = sample(pattern)
        yield ResolverMatch(
            pattern.callback, (), kwargs, pattern.name, namespaces=[space] if space else [], route=str(pattern.pattern)
        )


def refused(match: ResolverMatch, method: str) -> type[PermissionDenied] | None:
    request = HttpRequest()
    request.method = method
    try:
        check_open(request, match)
    except PermissionDenied as error:
        return type(error)
    return None


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "PROPFIND", "get"])
def test_nothing_is_changed_at_any_address(method: str) -> None:
    every = list(matches())
    assert len(every) > 150
    assert [match.view_name for match in every if refused(match, method) is not ReadOnlyView] == []


def test_only_pages_of_the_product_are_opened() -> None:
    opened = {match.view_name for match in matches() if not refused(match, "GET")}
    assert opened == {match.view_name for match in matches() if match.namespace == "web"} - PRIVATE
    assert {match.view_name for match in matches()} > OWN_NAME | PRIVATE
    assert all(refused(match, "GET") is PrivatePage for match in matches() if match.view_name in PRIVATE)


@pytest.mark.slow
def test_what_is_refused_is_refused_in_words(view: Client, person: User, message: SentMessage) -> None:
    before = SentMessage.objects.values().get()
    for method, address in (
        ("post", message_url(LOG, message.pk, "cancel")),
        ("post", reverse("web:sent_message_log")),
        ("post", reverse("web:search")),
        ("post", reverse("web:view_as", args=[person.pk])),
        ("post", reverse("account_change_password")),
        ("get", reverse("account_change_password")),
        ("get", reverse("api:documentation")),
        ("get", "/admin/"),
        ("put", "/"),
        ("delete", f"/api/v1/messages/{message.pk}/"),
        ("post", "/mailgun/webhook/"),
    ):
        response = getattr(view, method)(address)
        assert (response.status_code, address) == (403, address)
        assert READ_ONLY in response.text
        assert BANNER in response.text
    assert SentMessage.objects.values().get() == before
    assert {row[1] for row in rows()} == {"view_as.started", "view_as.page", "access.refused"}


@pytest.mark.slow
def test_no_file_is_taken(view: Client, message: SentMessage, settings: Settings, tmp_path: Any) -> None:
    settings.REPORT_FOLDER = tmp_path
    for address in (
        f"{reverse('web:sent_message_log')}?export=csv",
        f"{message_url(LOG, message.pk, 'recipients')}?export=pdf",
        f"{message_url(LOG, message.pk, 'call_sheet')}?format=pdf",
        f"{message_url(LOG, message.pk, 'report')}?format=csv&detail=summary",
        reverse("web:report_file", args=[1]),
    ):
        response = view.get(address)
        assert (response.status_code, address) == (403, address)
        assert READ_ONLY in response.text
    assert not [row for row in rows() if row[1].startswith(("export", "report"))]


@pytest.mark.slow
def test_the_persons_own_files_are_not_shown(view: Client) -> None:
    for name in ("my_reports", "message_import"):
        response = view.get(reverse(f"web:{name}"))
        assert response.status_code == 403
        assert "Only this person sees it" in response.text


def test_an_answer_that_is_no_page_is_refused(view: Client, settings: Settings) -> None:
    """Also one that a page learns to give later."""
    settings.ROOT_URLCONF = "tests.web.file_urls"
    response = view.get("/a-file/")
    assert response.status_code == 403
    assert READ_ONLY in response.text


# When it ends


@pytest.mark.slow
def test_it_ends_after_30_minutes_and_the_late_request_does_nothing(
    view: Client, person: User, message: SentMessage, time_machine: Any
) -> None:
    time_machine.move_to(timezone.now() + timedelta(minutes=29))
    assert BANNER in view.get("/").text
    time_machine.shift(timedelta(minutes=1, seconds=1))
    response = view.post(message_url(Tool.ADMIN_SENT_MESSAGE_LOG, message.pk, "cancel"), follow=True)
    assert response.redirect_chain == [(reverse("web:person", args=[person.pk]), 302)]
    assert "You see your own pages again, because 30 minutes are over." in response.text
    assert SentMessage.objects.get().status == "waiting"
    assert ("Administrator, System", "view_as.ended", "mai", None) in rows()
    assert BANNER not in view.get("/").text


@pytest.mark.slow
def test_a_fragment_leads_to_a_whole_page_when_it_ends(view: Client, person: User, time_machine: Any) -> None:
    time_machine.move_to(timezone.now() + timedelta(minutes=31))
    response = view.get("/", headers={"HX-Request": "true"})
    assert response["HX-Redirect"] == reverse("web:person", args=[person.pk])


@pytest.mark.slow
def test_it_ends_when_the_person_gets_more_rights_or_is_closed(
    client: Client, administrator: User, person: User
) -> None:
    for change in (
        lambda: User.objects.filter(pk=person.pk).update(is_superuser=True),
        lambda: close_account(by=administrator, user_id=person.pk),
    ):
        User.objects.filter(pk=person.pk).update(is_superuser=False)
        client.post(reverse("web:view_as", args=[person.pk]))
        assert BANNER in client.get("/").text
        change()
        response = client.get("/", follow=True)
        assert "because rights have changed" in response.text
        assert BANNER not in response.text


@pytest.mark.slow
def test_signing_out_signs_the_administrator_out_and_ends_it(view: Client, administrator: User) -> None:
    assert view.post(reverse("account_logout")).status_code == 302
    assert view.get("/").status_code == 302, "to the sign-in page"
    view.force_login(administrator)
    assert BANNER not in view.get("/").text
    left = AuditEvent.objects.filter(action__in=["view_as.ended", "sign_out.succeeded"]).order_by("pk")
    assert list(left.values_list("action", "who")) == [
        ("view_as.ended", "Administrator, System"),
        ("sign_out.succeeded", "Administrator, System"),
    ]


@pytest.mark.slow
def test_a_form_of_a_page_from_before_or_from_within_is_refused_afterwards(administrator: User, person: User) -> None:
    """A button of the view, pressed after its end, must not act in the administrator's own name."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(administrator)
    address = reverse("web:person", args=[person.pk])

    def token(page: str) -> str:
        return str(client.get(page).context["csrf_token"])

    def post(to: str, given: str) -> int:
        return int(client.post(to, {"csrfmiddlewaretoken": given}).status_code)

    before = token(address)
    assert post(reverse("web:view_as", args=[person.pk]), before) == 302
    within = token("/")
    assert post(reverse("web:end_view_as"), before) == 403
    assert post(reverse("web:end_view_as"), within) == 302
    close = reverse("web:close_account", args=[person.pk])
    assert post(close, within) == 403
    assert post(close, token(address)) == 302


# As whom


def test_as_whom_it_is_refused_is_said_on_the_page_and_nothing_begins(
    make_user: MakeUser, signed_in: Callable[[User], Client], person: User
) -> None:
    client = signed_in(make_user(CHANGE, (Tool.USER_GROUPS, Right.READ)))
    page = client.get(reverse("web:person", args=[person.pk])).text
    assert "may see something that you may not see yourself" in page
    assert reverse("web:view_as", args=[person.pk]) not in page
    text = client.post(reverse("web:view_as", args=[person.pk]), follow=True).text
    assert "may see something that you may not see yourself" in text
    assert BANNER not in client.get("/").text


@pytest.mark.slow
def test_a_token_is_always_that_of_its_own_account(view: Client, administrator: User, message: SentMessage) -> None:
    """The API knows no view: without the cookie the token gives what the administrator may see."""
    token = issue_token(user=administrator)[0]
    address = f"/api/v1/messages/{message.pk}/"
    assert Client().get(address, headers={"Authorization": f"Token {token}"}).status_code == 200
    assert view.get(address, headers={"Authorization": f"Token {token}"}).status_code == 403
    assert AuditEvent.objects.filter(action="message.viewed").exclude(details__has_key="as").count() == 1
