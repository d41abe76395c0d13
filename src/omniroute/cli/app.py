"""The group that holds the commands, and what they have in common: errors and exit codes."""

from __future__ import annotations

from collections.abc import Sequence

import click

from omniroute.cli.apply import apply
from omniroute.cli.check import check
from omniroute.cli.console import console
from omniroute.cli.db import db
from omniroute.cli.demo.command import demo
from omniroute.cli.explain import explain
from omniroute.cli.history import history
from omniroute.cli.preview import preview
from omniroute.cli.rollback import rollback
from omniroute.cli.timeline import timeline
from omniroute.cli.tree import tree
from omniroute.cli.version import version
from omniroute.cli.walk import walk
from omniroute.cli.worker import worker
from omniroute.errors import OmnirouteError

__all__ = ["app", "run"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def app() -> None:
    """Omnichannel routing and conversation lifecycle, as a library."""


for _command in (
    apply,
    check,
    db,
    demo,
    explain,
    history,
    preview,
    rollback,
    timeline,
    tree,
    version,
    walk,
    worker,
):
    app.add_command(_command)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0, 1 when it failed, 2 for a senseless call.

    An error of omniroute is told in its own words, without a trace: it says what to do.
    """
    try:
        code = app.main(arguments, prog_name="omniroute", standalone_mode=False)
    except OmnirouteError as error:
        _complain(str(error))
        return 1
    except click.exceptions.ClickException as error:
        error.show()
        return error.exit_code
    except click.exceptions.Abort:
        return 130
    return code if isinstance(code, int) else 0


def _complain(text: str) -> None:
    err = console(stderr=True)
    err.print("error:", style="bold red", end=" ")
    err.print(text, markup=False, soft_wrap=True)
