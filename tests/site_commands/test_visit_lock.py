"""A stay is settled and cancelled at the same moment by two windows of a hospital: one of them does, the other is told why not."""

import json

from tests.site_commands.test_backup import County

ROUNDS = 12
RACE = f"""
import json
import threading
from django.core.management import call_command
call_command('migrate', verbosity=0)
from django.db import connections
import tuodi.site.urls
from tests.apps.cast import assemble
from tests.apps.his import Hospital
from tests.apps.test_gateway import CERTNO, admit, bill
from tuodi.apps.registry.queries import seal_certno
from tuodi.apps.settlement import gateway
from tuodi.apps.settlement.models import Bill, Encounter

cast = assemble()
seal_certno(cast.wang, CERTNO)
cast.wang.save()

def window(number):
    post = lambda path, body, headers: json.dumps(gateway.process(body, actor=cast.zhao), ensure_ascii=False)
    made = Hospital(post, code='H61090200001', paasid='x', token='x')
    made.number = number * 1000
    return made

first, second, told = window(1), window(2), []

def run(how, barrier, said):
    barrier.wait()
    said.append(how())
    connections.close_all()

for _ in range({ROUNDS}):
    visit = admit(first)
    asked = {{'data': bill('1000', mdtrt_id=visit), 'feedetail': [], 'upstream': {{'setl_time': '2023-03-09 10:30:00'}}}}
    settles = lambda: ('settled', first.send('2304', asked))
    cancels = lambda: ('cancelled', second.send('2404', {{'data': {{'mdtrt_id': visit, 'psn_no': 'P0001'}}}}))
    barrier, said = threading.Barrier(2), []
    both = [threading.Thread(target=run, args=(how, barrier, said)) for how in (settles, cancels)]
    for one in both: one.start()
    for one in both: one.join()
    done = sorted(name for name, answer in said if str(answer['infcode']) == '0')
    why = [answer['err_msg'] for name, answer in said if str(answer['infcode']) != '0']
    is_cancelled = Encounter.objects.get(mdtrt_id=visit).cancelled_at is not None
    is_settled = Bill.objects.filter(mdtrt_id=visit).exists()
    told.append([done, why, is_settled, is_cancelled])
print(json.dumps(told, ensure_ascii=False))
"""


def test_a_stay_that_is_settled_and_cancelled_at_once_is_one_of_the_two(tmp_path, request):
    told = json.loads(County(tmp_path / "home", request).must(RACE).splitlines()[-1])
    assert len(told) == ROUNDS
    for done, why, is_settled, is_cancelled in told:
        assert done in (["settled"], ["cancelled"]), told
        assert (is_settled, is_cancelled) == (done == ["settled"], done == ["cancelled"]), told
        assert len(why) == 1
        assert "E-" in why[0]
        assert "内部错误" not in why[0]
