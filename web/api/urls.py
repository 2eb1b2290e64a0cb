from django.urls import path
from drf_spectacular.views import SpectacularJSONAPIView
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import IsAuthenticated

from accounts.service_accounts.authentication import ServiceTokenAuthentication
from accounts.tokens import TokenAuthentication
from web.api import alerts, cancel, contacts, intake, messages, people
from web.api.ambiguous_events import AmbiguousEvents, AmbiguousEventSearch
from web.api.documentation import documentation
from web.api.inbox import InboxSearch
from web.api.mailgun_domains import MailgunDomains
from web.api.mailgun_events import EventGroups, Events, EventSearch
from web.api.replies import Replies, ReplySearch
from web.api.saved_views import OneSavedView, SavedViews
from web.api.service_tokens import service_token
from web.api.tokens import Tokens

app_name = "api"

urlpatterns = [
    path("", documentation, name="documentation"),
    path(
        "openapi.json",
        SpectacularJSONAPIView.as_view(
            authentication_classes=[TokenAuthentication, ServiceTokenAuthentication, SessionAuthentication],
            permission_classes=[IsAuthenticated],
        ),
        name="schema",
    ),
    path("tokens/", Tokens.as_view(), name="tokens"),
    path("oauth/token/", service_token, name="service_token"),
    path("mailgun-events/", Events.as_view(), name="mailgun_events"),
    path("mailgun-events/ambiguous/", AmbiguousEvents.as_view(), name="ambiguous_events"),
    path("mailgun-events/ambiguous/search/", AmbiguousEventSearch.as_view(), name="ambiguous_event_search"),
    path("mailgun-events/groups/", EventGroups.as_view(), name="mailgun_groups"),
    path("mailgun-events/search/", EventSearch.as_view(), name="mailgun_event_search"),
    path("mailgun-domains/", MailgunDomains.as_view(), name="mailgun_domains"),
    path("replies/", Replies.as_view(), name="replies"),
    path("replies/search/", ReplySearch.as_view(), name="reply_search"),
    path("alerts/", alerts.AlertList.as_view(), name="alerts"),
    path("alerts/<int:pk>/acknowledge/", alerts.Acknowledge.as_view(), name="acknowledge_alert"),
    path("contacts/", contacts.Contacts.as_view(), name="contacts"),
    path("contacts/search/", contacts.ContactSearch.as_view(), name="contact_search"),
    path("contacts/<int:pk>/state/", contacts.ContactStateView.as_view(), name="contact_state"),
    path("contacts/<int:pk>/allow-again/", contacts.AllowAgainView.as_view(), name="contact_allow_again"),
    path("inbox/search/", InboxSearch.as_view(), name="inbox_search"),
    path("saved-views/", SavedViews.as_view(), name="saved_views"),
    path("saved-views/<int:pk>/", OneSavedView.as_view(), name="saved_view"),
    path("reach/", people.MessagesReached.as_view(), name="reach"),
    path("messages/", messages.Messages.as_view(), name="messages"),
    path("messages/search/", messages.MessageSearch.as_view(), name="message_search"),
    path("messages/bulk/", intake.MessagesInBulk.as_view(), name="messages_in_bulk"),
    path("messages/<int:pk>/", messages.MessageDetail.as_view(), name="message"),
    path("messages/<int:pk>/cancel/", cancel.Cancel.as_view(), name="cancel"),
    path("messages/<int:pk>/deliveries/", messages.Deliveries.as_view(), name="deliveries"),
    path("messages/<int:pk>/deliveries/search/", messages.DeliverySearch.as_view(), name="delivery_search"),
    path("messages/<int:pk>/people/", people.PeopleOfMessage.as_view(), name="people"),
    path("messages/<int:pk>/people/search/", people.PeopleSearch.as_view(), name="people_search"),
    path("messages/<int:pk>/recipients/", intake.NewRecipients.as_view(), name="recipients"),
    path("messages/<int:pk>/statuses/", intake.StatusReports.as_view(), name="statuses"),
]
