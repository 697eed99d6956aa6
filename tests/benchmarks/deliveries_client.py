"""`python -m tests.benchmarks.deliveries_client PORT CALLS TO`: records calls, prints figures."""

import asyncio
import json
import sys

from ctid import logs
from tests.benchmarks.deliveries import record

if __name__ == "__main__":
    logs.set_up(human=False)
    print(json.dumps(asyncio.run(record(*map(int, sys.argv[1:])))))
