from django.apps import AppConfig


class Config(AppConfig):
    name = "tuodi.apps.settlement"
    label = "settlement"
    default_auto_field = "django.db.models.BigAutoField"
