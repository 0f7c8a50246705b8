"""`python -m worker.sandbox`: command line options in, a running sandbox out."""

import typer

from worker.sandbox.serve import sandbox_command

if __name__ == "__main__":
    typer.run(sandbox_command)
