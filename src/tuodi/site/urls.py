"""Every address of the site; a test asks each of them as every role.

Of the account library only what is used has an address: nobody signs up, and there is no mail to reset a password by.
"""

from __future__ import annotations

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from django.urls import URLPattern, URLResolver, include, path

from tuodi.site import web

accounts: list[URLPattern | URLResolver] = [
    path("login/", account.login, name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("password/change/", account.password_change, name="account_change_password"),
    path("2fa/", mfa.index, name="mfa_index"),
    path("2fa/authenticate/", mfa.authenticate, name="mfa_authenticate"),
    path("2fa/reauthenticate/", mfa.reauthenticate, name="mfa_reauthenticate"),
    path("2fa/totp/activate/", totp.activate_totp, name="mfa_activate_totp"),
    path("2fa/totp/deactivate/", totp.deactivate_totp, name="mfa_deactivate_totp"),
    path("2fa/recovery-codes/", codes.view_recovery_codes, name="mfa_view_recovery_codes"),
    path("2fa/recovery-codes/generate/", codes.generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("2fa/recovery-codes/download/", codes.download_recovery_codes, name="mfa_download_recovery_codes"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", web.home, name="home"),
    path("accounts/", include(accounts)),
    path("", include("tuodi.apps.institutions.web")),
    path("", include("tuodi.apps.accounts.web")),
    path("", include("tuodi.apps.trail.web")),
    path("", include("tuodi.apps.policies.web")),
    path("", include("tuodi.apps.registry.web")),
    path("", include("tuodi.apps.registry.web_people")),
    path("", include("tuodi.apps.registry.web_households")),
    path("", include("tuodi.apps.registry.web_codes")),
    path("", include("tuodi.apps.settlement.web")),
    path("", include("tuodi.apps.settlement.web_admissions")),
    path("", include("tuodi.apps.settlement.web_notices")),
    path("", include("tuodi.apps.settlement.web_rosters")),
    path("", include("tuodi.apps.settlement.web_identities")),
    path("", include("tuodi.apps.settlement.web_insured")),
    path("", include("tuodi.apps.settlement.web_deaths")),
    path("", include("tuodi.apps.settlement.web_duplicates")),
    path("", include("tuodi.apps.reconciliation.web")),
    path("", include("tuodi.apps.settlement.api")),
    path("", include("tuodi.apps.interface.api")),
]
