from django.urls import path

from dispatch import again_views, status_views, views

app_name = "dispatch"

OWN, ANYBODYS = "messenger/sent-message-log/", "messenger-administration/sent-message-log/"
UPCOMING = "messenger/upcoming-messages/"

# The pages below a message are named by the tool that shows it.
urlpatterns = [
    path(f"{OWN}<int:pk>/in-doubt/", again_views.SendOwnAgain.as_view(), name="again_sent_message_log"),
    path(f"{ANYBODYS}<int:pk>/in-doubt/", again_views.SendAnybodysAgain.as_view(), name="again_admin_sent_message_log"),
    path(f"{UPCOMING}<int:pk>/in-doubt/", again_views.SendUpcomingAgain.as_view(), name="again_upcoming_messages"),
    path("messenger-administration/dispatch-status/", status_views.status, name="status"),
    path("voxology/<str:secret>/call-flow/", views.call_flow, name="call_flow"),
    path("voxology/<str:secret>/texts/", views.texts, name="texts"),
]
