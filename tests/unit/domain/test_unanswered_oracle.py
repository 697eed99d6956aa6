"""The clocks of random histories, after each step, are what the definitions say of the facts.

Also after restarts in their midst: then they are computed from what was committed.
"""

import pytest

from tests.unit.domain.clocks import play


@pytest.mark.parametrize("seed", range(100))
def test_the_clocks_are_what_the_definitions_say(seed: int) -> None:
    play(seed)
