from django.apps import AppConfig


class BaseConfig(AppConfig):
    name = "tuodi.base"
    label = "base"
    verbose_name = "平台基础"
    default_auto_field = "django.db.models.BigAutoField"
