"""Before rows become a dataset version, everything that later stages will judge by is protected.

A flow names its evaluation items below the stage that freezes rows; the firewall must know them above it.
"""

from __future__ import annotations

from headgate.flow.project import Project
from headgate.kit.errors import HeadgateError
from headgate.ledger.ledger import Ledger
from headgate.ledger.steps import StageContext
from headgate.rules.firewall import protect_files

FREEZES = "curate"  # the stage before which items are protected
NAMING = ("curate", "evaluate")  # stages whose room says what their section protects


def protect_items(ledger: Ledger, project: Project, context: StageContext) -> None:
    """Protects the items of every suite and evaluation file that the flow file names, in whatever section.

    Raises:
        Refused: a file cannot be read: what is not known cannot be kept out of training.
    """
    # Suites first: an item that is also in a file is told by its suite and pool.
    for stage, settings in sorted(project.flow.stages, key=lambda one: one[0].name != "evaluate"):
        try:
            if stage.name in NAMING:
                stage.module.protects(ledger, settings, context)
            elif stage.name == "check":
                protect_files(ledger, settings.eval, context.folder, columns=settings.columns, format=settings.format)
        except HeadgateError as error:
            error.what = f"{stage.name}: {error.what}"
            raise
