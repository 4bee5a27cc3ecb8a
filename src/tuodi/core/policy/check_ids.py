"""Names in a pack: what is named must exist, what exists must be named somewhere, and nothing twice.

``REFERS`` says for each key of the model that holds names what they name; a test holds it against the model.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from tuodi.core.errors import declare
from tuodi.core.identities import IDENTITIES
from tuodi.core.policy.check_look import Finding, Look, clause_of, delegated_in_part, inside, parts
from tuodi.core.policy.model import CapRule, Criterion, IdentityRule, Layer, Part, Service, Tally
from tuodi.core.policy.parse import Path
from tuodi.core.settlements import AMOUNT_FIELDS, CAUSES, INSURER_FIELDS, MED_TYPES, OTHER_PAYER_FIELDS

E_NAME = declare("E-CHECK-NAME", "“{where}”用到了政策包里没有的{what}“{name}”", "可用的：{known}")
E_TWICE = declare("E-CHECK-TWICE", "{what}“{name}”写了两次", "编号不能重复，请改名或合并")
E_LATER = declare("E-CHECK-LATER-LAYER", "“{where}”用到了后面的层“{name}”", "层按书写顺序计算，只能引用写在前面的层")
E_PERIOD = declare(
    "E-CHECK-PERIOD", "“{where}”的期间“{name}”不能这样用：{why}", "请改用 claim、stay、year、once 或已定义的追溯窗口"
)
W_PREFIX = declare("W-CLAUSE-PREFIX", "条款号“{name}”不是本文件的条款（本文件的以“{prefix}-”开头）", "请核对条款号")
W_CARE = declare("W-MED-TYPE", "医疗类别代码“{name}”不在国家字典里", "请核对；地方细分代码的前两位应是国家代码")
W_UNUSED = declare("W-UNUSED", "{what}“{name}”定义了，但没有任何地方用到", "请删去，或补上用它的规则")
W_REACHED = declare("W-DEAD-CATEGORY", "类别“{name}”永远轮不到：它的身份都已属于前面的类别", "请核对类别的次序和身份")
W_AGAIN = declare("W-IDENTITY-AGAIN", "身份“{identity}”已属于前面的类别“{other}”，写在“{name}”里不起作用", "请只留一处")
W_RULE = declare(
    "W-DEAD-IDENTITY-RULE",
    "身份规则永远轮不到：{name} 已由前面的规则规定",
    "每个身份只按最先写到它的规则；请调整次序或合并",
)
W_OPENS = declare(
    "W-DEAD-WINDOW",
    "身份规则（{name}）用的追溯窗口“{window}”不含这些身份，永远不会打开",
    "请把身份写进窗口的 identities，或删去",
)
W_INTERPRETS = declare(
    "W-READING-UNUSED", "释义“{name}”既不改变任何数，也没有规则引用它", "请在用到它的规则上写 readings，或删去"
)

#: Names that mean what they say in every structure: key -> (what it names, how it is called).
REFERS: dict[str, str] = {
    "identities": "identity", "identity": "identity", "not_identity": "identity", "accompanied_by": "identity",
    "focus": "identity", "state": "identity", "category": "category", "categories": "category", "disease": "disease",
    "window": "window", "less": "payer", "after": "layer", "counts": "layer", "cut_of": "layer", "fund": "fund",
    "pays": "payer", "who": "delegated", "requires": "delegated", "delegated": "delegated", "term": "deadline",
    "holds_notice": "deadline", "readings": "reading", "list": "list", "cause": "cause", "period": "period", "per": "period",
}  # fmt: skip
CALLED = {
    "identity": "身份", "category": "类别", "disease": "病种类别", "window": "追溯窗口", "payer": "支付方", "layer": "救助层",
    "fund": "资金", "delegated": "授权参数", "deadline": "期限", "reading": "释义", "list": "病种清单", "cause": "致伤原因", "cap": "限额",
}  # fmt: skip
#: Keys whose names are of something else in these structures.
NOT_HERE: set[tuple[type[Part], str]] = {(Tally, "counts"), (Service, "per"), (Criterion, "window")}
#: What is remembered from one year's payments: layers may be told to pay into the fields that later layers deduct.
PAYERS = (*INSURER_FIELDS, *OTHER_PAYER_FIELDS)
#: What a layer pays on behalf of another scheme (I-65): it comes off the base of later layers and is nobody's assistance here.
UPSTREAM = "upstream"
#: Readings that the computation itself rests on, whatever the pack.
OWN_READINGS = ("I-13", "I-21")


def known_names(look: Look) -> dict[str, list[str]]:
    """Return what may be named, by kind."""
    pack = look.pack
    classes = pack.diseases.classes if pack.diseases else []
    return {
        "identity": list(IDENTITIES),
        "category": [category.id for category in pack.categories],
        "disease": [*(known.id for known in classes), pack.diseases.otherwise if pack.diseases else "general"],
        "window": list(pack.windows),
        "payer": list(PAYERS),
        "layer": [layer.id for layer in (*pack.insurance, *pack.layers)],
        "fund": [fund.id for fund in pack.funds],
        "delegated": list(pack.delegated),
        "deadline": [deadline.id for deadline in pack.terms.deadlines],
        "reading": list(pack.readings),
        "list": list(dict.fromkeys(disease.list_ for disease in pack.disease_lists)),
        "cause": list(CAUSES),
    }


def check_names(look: Look) -> Iterator[Finding]:
    """Yield every name that stands for nothing, stands twice or is never used."""
    yield from _unknown(look)
    yield from _caps(look)
    yield from _periods(look)
    yield from _twice(look)
    yield from _clauses(look)
    yield from _unused(look)
    yield from _categories(look)
    yield from _identity_rules(look)


def named(look: Look) -> Iterator[tuple[Path, str, str]]:
    """Yield every name used in the pack with its path and kind."""
    for path, part in parts(look.pack):
        for key, value in inside(part):
            kind = REFERS.get(str(key))
            if kind is None or (type(part), key) in NOT_HERE or (path == () and key in ("readings", "delegated")):
                continue
            if path[:1] == ("disease_lists",) or kind == "period":
                continue
            for i, name in enumerate(value if isinstance(value, list) else [value]):
                if isinstance(name, str):
                    yield (*path, str(key), i) if isinstance(value, list) else (*path, str(key)), kind, name


def _unknown(look: Look) -> Iterator[Finding]:
    known = known_names(look)
    order = known["layer"]
    for path, kind, name in named(look):
        where = look.where(path)
        every = name == "all" and path[0] == "identity_rules"
        own = kind == "reading" and name in OWN_READINGS
        pays = path[-1] == "pays" and name in (*AMOUNT_FIELDS, UPSTREAM)
        if name not in known[kind] and not (every or own or pays):
            shown = "、".join(known[kind][:12]) or "（没有定义过）"
            yield look.finding(
                "error",
                E_NAME,
                path,
                clause=clause_of(look.pack, path),
                where=where,
                what=CALLED[kind],
                name=name,
                known=shown,
            )
        elif kind == "layer" and path[0] in ("layers", "insurance") and path[-1] != "counts" and "counts" not in path:
            own_layer = getattr(look.pack, str(path[0]))[path[1]].id
            if order.index(name) >= order.index(own_layer):
                yield look.finding(
                    "error", E_LATER, path, clause=clause_of(look.pack, path), layer=own_layer, where=where, name=name
                )


def _layers(look: Look) -> Iterator[tuple[Path, Layer]]:
    for key, layers in (("insurance", look.pack.insurance), ("layers", look.pack.layers)):
        for i, layer in enumerate(layers):
            yield (key, i), layer


def _caps(look: Look) -> Iterator[Finding]:
    """Yield figures of caps that their layer does not declare, and declared caps without any figure."""
    for path, layer in _layers(look):
        given: set[str] = set()
        for i, row in enumerate(layer.figures):
            for key, caps in (("caps", row.caps), ("cap_steps", row.cap_steps)):
                given.update(caps)
                for cap in [cap for cap in caps if cap not in layer.caps]:
                    at = (*path, "figures", i, key, cap)
                    yield look.finding(
                        "error", E_NAME, at, clause=row.clause, layer=layer.id, where=look.where(at),
                        what=CALLED["cap"], name=cap, known="、".join(layer.caps) or "（本层没有 caps）",
                    )  # fmt: skip
        for cap in [cap for cap in layer.caps if cap not in given]:
            yield look.finding(
                "warning",
                W_UNUSED,
                (*path, "caps", cap),
                clause=layer.clause,
                layer=layer.id,
                what=f"{layer.name}的限额",
                name=cap,
            )


def _periods(look: Look) -> Iterator[Finding]:
    """Yield periods that run over windows that do not exist or over applications that nobody can make."""
    for path, layer in _layers(look):
        found: list[tuple[Path, str]] = [
            ((*path, "period"), layer.period),
            ((*path, "deductible", "per"), layer.deductible.per),
        ]
        found += [((*path, "caps", cap, "per"), rule.per) for cap, rule in layer.caps.items()]
        for at, period in found:
            kind, _, window = period.partition(":")
            why = ""
            if window and window not in look.pack.windows:
                why = f"没有追溯窗口“{window}”"
            elif kind == "application" and layer.due != "application":
                why = "只有依申请（due: application）的层才能按申请累计"
            if why:
                where = look.where(at)
                yield look.finding(
                    "error", E_PERIOD, at, clause=layer.clause, layer=layer.id, where=where, name=period, why=why
                )


def _twice(look: Look) -> Iterator[Finding]:
    """Yield ids written twice in one list (layers and insurance layers share their names)."""
    lists: dict[str, list[tuple[Path, str]]] = {}
    for path, part in parts(look.pack):
        own = getattr(part, "id", None)
        if isinstance(own, str) and path and isinstance(path[-1], int):
            holder = "layers" if path[:-1] == ("insurance",) else look.where(path[:-1])
            lists.setdefault(holder, []).append((path, own))
    for holder, held in lists.items():
        seen: set[str] = set()
        for path, name in held:
            if name in seen:
                yield look.finding(
                    "error", E_TWICE, path, clause=clause_of(look.pack, path), what=f"{holder} 里的编号", name=name
                )
            seen.add(name)
    for i, category in enumerate(look.pack.categories):
        for identity, count in Counter(category.identities).items():
            if count > 1:
                yield look.finding(
                    "error", E_TWICE, ("categories", i), clause=category.clause, what="身份", name=identity
                )


def _clauses(look: Look) -> Iterator[Finding]:
    """Yield clauses cited from another document."""
    prefix = look.pack.in_force.clause.partition("-")[0]
    seen: set[str] = set()
    for path, part in parts(look.pack):
        cited = getattr(part, "clause", None)
        for clause in cited if isinstance(cited, list) else [cited] if isinstance(cited, str) else []:
            if clause.partition("-")[0] != prefix and clause not in seen:
                seen.add(clause)
                yield look.finding("warning", W_PREFIX, (*path, "clause"), name=clause, prefix=prefix)
    for key in ("inpatient", "chronic_outpatient"):
        for i, code in enumerate(getattr(look.pack.care, key)):
            if code[:2] not in MED_TYPES:
                yield look.finding("warning", W_CARE, ("care", key, i), clause=look.pack.care.clause, name=code)


def _unused(look: Look) -> Iterator[Finding]:
    """Yield what is defined and never named."""
    pack = look.pack
    used: dict[str, set[str]] = {}
    for _, kind, name in named(look):
        used.setdefault(kind, set()).add(name)
    periods = [layer.period for _, layer in _layers(look)] + [layer.deductible.per for _, layer in _layers(look)]
    periods += [part.per for _, part in parts(pack) if isinstance(part, CapRule)]
    used.setdefault("window", set()).update(period.partition(":")[2] for period in periods)
    used.setdefault("delegated", set()).update(delegated_in_part(pack), *(_named_by_choices(look, "delegated")))
    for kind in ("window", "list"):
        used.setdefault(kind, set()).update(*_named_by_choices(look, kind))
    groups: list[tuple[str, str, Callable[[str], Path]]] = [
        ("window", "追溯窗口", lambda name: ("windows", name)), ("delegated", "授权参数", lambda name: ("delegated", name)),
        ("list", "病种清单", lambda name: ("diseases",)),
    ]  # fmt: skip
    known = known_names(look)
    for kind, called, at in groups:
        for name in known[kind]:
            if name not in used.get(kind, set()):
                yield look.finding(
                    "warning", W_UNUSED, at(name), clause=clause_of(pack, (*at(name), "")), what=called, name=name
                )
    for name, reading in pack.readings.items():
        changes = any(choice.set for choice in reading.choices.values())
        if not changes and name not in used.get("reading", set()):
            yield look.finding("warning", W_INTERPRETS, ("readings", name), clause=reading.clause[0], name=name)


def _named_by_choices(look: Look, kind: str) -> Iterator[set[str]]:
    """Yield the names that changes of readings bring in (under another reading they are used)."""
    for reading in look.pack.readings.values():
        for choice in reading.choices.values():
            yield set(_texts(choice.set)) & set(known_names(look)[kind])


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
        yield value.partition(":")[2]
    for _, inner in inside(value):
        yield from _texts(inner)


def _categories(look: Look) -> Iterator[Finding]:
    """Yield identities and categories that an earlier category takes away."""
    taken: dict[str, str] = {}
    for i, category in enumerate(look.pack.categories):
        again = [identity for identity in category.identities if identity in taken]
        if again and len(again) == len(category.identities):
            yield look.finding("warning", W_REACHED, ("categories", i), clause=category.clause, name=category.name)
        else:
            for identity in again:
                yield look.finding(
                    "warning", W_AGAIN, ("categories", i), clause=category.clause, name=category.name,
                    identity=IDENTITIES.get(identity, identity), other=taken[identity],
                )  # fmt: skip
        taken |= {identity: category.name for identity in category.identities if identity not in taken}


def _identity_rules(look: Look) -> Iterator[Finding]:
    """Yield identity rules all of whose identities an earlier rule governs."""
    governed: set[str] = set()
    for i, rule in enumerate(look.pack.identity_rules):
        window = look.pack.windows.get(rule.window or "")
        if window is not None and "all" not in rule.identities and not set(rule.identities) & set(window.identities):
            yield look.finding(
                "warning",
                W_OPENS,
                ("identity_rules", i),
                clause=rule.clause,
                name="、".join(rule.identities),
                window=window.name,
            )
        if "all" in governed or _all_governed(rule, governed):
            yield look.finding(
                "warning", W_RULE, ("identity_rules", i), clause=rule.clause, name="、".join(rule.identities)
            )
        governed.update(rule.identities)


def _all_governed(rule: IdentityRule, governed: set[str]) -> bool:
    return all(identity in governed for identity in rule.identities)
