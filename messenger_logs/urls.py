from django.urls import path

from messenger_logs.views import cancel, classic, home, message, recipient_log, search, upcoming, v2

app_name = "messenger_logs"

OWN, ANYBODYS = "messenger/sent-message-log/", "messenger-administration/sent-message-log/"
V2, UPCOMING = "messenger/sent-message-log-2/", "messenger/upcoming-messages/"

urlpatterns = [
    path("", home.home, name="home"),
    path("search/", search.search, name="search"),
    path(V2, v2.SentMessageLog2.as_view(), name="log_2"),
    path(f"{V2}<int:pk>/", v2.Message2Page.as_view(), name="message_2"),
    path(f"{V2}<int:pk>/recipients/", v2.Message2Recipients.as_view(), name="message_2_recipients"),
    path(f"{V2}<int:pk>/body/<str:mode>/", v2.Message2Body.as_view(), name="message_2_body"),
    path(UPCOMING, upcoming.UpcomingMessages.as_view(), name="upcoming"),
    path(f"{UPCOMING}<int:pk>/", upcoming.UpcomingMessagePage.as_view(), name="upcoming_message"),
    path(
        f"{UPCOMING}<int:pk>/recipients/",
        upcoming.UpcomingMessageRecipients.as_view(),
        name="upcoming_message_recipients",
    ),
    path(f"{UPCOMING}<int:pk>/cancel/", cancel.CancelUpcomingMessage.as_view(), name="upcoming_message_cancel"),
    path(f"{UPCOMING}<int:pk>/body/<str:mode>/", upcoming.UpcomingMessageBody.as_view(), name="upcoming_message_body"),
    path(OWN, classic.SentMessageLog.as_view(), name="log"),
    path(f"{OWN}olr/", classic.OlrEmailLog.as_view(), name="olr_log"),
    path(f"{OWN}<int:pk>/", message.OwnMessagePage.as_view(), name="message"),
    path(f"{OWN}<int:pk>/recipients/", message.OwnMessageRecipients.as_view(), name="message_recipients"),
    path(f"{OWN}<int:pk>/cancel/", cancel.CancelOwnMessage.as_view(), name="message_cancel"),
    path(f"{OWN}<int:pk>/body/<str:mode>/", message.OwnMessageBody.as_view(), name="message_body"),
    path(ANYBODYS, classic.AdministrationSentMessageLog.as_view(), name="admin_log"),
    path(f"{ANYBODYS}olr/", classic.AdministrationOlrEmailLog.as_view(), name="admin_olr_log"),
    path(f"{ANYBODYS}<int:pk>/", message.AnybodysMessagePage.as_view(), name="admin_message"),
    path(
        f"{ANYBODYS}<int:pk>/recipients/",
        message.AnybodysMessageRecipients.as_view(),
        name="admin_message_recipients",
    ),
    path(f"{ANYBODYS}<int:pk>/cancel/", cancel.CancelAnybodysMessage.as_view(), name="admin_message_cancel"),
    path(f"{ANYBODYS}<int:pk>/body/<str:mode>/", message.AnybodysMessageBody.as_view(), name="admin_message_body"),
    path("messenger/recipient-log/", recipient_log.RecipientLog.as_view(), name="recipient_log"),
    path(
        "messenger-administration/recipient-log/",
        recipient_log.AdministrationRecipientLog.as_view(),
        name="admin_recipient_log",
    ),
]
