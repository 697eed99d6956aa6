"""A ticket system that is killed while it makes a ticket, and comes again."""

import asyncio

from ctid.outbound.port import Backend, DeliveryError, Document, Reason
from tests.integration.tickets.real.calls import of_new_call, revised
from tests.integration.tickets.real.program import Program
from tests.refusals import failing
from tests.waiting import until


async def made_in_spite_of_it(program: Program, backend: Backend) -> Document:
    """The call, which the backend then had to look up."""
    await backend.create(of_new_call())  # what follows is one POST alone
    call = of_new_call(body="It rings.\n" * 20_000)  # enough to be met at work
    before = program.cpu_seconds()
    attempt = asyncio.gather(backend.create(call), return_exceptions=True)
    await until(lambda: program.cpu_seconds() > before + 0.02)
    program.kill()
    try:
        (error,) = await attempt
        assert isinstance(error, DeliveryError)
        assert error.reason in (Reason.CUT_OFF, Reason.TIMEOUT)
        with failing(Reason.UNREACHABLE):
            await backend.look_up(call.key)
        (finding,) = await backend.check()
        assert not finding.ok
    finally:
        program.start()
    remote = await backend.look_up(call.key) or await backend.create(call)
    await backend.update(remote, revised(call, 2), unsure=True)
    return call
