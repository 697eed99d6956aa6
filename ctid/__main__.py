"""`ctid`, and `python -m ctid`."""

import sys


def main() -> None:
    """Run the command line. Ctrl-C while it is still being read in is no traceback, either."""
    try:
        from ctid import cli  # noqa: PLC0415
    except KeyboardInterrupt:
        sys.exit(130)
    cli.main()


if __name__ == "__main__":
    main()
