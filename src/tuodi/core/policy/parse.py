"""YAML text to plain values, strictly, with the line of every key.

YAML 1.1 guesses (``0123`` is 83, ``NO`` is false, of two equal keys the last wins): none of it here. A scalar is a whole
number only if written as one without quotes and leading zeros, a flag only as ``true``/``false``; all else is text, days
included (the typed model reads them). Repeated keys, anchors, tags and bare decimals are faults.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from tuodi.core.errors import Fault, PackErrors, declare, fault

E_YAML = declare("E-PACK-YAML", "文件不是规范的 YAML：{why}", "请按行号检查缩进、引号和冒号后的空格")
E_REPEATED = declare("E-PACK-REPEATED", "键“{key}”在同一处写了两次（前一次在第 {other} 行）", "请只保留一个")
E_DECIMAL = declare(
    "E-PACK-DECIMAL", "“{value}”是没有单位的小数", "金额请写成“3000.50 元”，比例请写成“12.5%”，倍数和编码请加引号"
)
E_EMPTY = declare("E-PACK-EMPTY", "文件是空的或最外层不是键值表", "政策包最外层应为 pack、name、area 等键")
E_ANCHOR = declare("E-PACK-ANCHOR", "不支持 YAML 的锚点、别名和标签（{value}）", "请直接写出内容")

WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,11})")
DECIMAL = re.compile(r"[-+]?[0-9]*\.[0-9]+([eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+")

Path = tuple[str | int, ...]


class Document:
    """Plain data of a YAML text and the line on which each path begins."""

    def __init__(self, data: dict[str, Any], lines: dict[Path, int]) -> None:
        self.data = data
        self.lines = lines

    def line(self, path: Path) -> int:
        """Return the line of a path, or of its nearest known ancestor."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def where(self, path: Path) -> str:
        """Return a path in words: items of a list by their id where they have one, else by their number from 1.

        >>> document = parse_yaml("layers: [{id: inpatient, figures: [{rate: 70%}, {rate: 60%}]}]", file="policy.yaml")
        >>> document.where(("layers", 0, "figures", 1, "rate")), document.where(())
        ('layers › inpatient › figures › 第 2 项 › rate', '政策包')
        """
        at: Any = self.data
        words = []
        for step in path:
            at = _into(at, step)
            own = at.get("id") if isinstance(at, dict) else None
            words.append(str(step) if isinstance(step, str) else own if isinstance(own, str) else f"第 {step + 1} 项")
        return " › ".join(words) or "政策包"


def _into(at: Any, step: str | int) -> Any:
    if isinstance(step, str):
        return at.get(step) if isinstance(at, dict) else None
    return at[step] if isinstance(at, list) and step < len(at) else None


#: What the YAML reader complains of most, and what people read.
PROBLEMS = {
    "found a tab": "缩进用了制表符（Tab），请改用空格", "cannot start any token": "有一个符号放错了地方，内容里有符号时请加英文引号",
    "mapping values are not allowed": "一行里冒号太多，或上一行的缩进不对", "did not find expected key": "缩进前后不一致",
    "did not find expected node": "逗号或括号多了一个，里面是空的", "did not find expected ',' or": "括号没有配对，或中间少了逗号",
    "could not find expected ':'": "少了冒号，或冒号后面没有空格", "unexpected end of stream": "引号没有配对",
}  # fmt: skip


def parse_yaml(text: str, *, file: str, under: str = "") -> Document:
    """Return the document; ``PackErrors`` with every fault that can be seen at once.

    A text that is a list becomes the value of the key ``under``; lines are those of the text as it stands.
    """
    above = 1 if under else 0
    if under:
        text = f"{under}:\n" + "".join(f"  {line}\n" for line in text.splitlines())
    loader = yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader
    try:
        node = yaml.compose(text, Loader=loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = str(getattr(error, "problem", ""))
        why = next((says for part, says in PROBLEMS.items() if part in problem), problem or "无法读取")
        raise PackErrors(
            [fault(E_YAML, file=file, line=max(mark.line + 1 - above, 1) if mark else 0, why=why)]
        ) from None
    reader = _Reader(file, above)
    data = reader.value(node, ()) if node is not None else None
    if not isinstance(data, dict) and not reader.faults:
        reader.faults.append(fault(E_EMPTY, file=file, line=1))
    if reader.faults:
        raise PackErrors(reader.faults)
    assert isinstance(data, dict)
    return Document(data, reader.lines)


class _Reader:
    """Walks the nodes of one text; collects lines and faults."""

    def __init__(self, file: str, above: int) -> None:
        self.file = file
        self.above = above
        self.lines: dict[Path, int] = {}
        self.faults: list[Fault] = []
        self.seen: set[int] = set()

    def value(self, node: yaml.Node, path: Path) -> Any:
        line = max(node.start_mark.line + 1 - self.above, 1)
        self.lines.setdefault(path, line)
        if id(node) in self.seen:
            self.faults.append(fault(E_ANCHOR, file=self.file, line=line, value="*"))
            return None
        self.seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, i)) for i, item in enumerate(node.value)]
        assert isinstance(node, yaml.ScalarNode)
        return self.scalar(node, line)

    def mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            line = max(key_node.start_mark.line + 1 - self.above, 1)
            if key in out:
                self.faults.append(
                    fault(E_REPEATED, file=self.file, line=line, key=key, other=self.lines[(*path, key)])
                )
                continue
            self.lines[(*path, key)] = line
            out[key] = self.value(value_node, (*path, key))
        return out

    def scalar(self, node: yaml.ScalarNode, line: int) -> Any:
        text = str(node.value)
        if node.style in ("'", '"', "|", ">"):
            return text
        if text in ("true", "false"):
            return text == "true"
        if text in ("", "~", "null"):
            return None
        if WHOLE.fullmatch(text):
            return int(text)
        if DECIMAL.fullmatch(text):
            self.faults.append(fault(E_DECIMAL, file=self.file, line=line, value=text))
        return text
