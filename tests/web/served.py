"""The site as people meet it: served, with the standing cast in it."""

from __future__ import annotations

from tests.served import Site

PREPARE = """
from django.core.management import call_command
call_command("migrate", verbosity=0)
from datetime import date
from tests.apps.cast import assemble, bill
from tests.site.entering import give_password
from tuodi.apps.registry.models import Person
from tuodi.apps.settlement.actions import Settle
from tuodi.base import secrets
c = assemble()
for user in c.users.values():
    give_password(user)
p = c.wang
p.certno_index, p.certno_tail, p.birth = secrets.search_index("610902194901011228"), "1228", date(1949, 1, 1)
p.save()
for n in range(27):
    Settle(actor=c.sun, bill=bill(f"H2-{n:03d}", date(2023, 2, 1 + n % 28), 300 + 17 * n, hospital=c.other_hospital.code, person="P0002", msgid="m")).run()
"""


class Served(Site):
    """A running site with the standing cast in it."""

    def __init__(self) -> None:
        super().__init__()
        self.manage(PREPARE)
        self.start(workers=1)
