"""How amounts and days read on a page."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import mark_safe

from tuodi.base.models import Area
from tuodi.core.money import yuan_for_people

register = template.Library()


@register.filter
def fen(amount: int | None) -> str:
    """Return fen as yuan with thousands separated; empty if not known."""
    return "" if amount is None else yuan_for_people(int(amount)).removesuffix(" 元")


@register.filter
def fen_changed(amount: int) -> str:
    """Return a difference with its sign."""
    return f"+{fen(amount)}" if amount > 0 else fen(amount)


@register.simple_tag(takes_context=True)
def area(context: dict[str, Any], code: str) -> str:
    """Return what an area is called with its code, or the code where nobody named it; a page asks for the names once."""
    request = context["request"]
    if not hasattr(request, "area_names"):
        request.area_names = dict(Area.objects.values_list("code", "name"))
    name = request.area_names.get(code)
    return format_html("{}<small>{}</small>", name, code) if name else code


@register.simple_tag(takes_context=True)
def with_query(context: dict[str, object], **changes: object) -> str:
    """Return the page's query with some values changed; None takes one away."""
    request = context["request"]
    query = {key: value for key, value in request.GET.items() if value}  # type: ignore[attr-defined]
    query |= {key: str(value) for key, value in changes.items() if value is not None}
    return "?" + urlencode(
        {key: value for key, value in query.items() if key not in changes or changes[key] is not None}
    )


@register.simple_tag(takes_context=True)
def sort_head(context: dict[str, object], key: str, title: str, order: str) -> str:
    """Return a heading that sorts a list by a column: first upwards, then the other way; ``order`` is how it is sorted now."""
    sorted_as = {key: ' aria-sort="ascending"', f"-{key}": ' aria-sort="descending"'}.get(order, "")
    url = with_query(context, order=f"-{key}" if order == key else key, page=None)
    return format_html('<th scope="col"{}><a href="{}">{}</a></th>', mark_safe(sorted_as), url, title)  # noqa: S308  one of three words of ours
