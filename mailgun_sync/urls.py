from django.urls import path

from mailgun_sync import views

app_name = "mailgun_sync"

urlpatterns = [
    path("messenger/mailgun-message-log/", views.MailgunMessageLog.as_view(), name="log"),
    path(
        "messenger-administration/mailgun-message-log/",
        views.AdministrationMailgunMessageLog.as_view(),
        name="admin_log",
    ),
    path("messenger-administration/mailgun-sync/", views.status, name="status"),
    path("messenger-administration/mailgun-sync/domains/<int:pk>/sync/", views.sync_now, name="sync_now"),
    path("messenger-administration/mailgun-sync/domains/<int:pk>/pause/", views.pause, name="pause"),
    path("messenger-administration/mailgun-sync/domains/<int:pk>/resume/", views.resume, name="resume"),
    path("messenger-administration/mailgun-sync/domains/<int:pk>/backfill/", views.backfill, name="backfill"),
    path("messenger-administration/mailgun-sync/quarantine/<int:pk>/retry/", views.retry_event, name="retry"),
]
