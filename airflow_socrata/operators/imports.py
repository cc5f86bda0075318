"""Operators that let the portal read a file by itself: the import API."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, get_args

from airflow_socrata.operators.base import one_of
from airflow_socrata.operators.files import OpensFile
from airflow_socrata.operators.loads import SocrataLoader
from airflow_socrata.operators.new_dataset import SocrataNewDatasetOperator
from airflow_socrata.operators.rows import ExtraColumns
from airflow_socrata.publication.choices import Mode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_socrata.client.column_definitions import ColumnDefinition
    from airflow_socrata.publication.creating import Creating
    from airflow_socrata.publication.importing_files import Importing


class ImportsFile(OpensFile):
    """Base of the operators of the import API: not used by itself.

    A text is sent as UTF-8, and a file that OpensFile finds packed is sent unpacked.

    :param source: path or URL that ``ObjectStoragePath`` opens: csv, tsv (also in gzip), xls, xlsx, or shapes
        (zipped shapefile, kml, kmz, geojson). (templated)
    :param translation: what fills the columns: the source of an array, ``"[col1, upper(col2)]"``, or a list
        of its expressions; default: columns are matched by their names. (templated)
    :param columns: see the operators. (templated)
    :param extra_columns: ``error`` or ``ignore`` columns of the file that the dataset lacks.
    :param skip: rows above the data; default: one, in xls and xlsx as many as the portal finds.
    :param layer: name of the layer of a file of shapes that has several.
    :param max_row_errors: rows that the portal may leave out.
    :param timeout: seconds for the portal's scan, for the import, and for the replicas, each.
    """

    template_fields: Sequence[str] = (*OpensFile.template_fields, "source", "translation", "columns")

    def __init__(
        self,
        *,
        source: Any,
        translation: str | Sequence[str] | None = None,
        columns: Any = None,
        extra_columns: ExtraColumns = "error",
        skip: int | None = None,
        layer: str | None = None,
        max_row_errors: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.source = source
        self.translation = translation
        self.columns = columns
        self.extra_columns: ExtraColumns = one_of("extra_columns", extra_columns, get_args(ExtraColumns))
        self.skip = skip
        self.layer = layer
        self.max_row_errors = max_row_errors

    def importing(self, mode: Mode, columns: Mapping[str, str] | None) -> Importing:
        """Return what to import and how; nothing is opened yet.

        :raises TranslationError: the translation does not parse.
        """
        from airflow_socrata.client.translations import parse_translation
        from airflow_socrata.publication.importing_files import Importing

        translation = None if self.translation is None else parse_translation(self.translation)
        made = Importing(
            self.task_id,
            self.file_source(self.source),
            mode,
            translation,
            columns,
            self.extra_columns,
            self.skip,
            self.layer,
            self.max_row_errors,
            self.timeout,
        )
        made.check()
        return made


class SocrataImportRowsOperator(ImportsFile, SocrataLoader):
    """Import a file into a working copy: the portal reads it by itself, and what it made of it is counted.

    :param mode: ``append`` to the rows of the working copy, or ``replace`` them all.
    :param columns: source column to field name, for the columns that are named otherwise than the dataset's
        field or display names.
    :return: the handle with the counts of the import.
    """

    template_fields: Sequence[str] = tuple(
        dict.fromkeys((*SocrataLoader.template_fields, *ImportsFile.template_fields))
    )

    def __init__(self, *, mode: Mode = "replace", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mode: Mode = one_of("mode", mode, get_args(Mode))

    def execute(self, context: Context) -> dict[str, Any]:
        """Send the file, import it, and count."""
        from airflow_socrata.publication import importing
        from airflow_socrata.publication.errors import HandleMismatch

        with self.publisher(context) as publisher:
            how = self.importing(self.mode, self.columns)
            handle = self.handle()
            alone = self.is_sole_loader(handle, context)
            if not alone and (how.mode == "replace" or context["ti"].try_number > 1):
                raise HandleMismatch(
                    f"Other tasks load into {handle.working_copy} as well: an import must not replace their"
                    " rows, nor be tried again beside them. Clear the task that opens the working copy."
                )
            handle, _ = self.fresh(publisher, handle, context)
            self.push_links(context, handle.links)
            handle, load = importing.load_file(publisher, handle, how, alone=alone)
            return self.finish(context, handle, load)


class SocrataImportDatasetOperator(SocrataNewDatasetOperator, ImportsFile):
    """Make a dataset of a file, once: a private draft is created, filled, counted, and then published.

    The resource name tells which dataset it is. Where there is one of this name already, made here or by the
    connection's user, it is taken as it is: rows are not imported a second time. A try that was killed
    half-way leaves a draft that nobody sees, and the next try makes it anew.

    :param columns: the columns: ``[{"field_name": "id", "data_type": "number", "name": "Id"}]``; default:
        those of the file, with the types that the portal suggests. (templated)
    :param types: column of the file, or field name, to data type, where the suggestion shall not count.
        (templated)
    :return: ``dataset`` (4x4), ``resource_name``, ``name``, ``created``, ``published``, ``audience``,
        ``backend``, ``rows`` (None: nothing was imported in this run), ``load`` and ``links``. ``dataset`` is
        an XCom of its own.
    """

    template_fields: Sequence[str] = tuple(
        dict.fromkeys((*ImportsFile.template_fields, *SocrataNewDatasetOperator.template_fields, "types"))
    )

    def __init__(self, *, types: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.types = types

    def execute(self, context: Context) -> dict[str, Any]:
        """Create it and import the file, or find it."""
        from airflow_socrata.publication.creating import CreateIntent
        from airflow_socrata.publication.importing_datasets import ImportingDataset, import_dataset
        from airflow_socrata.runtime import VariableIntents, operation_of

        with self.publisher(context) as publisher:
            wanted = ImportingDataset(
                self._creating,
                self.importing("replace", None),
                self.columns,
                self.types,
                self.row_identifier or None,
                self.publish,
            )
            records = VariableIntents(CreateIntent.from_json)
            imported = import_dataset(publisher, records, operation_of(context), self.resource_name, wanted)
            made, load = self.made(context, publisher, imported.created), imported.load
        if load is None:
            self.log.warning(
                "%s is %s (%s) already: nothing was imported again. SocrataImportRowsOperator does that.",
                self.resource_name,
                made["dataset"],
                made["name"],
            )
        return made | {
            "rows": None if load is None else load.rows_after,
            "load": None if load is None else asdict(load),
        }

    def _creating(self, columns: tuple[ColumnDefinition, ...], row_identifier: str | None) -> Creating:
        """Return how to create it with these columns."""
        from airflow_socrata.publication.creating import Creating

        new = self.new_dataset(columns, row_identifier)
        return Creating(
            new,
            self.audience,
            publish=False,
            on_approval=self.on_approval,
            timeout=self.timeout,
            can_be_told=False,
        )
