from django.apps import AppConfig


class Config(AppConfig):
    name = "tuodi.apps.reconciliation"
    label = "reconciliation"
    default_auto_field = "django.db.models.BigAutoField"
