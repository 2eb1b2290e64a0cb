from django.apps import AppConfig


class SavedViewsConfig(AppConfig):
    name = "saved_views"
