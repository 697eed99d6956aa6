"""The pages about tickets say what the code does."""

import json
import re
from pathlib import Path

from ctid.config.backends import FileBackend
from ctid.outbound.tickets.file import TicketFile
from tests.drafts import document
from tests.integration.tickets.receiver import documented

DOCS = Path(__file__).parents[3] / "docs"


async def test_a_line_of_the_file_has_the_documented_keys(tmp_path: Path) -> None:
    page = (DOCS / "tickets-file.md").read_text()
    await TicketFile(FileBackend(path=str(tmp_path / "f"))).create(document())
    line = json.loads((tmp_path / "f").read_text())
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == list(line)
    example = json.loads(page.partition("```json\n")[2].partition("```")[0])
    assert list(example) == list(line)


def test_the_example_takes_the_right_signature_only() -> None:
    is_genuine = documented("is_genuine")
    # made with another program: printf '1795741200.{"a":1}' | openssl dgst -sha256 -hmac key
    signature = "sha256=55d6390830a21518f1e9a912c9cd5fcd0751a4db0af36ef045525e74bc08292f"
    headers = {"Ctid-Timestamp": "1795741200", "Ctid-Signature": signature}
    body, now = b'{"a":1}', 1_795_741_200.0
    assert is_genuine(headers, body, "key", now)
    assert not is_genuine(headers, b'{"a":2}', "key", now)
    assert not is_genuine(headers, body, "other", now)
    assert not is_genuine(headers, body, "key", now + 301)
    assert not is_genuine(headers | {"Ctid-Timestamp": "1795741201"}, body, "key", now)
    assert not is_genuine(headers | {"Ctid-Timestamp": "x"}, body, "key", now)
    assert not is_genuine(headers | {"Ctid-Signature": ""}, body, "key", now)
    assert not is_genuine({}, body, "key", now)


def test_zammad_is_not_said_to_be_tried() -> None:
    assert "**Not tried on the real product**" in (DOCS / "tickets-zammad.md").read_text()
