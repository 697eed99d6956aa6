"""Whatever stands in a text, the real Redmine shows it as text, with each of its formattings."""

import random
from collections.abc import AsyncIterator
from typing import Final

import pytest

from ctid.outbound.tickets import redmine as backends
from tests.integration.tickets.real.calls import of_new_call, revised
from tests.integration.tickets.real.hostile import HOSTILE
from tests.integration.tickets.real.page import shown
from tests.integration.tickets.real.program import get
from tests.integration.tickets.real.redmine import FORMATTINGS, Redmine
from tests.integration.tickets.real.redmine_seen import change, issue, opened, plain, texts

LINK: Final = "https://desk.example.org/calls/main/1795741200.7"


@pytest.fixture
async def backend(redmine: Redmine) -> AsyncIterator[backends.Redmine]:
    async with opened(redmine) as found:
        yield found


PIECES: Final = sorted(
    {piece for name in HOSTILE for piece in name.split() if len(piece) < 40}
    | set(" \n\n\n*_-+~^@`#[](){}<>|!?:.=%&\"'$\\/r1")
)


def made_up(seed: int) -> str:
    chance = random.Random(seed)
    return "\n".join(
        chance.choice(("", " ")).join(chance.choices(PIECES, k=chance.randint(1, 7)))
        for _ in range(400)
    )


BODIES: Final = (
    "\n".join(HOSTILE),
    "\n\n".join(reversed(HOSTILE)),
    *(f"{name}\nCaller: {name}\n" for name in HOSTILE[:3]),
    *map(made_up, range(3)),
)


@pytest.fixture(params=FORMATTINGS)
async def formatting(
    redmine: Redmine, backend: backends.Redmine, request: pytest.FixtureRequest
) -> AsyncIterator[str]:
    """Switched to, and seen to be at work for what people write."""
    redmine.set("text_formatting", request.param)
    remote = await backend.create(of_new_call())
    await change(redmine, remote, description="*x* a^(b)\n\n<kbd>x</kbd>")
    (part,) = await texts(redmine, remote)
    assert part.elements == FORMATTINGS[request.param]
    yield request.param
    redmine.set("text_formatting", "textile")


async def test_hostile_content_is_shown_as_text(
    redmine: Redmine, backend: backends.Redmine, formatting: str
) -> None:
    for body in BODIES:
        call = of_new_call(body=body, subject=" ".join(body.split())[:300])
        remote = await backend.create(call)
        assert (await issue(redmine, remote))["subject"] == call.subject[:255]
        ended = revised(call, 2, body=body, subject=call.subject)
        await backend.update(remote, ended, unsure=False)
        page = await get(remote.url or "", {"X-Redmine-API-Key": redmine.key()})
        (subject,) = shown(page, "subject")
        assert subject.elements == {"div", "h3"}
        assert subject.text.strip() == call.subject[:255].strip()
        description, note = shown(page, "wiki")
        for part in (description, note):
            assert part.elements <= {"p", "br"}
        if formatting:  # without one the references themselves are shown
            assert plain(description.text) == plain(body)
            assert plain(note.text) == plain(f"{body} {call.key} / 2")


async def test_an_ordinary_text_stays_readable_with_every_formatting(
    redmine: Redmine, backend: backends.Redmine, formatting: str
) -> None:
    lines = [
        "Caller: +86 138 0013 8000, Zhang San (Example Ltd.)",
        "Line: 网络专业热线",
        "Began: 2026-11-27 09:00:00, talked for 3 min",
        f"Call: {LINK}",
    ]
    remote = await backend.create(of_new_call(body="\n".join(lines) + "\n", link=LINK))
    (part,) = await texts(redmine, remote)
    assert part.links == [(LINK, LINK)]
    if formatting:
        shown_lines = [line.strip() for line in part.text.splitlines() if line.strip()]
        assert shown_lines == lines
