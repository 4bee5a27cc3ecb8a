"""What holds for every page: not kept by browsers, a session ends, nobody works without a second factor or on a first password."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.defaults import bad_request

from tuodi.base import clock

#: Addresses that an account which still has to set something up may reach: its own, and the pages' files.
OPEN = ("/accounts/", "/static/")
BEGAN, SEEN = "tuodi_began", "tuodi_seen"
#: Seconds between two notes of a session being used, so that not every page writes.
NOTE_EVERY = 60

Handler = Callable[[HttpRequest], HttpResponse]


class PagesMiddleware:
    """Keeps pages out of caches; features that no page uses are off; a redirect of a part leads the whole page away."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == 302 and request.headers.get("HX-Request") == "true":
            led = HttpResponse(status=204, headers={"HX-Redirect": response["Location"]})
            led.cookies = response.cookies
            response = led
        response["Cache-Control"] = "no-store"
        response["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
        response["X-Robots-Tag"] = "noindex, nofollow"
        return response


class WellFormedMiddleware:
    """Refuses what no keyboard sends and no database keeps: a NUL in an address or in a form."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        sent = [request.GET]
        if request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
            sent.append(request.POST)
        if "\0" in request.path or any(
            "\0" in text for held in sent for pair in held.lists() for text in (pair[0], *pair[1])
        ):
            return bad_request(request, SuspiciousOperation())
        return self.get_response(request)


class SessionLimitsMiddleware:
    """Ends a session that has not been used for a while, and any session after a working day."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user: Any = request.user
        if not user.is_authenticated:
            return self.get_response(request)
        now, session = int(clock.now().timestamp()), request.session
        began, seen = session.setdefault(BEGAN, now), session.setdefault(SEEN, now)
        if now - seen > settings.TUODI_SESSION_IDLE or now - began > settings.TUODI_SESSION_LIFE:
            logout(request)
            messages.info(request, "您已较长时间没有操作，或登录已满一个工作日，请重新登录。")
            return redirect("account_login")
        if now - seen >= NOTE_EVERY:
            session[SEEN] = now
        return self.get_response(request)


class SecondFactorMiddleware:
    """Leads to a new password where the first one was given by somebody else, then to a second factor, before any work."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user: Any = request.user
        if user.is_authenticated and not request.path.startswith(OPEN):
            if user.must_change_password:
                return redirect("account_change_password")
            if settings.TUODI_SECOND_FACTOR and not is_mfa_enabled(user):
                return redirect("mfa_activate_totp")
        return self.get_response(request)
