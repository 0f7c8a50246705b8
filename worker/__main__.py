"""`python -m worker`: the commands of the service."""

import sys

from worker import alive


def main() -> None:
    """Run one command; a liveness probe must not wait for what the other commands load."""
    if sys.argv[1:2] == ["alive"]:
        sys.exit(alive.main(sys.argv[2:]))
    from worker.commands import cli  # noqa: PLC0415 - as said above

    cli.main()


if __name__ == "__main__":
    main()
