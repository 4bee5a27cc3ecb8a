"""What the registry's actions share: finding and locking people, the errors, telling who was changed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.db.models import Q

from tuodi.apps.registry.models import Household, Person
from tuodi.apps.registry.plans import chunks
from tuodi.base import access, outbox
from tuodi.base.action import Action
from tuodi.core.errors import declare

#: Particulars that settlements are computed with.
WEIGHED = ("birth", "insured_area", "registered_area")
#: How many people one announcement names: one transaction of whoever listens.
ANNOUNCED_AT_ONCE = 50

E_PERSON_EXISTS = declare("E-REG-PERSON-EXISTS", "人员编号 {psn_no} 已经登记", "请查出这个人再修改，不要重复登记")
E_NUMBER_HELD = declare(
    "E-REG-NUMBER-HELD",
    "这个身份证号已经登记在人员编号 {psn_no} 名下",
    "请核对证件；确是同一个人的，请用原编号或办理合并",
)
E_NUMBER_FORM = declare(
    "E-REG-NUMBER-FORM", "身份证号不对（18 位、出生日期或末位校验码不符）", "请对照证件重新录入，不要猜补"
)
E_PERIOD = declare("E-REG-PERIOD", "终止日期 {last} 早于起始日期 {first}", "请核对认定文书上的两个日期")
E_IDENTITY = declare("E-REG-IDENTITY", "没有“{identity}”这种身份", "请从身份表中选择")
E_OVERLAP = declare(
    "E-REG-OVERLAP", "人员 {psn_no} 的{identity}已有 {held} 的认定，与 {given} 重叠", "请先终止或更正原认定，再登记新的"
)
E_ENDED = declare(
    "E-REG-ENDED", "{identity}的认定自 {first} 起，不能终止于更早的 {last}", "整段认定有误的请用“更正”作废"
)
E_WITHDRAWN = declare("E-REG-WITHDRAWN", "这条记录已被更正或作废", "请刷新页面，按现在的记录办理")
E_NO_CHANGE = declare("E-REG-NO-CHANGE", "更正前后完全相同", "请改动需要更正的内容，或取消")
E_DEAD = declare("E-REG-DEAD", "人员 {psn_no} 已登记于 {day} 死亡", "如登记有误，请先在个人档案更正死亡登记")
E_NOT_DEAD = declare("E-REG-NOT-DEAD", "人员 {psn_no} 没有登记死亡", "没有需要更正的死亡日期")
E_DEATH_WAITING = declare("E-REG-DEATH-WAITING", "人员 {psn_no} 已有一项死亡更正在等复核", "请先由县级审批岗办结")
E_DEATH_DECIDED = declare("E-REG-DEATH-DECIDED", "这项死亡更正已经办结", "请刷新页面")
E_DEATH_PAIR = declare("E-REG-DEATH-PAIR", "提出死亡更正的人不能自己复核", "请由另一位县级审批岗办理")
E_WHY = declare("E-REG-WHY", "没有写明理由", "请写明核实的情况，便于日后查证")
E_DEATH_DAY = declare("E-REG-DEATH-DAY", "死亡日期 {day} 晚于今天或早于出生日期", "请核对死亡证明上的日期")
E_MEMBER = declare("E-REG-MEMBER", "人员 {psn_no} 在 {held} 已是户 {number} 的成员", "请先登记离户，或办理分户、迁户")
E_NOT_MEMBER = declare("E-REG-NOT-MEMBER", "人员 {psn_no} 在 {day} 不是户 {number} 的成员", "请核对户编号和日期")
E_NO_HOUSEHOLD = declare("E-REG-NO-HOUSEHOLD", "人员 {psn_no} 在 {day} 不在任何一户", "请核对日期，或办理入户")
E_HEAD = declare("E-REG-HEAD", "新户的户主不在分出的成员里", "请从分出的成员中选户主")
E_MOVE_DAY = declare("E-REG-MOVE-DAY", "迁移日期 {day} 晚于今天，或不晚于这一户立户或上次迁移的日期", "请核对迁移日期")
E_NOT_LAST_MOVE = declare("E-REG-NOT-LAST-MOVE", "这不是户 {number} 最近一次迁移", "请先更正或作废其后的迁移")
E_SAME_AREA = declare("E-REG-SAME-AREA", "户 {number} 已经在 {area}", "请核对迁入地区划；没有迁移的不用办理")
E_INSURED_DAY = declare("E-REG-INSURED-DAY", "参保地变动的起始日期 {day} 晚于今天", "请在变动生效后登记，或核对日期")
E_INSURED_ONCE = declare("E-REG-INSURED-ONCE", "{day} 起已经有一条参保地记录", "原记录有误的请用“更正”")
E_INSURED_SAME = declare(
    "E-REG-INSURED-SAME", "这一天前后登记的参保地已经是 {area}", "请核对区划和日期；原记录的日期有误的请用“更正”"
)
E_INSURED_START = declare("E-REG-INSURED-START", "最早的参保地没有起始日期，不能这样更正", "请用“更正最早的参保地”")
E_HOUSEHOLD_EXISTS = declare("E-REG-HOUSEHOLD-EXISTS", "户编号 {number} 已经存在", "请改用未用过的户编号，或办理入户")
E_HOUSEHOLD_NUMBER = declare(
    "E-REG-HOUSEHOLD-NUMBER",
    "户编号 {number} 含有编号里不该有的字符",
    "请只用汉字、字母、数字和 - _ . : / # | ( ) @，不留空格；别的字符，导出的文件核算时不收",
)
E_HOUSEHOLD = declare("E-REG-HOUSEHOLD", "查不到户 {number}", "请核对户编号；还没有登记的户，请勾选“新户”")
E_AREA = declare("E-REG-AREA", "区划 {area} 不在您的辖区内", "请核对代码，或由当地登记")
E_BIRTH_DAY = declare("E-REG-BIRTH-DAY", "出生日期 {day} 晚于今天", "请对照证件重新录入")
E_SAME_PERSON = declare("E-REG-SAME-PERSON", "不能把一条人员记录并入它自己", "请选择另一条记录")
E_MERGED = declare("E-REG-MERGED", "人员 {psn_no} 已并入 {into}", "请按 {into} 办理，或先撤销合并")
E_MERGE_CHAIN = declare(
    "E-REG-MERGE-CHAIN", "人员 {psn_no} 名下已并入其他记录", "请改以它为保留的一方，或先撤销那次合并"
)
E_APART = declare("E-REG-APART", "这两条记录已标记为不是同一人", "需要合并的，请先撤销这个标记")
E_NOT_APART = declare("E-REG-NOT-APART", "这个标记已经撤销", "不需要再次撤销")
E_NOT_MERGED = declare("E-REG-NOT-MERGED", "人员 {psn_no} 没有并入其他记录", "不需要撤销合并")
E_REASON = declare("E-REG-REASON", "查看完整身份证号要选择用途", "可选：{allowed}")
E_RESTORE = declare(
    "E-REG-DEPENDS",
    "名册撤销不了：之后的变更以它为依据（人员 {people}{more}）",
    "请先撤销或更正之后的变更，再撤销这次导入",
)


def period(first: date | None, last: date | None) -> str:
    """Return a span of days as people read it."""
    return f"{first or '以前'} 至 {last or '长期'}"


def person_for(actor: Any, psn_no: str, verb: str) -> Person:
    """Return the person of a number that the actor may do ``verb`` to; of a merged record the one that was kept."""
    found = access.get(actor, Person, psn_no, verb, field="psn_no")
    return access.get(actor, Person, found.merged_into_id, verb) if found.merged_into_id else found


def household_for(actor: Any, number: str, verb: str) -> Household:
    """Return the household of a number that the actor may do ``verb`` to."""
    return access.get(actor, Household, number, verb, field="number")


def locked(people: Iterable[int]) -> list[Person]:
    """Lock people in the order of their keys, which is the written order, and return them as they are now."""
    return list(Person.objects.select_for_update().filter(pk__in=list(people)).order_by("pk"))


def lock_people(psn_nos: Iterable[str]) -> None:
    """Lock people by their numbers, in the written order."""
    keys: set[int] = set()
    for some in chunks(set(psn_nos)):
        keys.update(Person.objects.filter(psn_no__in=some).values_list("pk", flat=True))
    lock_keys(keys)


def lock_keys(keys: Iterable[int]) -> None:
    """Lock people by their keys, in the written order."""
    for part in chunks(sorted(keys)):
        list(Person.objects.select_for_update().filter(pk__in=part).order_by("pk").values_list("pk"))


def group_of(person: Person) -> list[int]:
    """Return the keys of a person's records: the one kept and those merged into it."""
    return list(
        Person.objects.filter(Q(pk=person.pk) | Q(merged_into=person)).order_by("pk").values_list("pk", flat=True)
    )


def announce_people(fact: str, psn_nos: Iterable[str], *, cause_id: str = "") -> None:
    """Tell that something about these people changed, some of them at a time."""
    numbers = sorted(set(psn_nos))
    for at in range(0, len(numbers), ANNOUNCED_AT_ONCE):
        outbox.announce(fact, psn_nos=numbers[at : at + ANNOUNCED_AT_ONCE], cause_id=cause_id)


class PersonAction(Action):
    """An action on one person, found by number in the actor's area and locked."""

    person: Person

    def __init__(self, *, actor: Any, psn_no: str) -> None:
        super().__init__(actor=actor)
        self.psn_no = psn_no

    def check(self) -> None:
        self.person = person_for(self.actor, self.psn_no, self.verb)

    def lock(self) -> None:
        self.person = next(p for p in locked(group_of(self.person)) if p.pk == self.person.pk)

    def audited(self, done: Any) -> dict[str, Any]:
        return {
            "subject": "person",
            "subject_id": self.person.psn_no,
            "area_code": self.person.insured_area,
            "data": self.told(done),
        }

    def told(self, done: Any) -> dict[str, Any]:
        """Return the non-personal values of the audit row."""
        return {}
