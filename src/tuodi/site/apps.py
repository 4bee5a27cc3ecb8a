from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "tuodi.site"
    label = "tuodi_site"
    verbose_name = "托底"

    def ready(self) -> None:
        from django import forms

        from tuodi.site.accounts import watch_second_factors
        from tuodi.site.wiring import wire

        # Said before any form is made: a clerk fills in lines and knows of no "fields".
        forms.Field.default_error_messages["required"] = "这一项必填。"
        watch_second_factors()
        wire()
