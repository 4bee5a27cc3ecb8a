"""A hospital's system and another's, connected. What needs the framework is imported when it is set up."""

import pytest


@pytest.fixture
def cast(db):
    from tests.apps.cast import assemble
    from tests.apps.test_gateway import CERTNO
    from tuodi.base import limits, secrets

    limits.HELD.left.clear()
    made = assemble()
    made.wang.certno_index, made.wang.certno_tail = secrets.search_index(CERTNO), CERTNO[-4:]
    made.wang.certno_sealed = secrets.encrypt(CERTNO, bound_to=f"registry.person:{made.wang.psn_no}")
    made.wang.save()
    return made


def connected(cast, hospital, user, name):
    from django.test import Client

    from tests.apps.interface.client import System
    from tuodi.apps.institutions.keys import IssueKey

    token = IssueKey(actor=cast.admin, institution=hospital, name=name, user=user).run()
    return System(Client(), code=hospital.code, paasid=name, token=token)


@pytest.fixture
def system(cast):
    return connected(cast, cast.hospital, cast.zhao, "his-1")


@pytest.fixture
def other(cast):
    return connected(cast, cast.other_hospital, cast.sun, "his-2")
