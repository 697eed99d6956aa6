"""config/alertmanager.yml: the program it is for takes it, and it sends alerts where it says."""

import subprocess
from pathlib import Path

import pytest

from ctid.domain.alerts import Kind
from ctid.outbound.pages.alertmanager_forms import WATCHDOG, labels_of, watchdog
from ctid.outbound.pages.kinds import Origin
from tests.integration.alertmanager.server import program
from tests.paged import alert, incident, warned

ROOT = Path(__file__).parents[3]
FILE = ROOT / "config/alertmanager.yml"
DESK = Origin("desk")


def amtool(*arguments: str) -> str:
    path = program("amtool")
    assert path is not None
    ran = subprocess.run([path, *arguments], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_it_is_taken() -> None:
    assert "SUCCESS" in amtool("check-config", str(FILE))


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (watchdog(DESK, 0.0).labels, "dead-mans-switch"),
        (labels_of(alert(), DESK), "on-duty"),
        (labels_of(alert(state=warned), DESK), "desk"),
        (labels_of(incident(7), DESK), "on-duty"),
        (labels_of(alert(kind=Kind.ANSWER_RATE), DESK), "desk"),
        (labels_of(alert(kind=Kind.TEST), DESK), "desk"),
    ],
)
def test_where_alerts_go(labels: tuple[tuple[str, str], ...], receiver: str) -> None:
    given = [f"{name}={value}" for name, value in labels]
    routes = amtool("config", "routes", "test", f"--config.file={FILE}", *given)
    assert routes.split() == [receiver]


def test_the_page_names_what_is_sent() -> None:
    page = (ROOT / "docs/alertmanager.md").read_text()
    for kind in Kind:
        labels = dict(labels_of(alert(kind=kind), DESK))
        row = f"| `{kind}` | `{labels['alertname']}` | `{labels['severity']}` |"
        assert f"\n{row}\n" in page
        for name in labels:
            assert f"`{name}`" in page
    assert f"`{WATCHDOG}`" in page
