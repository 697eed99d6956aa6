import pytest

from tests.integration.alertmanager.server import MISSING, program


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own proxy is not asked for what is on loopback."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(autouse=True)
def there() -> None:
    if not (program("prometheus-alertmanager") and program("amtool")):
        pytest.skip(MISSING)
