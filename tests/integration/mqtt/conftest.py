import gc
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.mqtt import broker as brokers
from tests.integration.mqtt.broker import Broker, Certificates


@pytest.fixture(autouse=True)
def asyncio_complains_of_nothing(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Futures whose error nobody saw, tasks that were forgotten, callbacks that failed."""
    yield
    gc.collect()
    for record in [*caplog.get_records("call"), *caplog.get_records("teardown")]:
        assert (record.name, record.levelno >= logging.ERROR) != ("asyncio", True), record


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    if not brokers.programs():
        pytest.skip(brokers.MISSING)
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def broker(
    certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Broker]:
    """One for the tests of a file that do it no harm."""
    made = Broker.prepare(tmp_path_factory.mktemp("broker"), certificates)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def own_broker(certificates: Certificates, tmp_path: Path) -> Iterator[Broker]:
    """One that the test may kill."""
    made = Broker.prepare(tmp_path, certificates)
    made.start()
    yield made
    made.stop()
