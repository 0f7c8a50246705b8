"""`python -m worker.sandbox`: run a sandbox."""

import typer

from worker.sandbox.serve import sandbox_command

if __name__ == "__main__":
    typer.run(sandbox_command)
