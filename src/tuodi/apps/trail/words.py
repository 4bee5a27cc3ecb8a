"""How the trail reads: every verb and every subject in Chinese. A test asks for a row for each verb that can be recorded."""

from __future__ import annotations

from typing import Any

from tuodi.base.access import ROLES
from tuodi.core.identities import IDENTITIES
from tuodi.core.money import yuan_for_people

VERBS: dict[str, str] = {
    "account:add": "开立账号", "account:deactivate": "停用账号", "account:reactivate": "恢复账号", "account:reset_password": "重设密码",
    "account:reset_second_factor": "重设第二重验证", "account:unlock": "解除锁定", "account:logged_in": "登录", "account:logged_out": "退出",
    "account:changed_password": "修改密码", "account:added_second_factor": "设置第二重验证", "account:removed_second_factor": "取消第二重验证",
    "account:renewed_recovery_codes": "重新生成恢复码", "account:view": "查看账号", "area:name": "命名辖区",
    "audit:view": "查看审计记录", "audit:export": "导出审计记录", "audit:verify": "验证审计链",
    "person:view": "查看人员", "person:viewed": "查阅个人档案", "person:looked_up": "查找人员", "person:not_found": "查找人员（无此人）",
    "person:reveal": "查看完整身份证号", "person:register": "登记人员", "person:change": "变更人员信息", "person:record_death": "登记死亡",
    "person:correct_death": "更正死亡登记", "person:decide_death": "复核死亡更正", "person:tell_apart": "标记不是同一人",
    "person:merge": "合并人员", "person:unmerge": "撤销合并",
    "identity:certify": "认定身份", "identity:end": "终止身份", "identity:correct": "更正身份", "identity_code:set": "设置身份对照",
    "household:change": "变更家庭", "household:viewed": "查阅家庭", "roster:import": "导入名册", "roster:undo": "撤销导入", "roster:view": "查看名册",
    "roster:viewed": "查阅名册", "roster:compared": "比对名册",
    "institution:view": "查看机构", "institution:change": "变更机构", "institution:suspend": "暂停机构", "institution:lift_suspension": "恢复机构",
    "institution:issue_key": "发放接口密钥", "institution:revoke_key": "注销接口密钥",
    "policy:view": "查看政策", "policy:propose": "提交政策包", "policy:measure": "测算影响", "policy:approve": "批准政策包", "policy:refuse": "退回政策包",
    "policy:override_refused": "改动上级政策被拒",
    "policy_value:propose": "提交授权参数", "policy_value:approve": "批准授权参数", "policy_value:refuse": "退回授权参数",
    "policy_value:withdraw": "申请撤回授权参数", "policy_value:approve_withdrawal": "批准撤回授权参数",
    "settlement:view": "查看结算", "settlement:presettle": "预结算", "settlement:settle": "办理结算", "settlement:cancel": "撤销结算",
    "settlement:reverse": "冲正", "settlement:refold": "重新计算", "settlement:reconcile": "对账",
    "books:check": "核对账目", "books:view": "查看账目核对", "reconciliation:view": "查看三方对账", "reconciliation:report": "提交对账数据",
    "reconciliation:run": "三方对账", "reconciliation:mend": "提交差异处理", "reconciliation:approve": "批准差异处理", "settlement:exported": "导出结算",
    "encounter:admit": "登记就诊", "notice:view": "查看入院通知", "notice:answer": "确认入院通知", "filing:make": "登记备案", "exchange:refused": "拒绝接口请求",
    "keys:rotate": "更换密钥",
}  # fmt: skip

SUBJECTS: dict[str, str] = {
    "account": "账号", "audit": "审计记录", "person": "人员", "household": "家庭", "roster": "名册", "institution": "机构", "api_key": "接口密钥",
    "installation": "政策包启用", "delegatedvalue": "授权参数", "settlement": "结算", "history": "结算历史", "encounter": "就诊", "notice": "入院通知", "filing": "备案",
    "exchange": "接口交换", "statement_file": "对账文件", "keys": "密钥",
    "identity_code": "编码对照", "report": "对账文件（一方）", "reconciliation": "三方对账", "mend": "差异处理", "books": "夜间核账", "area": "辖区",
}  # fmt: skip


#: The values that rows carry; one without a name here is shown under the name that it has.
FIELDS: dict[str, str] = {
    "role": "岗位", "area": "辖区", "institution": "机构", "holds": "完好", "sealed": "已封存", "unsealed": "待封存", "broken_at": "坏在记录号",
    "rows": "行数", "bad": "坏行", "counts": "计数", "step": "步骤", "pay_fen": "医疗救助", "change_fen": "变动", "before_fen": "原来", "after_fen": "改后",
    "fen": "金额", "reason": "理由", "cause": "起因", "cause_id": "起因编号", "reversal": "冲正", "restored": "恢复", "by": "途径", "told": "已通知",
    "people": "人数", "bills": "结算数", "impact": "影响", "basis": "依据", "digest": "摘要", "pack": "政策包", "readings": "释义", "accepted": "已接受的提示",
    "param": "参数", "value": "数值", "source": "来源", "is_sample": "示例", "first": "自", "last": "至", "day": "日期", "identity": "身份",
    "identity_id": "认定号", "replaces": "替代认定号", "changed": "改动", "household": "户编号", "membership_id": "成员记录号", "agreement": "协议号",
    "suspension": "暂停号", "again_from": "恢复自", "level": "等级", "kind": "种类", "done": "事项", "type": "种类", "from": "原", "to": "现",
    "state": "状态", "other": "另一编号", "memberships": "成员记录", "identities": "身份认定",
    "into": "并入", "new": "新编号", "shown": "已显示", "cancelled": "撤销", "discharged": "出院", "bytes": "字节",
    "side": "哪一方", "lines": "笔数", "mend": "处理办法", "setl_id": "结算号", "asked": "请求", "measurement": "测算号",
    "interpreter_document": "解释机关的决定", "unchanged": "没有变化", "conflicts": "需要核对", "not_found": "查无此人",
    "matched": "一致", "different": "金额不符", "missing_here": "我方缺", "missing_there": "对方缺", "fields": "改动的项目", "ended": "终止",
    "mend_id": "处理号", "replaces_place": "替代所在地号", "is_void": "作废", "proposed_by": "提出人",
}  # fmt: skip
#: The words of values that come from a closed list.
VALUES: dict[str, dict[str, str]] = {
    "cause": {
        "settle": "结算", "cancel": "结算撤销", "reverse": "冲正", "identity": "身份变更", "person": "人员信息变更", "policy": "政策变更",
        "upstream": "上游重新结算", "late": "补录",
    },
    "by": {"counter": "结算窗口", "1101": "接口 1101"},
    "step": {"upload": "上传", "preview": "比对", "applied": "已导入", "undone": "已撤销", "applying part": "分批导入", "undoing part": "分批撤销"},
    "side": {"hospital": "医药机构", "insurer": "医保机构"}, "kind": {"insurance": "医保定点", "assistance": "医疗救助定点"},
    "mend": {
        "cancel": "撤销我方结算", "record": "按医保文件补记我方结算", "ask": "请医药机构重新上传", "accept": "核实后接受差异",
    },
    "reason": {
        "amounts": "金额录入有误", "person": "录错了人员", "upstream": "医保重新结算", "repeated": "重复办理", "withdrawn": "参保人要求改为自费或另行结算",
        "verify_document": "核对证件原件", "verify_with_department": "与认定部门比对", "payment": "办理资金支付",
        "complaint": "答复来信来访", "court_or_audit": "配合司法或审计",
    },
    "state": {"waiting": "待复核", "done": "已办理", "refused": "已退回"},
    "done": {"marked": "已标记", "undone": "已撤销", "mapped": "新增", "ended": "终止", "registered": "登记机构", "changed": "变更信息",
        "agreement_made": "签订协议", "agreement_ended": "终止协议"},
}  # fmt: skip
LONGEST, DIGEST = 60, 12


def details(data: dict[str, Any]) -> str:
    """Return the values of a row as people read them; what is empty is left out.

    >>> details({"role": "auditor", "pay_fen": 123456, "holds": True, "institution": ""})
    '岗位 审计监督岗，医疗救助 1,234.56 元，完好 是'
    """
    return "，".join(
        f"{FIELDS.get(key, key)} {_value(key, value)}" for key, value in data.items() if value not in (None, "", [], {})
    )


def _value(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    if key.endswith("fen") and isinstance(value, int):
        return yuan_for_people(value)
    if isinstance(value, dict):
        return f"（{details(value)}）"
    if isinstance(value, list):
        return "、".join(_value(key, item) for item in value)
    text = str({"role": ROLES, "identity": IDENTITIES, **VALUES}.get(key, {}).get(value, value))
    if key in ("digest", "basis"):
        return text[:DIGEST]
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def said(verb: str) -> str:
    """Return a verb as people read it; one without a row as it is written.

    >>> said("settlement:settle"), said("moon:land")
    ('办理结算', 'moon:land')
    """
    return VERBS.get(verb, verb)
