"""The waits of a publication by revision: the portal parses, transforms, and applies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_socrata.client import revisions as calls
from airflow_socrata.client import schemas, sources
from airflow_socrata.publication.errors import Rejected, SourceFailed, TransformFailed
from airflow_socrata.publication.revisions.finding import approval_of

if TYPE_CHECKING:
    from airflow_socrata.client.revision_models import Revision, TaskSet
    from airflow_socrata.client.source_models import InputSchema, OutputSchema, Source
    from airflow_socrata.publication.waits import Patience, Steps

#: Takes one line about the progress of a wait.
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Transformed:
    """A source that the portal has read to its end, and one output schema of it that is complete."""

    source: Source
    input_schema: InputSchema
    output_schema: OutputSchema


def check_source(source: Source) -> None:
    """Raise if the portal could not read a file.

    :raises SourceFailed: with the portal's own words.
    """
    if source.has_failed:
        why = source.failure or "it does not say why"
        raise SourceFailed(f"The portal could not read {source.filename or f'source {source.id}'}: {why}.")


def check_transforms(output: OutputSchema) -> None:
    """Raise if a transform could not run.

    :raises TransformFailed: names each column, with the portal's own words.
    """
    if output.failed_columns:
        failed = "; ".join(
            f"{column.field_name}: {column.transform.expr}: {column.transform.failure or 'no reason given'}"
            for column in output.failed_columns
        )
        raise TransformFailed(f"The portal could not run the transforms of {failed}.")


def parsed(source_id: int, patience: Patience, tell: Tell) -> Steps[Source]:
    """Wait until the portal knows the columns of a file (or has all of one that it does not parse)."""
    for pause in patience.pauses(f"parsing of source {source_id}"):
        source: Source = yield sources.read(source_id)
        check_source(source)
        if source.is_finished or any(schema.output_schemas for schema in source.input_schemas):
            tell(f"The portal has read the head of {source.filename or source_id}.")
            return source
        yield pause
    raise AssertionError("unreachable: pauses() ends by raising")


def transformed(source_id: int, output_schema: int, patience: Patience, tell: Tell) -> Steps[Transformed]:
    """Wait until a file is read to its end and all transforms of an output schema have run."""
    told = ""
    for pause in patience.pauses(f"transforms of output schema {output_schema}"):
        source: Source = yield sources.read(source_id)
        check_source(source)
        done = yield from look_transformed(source, output_schema)
        if done is not None:
            return done
        rows = max((schema.total_rows or 0 for schema in source.input_schemas), default=0)
        told = _tell_once(tell, told, f"{rows:,} rows of {source.filename or source_id} so far.")
        yield pause
    raise AssertionError("unreachable: pauses() ends by raising")


def look_transformed(source: Source, output_schema: int) -> Steps[Transformed | None]:
    """Look once whether a source is read to its end and an output schema of it complete and counted."""
    found = find_output(source, output_schema)
    if found is None:
        return None
    output: OutputSchema = yield schemas.look_at_output(found[1])
    check_transforms(output)
    rows = output.total_rows if output.total_rows is not None else found[0].total_rows
    if not source.is_finished or not output.is_complete or rows is None:
        return None
    return Transformed(source, found[0], output)


def find_output(source: Source, output_schema: int) -> tuple[InputSchema, OutputSchema] | None:
    """Find an output schema of a source, with its input schema."""
    for schema in source.input_schemas:
        for output in schema.output_schemas:
            if output.id == output_schema:
                return schema, output
    return None


def applied(
    dataset: str, seq: int, after_job: int, patience: Patience, tell: Tell, *, await_approval: bool
) -> Steps[Revision]:
    """Wait, with GET only, until the apply of a revision has ended, or it waits for a steward.

    :param after_job: greatest id of the task sets that had ended before.
    :param await_approval: whether to go on waiting while a steward has yet to approve.
    :raises Rejected: a steward has rejected it.
    """
    told = ""
    for pause in patience.pauses(f"apply of revision {seq} of {dataset}"):
        revision: Revision = yield calls.read(dataset, seq)
        job = revision.last_task_set
        if job is not None and job.id > after_job:
            told = _tell_once(tell, told, f"Revision {seq} of {dataset}: {job_progress(job)}.")
            if job.is_terminal:
                return revision
        elif not revision.is_open:
            return revision
        else:
            guidance = yield from approval_of(revision)
            if guidance is not None and guidance.state == "rejected":
                raise Rejected(f"A steward has rejected revision {seq} of {dataset}; nothing was published.")
            if guidance is not None and guidance.state == "pending" and not await_approval:
                return revision
        yield pause
    raise AssertionError("unreachable: pauses() ends by raising")


def job_progress(job: TaskSet) -> str:
    """Return how far a task set is, for a line of the log."""
    rows = "" if job.rows_upserted is None else f", {job.rows_upserted:,} rows"
    return f"{job.status}{rows}"


def _tell_once(tell: Tell, told: str, line: str) -> str:
    if line != told:
        tell(line)
    return line
