"""The OpenAPI document is what is served, and what is served is what the document says: asked by schemathesis, always alike.

``TUODI_EXAMPLES=300`` asks more, and otherwise.
"""

import json
import os
from contextlib import contextmanager
from pathlib import Path

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, given, settings
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance, unsupported_method

from tests.apps.interface.client import bill
from tuodi.apps.interface.api import document
from tuodi.apps.settlement.models import Bill, Exchange

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "openapi.json"
EXAMPLES = int(os.environ.get("TUODI_EXAMPLES", "12"))
#: What does not hold of a right request: a person who is not known is refused. Methods and signatures have tests of their own.
EXCLUDED = [positive_data_acceptance, ignored_auth, unsupported_method]
OPERATIONS = sorted((path, method) for path, methods in document()["paths"].items() for method in methods)
#: Nothing can be wrong with a request that has nothing in it.
ASKABLE = [
    (*one, mode)
    for one in OPERATIONS for mode in GenerationMode if mode is GenerationMode.POSITIVE or not one[0].endswith("/institution")
]  # fmt: skip
ASKED = settings(
    max_examples=EXAMPLES, deadline=None, derandomize="TUODI_EXAMPLES" not in os.environ, database=None, suppress_health_check=list(HealthCheck),
)  # fmt: skip


def test_the_document_kept_is_the_one_that_is_served(client):
    served = client.get("/api/v1/openapi.json")
    assert served.json() == json.loads(PAGE.read_text("utf-8"))
    assert served["Content-Type"] == "application/json"
    assert served.json()["openapi"].startswith("3.1")


def test_every_operation_says_in_chinese_what_it_does_and_how_it_fails():
    for path, methods in document()["paths"].items():
        for operation in methods.values():
            assert "\u4e00" <= operation["summary"][0] <= "\u9fff", path
            assert {"200", "401", "422", "429", "500"} <= set(operation["responses"])
            for status, answer in operation["responses"].items():
                if status != "200":
                    assert answer["content"]["application/json"]["schema"]["$ref"].endswith("/Errors")


def test_no_address_asks_for_anything_personal():
    for path, methods in document()["paths"].items():
        for operation in methods.values():
            named = {parameter["name"] for parameter in operation["parameters"]}
            assert not named & {"psn_no", "number", "certno", "name", "birth"}, path


@contextmanager
def one_connection():
    """Keep the test's own connection over requests; the framework's test client does so for its own, and then undoes it."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def operation_of(path, method):
    """Return an operation as schemathesis asks it; signing is this test's, so it is not in the document that it reads."""
    unsigned = document()
    del unsigned["security"], unsigned["components"]["securitySchemes"]
    schema = schemathesis.openapi.from_dict(unsigned)
    schema.app = get_wsgi_application()
    return schema[path][method.upper()]


@pytest.mark.parametrize(("path", "method", "mode"), ASKABLE)
def test_what_the_document_allows_and_forbids_is_answered_as_it_says(system, path, method, mode):
    settled = system.post("settlements", {"request_id": "20230309-0001", "bill": bill(300)})[1]["setl_id"]
    before = Bill.objects.count(), Exchange.objects.count()
    operation, statuses = operation_of(path, method), set()

    @ASKED
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case):
        if mode is GenerationMode.POSITIVE:
            if (
                isinstance(case.body, dict)
                and isinstance(case.body.get("bill"), dict)
                and "psn_no" in case.body["bill"]
            ):
                case.body["bill"]["psn_no"] = "P0001"
            if len(statuses) % 2:
                case.path_parameters = dict.fromkeys(case.path_parameters or {}, settled)
        answer = case.call(headers=system.headers())
        case.validate_response(answer, excluded_checks=EXCLUDED)
        statuses.add(answer.status_code)

    with one_connection():
        ask()
    assert not statuses & {401, 429, 500}
    if mode is GenerationMode.NEGATIVE:
        assert method == "get" or 200 not in statuses  # An address with more in it than is asked is the same address.
        assert before == (Bill.objects.count(), Exchange.objects.count())
