"""What somebody without programming is told who writes a key, a code or a list otherwise than the format has it."""

import pytest
from tests.core.sound_pack import source

from tuodi.core.errors import PackErrors


def told(changes):
    with pytest.raises(PackErrors) as caught:
        source(changes)
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"area": 420999}, "“area”写法不对：应是：文字（代码和数字要当作文字的，加引号）"),
        ({"area": "4209"}, "“area”写法不对：应是：六位数字"),
        ({"layers.0.clause": "第七条"}, "“layers › inpatient › clause”写法不对：应是：条款号，如 XX-7.1"),
        ({"categories.0.identities.0": "低保"}, "› 第 1 项”写法不对：应是：小写英文字母、数字、点、横线、下划线"),
        ({"layers.0.deductable": {"per": "year"}}, "“layers › inpatient”里没有名为“deductable”的键，是不是“deductible”"),
        ({"layers.0.figures.1.rates": "60%"}, "“layers › inpatient › figures › 第 2 项”里没有名为“rates”的键，是不是“rate”"),
        ({"layers.0.colour": "red"}, "里没有名为“colour”的键。请检查拼写"),
        ({"funds": {"id": "x"}}, "“funds”写法不对：应是：列表，如 [甲, 乙]"),
    ],
)  # fmt: skip
def test_a_wrong_shape_is_told_in_the_words_of_the_format(changes, says):
    assert any(says in line for line in told(changes)), told(changes)
