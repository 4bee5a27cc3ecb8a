"""Offices in a real browser: a policy proposed by one login and approved by another, values, institutions and their keys."""

from __future__ import annotations

import pytest

from tests.web.visitor import PHONE, SCREEN, Visitor, needs_chromium

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def entered(chromium, served):
    """Everybody who logged in, by name: a second factor is set up once."""
    held = {}

    def enter(name, viewport=SCREEN):
        if name not in held:
            held[name] = Visitor(chromium, served, viewport)
            held[name].enter(name)
        held[name].page.set_viewport_size(viewport)
        return held[name]

    return enter


def test_a_reading_is_switched_by_two_people_after_its_impact_was_measured(entered, served):
    officer, approver = entered("officer"), entered("approver")
    page = officer.page
    page.goto(f"{served.url}/policies/")
    officer.looks_right()
    page.click("tbody a")
    page.wait_for_selector("h2:text('由其他文件规定的数')")
    officer.looks_right()
    page.click("text=变更口径")
    page.wait_for_selector("text=提交审核")
    officer.looks_right()
    page.check("input[name='reading-I-04'][value='stay']")
    page.fill("#id_first", "2023-01-04")
    page.click("button.main")
    page.wait_for_selector(".message.bad >> text=安康市医疗保障局")
    assert page.is_checked("input[name='reading-I-04'][value='stay']")
    officer.looks_right()
    page.fill("#id_interpreter", "安康市医疗保障局")
    page.fill("#id_interpreter_document", "安医保函〔2024〕1号")
    page.click("button.main")
    page.wait_for_selector("text=已提交，等待另一位审核岗办理")
    proposal = page.url
    page.click("text=开始测算")
    page.wait_for_url(f"{proposal}#impact", timeout=60_000)
    page.wait_for_selector("text=变动最大的结算")
    officer.looks_right()
    page.goto(f"{proposal}decide/")
    page.wait_for_selector("text=没有这项权限")
    officer.wrong.clear()  # the browser says that it was refused, as it should have been

    other = approver.page
    other.goto(f"{served.url}/policies/")
    other.wait_for_selector("text=等您审核")
    approver.looks_right()
    other.click(".trail a")
    other.wait_for_selector("button:text('批准')")
    approver.looks_right()
    other.click("button:text('批准')")
    other.wait_for_selector("text=受影响的结算将在后台重新计算")
    for part in ("text", "compare", "cases"):
        other.goto(f"{proposal}{part}/")
        approver.looks_right()


def test_a_sample_is_entered_approved_marked_and_replaced(entered, served):
    officer, approver = entered("officer"), entered("approver")
    page, other = officer.page, approver.page
    page.goto(f"{served.url}/policies/")
    page.click("tbody a")
    page.click("li:has-text('ak.tilt.rate') >> text=录入")
    page.wait_for_selector("h1:text('倾斜救助比例')")
    officer.looks_right()
    page.fill("#id_value", "0.6")
    page.click("button.main")
    page.wait_for_selector("#id_value_error")
    page.fill("#id_value", "60%")
    page.check("#id_is_sample")
    page.click("button.main")
    page.wait_for_selector("text=这是示例值")
    officer.looks_right()
    value = page.url
    page.click("text=开始测算")
    page.wait_for_url(f"{value}#impact", timeout=60_000)
    other.goto(f"{value}decide/")
    other.wait_for_selector("button:text('批准')")
    approver.looks_right()
    other.click("button:text('批准')")
    other.wait_for_selector(".strip.samples")
    approver.looks_right()
    counter = entered("zhao")
    counter.page.goto(f"{served.url}/counter/")
    counter.page.wait_for_selector(".strip.samples >> text=示例数值在用：1 项")
    counter.looks_right()
    counter.page.emulate_media(media="print")
    assert counter.page.is_visible(".strip.samples"), "what is printed says so too"
    counter.page.emulate_media(media="screen")
    page.goto(f"{value}withdraw/")
    officer.looks_right()


def test_policies_fit_a_phone(entered, served):
    officer = entered("officer", PHONE)
    page = officer.page
    page.goto(f"{served.url}/policies/")
    officer.looks_right()
    page.click("tbody a")
    page.wait_for_selector("h2:text('由其他文件规定的数')")
    officer.looks_right()
    for part in ("text", "compare", "cases", "switch"):
        page.goto(f"{served.url}/policies/1/{part}/")
        officer.looks_right()
    page.goto(f"{served.url}/policies/propose/")
    officer.looks_right()
    page.set_input_files(
        "#id_policy", {"name": "policy.yaml", "mimeType": "text/yaml", "buffer": b"pack: x\nname: 0.5\n"}
    )
    page.click("button.main")
    page.wait_for_selector(".message.bad >> text=第 2 行")
    officer.looks_right()


def test_an_institution_from_registration_to_suspension(entered, served):
    clerk, approver, administrator = entered("chen"), entered("zhou"), entered("admin")
    page = clerk.page
    page.goto(f"{served.url}/institutions/")
    clerk.looks_right()
    page.click("text=登记机构")
    clerk.looks_right()
    page.fill("#id_code", "H61090200009")
    page.fill("#id_name", "汉滨区第九医院（虚构）")
    page.select_option("#id_level", "08")
    page.click("button.main")
    page.wait_for_selector("text=还没有协议")
    institution = page.url
    page.click("text=签订协议")
    page.fill("#id_first", "2023-01-01")
    page.fill("#id_terms", "住院、门诊慢特病\n按月结算")
    clerk.looks_right()
    page.click("button.main")
    page.wait_for_selector(".tag.good >> text=有效")
    page.click("summary:text('约定')")
    clerk.looks_right()
    page.set_viewport_size(PHONE)
    clerk.looks_right()
    page.goto(f"{served.url}/institutions/?text=医院")
    clerk.looks_right()

    approver.page.goto(institution)
    approver.page.click("text=暂停结算 >> nth=0")
    approver.page.fill("#id_reason", "串换项目，限期整改")
    approver.looks_right()
    approver.page.click("button.danger")
    approver.page.wait_for_selector("text=今天暂停结算：串换项目，限期整改")
    approver.looks_right()
    approver.page.click("text=恢复 >> nth=-1")
    approver.page.click("button.main")
    approver.page.wait_for_selector("text=已恢复结算")

    admin = administrator.page
    admin.goto(f"{served.url}/institutions/?text=第1医院")
    admin.click("tbody a")
    admin.click("text=发放密钥")
    admin.fill("#id_name", "hb-his-1")
    admin.select_option("#id_user", label="赵医生")
    administrator.looks_right()
    admin.click("button.main")
    admin.wait_for_selector("code.secret")
    administrator.looks_right()
    token = admin.inner_text("code.secret")
    admin.click("text=返回列表")
    admin.click("tbody a")
    admin.wait_for_selector("text=hb-his-1")
    assert token not in admin.content()
    admin.click("text=注销")
    administrator.looks_right()


def test_an_administrator_keeps_what_local_codes_mean(entered, served):
    administrator = entered("admin")
    page = administrator.page
    page.goto(f"{served.url}/identity-codes/")
    administrator.looks_right()
    page.click("text=新增对照")
    page.fill("#id_local_code", "A01")
    page.fill("#id_label", "城市低保")
    page.select_option("#id_identity", "dibao")
    page.fill("#id_first", "2023-01-01")
    administrator.looks_right()
    page.click("button.main")
    page.wait_for_selector("tbody >> text=城市低保")
    administrator.looks_right()
    page.set_viewport_size(PHONE)
    administrator.looks_right()
    page.click("tbody a")
    page.wait_for_selector("text=现对照为低保对象")
    administrator.looks_right()


def test_what_is_missing_is_said_by_the_page_and_a_day_typed_half_is_not_sent_as_none(entered, served):
    clerk = entered("chen")
    page = clerk.page
    page.goto(f"{served.url}/institutions/new/")
    page.click("main button.main")
    page.wait_for_selector(".wrong")
    assert page.locator(".wrong").count() == 2, "code and name, at once"
    assert page.evaluate("document.activeElement.id") == "id_code"
    clerk.looks_right_on_both()
    page.goto(f"{served.url}/institutions/")
    page.click("tbody a >> nth=0")
    page.click("main a:has-text('签订协议')")
    page.fill("#id_first", "2026-01-01")
    page.focus("#id_last")
    page.keyboard.type("12")
    page.keyboard.press("Enter")
    page.wait_for_selector("#id_last_half:text('日期没有填完整')")
    assert page.url.endswith("/agreement/")
    clerk.looks_right()


def test_on_a_phone_the_doors_fade_where_more_lie_behind_the_edge(entered, served):
    auditor = entered("auditor", PHONE)
    page = auditor.page
    page.goto(served.url)
    page.wait_for_selector("nav.after:not(.before)")
    page.evaluate("document.querySelector('.top nav').scrollLeft = 9999")
    page.wait_for_selector("nav.before:not(.after)")
    page.set_viewport_size(SCREEN)
    page.wait_for_selector("nav:not(.before):not(.after)")
    doors, who = (page.locator(f".top {part}").bounding_box() for part in ("nav", ".who"))
    assert who["y"] < doors["y"] + doors["height"], "one line on a screen"


def test_names_of_areas_fit_screen_and_phone(entered, served):
    administrator = entered("admin")
    page = administrator.page
    page.goto(f"{served.url}/areas/")
    page.click("button.main")
    page.wait_for_selector("#id_name_error")
    administrator.looks_right_on_both()
    page.fill("#id_code", "610902")
    page.fill("#id_name", "某区")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=610902 已命名为“某区”")
    administrator.looks_right_on_both()
