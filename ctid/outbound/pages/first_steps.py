"""What to do first, in words."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from ctid.domain.alerts import Advice
from ctid.outbound.pages.tongue import Tongue

_Both = tuple[str, str]
_OF_AGENTS: Final = frozenset({Advice.NO_PHONE_REGISTERED, Advice.ALL_PAUSED, Advice.ALL_TALKING})


class _Step(NamedTuple):
    """In English and Chinese: how it is of all agents and of some, and how to mend it.

    `besides` is said behind another step, `few` in a list.
    """

    all: _Both
    some: _Both
    mend: _Both
    besides: _Both
    few: _Both


_STEPS: Final[Mapping[Advice, _Step]] = {
    Advice.NO_PHONE_REGISTERED: _Step(
        all=("no phone is registered", "没有话机注册"),
        some=("phones are not registered", "有话机未注册"),
        mend=("Check their network, switch and power.", "检查话机的网络、交换机和电源。"),
        besides=("some phones are not registered", "部分话机未注册"),
        few=("no phone registered", "没有话机注册"),
    ),
    Advice.NOBODY_LOGGED_IN: _Step(
        all=("nobody is logged in to the queue", "无人登录队列"),
        some=("nobody is logged in to the queue", "无人登录队列"),
        mend=("Have agents log in.", "请坐席登录。"),
        besides=("nobody is logged in", "无人登录"),
        few=("nobody logged in", "无人登录"),
    ),
    Advice.ALL_PAUSED: _Step(
        all=("all agents are paused", "坐席全部暂停"),
        some=("agents are paused", "有坐席暂停"),
        mend=("Have them end the pause.", "请其结束暂停。"),
        besides=("some agents are paused", "部分坐席暂停"),
        few=("agents paused", "坐席暂停"),
    ),
    Advice.ALL_TALKING: _Step(
        all=("all agents are on other calls", "坐席全部在通话"),
        some=("agents are on other calls", "坐席正在通话"),
        mend=("Send somebody else to the phone.", "请加派人手接听。"),
        besides=("some agents are on other calls", "部分坐席在通话"),
        few=("agents on other calls", "坐席在通话"),
    ),
    Advice.RANG_NOT_PICKED_UP: _Step(
        all=("phones rang, nobody picked up", "话机响铃，无人接起"),
        some=("phones rang, nobody picked up", "话机响铃，无人接起"),
        mend=("Go there, or call their mobiles.", "请到座位查看，或打其手机。"),
        besides=("phones rang before and were not picked up", "此前话机响过，无人接起"),
        few=("rang, not picked up", "响铃无人接起"),
    ),
    Advice.UNKNOWN: _Step(
        all=("call the agents", "联系坐席"),
        some=("call the agents", "联系坐席"),
        mend=("The PBX gives no reason.", "PBX 未给出原因。"),
        besides=("", ""),
        few=("", ""),
    ),
}


def first_step(tongue: Tongue, advice: Sequence[Advice], agents: Sequence[str]) -> str:
    """One to three sentences; what comes second in `advice` holds for some agents only."""
    first, *others = advice or (Advice.UNKNOWN,)
    step = _STEPS[first]
    what = tongue.pick(*(step.some if _OF_AGENTS.intersection(others) else step.all))
    mend = tongue.pick(*step.mend)
    if agents:
        names = tongue.names(agents)
        told = tongue.pick(f"{what}: {names}. {mend}", f"{what}：{names}。{mend}")
    else:
        told = tongue.pick(f"{what}. {mend}", f"{what}。{mend}")
    besides = [words for one in others if (words := tongue.pick(*_STEPS[one].besides))]
    if not besides:
        return told
    joined = tongue.pick(", ", "，").join(besides)
    return told + tongue.pick(f" Besides, {joined}.", f"另外，{joined}。")


def in_few_words(tongue: Tongue, advice: Sequence[Advice]) -> str:
    """For a list; empty where nothing is known."""
    return tongue.pick(*_STEPS[advice[0]].few) if advice else ""
