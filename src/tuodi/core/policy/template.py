"""The skeleton of a new pack: texts that pass the check and only wait for a document's figures.

Pure: the caller writes the texts into a folder. What to do with them is ``docs/guides/write-a-pack.md``.
"""

from __future__ import annotations

from tuodi.core.policy.describe_reference import schema_text

POLICY = """# yaml-language-server: $schema=policy.schema.json
# {name}。写法见 docs/guides/write-a-pack.md，每个键的意思见 docs/reference/pack.md。
# 标有“请改”的地方照文件填写；条款号全包用同一个前缀（这里是 {prefix}-）。
pack: {pack}
name: {name}
area: "{area}"
document:
  title: 请改：文件全名
  issuer: 请改：发文机关
# 请改：施行首日；文件写明止日的加 last，写明“试行两年”的加 years: 2。
in_force: {{clause: {prefix}-1, first: 2024-01-01}}

# 文件没有给数、留给其他文件规定的，在这里声明（指南第 5 节），例如：
# delegated:
#   {param}.dibao_month: {{clause: {prefix}-3, asks: 月低保标准, left_to: 民政局公布的低保标准, unit: yuan}}

# 医疗类别代码：两位代表所有以它开头的细分代码。请核对哪些算门诊慢特病。
care:
  clause: {prefix}-2
  inpatient: ["21", "22", "23", "24", "25", "52"]
  chronic_outpatient: ["14"]

# 类别从高到低写；身份代码见 docs/reference/pack.md。请改。
categories:
  - {{id: first, name: 一类救助对象, clause: {prefix}-3, identities: [extreme_poverty]}}
  - {{id: second, name: 二类救助对象, clause: {prefix}-3, identities: [dibao]}}
no_category: {prefix}-3

funds:
  - {{id: assistance, name: 医疗救助基金, clause: {prefix}-5}}

# 救助层：按计算次序写；figures 一行一种情形，每种情形必须正好有一行。请改比例、起付线和限额。
layers:
  - id: inpatient
    name: 住院救助
    clause: {prefix}-4
    covers: {{category: [first, second], care: [inpatient]}}
    base: {{measure: in_policy, clause: {prefix}-4}}
    fund: assistance
    caps: {{yearly: {{per: year, clause: {prefix}-4}}}}
    figures:
      - {{clause: {prefix}-4, when: {{category: [first]}}, rate: 100%}}
      - {{clause: {prefix}-4, when: {{category: [second]}}, deductible: 1000 元, rate: 70%, caps: {{yearly: 3 万元}}}}
"""

CASES = """# 照文件手算，把算式写在 worked 里，再写程序应当得出的数。写法见 docs/reference/cases.md。
- name: 请改：二类对象住院，起付线以上按七成
  clauses: [{prefix}-4]
  worked: (5000 - 1000) × 70% = 2800
  identities: [{{identity: dibao, first: 2023-01-01}}]
  settlements: [{{settled: 2024-03-01, burden: 5000 元}}]
  expect: {{pays: [2800 元]}}
- name: 请改：超过年度限额的部分不付
  clauses: [{prefix}-4]
  worked: (61000 - 1000) × 70% = 42000，限额 30000，截去 12000
  identities: [{{identity: dibao, first: 2023-01-01}}]
  settlements: [{{settled: 2024-03-01, burden: 61000 元}}]
  expect: {{pays: [30000 元], cut: {{inpatient: [12000 元]}}}}
"""

README = """# {name}

- `policy.yaml`：政策。写法见仓库的 `docs/guides/write-a-pack.md`。
- `cases.yaml`：照文件手算的案例。
- `policy.schema.json`：给编辑器用的写法表，不用改。
- `diseases.csv`（需要时）：病种清单，列为 `list,disease,icd10,under_age,note`。

改完运行 `tuodi pack check {pack}` 和 `tuodi pack cases {pack}`。
"""


def new_pack(*, pack: str, name: str, area: str, prefix: str = "XX") -> dict[str, str]:
    """Return the texts of a new pack by file name; ``prefix`` begins its clause ids (two to four capital letters).

    >>> sorted(new_pack(pack="999998-new", name="新县医疗救助", area="999998"))
    ['README.md', 'cases.yaml', 'policy.schema.json', 'policy.yaml']
    """
    fields = {"pack": pack, "name": name, "area": area, "prefix": prefix, "param": prefix.lower()}
    texts = {"policy.yaml": POLICY, "cases.yaml": CASES, "README.md": README}
    return {file: text.format(**fields) for file, text in texts.items()} | {"policy.schema.json": schema_text()}
