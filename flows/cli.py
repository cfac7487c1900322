"""The command line: a thin layer over the flows. What is slow to import is imported by the command that needs it."""

import csv
import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.server import start_server
from flows.settings import DEFAULT_WAREHOUSE, Settings, load_settings, prepare_libraries, use_prefect_server
from tasks.errors import UsageError
from warehouse.errors import WarehouseError

if TYPE_CHECKING:
    import duckdb
    import polars as pl

    from flows.report import BuildReport
    from tasks.backfill import Choice
    from tasks.reading.fields import FieldMapping

corrections_app = typer.Typer(no_args_is_help=True, help="What people put right: see docs/corrections.md.")
app = typer.Typer(
    name="onrecord",
    help="Raw news text in, a SQL record of who said what out.\n\n"
    'Start with `onrecord build FOLDER`, then ask with `onrecord query "from mart_quotes"`.',
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.add_typer(corrections_app, name="corrections")

lines_app = typer.Typer(help="The lines that an outlet prints with any article.", no_args_is_help=True)
app.add_typer(lines_app, name="lines")

Rows = tuple[Sequence[str], Iterable[Sequence[Any]]]
"""Names of columns, and rows of values."""
_RELEASE_COLUMNS = (
    "release_id", "published_at", "article_count", "quote_count", "is_current", "is_pinned", "is_kept", "size_bytes",
)  # fmt: skip
_MOST_DIFF_ROWS = 20
_CONTROLS = {code: "\ufffd" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}


class Format(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"


WarehouseOption = Annotated[
    Path, typer.Option("--warehouse", envvar="ONRECORD_WAREHOUSE", help="The warehouse, a DuckDB file.", metavar="FILE")
]
FormatOption = Annotated[Format, typer.Option("--format", help="How to print the rows.")]
CorrectionsOption = Annotated[
    Path | None,
    typer.Option(
        envvar="ONRECORD_CORRECTIONS",
        help="Folder of corrections (.yml); by default ./corrections when it is there.",
        metavar="FOLDER",
    ),
]
AuthorityOption = Annotated[
    Path | None,
    typer.Option(
        envvar="ONRECORD_AUTHORITY",
        help="Folder of an authority file (.csv); by default ./authority when it is there.",
        metavar="FOLDER",
    ),
]
EngineOption = Annotated[
    str | None,
    typer.Option(
        envvar="ONRECORD_ENGINE",
        help="What reads sentences: accurate, fast, or none: no speakers (docs/engines.md).",
        metavar="accurate|fast|none",
    ),
]
DEFAULT = Path(DEFAULT_WAREHOUSE)


@app.command()
def build(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Files, folders (with all that is in them), patterns or addresses (https, s3, feed+https).",
            metavar="SOURCE…",
        ),
    ],
    warehouse: WarehouseOption = DEFAULT,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Articles in a batch; more use more memory.")] = None,
    retry_stopped: Annotated[
        bool, typer.Option("--retry-stopped", help="Try again what validation stopped in an earlier build.")
    ] = False,
    engine_free: Annotated[
        bool, typer.Option("--engine-free", help="Run the stages without Prefect: not tracked, but starts faster.")
    ] = False,
    engine: EngineOption = None,
    corrections: CorrectionsOption = None,
    authority: AuthorityOption = None,
    fields: Annotated[
        Path | None,
        typer.Option(envvar="ONRECORD_FIELDS", help="Mapping of fields of records (.toml): see docs/sources.md."),
    ] = None,
    field: Annotated[
        list[str] | None,
        typer.Option(help="One field of records, like text=story; can be repeated.", metavar="ROLE=NAME"),
    ] = None,
) -> None:
    """Read news texts and publish a new release of the warehouse.

    What was built before and has not changed is skipped.

    Exit codes: 0 done, also when documents were rejected with a reason; 2 wrong usage; 3 stopped by validation, the
    warehouse stays as it was; 4 something could not be read, or a correction was skipped, the rest was loaded.
    """
    with _tell_errors():
        settings = load_settings(
            Path.cwd(), sources=sources, warehouse=warehouse, batch_size=batch_size, min_age_seconds=0,
            retry_stopped=retry_stopped, corrections=corrections, authority=authority,
            fields=_find_mapping(fields, field), engine=engine,
        )  # fmt: skip
        report = _run_build(settings, engine_free=engine_free)
    _end_build(report)


@app.command()
def backfill(
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of articles or documents.", metavar="[ID…]")] = None,
    since: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day of publication.")] = None,
    until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day of publication.")] = None,
    outlet: Annotated[str | None, typer.Option(help="One outlet, by its name.")] = None,
    ids_file: Annotated[
        Path | None, typer.Option("--ids", help="File with an id a line; - is standard input.", metavar="FILE")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All articles of the release.")] = False,
    warehouse: WarehouseOption = DEFAULT,
    engine: EngineOption = None,
    corrections: CorrectionsOption = None,
    authority: AuthorityOption = None,
) -> None:
    """Make the facts of some articles anew, from their kept bytes and by the rules of now; the rest is not touched.

    Articles are chosen by date of publication, outlet and id; what is given must all hold. No source is asked for: what a
    release holds is enough. `onrecord diff` tells what changed. Exit codes are those of `build`.
    """
    with _tell_errors():
        if not (ids or since or until or outlet or ids_file or everything):
            raise UsageError("choose the articles: --since, --until, --outlet, --ids, ids, or --all")
        from tasks.backfill import Choice

        settings = load_settings(
            Path.cwd(), warehouse=warehouse, engine=engine, corrections=corrections, authority=authority
        )
        chosen = [*(ids or ()), *(_read_ids(ids_file) if ids_file else ())]
        if ids_file and not chosen:
            raise UsageError(f"{ids_file} names no article")
        choice = Choice(since and since.date(), until and until.date(), outlet, tuple(chosen))
        report = _run_backfill(settings, choice)
    _end_build(report)


@app.command()
def query(
    sql: Annotated[str, typer.Argument(help="One SQL query (DuckDB), for example: from mart_quotes limit 10.")],
    warehouse: WarehouseOption = DEFAULT,
    format: FormatOption = Format.TABLE,
) -> None:
    """Ask the warehouse in SQL. It is opened read-only, and no other file can be reached."""
    with _tell_errors(), _run_query(warehouse, sql) as rows:
        _print_rows(rows, format)


@app.command()
def rejected(warehouse: WarehouseOption = DEFAULT, format: FormatOption = Format.TABLE) -> None:
    """List what did not get in, and why: rejected sources, skipped metadata, stopped sources, rows in quarantine."""
    from flows.explain import read_rejected

    with _tell_errors():
        _print_rows(_frame_rows(read_rejected(warehouse)), format)


@app.command()
def explain(
    article_id: Annotated[str, typer.Argument(help="The id of an article, or its first characters.")],
    warehouse: WarehouseOption = DEFAULT,
) -> None:
    """Show an article as it was read: every piece with its label and reason, quotes and speakers marked in place."""
    from flows.explain import explain_article

    with _tell_errors():
        for part in explain_article(warehouse, article_id):
            _make_console().print(part)


@app.command()
def who(
    name: Annotated[str, typer.Argument(help="A name, in any spelling that the texts print, or a part of it.")],
    warehouse: WarehouseOption = DEFAULT,
    as_json: Annotated[bool, typer.Option("--json", help="Print all that is known as JSON.")] = False,
) -> None:
    """Tell who somebody is: names, links with their reasons, what was said, and where the machine was unsure."""
    from flows.who import describe_entity, find_entities

    with _tell_errors():
        found = find_entities(warehouse, name)
        if as_json:
            _print_objects(map(_to_json, found), is_array=True)
            return
        for number, entity in enumerate(found):
            for part in (*([""] if number else []), *describe_entity(entity)):
                _make_console().print(part)
        if found[0]["match_count"] > len(found):
            print(f"\n… and {found[0]['match_count'] - len(found):,} others of that name: give more of it")


@corrections_app.command("check")
def check(
    warehouse: WarehouseOption = DEFAULT,
    corrections: CorrectionsOption = None,
    authority: AuthorityOption = None,
    format: FormatOption = Format.TABLE,
) -> None:
    """Show what the corrections change, without changing it: which of them match, and which rows and counts differ.

    Exit codes: 0 done; 2 wrong usage; 4 a correction is malformed or contradicts another.
    """
    from flows.corrections import CHECK_COLUMNS, check_corrections

    with _tell_errors():
        settings = load_settings(Path.cwd(), warehouse=warehouse, corrections=corrections, authority=authority)
        checked = check_corrections(settings.warehouse, settings.corrections, settings.authority)
        _print_rows(_frame_rows(checked.outcomes.select(CHECK_COLUMNS)), format)
        if format is Format.TABLE:
            _print_rows(_frame_rows(checked.changes), format)
    for skipped in checked.skipped:
        _print_error(f"skipped {skipped}")
    raise typer.Exit(checked.exit_code)


@app.command()
def releases(warehouse: WarehouseOption = DEFAULT, format: FormatOption = Format.TABLE) -> None:
    """List the releases of the warehouse, the oldest first. Any that is kept can be opened or cited by its id."""
    from warehouse.connection import connect_read_only
    from warehouse.releases import read_releases

    with _tell_errors():
        connect_read_only(warehouse).close()  # says what is wrong where there is nothing to list
        _print_rows(_frame_rows(read_releases(warehouse).select(_RELEASE_COLUMNS)), format)


@app.command()
def diff(
    old_release: Annotated[str, typer.Argument(help="The id of a release, or its first characters.")],
    new_release: Annotated[str | None, typer.Argument(help="The other release; by default the current one.")] = None,
    warehouse: WarehouseOption = DEFAULT,
    quotes: Annotated[bool, typer.Option("--quotes", help="List every quote that is other than before.")] = False,
    format: FormatOption = Format.TABLE,
) -> None:
    """Tell which quotes and speakers one release gained, lost and changed against an earlier one, by outlet and by speaker."""
    from flows.diff import diff_releases

    with _tell_errors():
        compared = diff_releases(warehouse, old_release, new_release)
        if quotes or format is not Format.TABLE:
            _print_rows(_frame_rows(compared.changes), format)
            return
        console = _make_console()
        for release_id, count in (
            (compared.old_release_id, compared.old_count),
            (compared.new_release_id, compared.new_count),
        ):
            console.print(Text(f"{release_id}  {count:,} quotes"))
        for columns in ((), ("cause",), ("outlet",), ("speaker",)):
            counts = compared.count_by(*columns)
            console.print()
            _print_rows(_frame_rows(counts.head(_MOST_DIFF_ROWS)), format)
            if counts.height > _MOST_DIFF_ROWS:
                print(f"… and {counts.height - _MOST_DIFF_ROWS:,} more: --quotes lists every quote")


@app.command()
def distill(
    corpora: Annotated[list[str], typer.Argument(help="Files, folders or patterns, as for build.", metavar="CORPUS…")],
    out: Annotated[Path, typer.Option(help="Where the model is written; ends in .npz.", metavar="FILE")],
    max_words: Annotated[int, typer.Option(min=1, help="Words to learn from; more take longer.")] = 1_000_000,
    epochs: Annotated[int, typer.Option(min=1, help="How often all of them are read.")] = 8,
) -> None:
    """Teach the fast engine on a corpus: it learns from what the accurate engine says of these texts.

    Prints the model's card. Use the model with ONRECORD_FAST_MODEL=FILE and `build --engine fast`.
    """
    with _tell_errors():
        if out.suffix != ".npz":
            raise UsageError(f"{out}: a model file ends in .npz")
        settings = load_settings(Path.cwd(), sources=corpora, min_age_seconds=0)
        prepare_libraries(settings.data_dir, is_quiet=True)
        from flows.distill import distill_corpus, write_model
        from tasks.annotation.annotator import ModelError
        from tasks.annotation.fast.learn import Plan

        errors = Console(stderr=True, soft_wrap=True)
        try:
            distilled = distill_corpus(
                settings,
                max_words=max_words,
                plan=Plan(epochs=epochs),
                tell=lambda line: errors.print(Text(line, style="dim")),
            )
        except ModelError as error:
            raise UsageError(str(error)) from error
        write_model(distilled, out)
    typer.echo(json.dumps(distilled.model.card, indent=2, ensure_ascii=False))


@lines_app.command("learn")
def learn_lines(warehouse: WarehouseOption = DEFAULT, format: FormatOption = Format.TABLE) -> None:
    """Learn from the warehouse which lines its outlets print with any article, and publish a release that names them.

    Bodies stay as they are until the next build of their sources, which leaves these lines out. Prints what was learned.
    """
    with _tell_errors():
        settings = load_settings(Path.cwd(), warehouse=warehouse)
        prepare_libraries(settings.data_dir, is_quiet=True)
        from flows.learn_lines import learn_directly

        learned = learn_directly(settings)
        _print_rows(_frame_rows(learned.lines.drop("line_hash")), format)
    release = learned.report.release_id
    told = "the release has these lines already" if release is None else f"published, release {release}"
    Console(stderr=True, soft_wrap=True).print(Text(told, style="dim"))


def _check_request(settings: Settings) -> None:
    """Find what is wrong with the request within a second, before a server is started for it."""
    from tasks.annotation.annotator import choose_model, describe_model
    from tasks.reading.sources import check_sources
    from warehouse.connection import connect_read_only
    from warehouse.releases import find_current_release

    check_sources(settings.sources)
    describe_model(choose_model(settings.engine, settings.spacy_model, settings.fast_model))
    if find_current_release(settings.warehouse) is not None:
        connect_read_only(settings.warehouse).close()


def _find_mapping(path: Path | None, given: list[str] | None) -> "FieldMapping | None":
    """Return the mapping of a file with what was given beside it, which goes first; None when there is neither."""
    from tasks.reading.fields import FieldMapping, parse_mapping, read_mapping

    if path is None and not given:
        return None
    of_file = {} if path is None else read_mapping(path).given
    return FieldMapping({**of_file, **parse_mapping(given or ()).given})


def _run_build(settings: Settings, *, engine_free: bool) -> "BuildReport":
    from tasks.annotation.annotator import ModelError

    try:
        _check_request(settings)
        with _show_progress():
            return _run_directly(settings) if engine_free else _run_flow(settings)
    except ModelError as error:
        raise UsageError(str(error)) from error


def _run_flow(settings: Settings) -> "BuildReport":
    """Run the flow, on a temporary server where there is no other; the slow starts run side by side."""
    home = prepare_libraries(settings.data_dir, is_quiet=True)
    server = None if home is None else start_server(home)
    if server is not None:
        use_prefect_server(server.api_url)
    start = time.perf_counter()
    from flows.build_warehouse import build_warehouse
    from flows.libraries import preload_libraries
    from flows.report import StoppedByValidation

    imported, imported_at = time.perf_counter(), datetime.now(UTC)
    preload_libraries()
    if server is not None:
        server.wait_until_ready()
    try:
        report = build_warehouse(
            sources=list(settings.sources), warehouse=str(settings.warehouse), data_dir=str(settings.data_dir),
            batch_size=settings.batch_size, min_age_seconds=settings.min_age_seconds,
            retry_stopped=settings.retry_stopped,
            corrections=str(settings.corrections) if settings.corrections else None,
            authority=str(settings.authority) if settings.authority else None,
            fields=dict(settings.fields.given) or None, engine=settings.engine,
        )  # fmt: skip
    except StoppedByValidation as error:
        report = error.report
    report.stage_seconds["imports"] = imported - start
    report.stage_seconds["server"] = (report.started_at - imported_at).total_seconds()
    return report


def _run_directly(settings: Settings) -> "BuildReport":
    """Run the stages of the flow without Prefect."""
    prepare_libraries(settings.data_dir, is_quiet=True)
    start = time.perf_counter()
    from flows.build_warehouse import build_directly
    from flows.libraries import preload_libraries
    from flows.report import StoppedByValidation

    imported = time.perf_counter()
    preload_libraries()
    try:
        report = build_directly(settings)
    except StoppedByValidation as error:
        report = error.report
    report.stage_seconds["imports"] = imported - start
    return report


def _run_backfill(settings: Settings, choice: "Choice") -> "BuildReport":
    """Run a backfill without Prefect's engine; as a flow it can be run from the UI and on a schedule."""
    prepare_libraries(settings.data_dir, is_quiet=True)
    from flows.backfill import backfill_directly
    from flows.libraries import preload_libraries
    from flows.report import StoppedByValidation
    from tasks.annotation.annotator import ModelError

    preload_libraries()
    try:
        with _show_progress():
            return backfill_directly(settings, choice)
    except StoppedByValidation as error:
        return error.report
    except ModelError as error:
        raise UsageError(str(error)) from error


def _read_ids(path: Path) -> list[str]:
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {error}") from error
    return text.split()


def _end_build(report: "BuildReport") -> None:
    """Print what a build did, and exit as it went."""
    _print_summary(report)
    if report.status == "stopped":
        _print_error(f"stopped by validation: {report.detail}")
    raise typer.Exit(report.exit_code)


@contextmanager
def _show_progress() -> Iterator[None]:
    """Show a bar a stage on a terminal; elsewhere a build is silent until its summary."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from flows.progress import listen_to_progress

    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    columns = (TextColumn("{task.description:>9}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bars = {"start": progress.add_task("start", total=1)}

        def show(stage: str, done: int, total: int) -> None:
            progress.update(bars["start"], completed=1)
            if stage not in bars:
                bars[stage] = progress.add_task(stage, total=total)
            progress.update(bars[stage], completed=done, total=total)

        with listen_to_progress(show):
            yield


@contextmanager
def _run_query(warehouse: Path, sql: str) -> Iterator[Rows]:
    import duckdb

    from warehouse.connection import connect_read_only

    con = connect_read_only(warehouse)
    try:
        con.execute("set enable_external_access = false; set lock_configuration = true")
        con.execute(sql)
        if con.description is None:
            raise UsageError("the statement has no result: ask with select or from")
        yield [str(column[0]) for column in con.description], _fetch_rows(con)
    except duckdb.Error as error:
        lines = str(error).split("\nLINE ")[0].splitlines()
        raise UsageError(" ".join(line.strip() for line in lines if line.strip())) from error
    finally:
        con.close()


def _fetch_rows(con: "duckdb.DuckDBPyConnection") -> Iterator[Sequence[Any]]:
    while rows := con.fetchmany(1000):
        yield from rows


def _print_rows(rows: Rows, format: Format) -> None:
    columns, values = rows
    if format is Format.TABLE:
        _print_table(columns, list(values))
    elif format is Format.CSV:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_to_cell(value) for value in row] for row in values)
    else:
        objects = (_to_json(dict(zip(columns, row, strict=True))) for row in values)
        _print_objects(objects, is_array=format is Format.JSON)


def _print_objects(objects: Iterator[str], *, is_array: bool) -> None:
    if not is_array:
        for line in objects:
            print(line)
        return
    print("[", end="")
    for number, line in enumerate(objects):
        print(",\n " if number else "", line, sep="", end="")
    print("]")


def _print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, name in enumerate(columns):
        is_numeric = all(isinstance(row[number], int | float | Decimal | None) for row in rows)
        table.add_column(name, justify="right" if rows and is_numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(make_printable(_to_cell(value))) for value in row))
    console = _make_console()
    console.print(table)
    console.print(Text(f"{len(rows):,} {'row' if len(rows) == 1 else 'rows'}", style="dim"))


def _frame_rows(frame: "pl.DataFrame") -> Rows:
    return frame.columns, frame.iter_rows()


def _make_console() -> Console:
    """A console as wide as the terminal; where the output goes elsewhere, lines are as long as their content."""
    return Console() if sys.stdout.isatty() else Console(width=10_000, soft_wrap=True)


def make_printable(text: str) -> str:
    """Return `text` without anything that a terminal would obey: control characters become U+FFFD, the length stays."""
    return text.translate(_CONTROLS)


def _to_cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else _to_json(value).strip('"')


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_simplify)


def _simplify(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _print_summary(report: "BuildReport") -> None:
    from flows.report import summarize_build

    table = Table(box=None, pad_edge=False, show_header=False, title=None)
    table.add_column(style="bold")
    table.add_column()
    for name, value in summarize_build(report):
        table.add_row(name, Text(make_printable(value)))
    _make_console().print(table)


@contextmanager
def _tell_errors() -> Iterator[None]:
    """Turn every error into one line on standard error: exit code 2 for what the person can put right, else 1."""
    try:
        yield
    except (UsageError, WarehouseError) as error:
        _print_error(str(error))
        raise typer.Exit(2) from error
    except (typer.Exit, BrokenPipeError):
        raise
    except Exception as error:
        _print_error(f"{type(error).__name__}: {error}")
        raise typer.Exit(1) from error


def _print_error(message: str) -> None:
    line = " ".join(make_printable(message).split())
    Console(stderr=True, soft_wrap=True).print(Text(f"onrecord: {line}", style="red"))
