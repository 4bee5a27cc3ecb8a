"""Exit codes, in one list; help and the reference page print it."""

from __future__ import annotations

DONE, FOUND, USAGE, INPUT, MISSING, PACK, NOT_READY, CRASHED, INTERRUPTED = 0, 1, 2, 3, 4, 5, 6, 70, 130

MEANINGS = {
    DONE: "完成",
    FOUND: "完成，但有差异或问题：政策包检查有错误、案例不符、转换的恒等式不成立、两份政策包有差异、有跳过的坏行；体检或核对发现问题，备份或恢复没有成功",
    USAGE: "命令写法不对",
    INPUT: "输入有错误，什么也没有写",
    MISSING: "规则需要的授权参数没有录入",
    PACK: "政策包写法有错误",
    NOT_READY: "运行不了：环境变量、密钥、数据库或端口不具备，逐项说明",
    CRASHED: "程序自身出错",
    INTERRUPTED: "被中断，没有写完的都已清除",
}
