from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "tuodi.site"
    label = "tuodi_site"
    verbose_name = "托底"

    def ready(self) -> None:
        from tuodi.site.accounts import watch_second_factors
        from tuodi.site.wiring import wire

        watch_second_factors()
        wire()
