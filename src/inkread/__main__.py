"""Runs the command line: ``python -m inkread``."""

from inkread.cli.app import main

__all__: list[str] = []

if __name__ == "__main__":
    main()
