"""What SIP says about a played scenario, as expected records with times, and as JSON."""

from dataclasses import dataclass
from typing import Any

from .model import Offer
from .play import Played


@dataclass(frozen=True)
class Expected:
    """One record that ctid has to have; Unix seconds and seconds, None: must be absent."""

    scenario: str
    offer: Offer
    dids: tuple[str, ...]
    caller: str
    line: str | None
    agent: str | None
    final: str | None
    rung: tuple[str, ...]
    offered_at: float | None
    answered_at: float | None
    wait: float | None
    talk_and_hold: float | None
    hold: float | None
    started_at: float
    ended_at: float | None


class NoTruthError(Exception):
    """The scenario did not go as its script says, so that there is nothing to compare with."""


def expected(played: Played) -> list[Expected]:
    """The records to expect; raises NoTruthError if SIP shows that the scenario went otherwise."""
    if played.troubles:
        raise NoTruthError("; ".join(played.troubles))
    for offer in played.scenario.offers:
        _check_end(played, offer)
    return [_expected(played, offer) for offer in played.scenario.offers]


def _check_end(played: Played, offer: Offer) -> None:
    """The table's `by` must be what SIP shows: who sent the CANCEL or the BYE."""
    leg = played.call_leg(offer.call)
    if leg is None:
        raise NoTruthError(f"{played.scenario.name}: call {offer.call} was not made")
    if offer.ended.startswith("end:"):
        # The conversation ended with another call's end: the agent left, the caller stayed.
        return
    if offer.by is not None and bool(leg.ended_by_me) != (offer.by == "caller"):
        raise NoTruthError(
            f"{played.scenario.name}: the table says {offer.by} ended it, SIP does not"
        )


def _need(played: Played, moment: str, call: int) -> float:
    at = played.moment(moment, call)
    if at is None:
        raise NoTruthError(f"{played.scenario.name}: no {moment} in the SIP logs")
    return at


def _expected(played: Played, offer: Offer) -> Expected:
    agent = played.places.agent
    offered = None if offer.offered is None else _need(played, offer.offered, offer.call)
    answered = wait = talk = None
    ended = _need(played, "end", offer.call)
    heard = offer.outcome in ("answered", "excluded") or bool(offer.answered)
    if heard:
        answered = _need(played, offer.answered or f"answer:{offer.agent}", offer.call)
        talk = _need(played, offer.ended, offer.call) - answered
        talk -= sum(
            _need(played, b, offer.call) - _need(played, a, offer.call) for a, b in offer.pauses
        )
        if offered is not None:
            wait = answered - offered
    elif offered is not None:
        wait = _need(played, offer.ended, offer.call) - offered
    hold = None
    if offer.hold is not None:
        hold = _need(played, offer.hold[1], offer.call) - _need(played, offer.hold[0], offer.call)
    rung = tuple(agent(slot) for slot in slots(offer.rung))
    measured = {slot for slot, phone in played.phones.items() if any(g.ring for g in phone.legs())}
    claimed = {
        slot
        for other in played.scenario.offers
        for slot in slots(other.rung) + slots(other.rung_also)
    }
    if any(offer.outcome for offer in played.scenario.offers) and measured != claimed:
        raise NoTruthError(
            f"{played.scenario.name}: rang {sorted(measured)}, not {sorted(claimed)}"
        )
    line = None if offer.line is None else played.places.line(offer.line)
    if offer.direction != "inbound" and offer.outcome is None:
        line = None
    return Expected(
        played.scenario.name,
        offer,
        tuple(played.places.fill(call.number) for call in played.scenario.calls),
        played.user(offer.call),
        line,
        agent(offer.agent) if offer.agent else None,
        agent(offer.final) if offer.final else None,
        rung,
        offered,
        answered,
        wait,
        talk,
        hold,
        _need(played, "start", offer.call),
        ended,
    )


def slots(text: str) -> list[str]:
    """The slots that a text like `ab`, `mobile` or `391` names."""
    return [text] if len(text) > 2 and text != "abc" else list(text)


def as_json(played: Played, version: str) -> dict[str, Any]:
    """The truth as the stored captures have it: calls, offers (`domain`), and the SIP legs."""
    rows = expected(played)
    calls = []
    for index in range(len(played.scenario.calls)):
        mine = [row for row in rows if row.offer.call == index]
        if mine:
            calls.append(_call(played, index, mine))
    legs = [
        {
            "ext": "mobile" if slot == "mobile" else played.places.agent(slot),
            "frm": leg.peer,
            "invite": leg.invite,
            "ring": leg.ring,
            "answer": leg.answer,
            "end": leg.over,
            "final": leg.final,
            "hold": leg.holds,
            "bye": None if leg.bye is None else "sent" if leg.ended_by_me else "received",
        }
        for slot, phone in played.phones.items()
        for leg in phone.legs()
    ]
    return {
        "name": played.scenario.name,
        "text": played.scenario.text,
        "asterisk": version,
        "tolerance_s": max(row.offer.tolerance for row in rows),
        "dialplan": played.places.fill(played.scenario.dialplan),
        "queues": played.places.fill(played.scenario.queues),
        "line_agents": [played.places.agent(s) for s in slots(played.scenario.line_agents)],
        "calls": calls,
        "sip": {"agent_legs": legs},
    }


def _call(played: Played, index: int, rows: list[Expected]) -> dict[str, Any]:
    leg = played.call_leg(index)
    if leg is None:
        raise NoTruthError(f"{played.scenario.name}: call {index} was not made")
    # The first offer that was answered, else the last one, stands for the call.
    main = next((row for row in rows if row.answered_at is not None), rows[-1])
    domain = [
        {
            "line": row.line,
            "outcome": row.offer.outcome,
            "reason": row.offer.reason,
            "reason_also": list(row.offer.also),
            "agent": row.agent,
            "final_agent": row.final,
            "agents_rung": list(row.rung),
            "ended_by": row.offer.by,
            "transferred": row.offer.transferred,
            "offered_after_s": _after(row.offered_at, leg.invite),
            "wait_s": _round(row.wait),
            "talk_and_hold_s": _round(row.talk_and_hold),
            "hold_s": _round(row.hold),
            "survey": row.offer.survey,
        }
        for row in rows
    ]
    return {
        "caller": played.user(index),
        "did": played.places.fill(played.scenario.calls[index].number),
        "line": main.line,
        "direction": main.offer.direction,
        "outcome": main.offer.outcome,
        "reason": main.offer.reason,
        "reason_also": list(main.offer.also),
        "agent": main.agent,
        "final_agent": rows[-1].final or main.final,
        "agents_rung": list(dict.fromkeys(agent for row in rows for agent in row.rung)),
        "ended_by": rows[-1].offer.by,
        "nth": index,
        "domain": domain,
        "t_start": leg.invite,
        "t_end": leg.over,
        "t_up": leg.answer,
        "final_sip": leg.final,
        "t_answer": main.answered_at,
        "wait_s": _after(main.answered_at or main.offered_at, leg.invite)
        if main.answered_at
        else _after(leg.over, leg.invite),
        "talk_s": _round(main.talk_and_hold),
        "hold_s": _round(main.hold),
    }


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _after(at: float | None, start: float) -> float | None:
    return None if at is None else round(at - start, 3)
