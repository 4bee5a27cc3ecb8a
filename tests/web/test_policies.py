"""Policies' pages: proposed, measured in the background, decided by another; values with their sources; samples marked everywhere."""

import re
from datetime import date, timedelta

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.apps.cast import assemble, bill
from tests.site.entering import enter
from tuodi.apps.policies.actions import shelf_texts
from tuodi.apps.policies.models import DelegatedValue, Installation, Measurement
from tuodi.apps.settlement import measuring
from tuodi.apps.settlement.actions import Settle
from tuodi.base import clock, outbox
from tuodi.base.models import AuditEvent, User

pytestmark = pytest.mark.django_db
PARAM = "ak.tilt.rate"
OFFICE = "安康市医疗保障局"
SWITCHED = {
    "reading-I-04": "stay",
    "first": "2023-01-04",
    "interpreter": OFFICE,
    "interpreter_document": "安医保函〔2024〕1号",
}


@pytest.fixture
def cast():
    cache.clear()
    return assemble()


@pytest.fixture
def officer(client, cast):
    enter(client, cast.officer)
    return client


@pytest.fixture
def approver(cast):
    other = Client()
    enter(other, cast.approver)
    return other


def page(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.content.decode()


def deliver():
    while outbox.deliver():
        pass


def switched(officer):
    """Propose the city's policy under another reading; return its address."""
    answer = officer.post("/policies/propose/submit/", {"installation": Installation.objects.first().pk, **SWITCHED})
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    return answer["Location"]


def settle_two(cast):
    for setl_id, day in (("A", date(2023, 3, 1)), ("B", date(2023, 4, 1))):
        Settle(actor=cast.zhao, bill=bill(setl_id, day, 4000, person="P0002")).run()


def test_from_proposal_through_measuring_to_approval_by_another(officer, approver, cast):
    settle_two(cast)
    path = switched(officer)
    assert "待审核" in page(officer, "/policies/")
    assert "还没有测算" in page(officer, path)
    assert "E-POLICY" not in page(approver, f"{path}decide/")
    early = approver.post(f"{path}decide/", {"decision": "approve"}).content.decode()
    assert "还没有测算对本地结算的影响" in early
    progress = officer.post(f"{path}measure/")["Location"]
    assert "等待后台任务" in page(officer, progress)
    assert officer.post(f"{path}measure/")["Location"] == progress, "one measuring at a time"
    deliver()
    assert officer.get(progress)["Location"] == f"{path}#impact"
    assert officer.get(progress, headers={"HX-Request": "true"})["HX-Redirect"] == f"{path}#impact"
    assert approver.get(progress)["Location"] == f"{path}decide/#impact", "who decides goes on to decide"
    shown = page(officer, path)
    for said in ("1 人、2 笔", "减少", "变动最大的结算", "按条款", "AK-3.3.1"):
        assert said in shown, said
    assert "P0002" not in shown
    refused = officer.post(f"{path}decide/", {"decision": "approve"})
    assert refused.status_code == 403
    assert "没有这项权限" in refused.content.decode()
    assert "policy:approve" not in refused.content.decode()
    assert "等您审核" in page(approver, "/policies/")
    assert "1 项等您审核" in page(approver, "/")
    assert "等您审核" not in page(officer, "/")
    assert approver.post(f"{path}decide/", {"decision": "approve"})["Location"] == path
    made = Installation.objects.get(pk=int(path.split("/")[2]))
    assert (made.approved_by, made.proposed_by) == (cast.approver, cast.officer)
    assert "已停用" in page(officer, "/policies/?state=past")
    shown = page(officer, f"{path}compare/")
    assert "共 2 处不同" in shown
    assert "每次住院各扣一次（stay）" in shown


def test_a_person_who_changed_jobs_does_not_approve_the_own_proposal(officer, cast):
    path = switched(officer)
    officer.post(f"{path}measure/")
    deliver()
    User.objects.filter(pk=cast.officer.pk).update(role="policy_approver")
    assert "这是您自己提交的" in page(officer, f"{path}decide/")
    for decision in ("approve", "refuse"):
        sent = officer.post(f"{path}decide/", {"decision": decision, "reason": "否"}).content.decode()
        assert "提交人不能审核自己提交的内容" in sent
    assert Installation.objects.filter(approved_at__isnull=False).count() == 1


def test_a_refusal_needs_a_reason_and_is_shown(officer, approver):
    path = switched(officer)
    assert approver.post(f"{path}decide/", {"decision": "refuse", "reason": " "}).status_code == 200
    assert approver.post(f"{path}decide/", {"decision": "refuse", "reason": "文号不对"})["Location"] == path
    assert "文号不对" in page(officer, path)
    assert "已退回" in page(officer, "/policies/?state=refused")
    assert "已经办结" in page(approver, f"{path}decide/")


def test_TH_5_a_reading_is_not_switched_without_the_interpreter_and_what_was_chosen_stays(officer):
    sent = {"installation": Installation.objects.first().pk, **SWITCHED, "interpreter": "某某局"}
    shown = officer.post("/policies/propose/submit/", sent).content.decode()
    assert f"由“{OFFICE}”决定（I-04）" in shown
    assert re.search(r'name="reading-I-04" value="stay" checked', shown)
    assert Installation.objects.count() == 1


def uploaded(text, name="policy.yaml", **more):
    return {"policy": SimpleUploadedFile(name, text if isinstance(text, bytes) else text.encode()), **more}


def test_every_fault_of_an_uploaded_pack_is_shown_at_once_with_its_line(officer):
    text = shelf_texts("610900-ankang")["policy.yaml"].replace("layers:", "leyers:", 1).replace("clause:", "cluase:", 1)
    shown = officer.post("/policies/propose/", uploaded(text)).content.decode()
    assert "处需要改正" in shown
    assert "leyers" in shown
    assert "cluase" in shown
    assert shown.count("上传的文件/policy.yaml 第 ") >= 3


@pytest.mark.parametrize(
    ("upload", "said"),
    [
        (uploaded("x: 1", name="policy.exe"), "不是 .yaml"), (uploaded("政策".encode("gbk")), "不是 UTF-8 编码"),
        (uploaded("#" * (512 * 1024 + 1)), "超过 512 KB"), (uploaded(b"a\x00b"), "不是文本文件"), (uploaded("- &a [*a]"), "政策包"),
        (uploaded("[" * 3000), "YAML"), ({"pack": ""}, "二者选一"), ({"pack": "../x"}, "不在可用的选项中"),
    ],
)  # fmt: skip
def test_uploads_are_checked_for_type_size_and_form(officer, upload, said):
    answer = officer.post("/policies/propose/", upload)
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert Installation.objects.count() == 1


def test_warnings_of_an_uploaded_pack_are_accepted_one_by_one_with_a_reason(officer, cast):
    texts = shelf_texts("610900-ankang")
    text = texts["policy.yaml"].replace(
        "delegated:\n", "delegated:\n  ak.unused: {clause: AK-1, asks: 无用, left_to: 无, unit: yuan}\n", 1
    )
    shown = officer.post("/policies/propose/", uploaded(text)).content.decode()
    assert "accept-W-UNUSED:ak.unused" in shown
    sent = {"policy.yaml": text.replace("\n", "\r\n"), "area_code": "610900", "first": "2025-01-01"}
    assert "没有接受的提醒" in officer.post("/policies/propose/submit/", sent).content.decode()
    answer = officer.post("/policies/propose/submit/", {**sent, "accept-W-UNUSED:ak.unused": "市里将另文规定"})
    made = Installation.objects.get(pk=int(answer["Location"].split("/")[2]))
    assert made.texts == {"policy.yaml": text}, "as it was uploaded, whatever a browser does to line ends"
    assert "市里将另文规定" in page(officer, answer["Location"])
    assert made.pack == "610900-ankang"


def test_AK_3_1_4_a_county_that_overrides_is_told_and_recorded(client, cast):
    county = User.objects.create(
        username="county", password="!", name="县政策", role="policy_officer", area_code="610902"
    )
    enter(client, county)
    sent = {"shelf_pack": "610900-ankang", "area_code": "610902", "first": "2025-01-01"}
    assert "AK-3.1.4" in client.post("/policies/propose/submit/", sent).content.decode()
    assert AuditEvent.objects.filter(verb="policy:override_refused", actor=county).count() == 1


def test_the_policy_is_told_in_sentences_with_clauses_and_its_cases_hold(officer):
    path = f"/policies/{Installation.objects.get().pk}/"
    shown = page(officer, f"{path}text/")
    for said in ("谁可以享受", "AK-2.1.1", "一类救助对象", "有歧义的句子怎么读"):
        assert said in shown, said
    assert re.search(r"\d+ 个案例全部符合", page(officer, f"{path}cases/"))
    assert "没有已批准的政策可以比较" in page(officer, f"{path}compare/")


def enter_value(officer, **how):
    path = f"/policies/{Installation.objects.first().pk}/values/?param={PARAM}"
    return officer.post(path, {"value": "60%", "source": "安医保发〔2023〕9号第三条", **how})


def test_a_value_with_its_source_is_entered_by_one_and_approved_by_another(officer, approver, cast):
    for how, said in (({"source": ""}, "没有写明"), ({"value": "0.6"}, "不是比例"), ({"qualifier": "x"}, "写成区划")):
        assert said in enter_value(officer, **how).content.decode()
    path = enter_value(officer)["Location"]
    assert "安医保发〔2023〕9号第三条" in page(officer, path)
    assert "还没有测算" in approver.post(f"{path}decide/", {"decision": "approve"}).content.decode()
    progress = officer.post(f"{path}measure/")["Location"]
    deliver()
    assert officer.get(progress).status_code == 302
    assert approver.post(f"{path}decide/", {"decision": "approve"})["Location"] == path
    shown = page(officer, f"/policies/{Installation.objects.first().pk}/")
    for said in ("60%", "采用", "政策岗录入，审核岗批准"):
        assert said in shown, said


def test_what_is_wrong_with_a_value_is_said_beside_its_fields_all_at_once(officer):
    shown = enter_value(officer, source="", value="0.6").content.decode()
    beside = re.findall(r'<div class="wrong" id="id_(value|source)_error">', shown)
    assert beside == ["value", "source"]


def test_a_withdrawal_takes_two_and_may_be_refused(officer, approver, cast):
    path = enter_value(officer)["Location"]
    officer.post(f"{path}measure/")
    deliver()
    approver.post(f"{path}decide/", {"decision": "approve"})
    assert officer.post(f"{path}withdraw/", {"reason": "新文件取代"})["Location"] == path
    assert "提请撤回，仍采用" in page(officer, path)
    assert approver.post(f"{path}decide/", {"decision": "refuse", "reason": "新文件还没有施行"}).status_code == 302
    assert "提请撤回" not in page(officer, path)
    assert AuditEvent.objects.filter(verb="policy_value:refuse", data__withdrawal_refused="新文件还没有施行").exists()
    officer.post(f"{path}withdraw/", {"reason": "已施行"})
    officer.post(f"{path}measure/")
    deliver()
    approver.post(f"{path}decide/", {"decision": "approve"})
    assert "已撤回" in page(officer, path)
    assert DelegatedValue.objects.get().withdrawn_by == cast.approver


def test_a_sample_is_marked_on_every_page_until_replaced(officer, approver, cast, client):
    def approve(**how):
        path = enter_value(officer, **how)["Location"]
        officer.post(f"{path}measure/")
        deliver()
        assert approver.post(f"{path}decide/", {"decision": "approve"}).status_code == 302
        return path

    strip = "示例数值在用：1 项"
    assert strip not in page(officer, "/")
    path = approve(is_sample="on", source="")
    assert "这是示例值，不是政策规定的标准" in page(officer, path)
    for user in (cast.zhao, cast.chen, cast.auditor):
        visitor = Client()
        enter(visitor, user)
        assert strip in page(visitor, "/"), user.username
    elsewhere = Client()
    enter(elsewhere, cast.outsider)
    assert strip not in page(elsewhere, "/")
    approve(first="2023-01-04")
    assert strip not in page(officer, "/")
    assert "已被替代" in page(officer, path)


def test_measuring_goes_on_in_steps_and_comes_to_the_same(officer, cast, monkeypatch):
    settle_two(cast)
    Settle(actor=cast.zhao, bill=bill("C", date(2023, 4, 2), 9000)).run()
    path = switched(officer)
    officer.post(f"{path}measure/")
    deliver()
    whole = Installation.objects.order_by("-pk").first().impact
    monkeypatch.setattr(measuring, "AT_ONCE", 1)
    again = officer.post(f"{path}measure/")["Location"]
    assert outbox.deliver() == 1
    row = Measurement.objects.order_by("-pk").first()
    assert (row.people, row.done, row.finished_at) == (2, 1, None)
    assert "已测算 1 / 2 人（50%）" in page(officer, again)
    measuring.measure_some({"measurement": row.pk, "after": ""})
    row.refresh_from_db()
    assert row.done == 1, "a step that is told twice is done once"
    deliver()
    in_steps = Installation.objects.order_by("-pk").first().impact
    assert {**in_steps, "at": ""} == {**whole, "at": ""}


def test_measuring_says_when_the_policy_changed_meanwhile_and_when_nobody_works(officer, approver, cast):
    first, second = switched(officer), switched(officer)
    officer.post(f"{first}measure/")
    deliver()
    progress = officer.post(f"{second}measure/")["Location"]
    with clock.set_to(clock.now() + timedelta(minutes=5)):
        assert "请告知系统管理员" in page(officer, progress)
    assert approver.post(f"{first}decide/", {"decision": "approve"}).status_code == 302
    deliver()
    assert "测算期间已生效的政策有了变化" in page(officer, progress)


def test_the_list_as_csv(officer):
    text = b"".join(officer.get("/policies/export.csv").streaming_content).decode()
    assert "安康市重特大疾病医疗救助" in text
    assert "生效中" in text


def test_who_does_not_write_packs_reads_words_and_no_names_of_packs(officer, approver, cast):
    """A clerk reads what a figure is, in its unit; the names that packs use are for who writes and decides them."""
    clerk, auditor = Client(), Client()
    enter(clerk, cast.chen)
    enter(auditor, cast.auditor)
    row = Installation.objects.first()
    line = {"area_code": row.area_code, "source": "文件第一条", "proposed_by": cast.officer, "proposed_at": clock.now()}
    value = DelegatedValue.objects.create(param=PARAM, value="60%", **line)
    for path in (f"/policies/{row.pk}/", f"/policies/{row.pk}/text/", f"/policies/values/{value.pk}/"):
        shown = re.sub(r"<[^>]*>", " ", page(clerk, path))
        assert re.findall(r"\b[a-z]{2,}[._][a-z_.]+", shown) == [], path
        assert "倾斜救助比例" in shown, path
        assert PARAM in page(officer, path), path
        assert PARAM in page(auditor, path), f"{path}: as the trail calls it"
    DelegatedValue.objects.create(param="ak.dibao_standard_month@610902.urban", value="1660", **line)
    for path in ("/policies/", f"/policies/{row.pk}/"):
        shown = page(approver, path)
        assert "1,660 元" in shown, path
        assert "只用于 610902 城镇" in shown, path


def test_the_comparison_and_the_list_as_csv_say_what_a_reading_means_to_who_does_not_write_packs(officer, cast):
    clerk = Client()
    enter(clerk, cast.chen)
    path = switched(officer)
    listed = {who: b"".join(who.get("/policies/export.csv").streaming_content).decode() for who in (officer, clerk)}
    for shown, said in (
        (page(clerk, f"{path}compare/"), listed[clerk]),
        (page(officer, f"{path}compare/"), listed[officer]),
    ):
        assert "安康市重特大疾病医疗救助（2023-01-04 起）" in shown
        assert "每次住院" in shown
        assert "I-04" in said
    assert "每次住院" in listed[clerk]
    assert "（stay）" in page(officer, f"{path}compare/")
    assert "I-04=stay" in listed[officer]
    for text in (re.sub(r"<[^>]*>", " ", page(clerk, f"{path}compare/")), listed[clerk]):
        assert "stay" not in text
        assert "610900-ankang" not in text


@pytest.mark.parametrize("kind", ["installation", "value"])
def test_approval_is_not_offered_before_the_effect_was_measured(officer, approver, cast, kind):
    settle_two(cast)
    path = switched(officer) if kind == "installation" else enter_value(officer)["Location"]
    offered = re.compile(r"<button class=\"main\" data-once( disabled[^>]*)?>批准")
    assert offered.search(page(approver, f"{path}decide/"))[1]
    assert "现在还不能批准：还没有测算" in page(approver, f"{path}decide/")
    officer.post(f"{path}measure/")
    deliver()
    assert not offered.search(page(approver, f"{path}decide/"))[1]
    assert "现在还不能批准" not in page(approver, f"{path}decide/")
