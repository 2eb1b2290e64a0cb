from django.urls import path

from web.listings import recipient_log, sent_message_log, sent_message_log_2, upcoming_messages
from web.views import (
    cancel,
    dispatch_status,
    home,
    message,
    reports,
    retry,
    search,
    sync_status,
    user_groups,
    webhooks,
)

app_name = "web"

OWN, ALL = "messenger/sent-message-log/", "messenger-administration/sent-message-log/"
V2, UPCOMING = "messenger/sent-message-log-2/", "messenger/upcoming-messages/"
SYNC, GROUPS = "messenger-administration/mailgun-sync/", "system-administration/user-groups/"

urlpatterns = [
    path("", home.home, name="home"),
    path("search/", search.search, name="search"),
    path(V2, sent_message_log_2.SentMessageLog2.as_view(), name="sent_message_log_2"),
    path(f"{V2}<int:pk>/", sent_message_log_2.Message2Page.as_view(), name="sent_message_log_2_message"),
    path(
        f"{V2}<int:pk>/recipients/",
        sent_message_log_2.Message2Recipients.as_view(),
        name="sent_message_log_2_message_recipients",
    ),
    path(
        f"{V2}<int:pk>/body/<str:mode>/",
        sent_message_log_2.Message2Body.as_view(),
        name="sent_message_log_2_message_body",
    ),
    path(f"{V2}<int:pk>/report/", reports.BuildReport.as_view(), name="sent_message_log_2_message_report"),
    path(UPCOMING, upcoming_messages.UpcomingMessages.as_view(), name="upcoming_messages"),
    path(f"{UPCOMING}<int:pk>/", upcoming_messages.UpcomingMessagePage.as_view(), name="upcoming_messages_message"),
    path(
        f"{UPCOMING}<int:pk>/recipients/",
        upcoming_messages.UpcomingMessageRecipients.as_view(),
        name="upcoming_messages_message_recipients",
    ),
    path(
        f"{UPCOMING}<int:pk>/cancel/", cancel.CancelUpcomingMessage.as_view(), name="upcoming_messages_message_cancel"
    ),
    path(
        f"{UPCOMING}<int:pk>/body/<str:mode>/",
        upcoming_messages.UpcomingMessageBody.as_view(),
        name="upcoming_messages_message_body",
    ),
    path(f"{UPCOMING}<int:pk>/in-doubt/", retry.SendUpcomingAgain.as_view(), name="upcoming_messages_message_retry"),
    path(OWN, sent_message_log.SentMessageLog.as_view(), name="sent_message_log"),
    path(f"{OWN}olr/", sent_message_log.OlrEmailLog.as_view(), name="olr_email_log"),
    path(f"{OWN}<int:pk>/", message.OwnMessagePage.as_view(), name="sent_message_log_message"),
    path(
        f"{OWN}<int:pk>/recipients/", message.OwnMessageRecipients.as_view(), name="sent_message_log_message_recipients"
    ),
    path(f"{OWN}<int:pk>/cancel/", cancel.CancelOwnMessage.as_view(), name="sent_message_log_message_cancel"),
    path(f"{OWN}<int:pk>/body/<str:mode>/", message.OwnMessageBody.as_view(), name="sent_message_log_message_body"),
    path(f"{OWN}<int:pk>/in-doubt/", retry.SendOwnAgain.as_view(), name="sent_message_log_message_retry"),
    path(f"{OWN}<int:pk>/report/", reports.OwnMessageReport.as_view(), name="sent_message_log_message_report"),
    path(ALL, sent_message_log.AdministrationSentMessageLog.as_view(), name="admin_sent_message_log"),
    path(f"{ALL}olr/", sent_message_log.AdministrationOlrEmailLog.as_view(), name="admin_olr_email_log"),
    path(f"{ALL}<int:pk>/", message.AnybodysMessagePage.as_view(), name="admin_sent_message_log_message"),
    path(
        f"{ALL}<int:pk>/recipients/",
        message.AnybodysMessageRecipients.as_view(),
        name="admin_sent_message_log_message_recipients",
    ),
    path(
        f"{ALL}<int:pk>/cancel/", cancel.CancelAnybodysMessage.as_view(), name="admin_sent_message_log_message_cancel"
    ),
    path(
        f"{ALL}<int:pk>/body/<str:mode>/",
        message.AnybodysMessageBody.as_view(),
        name="admin_sent_message_log_message_body",
    ),
    path(f"{ALL}<int:pk>/in-doubt/", retry.SendAnybodysAgain.as_view(), name="admin_sent_message_log_message_retry"),
    path(
        f"{ALL}<int:pk>/report/", reports.AnybodysMessageReport.as_view(), name="admin_sent_message_log_message_report"
    ),
    path("messenger/recipient-log/", recipient_log.RecipientLog.as_view(), name="recipient_log"),
    path(
        "messenger-administration/recipient-log/",
        recipient_log.AdministrationRecipientLog.as_view(),
        name="admin_recipient_log",
    ),
    path("messenger/mailgun-message-log/", sync_status.MailgunMessageLog.as_view(), name="mailgun_message_log"),
    path(
        "messenger-administration/mailgun-message-log/",
        sync_status.AdministrationMailgunMessageLog.as_view(),
        name="admin_mailgun_message_log",
    ),
    path(SYNC, sync_status.status, name="mailgun_sync"),
    path(f"{SYNC}domains/<int:pk>/sync/", sync_status.sync_now, name="sync_now"),
    path(f"{SYNC}domains/<int:pk>/pause/", sync_status.pause, name="pause_sync"),
    path(f"{SYNC}domains/<int:pk>/resume/", sync_status.resume, name="resume_sync"),
    path(f"{SYNC}domains/<int:pk>/backfill/", sync_status.backfill, name="backfill_sync"),
    path(f"{SYNC}quarantine/<int:pk>/retry/", sync_status.retry_event, name="retry_event"),
    path("messenger-administration/dispatch-status/", dispatch_status.status, name="dispatch_status"),
    path(GROUPS, user_groups.user_groups, name="user_groups"),
    path(f"{GROUPS}new/", user_groups.new_group, name="new_group"),
    path(f"{GROUPS}<int:pk>/", user_groups.user_group, name="user_group"),
    path(f"{GROUPS}<int:pk>/rights/", user_groups.change_rights, name="change_rights"),
    path(f"{GROUPS}<int:pk>/name/", user_groups.rename_group, name="rename_group"),
    path(f"{GROUPS}<int:pk>/people/", user_groups.find_people, name="find_people"),
    path(f"{GROUPS}<int:pk>/people/add/", user_groups.add_member, name="add_member"),
    path(f"{GROUPS}<int:pk>/people/remove/", user_groups.remove_member, name="remove_member"),
    path(f"{GROUPS}<int:pk>/delete/", user_groups.delete_group, name="delete_group"),
    path("system-administration/audit-trail/", user_groups.AuditTrail.as_view(), name="audit_trail"),
    path("my-reports/", reports.my_reports, name="my_reports"),
    path("my-reports/<int:pk>/", reports.job, name="report_job"),
    path("my-reports/<int:pk>/file/", reports.file, name="report_file"),
    path("my-reports/<int:pk>/cancel/", reports.cancel, name="report_cancel"),
    path("my-reports/<int:pk>/remove/", reports.remove, name="report_remove"),
    path("voxology/<str:secret>/call-flow/", webhooks.call_flow, name="voxology_call_flow"),
    path("voxology/<str:secret>/texts/", webhooks.texts, name="voxology_texts"),
]
