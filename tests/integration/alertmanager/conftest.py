import pytest

from tests.integration.alertmanager.server import MISSING, program


@pytest.fixture(autouse=True)
def there() -> None:
    if not (program("prometheus-alertmanager") and program("amtool")):
        pytest.skip(MISSING)
