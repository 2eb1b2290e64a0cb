from django.urls import path

from dispatch import views

app_name = "dispatch"

urlpatterns = [
    path("voxology/<str:secret>/call-flow/", views.call_flow, name="call_flow"),
    path("voxology/<str:secret>/texts/", views.texts, name="texts"),
]
