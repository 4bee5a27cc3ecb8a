"""Two people approve the same proposal at the same moment, in processes of their own: it is approved once."""

import subprocess
import sys

from tests.site_commands.test_backup import ROOT, County

MAKE = """
from datetime import date
from django.core.management import call_command
call_command('migrate', verbosity=0)
from tests.apps.cast import assemble, bill
from tuodi.apps.policies.actions import ProposeInstallation
from tuodi.apps.policies.queries import Proposal
from tuodi.apps.settlement.actions import Settle
from tuodi.apps.settlement.impact import measure
from tuodi.base.models import User
cast = assemble()
User.objects.create(username='second', password='!', name='另一审核岗', role='policy_approver', area_code='610900')
Settle(actor=cast.zhao, bill=bill('A', date(2023, 3, 1), 30000)).run()
row = ProposeInstallation(actor=cast.officer, area_code='610900', pack='610900-ankang', first=date(2024, 1, 1)).run()
measure(cast.officer, Proposal(installation=row))
"""
APPROVE = """
import os
os.environ['DJANGO_SETTINGS_MODULE'] = 'tuodi.site.settings'
import django
django.setup()
import sys
from tuodi.apps.policies.actions import ApproveInstallation
from tuodi.apps.policies.models import Installation
from tuodi.base.models import User
from tuodi.core.errors import InputErrors
action = ApproveInstallation(actor=User.objects.get(username=sys.argv[1]), installation=Installation.objects.get(approved_at=None))
print('ready', flush=True)
sys.stdin.readline()
try:
    action.run()
    print('approved')
except InputErrors as errors:
    print(errors.faults[0].code)
"""
LOOK = """
from tuodi.apps.policies.models import Installation
from tuodi.base.models import Announcement, AuditEvent
print(Installation.objects.filter(approved_at__isnull=False).count(), AuditEvent.objects.filter(verb='policy:approve').count(),
      Announcement.objects.filter(fact='policy:approved').count())
"""


def test_two_people_approve_at_once_and_one_of_them_does(tmp_path, request):
    county = County(tmp_path / "home", request)
    county.must(MAKE)
    both = [
        subprocess.Popen(
            [sys.executable, "-c", APPROVE, name],
            env=county.environment,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("approver", "second")
    ]
    assert [one.stdout.readline() for one in both] == ["ready\n"] * 2
    for one in both:
        one.stdin.write("go\n")
        one.stdin.flush()
    said = sorted(one.communicate(timeout=60)[0].strip() for one in both)
    assert said == ["E-POLICY-DECIDED", "approved"]
    assert county.must(LOOK).split() == ["2", "1", "1"]
