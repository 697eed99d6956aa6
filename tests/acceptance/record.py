"""Record scenarios of the table on a private Asterisk: `record.py 22 OUT [NAME...]`.

Per scenario: NAME.ami (all classes), NAME.filtered.ami (what the user of dialplans/ gets, at the
same time) and NAME.json, the truth out of the SIP messages.
"""

import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

from asterisk.ami import Recorder
from asterisk.server import CTID_SECRET, LAB_SECRET, Asterisk
from lab.model import Scenario
from lab.play import Player, server
from lab.scenarios import TABLE
from lab.truth import NoTruthError, as_json


def record(pbx: Asterisk, player: Player, scenario: Scenario, out: Path) -> str:
    """Record one scenario; gives one line that says how it went."""
    with pbx.ami() as lab:
        for channel in lab.channels():
            # Left over from a scenario that went wrong.
            lab.action("Hangup", Channel=channel["Channel"])
    files = [out / f"{scenario.name}.ami", out / f"{scenario.name}.filtered.ami"]
    recorders = [
        Recorder("127.0.0.1", pbx.ports.ami, "full", LAB_SECRET, files[0]),
        Recorder("127.0.0.1", pbx.ports.ami, "ctid", CTID_SECRET, files[1]),
    ]
    began = time.monotonic()
    played = player.play(scenario)
    with pbx.ami() as lab:
        while lab.channels() and time.monotonic() < began + 25.0:
            time.sleep(0.05)
        time.sleep(0.1)
    for recorder in recorders:
        recorder.close()
    took = time.monotonic() - began
    try:
        truth = as_json(played, pbx.version)
    except NoTruthError as error:
        for file in files:
            file.unlink()
        return f"{scenario.name}: NOT RECORDED: {error}"
    text = json.dumps(truth, ensure_ascii=False, indent=1)
    (out / f"{scenario.name}.json").write_text(text, encoding="utf-8")
    return f"{scenario.name}: {took:.1f} s"


def main(major: str, folder: str, names: list[str]) -> None:
    """Record all scenarios, or the named ones."""
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    run = Path(tempfile.mkdtemp(prefix="ctid-lab-"))
    pbx = server(major, run)
    try:
        pbx.start()
        print("\n".join(pbx.complaints()))
        player = Player(pbx)
        for scenario in TABLE:
            if not names or scenario.name in names:
                print(record(pbx, player, scenario, out), flush=True)
    finally:
        pbx.stop()
        if not names:
            shutil.rmtree(run, ignore_errors=True)
        else:
            print(run)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
