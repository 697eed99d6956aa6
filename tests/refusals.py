"""Deliveries that fail as they should."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ctid.outbound.port import DeliveryError, Reason


@contextmanager
def failing(reason: Reason, *words: str) -> Iterator[pytest.ExceptionInfo[DeliveryError]]:
    """What is done meanwhile has to fail for this reason, and to say these words."""
    with pytest.raises(DeliveryError) as caught:
        yield caught
    assert caught.value.reason is reason, caught.value
    for each in words:
        assert each in str(caught.value)
