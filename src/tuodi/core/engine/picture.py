"""A bill's waterfall as SVG text: from the total, payer by payer, assistance layer by layer, to what is left.

Figures are those of :mod:`.words_bill`. Bars differ by tint and pattern, so that the picture prints in black and white; title and
description say all of it in words for those who cannot see it. Lengths are whole tenths of a pixel. No scripts, no outside fonts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape

from tuodi.core.engine.fold import EventResult
from tuodi.core.engine.plan import Plan
from tuodi.core.engine.words_bill import Bill, Payment
from tuodi.core.engine.words_case import case_of
from tuodi.core.money import yuan_for_people as yuan

WIDTH, HEIGHT = 1000, 500
LEFT, RIGHT, TOP, BOTTOM = 680, 9720, 1200, 3800
FONTS = "'Noto Sans CJK SC','Source Han Sans SC','PingFang SC','Microsoft YaHei','WenQuanYi Micro Hei',sans-serif"
LABEL_LINES, LABEL_SIZE = 3, 13
SAMPLED = "用了示例值，只供参考"

INK, QUIET, RULE, PAPER = "#1c2833", "#5a6b7a", "#d9dfe5", "#ffffff"
#: fill of each kind of bar; patterns are defined in :data:`PATTERNS`.
FILLS = {
    "basic": "#a9bccf", "insurance": "#a9bccf", "supplementary": "url(#dots)", "relief": "url(#dots)", "upstream": "url(#dots)",
    "charity": "url(#dots)", "other": "url(#stripes)", "assistance": "url(#stripes)",
}  # fmt: skip
PARTS = (("政策范围内", "#2f4858"), ("乙类先行自付", "#7d93a6"), ("全自费、超限价", "url(#hatch)"))
PATTERNS = (
    '<pattern id="dots" width="6" height="6" patternUnits="userSpaceOnUse"><rect width="6" height="6" fill="#e8edf2"/>'
    '<circle cx="3" cy="3" r="1.2" fill="#6f8497"/></pattern>'
    '<pattern id="stripes" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="8" height="8" fill="#0e7c66"/><rect width="2" height="8" fill="#5fb8a3"/></pattern>'
    '<pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)">'
    '<rect width="7" height="7" fill="#f4f1ea"/><rect width="1.5" height="7" fill="#8a7f6b"/></pattern>'
)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: ``parts`` from below upwards (amount, fill), standing on ``floor``."""

    label: str
    amount: str
    floor: int
    parts: tuple[tuple[int, str], ...]
    note: str = ""
    is_strong: bool = False
    outline: str = "#5a6b7a"

    @property
    def top(self) -> int:
        """The amount at which the bar ends."""
        return self.floor + sum(amount for amount, _ in self.parts)


def picture(plan: Plan, result: EventResult, *, called: str = "") -> str:
    """Return the waterfall of a computed settlement as one SVG document; ``called`` where it stands beside its number."""
    case = case_of(plan, result)
    bill = case.bill
    bars = bars_of(bill)
    s = result.settlement
    title = f"{called or f'结算 {s.setl_id}'}：从医疗费总额到个人负担"
    subtitle = f"{plan.pack.name} · {s.setl_time.date().isoformat()} 结算"
    if result.decision.refusal:
        kind = "还不能算" if result.decision.is_open else "不予救助"
        subtitle += f" · {kind}：{result.decision.says}（{result.decision.clause}）"
    said = description(bill)
    if any(entry.is_sample for entry in case.entered()):
        subtitle += f" · {SAMPLED}"
        said += f"{SAMPLED}。"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" '
        f'aria-labelledby="waterfall-title waterfall-desc" font-family="{FONTS}" fill="{INK}">',
        f'<title id="waterfall-title">{escape(title)}</title>',
        f'<desc id="waterfall-desc">{escape(said)}</desc>',
        f"<defs>{PATTERNS}</defs>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{PAPER}"/>',
        text(320, 400, title, size=21, weight=600),
        text(320, 660, subtitle, size=13, fill=QUIET),
        *_grid(bill),
        *_bars(bars, max(bill.total, 1)),
        *_bracket(bars, bill),
        *_legend(bars),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def description(bill: Bill) -> str:
    """Return the picture in words."""
    paid = "；".join(f"{p.label} {yuan(p.amount)}{_cited(p)}" for p in bill.payments) or "没有支付"
    parts = "，".join(
        f"{name} {yuan(amount)}" for (name, _), amount in zip(PARTS, bill.left_parts, strict=True) if amount
    )
    left = f"个人还要承担 {yuan(max(bill.left, 0))}" + (f"（{parts}）" if parts and bill.left > 0 else "")
    return f"医疗费总额 {yuan(bill.total)}。{paid}。{left}。"


def _cited(payment: Payment) -> str:
    return f"（{'、'.join(payment.clauses)}）" if payment.clauses else ""


def bars_of(bill: Bill) -> list[Bar]:
    """Return the bars from left to right: the total, what each payer takes off, what is left."""
    fills = [fill for _, fill in PARTS]
    whole = (bill.in_policy, bill.class_b, bill.self_pay + bill.over_limit)
    bars = [Bar("医疗费总额", yuan(bill.total), 0, _stacked(whole, fills), is_strong=True)]
    level = bill.total
    for payment in bill.payments:
        low = max(level - payment.amount, 0)
        strong = payment.kind == "assistance"
        bars.append(
            Bar(
                payment.label, f"− {yuan(payment.amount)}", low, ((max(level, 0) - low, FILLS[payment.kind]),),
                note=payment.clauses[0] if payment.clauses else "", is_strong=strong, outline="#0a5747" if strong else "#5a6b7a",
            )
        )  # fmt: skip
        level -= payment.amount
    left = bill.left_parts if bill.left > 0 else (0, 0, 0)
    return [*bars, Bar("个人还要承担", yuan(max(bill.left, 0)), 0, _stacked(left, fills), is_strong=True)]


def _stacked(amounts: tuple[int, int, int], fills: list[str]) -> tuple[tuple[int, str], ...]:
    """Return the parts of a stacked bar, that outside policy scope below, as it is what stays to the end."""
    return tuple((amount, fill) for amount, fill in reversed(list(zip(amounts, fills, strict=True))) if amount > 0)


def px(tenths: int) -> str:
    """Return a length in pixels.

    >>> px(125), px(40), px(-5)
    ('12.5', '4', '-0.5')
    """
    whole, part = divmod(abs(tenths), 10)
    return f"{'-' if tenths < 0 else ''}{whole}{f'.{part}' if part else ''}"


def text(
    x: int, y: int, words: str, *, size: int = 12, fill: str = "", weight: int = 0, anchor: str = "", halo: bool = False
) -> str:
    """Return a line of text at tenths of a pixel; a halo keeps it readable over lines and patterns."""
    extra = f' fill="{fill}"' if fill else ""
    extra += f' font-weight="{weight}"' if weight else ""
    extra += f' text-anchor="{anchor}"' if anchor else ""
    extra += f' stroke="{PAPER}" stroke-width="4" stroke-linejoin="round" paint-order="stroke"' if halo else ""
    return f'<text x="{px(x)}" y="{px(y)}" font-size="{size}"{extra}>{escape(words)}</text>'


def _height(amount: int, total: int) -> int:
    return (BOTTOM - TOP) * amount // total


def tick_step(total: int) -> int:
    """Return a round step that divides an amount into three to eight.

    >>> tick_step(500_000), tick_step(20_300_000), tick_step(7)
    (100000, 5000000, 1)
    """
    step = 1
    while step * 10 <= total:
        step *= 10
    for smaller in (5, 2, 1):
        if step >= 10 and total < step * 4 and total // (step // 10 * smaller) >= 3:
            return step // 10 * smaller
    return step * 2 if total >= step * 8 else step


def _grid(bill: Bill) -> Iterator[str]:
    total = max(bill.total, 1)
    step = tick_step(total)
    for amount in range(0, total + 1, step):
        y = BOTTOM - _height(amount, total)
        stroke = "#8b99a6" if amount == 0 else RULE
        yield f'<line x1="{px(LEFT)}" x2="{px(RIGHT)}" y1="{px(y)}" y2="{px(y)}" stroke="{stroke}"/>'
        yield text(LEFT - 80, y + 40, _tick(amount, in_wan=total >= 10_000_000), size=11, fill=QUIET, anchor="end")


def _tick(amount: int, *, in_wan: bool) -> str:
    """Return a round amount in yuan, or in ten thousand yuan."""
    if in_wan and amount:
        return f"{px(amount // 100_000)} 万"
    return f"{amount // 100:,}" if amount % 100 == 0 else yuan(amount).removesuffix(" 元")


def _bars(bars: list[Bar], total: int) -> Iterator[str]:
    slot = (RIGHT - LEFT) // len(bars)
    wide = min(slot * 62 // 100, 960)
    for n, bar in enumerate(bars):
        middle = LEFT + slot * n + slot // 2
        x, y = middle - wide // 2, BOTTOM - _height(bar.floor, total)
        for amount, fill in bar.parts:
            tall = max(_height(amount, total), 10)
            y -= tall
            yield (
                f'<rect x="{px(x)}" y="{px(y)}" width="{px(wide)}" height="{px(tall)}" fill="{fill}" '
                f'stroke="{bar.outline}" stroke-width="{1.4 if bar.is_strong and fill == FILLS["assistance"] else 0.8}"/>'
            )
            words = yuan(amount).removesuffix(" 元")
            if len(bar.parts) > 1 and tall >= 170 and len(words) * 58 <= wide:
                ink, halo = (PAPER, False) if fill == PARTS[0][1] else (INK, fill == PARTS[2][1])
                yield text(middle, y + tall // 2 + 40, words, size=10, fill=ink, anchor="middle", halo=halo)
        size = 13 if slot >= 1000 else 11 if slot >= 760 else 9
        yield text(
            middle, y - 80, bar.amount, size=size, weight=600 if bar.is_strong else 0, anchor="middle", halo=True
        )
        level = BOTTOM - _height(bar.top if n == 0 else bar.floor, total)
        if n + 1 < len(bars) and level < BOTTOM:
            right = LEFT + slot * (n + 1) + slot // 2 - wide // 2
            yield (
                f'<line x1="{px(x + wide)}" x2="{px(right)}" y1="{px(level)}" y2="{px(level)}" stroke="#7b8a97" '
                f'stroke-dasharray="3 3"/>'
            )
        yield from _label(bar, middle, slot)


def _label(bar: Bar, middle: int, slot: int) -> Iterator[str]:
    """Yield the label under a bar, in lines that fit its slot, and the clause below it."""
    size, lines = label_lines(bar.label, slot)
    y = BOTTOM + 220
    for line in lines:
        yield text(middle, y, line, size=size, weight=600 if bar.is_strong else 0, anchor="middle")
        y += (size + 4) * 10
    if bar.note:
        yield text(middle, y, bar.note, size=10, fill=QUIET, anchor="middle")


def label_lines(label: str, slot: int) -> tuple[int, list[str]]:
    """Return the size of a label and its lines: as even as they can be, no wider than a slot."""
    size = LABEL_SIZE if slot >= 760 else 11
    fit = max((slot - 60) // (size * 10), 3)
    count = min(-(-len(label) // fit), LABEL_LINES)
    even = min(-(-len(label) // count), fit)
    lines = [label[i * even : (i + 1) * even] for i in range(count)]
    if even * count < len(label):
        lines[-1] = lines[-1][:-1] + "…"
    return size, lines


def _bracket(bars: list[Bar], bill: Bill) -> Iterator[str]:
    """Yield a bracket under several bars of assistance with their sum."""
    own = [n for n, bar in enumerate(bars) if bar.note and bar.is_strong]
    if len(own) < 2:
        return
    slot = (RIGHT - LEFT) // len(bars)
    tallest = max(len(lines) * (size + 4) for size, lines in (label_lines(bars[n].label, slot) for n in own))
    first, last, y = LEFT + slot * own[0] + 120, LEFT + slot * (own[-1] + 1) - 120, BOTTOM + 330 + tallest * 10
    yield f'<path d="M{px(first)} {px(y - 60)}V{px(y)}H{px(last)}V{px(y - 60)}" fill="none" stroke="#0e7c66" stroke-width="1.2"/>'
    yield text(
        (first + last) // 2,
        y + 170,
        f"医疗救助合计 {yuan(bill.assistance)}",
        size=12,
        weight=600,
        fill="#0a5747",
        anchor="middle",
    )


def _legend(bars: list[Bar]) -> Iterator[str]:
    """Yield what the tints mean, those that occur."""
    used = {fill for bar in bars for _, fill in bar.parts}
    entries = [(name, fill) for name, fill in PARTS if fill in used]
    entries += [
        (name, fill)
        for name, fill in (
            ("保险支付", FILLS["basic"]),
            ("其他帮扶", FILLS["relief"]),
            ("医疗救助", FILLS["assistance"]),
        )
        if fill in used
    ]
    x = RIGHT - sum(300 + 120 * len(name) for name, _ in entries)
    for name, fill in entries:
        yield f'<rect x="{px(x)}" y="{px(800)}" width="12" height="12" fill="{fill}" stroke="#5a6b7a" stroke-width="0.6"/>'
        yield text(x + 170, 905, name, size=12, fill=QUIET)
        x += 300 + 120 * len(name)
