"""What areas are called: named by the administrator of the area, shown beside the code on every page, recorded."""

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client

from tests.apps.cast import assemble
from tests.site.entering import enter
from tuodi.apps.accounts.areas import NameArea
from tuodi.base.models import Area, AuditEvent, User
from tuodi.core.errors import InputErrors

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast():
    return assemble()


@pytest.fixture
def administrator(cast):
    return User.objects.get(role="administrator")


def test_an_area_is_named_shown_beside_its_code_and_named_otherwise(client, cast, administrator):
    Area.objects.all().delete()
    enter(client, administrator)
    assert "还没有名称" in client.get("/areas/").content.decode()
    assert client.post("/areas/", {"code": "610902", "name": "某区"}).status_code == 302
    clerk = Client()
    enter(clerk, cast.chen)
    assert "辖区 某区<small>610902</small>" in clerk.get("/").content.decode()
    assert "某区<small>610902</small>" in clerk.get(f"/institutions/{cast.hospital.pk}/").content.decode()
    client.post("/areas/", {"code": "610902", "name": "某新区"})
    assert "某新区<small>610902</small>" in client.get("/users/").content.decode()
    told = AuditEvent.objects.filter(verb="area:name", subject="area", subject_id="610902").order_by("pk").last()
    assert told.data == {"from": "某区", "to": "某新区"}


def test_an_area_outside_a_code_that_is_none_and_an_empty_name_are_refused_at_once(client, cast, administrator):
    for code in ("510000", "6109", "61090x"):
        with pytest.raises(InputErrors) as wrong:
            NameArea(actor=administrator, code=code, name=" ").run()
        assert [one.code for one in wrong.value.faults] == ["E-ACCOUNT-AREA", "E-AREA-NAME"]
    with pytest.raises(PermissionDenied):
        NameArea(actor=cast.chen, code="610902", name="某区").run()
    enter(client, administrator)
    page = client.post("/areas/", {"code": "510000", "name": "别处"}).content.decode()
    assert 'id="id_code_error"' in page
