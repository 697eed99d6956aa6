"""`python -m ctid`."""

from ctid.cli import main

if __name__ == "__main__":
    main()
