from django.urls import URLPattern

app_name = "messenger_logs"

urlpatterns: list[URLPattern] = []
