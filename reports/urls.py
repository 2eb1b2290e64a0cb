from django.urls import path

from messenger_logs.urls import ANYBODYS, OWN, V2
from reports import views

app_name = "reports"

urlpatterns = [
    path(f"{OWN}<int:pk>/report/", views.OwnMessageReport.as_view(), name="own_message"),
    path(f"{ANYBODYS}<int:pk>/report/", views.AnybodysMessageReport.as_view(), name="anybodys_message"),
    path(f"{V2}<int:pk>/report/", views.BuildReport.as_view(), name="message_2"),
    path("my-reports/", views.my_reports, name="my_reports"),
    path("my-reports/<int:pk>/", views.job, name="job"),
    path("my-reports/<int:pk>/file/", views.file, name="file"),
    path("my-reports/<int:pk>/cancel/", views.cancel, name="cancel"),
    path("my-reports/<int:pk>/remove/", views.remove, name="remove"),
]
