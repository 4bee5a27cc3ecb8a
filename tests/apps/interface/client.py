"""A system that speaks the plain JSON interface, over HTTP."""

from __future__ import annotations

import json
from typing import Any

from tests.apps.his import Hospital


class System(Hospital):
    """Signs as the national interface does; ``ask`` returns status and content."""

    def __init__(self, client: Any, **named: Any) -> None:
        super().__init__(None, **named)
        del self.post
        self.client = client

    def ask(
        self, method: str, path: str, asked: Any = None, *, headers: dict[str, str] | None = None, **how: Any
    ) -> tuple[int, Any]:
        signed = {**self.headers(), **(headers or {})}
        body = asked if isinstance(asked, bytes) else b"" if asked is None else json.dumps(asked).encode()
        answer = self.client.generic(
            method, f"/api/v1/{path}", body, headers=signed, **{"content_type": "application/json", **how}
        )
        self.last = answer
        return answer.status_code, json.loads(answer.content)

    def post(self, path: str, asked: Any, **how: Any) -> tuple[int, Any]:
        return self.ask("POST", path, asked, **how)

    def get(self, path: str, **how: Any) -> tuple[int, Any]:
        return self.ask("GET", path, **how)


def bill(yuan: int, **more: Any) -> dict[str, Any]:
    """Return an inpatient bill wholly within policy scope."""
    return {
        "psn_no": "P0001", "med_type": "21", "begndate": "2023-03-01", "enddate": "2023-03-09", "setl_time": "2023-03-09T10:30:00+08:00",
        "diag_code": "J18.9", "medfee_sumamt_fen": yuan * 100, "inscp_scp_amt_fen": yuan * 100, **more,
    }  # fmt: skip


def codes(content: dict[str, Any]) -> set[tuple[str, str]]:
    return {(error["code"], error["field"]) for error in content["errors"]}
