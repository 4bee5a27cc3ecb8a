from django.apps import AppConfig


class Config(AppConfig):
    name = "tuodi.apps.institutions"
    label = "institutions"
    default_auto_field = "django.db.models.BigAutoField"
