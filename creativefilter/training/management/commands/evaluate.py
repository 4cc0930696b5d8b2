"""Evaluates a model on the labelled transcripts of a table or of the database."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from creativefilter.creatives.analysis import engines
from creativefilter.site.commands import (
    BaseCommand,
    UsageError,
    existing_file,
    existing_folder,
    output_file,
    progress_bar,
)
from creativefilter.site.errors import UserError
from creativefilter.training import (
    evaluation,
    figure_tables,
    html_report,
    labelled_creatives,
)
from creativefilter.training.figure_tables import Measured

if TYPE_CHECKING:
    import pandas as pd

    from classifier.decision.bundle import Bundle
    from classifier.text.training import Table, TrainingRow
    from creativefilter.training.evaluation import Judgement


class Command(BaseCommand):
    help = gettext_lazy(
        "Evaluates a model on labelled creatives: of a table of transcripts, or of the database. "
        "Creatives that the model was trained on are reported separately."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--transcripts",
            type=existing_file,
            help=_("columns Segment_num, text and optionally split; .csv, .xlsx, .xls, .ods …"),
        )
        parser.add_argument(
            "--model", type=existing_folder, help=_("a model folder; the active version by default")
        )
        parser.add_argument(
            "--out",
            type=output_file(".html", ".htm"),
            help=_("write a page with charts: .html"),
        )
        parser.add_argument(
            "--cross-validate",
            action="store_true",
            help=_(
                "also evaluate training on the table: folds by families, plain folds, and train → "
                "valid"
            ),
        )
        parser.add_argument(
            "--transformer",
            metavar="NAME_OR_FOLDER",
            help=_(
                "fine-tune this encoder on the train rows and measure it on the valid ones, too"
            ),
        )

    def handle(
        self,
        *args: Any,
        transcripts: Path | None,
        model: Path | None,
        out: Path | None,
        cross_validate: bool,
        transformer: str | None,
        **options: Any,
    ) -> None:
        if (cross_validate or transformer) and not transcripts:
            raise UsageError(_("--cross-validate and --transformer need --transcripts."))
        page = self._page(transcripts, model, cross_validate, transformer)
        self._print(page)
        if out:
            html_report.write(out, page)
            self.stdout.write("\n" + _("The page with charts: %s") % out)

    def _page(
        self,
        transcripts: Path | None,
        model: Path | None,
        cross_validate: bool,
        encoder: str | None,
    ) -> html_report.Page:
        bundle = load_bundle(model)
        notes = [_("A mix of segments is taken into account.")] * bool(
            engines.settings_without_worker().mix
        )
        recipe: list[Measured] = []
        if transcripts:
            creatives, recipe, extra_notes = self._of_table(transcripts, cross_validate, encoder)
            notes += extra_notes
        else:
            creatives, left_out = evaluation.of_database()
            if left_out:
                notes.append(_("Labelled creatives that are not analysed: %d.") % left_out)
            if shortage := labelled_creatives.exam_shortage():
                notes.append(shortage)
        judgement = evaluation.judge(bundle, creatives)
        own = model_measurements(judgement)
        return html_report.Page(
            model=name_of(bundle),
            notes=[*notes_on_training_data(judgement), *notes],
            measured=[*own, *recipe],
            drawn=[own[-1], *recipe[: int(cross_validate)]],
        )

    def _of_table(
        self, path: Path, cross_validate: bool, encoder: str | None
    ) -> tuple[pd.DataFrame, list[Measured], list[str]]:
        """Return the creatives of a table, evaluations of the recipe, and notes on the table."""
        from classifier.text.families import families
        from classifier.text.training import prepare

        rows, findings = evaluation.read_transcripts(path)
        found = list(map(str, findings))
        if not cross_validate and not encoder:
            alone = families([row.text for row in rows])
            return evaluation.of_transcripts(rows, alone), [], found
        table = prepare(rows)
        has_both_splits = 0 < table.valid.sum() < len(rows)
        if encoder and not has_both_splits:
            raise UserError(_("A transformer needs rows whose split is train, and valid ones."))
        measured = self._in_folds(table) if cross_validate else []
        if has_both_splits:
            measured += self._on_valid(rows, table, encoder)
            found += notes_on_split(table)
        return evaluation.of_transcripts(rows, table.families), measured, found

    def _in_folds(self, table: Table) -> list[Measured]:
        from classifier.learning.cross_validation import by_families, by_random_folds
        from classifier.text.training import FOLDS

        with progress_bar(2 * FOLDS, leave=False) as bar:
            return [
                Measured(_("recipe, folds by families"), by_families(table, bar.update)),
                Measured(
                    _("recipe, plain folds (too good because of near duplicates)"),
                    by_random_folds(table, bar.update),
                ),
            ]

    def _on_valid(
        self, rows: Sequence[TrainingRow], table: Table, encoder: str | None
    ) -> list[Measured]:
        from classifier.learning.cross_validation import Encoder, on_valid, transformer_on_valid
        from classifier.text.training import FOLDS
        from classifier.text.transformer_types import Settings

        with progress_bar(FOLDS, leave=False) as bar:
            measured = [Measured(_("recipe, train → valid"), on_valid(table, bar.update))]
        if encoder:
            source = Encoder(encoder, settings.WEIGHTS_FOLDER, settings.CPUS)
            with progress_bar(Settings().epochs, leave=False) as bar:

                def progress(epoch: Any) -> None:
                    bar.set_postfix_str(f"macro-F1 {epoch.held_out_macro_f1:.3f}")
                    bar.update()

                evaluated = transformer_on_valid(rows, table, source, progress)
            title = _("%s, train → valid") % Path(encoder).name
            measured.append(Measured(title, evaluated))
        return measured

    def _print(self, page: html_report.Page) -> None:
        self.stdout.write(_("Model: %s") % page.model)
        for note in page.notes:
            self.stdout.write(note)
        for grid in (figure_tables.quality(page.measured), figure_tables.automation(page.measured)):
            self.stdout.write("\n" + grid.as_text())
        for one in page.drawn:
            self.stdout.write(f"\n═══ {one.title} ═══")
            for grid in figure_tables.details(one.evaluation):
                self.stdout.write("\n" + grid.as_text())


def load_bundle(folder: Path | None) -> Bundle:
    """Load a bundle with the precision and the mix of segments of the settings.

    Args:
        folder: The bundle's folder; None for the active version.

    Raises:
        ArtefactError: The folder holds no bundle, or is damaged.
    """
    from classifier.decision.bundle import Bundle

    if folder is None:
        return engines.bundle_without_worker()
    chosen = engines.settings_without_worker()
    return Bundle.load(folder, chosen.precision, chosen.priors)


def name_of(bundle: Bundle) -> str:
    """Return the name of the bundle's model version: folder and beginning of the digest.

    "" for a bundle that was not loaded from a folder.
    """
    artefact = bundle.artefact
    return f"{artefact.folder.name} {artefact.digest[:8]}" if artefact else ""


def model_measurements(judgement: Judgement) -> list[Measured]:
    """Return the evaluations on all creatives and, if there are any, on unseen creatives."""
    measured = [Measured(_("model, all creatives"), judgement.all_creatives)]
    if judgement.unseen:
        measured.append(Measured(_("model, unseen creatives"), judgement.unseen))
    return measured


def notes_on_training_data(judgement: Judgement) -> list[str]:
    """Return sentences about the creatives that the model was trained on."""
    rows = judgement.all_creatives.rows
    if not judgement.trained_on_count:
        return [_("The model was not trained on any of these %d creatives.") % rows]
    if judgement.trained_on_count == rows:
        return [
            _(
                "The model was trained on all of these %d creatives: its figures are too good, "
                "because they show what it remembers."
            )
            % rows
        ]
    notes = [
        _(
            "The model was trained on %(seen)d of these %(rows)d creatives; %(alike)d more are "
            "near duplicates of those."
        )
        % {
            "seen": judgement.trained_on_count,
            "rows": rows,
            "alike": judgement.near_duplicate_count,
        }
    ]
    if judgement.unseen:
        return [
            *notes,
            _("The figures on all creatives are too good: see those on unseen creatives."),
        ]
    return [*notes, _("There are no unseen creatives: the figures are too good.")]


def notes_on_split(table: Table) -> list[str]:
    """Return a sentence about valid rows with a near duplicate among the train rows, if any."""
    import numpy as np

    shared = np.isin(table.families[table.valid], table.families[~table.valid]).sum()
    if not shared:
        return []
    counts = {"shared": shared, "rows": table.valid.sum()}
    return [
        _(
            "%(shared)d of the %(rows)d valid creatives have a near duplicate in train: the "
            "figures on valid are too good."
        )
        % counts
    ]
