"""check_skips.py REPORT ALLOWED: fails if pytest skipped a test that the list does not allow.

REPORT is pytest's JUnit XML. A line of ALLOWED is the dotted name of a test, or the beginning of
several; what follows `#` says why.
"""

import sys
import xml.etree.ElementTree as ET
from pathlib import Path


def skipped(report: Path) -> list[tuple[str, str]]:
    """Dotted name and reason of each skipped test; an expected failure is no skip."""
    found = []
    for case in ET.parse(report).iter("testcase"):
        for skip in case.iter("skipped"):
            if skip.get("type") != "pytest.xfail":
                name = f"{case.get('classname', '')}.{case.get('name', '')}".strip(".")
                why = skip.get("message", "")
                if why == "collection skipped":  # a whole file; the reason stands in the text
                    why = (skip.text or "").rpartition("Skipped: ")[2].strip("')")
                found.append((name, why))
    return found


def main() -> int:
    report, allowed_file = (Path(argument) for argument in sys.argv[1:])
    lines = (line.partition("#")[0].strip() for line in allowed_file.read_text().splitlines())
    allowed = tuple(line for line in lines if line)
    refused = [(name, why) for name, why in skipped(report) if not name.startswith(allowed)]
    for name, why in refused:
        print(f"skipped, and not in {allowed_file}: {name}: {why}")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
