from django.urls import include, path
from drf_spectacular.views import SpectacularJSONAPIView
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import IsAuthenticated

from accounts.api import Tokens
from accounts.tokens import TokenAuthentication
from config.api_docs import documentation
from dispatch.api import InboxSearch
from mailgun_sync.api import Events, EventSearch

app_name = "api"

urlpatterns = [
    path("", documentation, name="documentation"),
    path(
        "openapi.json",
        SpectacularJSONAPIView.as_view(
            authentication_classes=[TokenAuthentication, SessionAuthentication], permission_classes=[IsAuthenticated]
        ),
        name="schema",
    ),
    path("tokens/", Tokens.as_view(), name="tokens"),
    path("mailgun-events/", Events.as_view(), name="mailgun_events"),
    path("mailgun-events/search/", EventSearch.as_view(), name="mailgun_event_search"),
    path("inbox/search/", InboxSearch.as_view(), name="inbox_search"),
    path("", include("messenger_logs.api.urls")),
]
