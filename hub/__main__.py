"""The command line: `tocsin --help`. Each command imports what it needs and no more, so that publishing from a script starts fast."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hub.errors import HubError, SettingsError
from hub.settings import Settings, load

if TYPE_CHECKING:
    from hub.commands.check import Finding
    from hub.staff.account import Staff
    from hub.store.database import Database

T = TypeVar("T")

app = typer.Typer(help="Tocsin, the open alert hub for cities.", no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
staff_app = typer.Typer(help="People who log in at /console.", no_args_is_help=True)
token_app = typer.Typer(help="Tokens for programs that use the API.", no_args_is_help=True)
subscribers_app = typer.Typer(help="Residents' subscriptions.", no_args_is_help=True)
app.add_typer(staff_app, name="staff")
app.add_typer(token_app, name="token")
app.add_typer(subscribers_app, name="subscribers")

Data = Annotated[str | None, typer.Option("--data", help="Data folder (TOCSIN_DATA).")]
Url = Annotated[str, typer.Option("--url", envvar="TOCSIN_URL", help="The hub.")]
Token = Annotated[str, typer.Option("--token", envvar="TOCSIN_TOKEN", help="From `tocsin token add`.")]

out, err = Console(), Console(stderr=True)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"tocsin {version('tocsin')}")
        raise typer.Exit


@app.callback()
def begin(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Which release this is.")] = False,
) -> None:
    """Tocsin, the open alert hub for cities."""


def fail(message: str) -> NoReturn:
    """One line on stderr, exit code 1."""
    err.print(f"tocsin: {message}", style="red", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(1)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end; what the hub refuses on purpose, and what the system or the database refuses it, are sentences, not tracebacks."""
    import uvloop

    try:
        return uvloop.run(work)
    except Exception as error:
        from hub.commands.in_words import in_words

        if (said := in_words(error)) is None:
            raise
        fail(said)


def settings_with(**options: str | None) -> Settings:
    """Settings, with what was given on the command line on top."""
    try:
        return load().replace("command line", **{name: value for name, value in options.items() if value is not None})
    except SettingsError as error:
        fail(error.detail)


@asynccontextmanager
async def database_of(settings: Settings, *, new: bool) -> AsyncIterator[Database]:
    """The hub's database; with `new` it is made when there is none, else that is an error. One of another release is left as it is: the hub
    of that release may run."""
    from hub.store.database import Database, database_url
    from hub.store.migrate import current, made

    url = database_url(settings.database, Path(settings.data))
    await asyncio.to_thread(made if new else current, url)
    async with Database(url) as database:
        yield database


@asynccontextmanager
async def staff_of(settings: Settings, *, new: bool = False) -> AsyncIterator[Staff]:
    """Accounts and tokens of the hub in the data folder."""
    import time

    from hub.staff.account import Staff

    async with database_of(settings, new=new) as database:
        yield Staff(database, time.time)


@app.command()
def serve(
    demo: Annotated[bool, typer.Option("--demo", help="Sample staff, sample subscribers and the outbox.")] = False,
    host: Annotated[str | None, typer.Option(help="Address to listen on (TOCSIN_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on, 0 for any free one (TOCSIN_PORT).")] = None,
    data: Data = None,
    senders: Annotated[int | None, typer.Option(help="Sender processes (TOCSIN_SENDERS).")] = None,
    role: Annotated[Literal["all", "web", "deliver"], typer.Option(help="all, web or deliver: what this of several nodes does.")] = "all",
) -> None:
    """Run the hub until SIGTERM."""
    from hub.serving import serve as serve_hub

    settings = settings_with(host=host, port=_text(port), data=data, senders=_text(senders))
    if demo and settings.origins["data"] == "default":
        settings = settings.replace("--demo", data="data/demo")
    run(serve_hub(settings, demo=demo, role=role, say=lambda line: print(line, flush=True)))


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)


@app.command()
def publish(
    file: Annotated[str, typer.Argument(help="Alert as JSON or CAP 1.2 XML; - for standard input.")],
    url: Url = "http://127.0.0.1:8080",
    token: Token = "",
    key: Annotated[str | None, typer.Option("--idempotency-key", help="The same key publishes once, however often it is sent.")] = None,
) -> None:
    """Publish an alert."""
    from hub.commands import publish as remote

    run(remote.publish(_read(file), url, token, key, say=_say))


@app.command()
def approve(alert: Annotated[str, typer.Argument(metavar="ID")], url: Url = "http://127.0.0.1:8080", token: Token = "") -> None:
    """Approve an alert that somebody else wrote."""
    from hub.commands import publish as remote

    run(remote.approve(alert, url, token, say=_say))


def _say(line: str) -> None:
    out.print(line, markup=False, highlight=False, soft_wrap=True)


def _read(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        fail(f"{file}: {error.strerror}")


TRY_AGAIN = 75
"""EX_TEMPFAIL of sysexits.h: a mail server keeps what it piped and brings it again."""


@app.command()
def bounces(
    file: Annotated[str, typer.Argument(help="One mail that came back, as a mail server pipes it; - for standard input.")],
    data: Data = None,
) -> None:
    """Close the address of a mail that came back, or whose reader complained. Exit code 75 when it should be brought again."""
    import time

    from hub.commands.bounces import take

    raw, settings = _read(file), settings_with(data=data)
    try:
        _say(str(asyncio.run(take(settings, raw, time.time))))
    except Exception as error:  # noqa: BLE001 - whatever it was, the mail server must keep the mail; a traceback may quote an address
        err.print(f"tocsin: {error.detail if isinstance(error, HubError) else type(error).__name__}", markup=False, highlight=False)
        raise typer.Exit(TRY_AGAIN) from None


@app.command("settings")
def show_settings() -> None:
    """Every setting, its value, where it came from, and whether it can be. Exit code 1 when one can't."""
    from hub.commands.show_settings import lines

    shown = lines(settings_with())
    table = Table("setting", "value", "from", "meaning", box=None, pad_edge=False)
    for line in shown:
        table.add_row(line.variable, Text(line.value), Text(line.origin), Text(line.meaning, style=line.style))
    out.print(table)
    if any(line.wrong for line in shown):
        raise typer.Exit(1)


@app.command()
def migrate(data: Data = None) -> None:
    """Bring the database to this release's schema. `serve` does so by itself."""
    from hub.store.database import database_url
    from hub.store.migrate import upgrade

    settings = settings_with(data=data)
    before, after = run(asyncio.to_thread(lambda: upgrade(database_url(settings.database, Path(settings.data)))))
    _say(f"schema {before or 'none'} → {after}" if before != after else f"schema {after}, nothing to do")


@app.command()
def check(data: Data = None) -> None:
    """Look for anything broken: settings, schema, keyring, the audit chain, the ledger. Exit code 1 when something is."""
    from hub.commands.check import examine

    _show(run(examine(settings_with(data=data))))


def _show(findings: Iterable[Finding]) -> None:
    findings = tuple(findings)
    for finding in findings:
        out.print(Text.assemble(("ok    ", "green") if finding.fine else ("wrong ", "red"), finding.what), soft_wrap=True)
    if not all(finding.fine for finding in findings):
        raise typer.Exit(1)


@app.command()
def backup(file: Annotated[Path, typer.Argument(help="Where to; an older file of this name is replaced.")], data: Data = None) -> None:
    """Write the whole hub into one file, while it runs; its passphrase is TOCSIN_BACKUP_PASSPHRASE, or asked for."""
    from hub.commands.backup import back_up, passphrase_of, size, step_back
    from hub.commands.bars import bars

    settings = settings_with(data=data)
    passphrase = _passphrase(lambda: passphrase_of(settings, lambda: typer.prompt("Passphrase", hide_input=True, confirmation_prompt=True)))
    step_back()
    with bars(err) as told:
        taken = run(back_up(settings, file, passphrase, told))
    _say(f"{taken.file}: {size(taken.size)}, {taken.rows:,} rows. `tocsin restore {taken.file} --drill` tries whether it can be restored")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A file that `tocsin backup` wrote.")],
    data: Data = None,
    resume: Annotated[bool, typer.Option("--resume", help="Messages under way at the backup go out; some people get them twice.")] = False,
    drill: Annotated[bool, typer.Option("--drill", help="Try it in a folder that is removed afterwards.")] = False,
) -> None:
    """Make a hub from a backup, in an empty place, and check it. Exit code 1 when something is wrong with it."""
    from hub.commands.backup import passphrase_of
    from hub.commands.bars import bars
    from hub.commands.restore import bring_back
    from hub.commands.restore import drill as try_out

    if drill and resume:
        fail("--drill keeps nothing of which messages could go out: leave out --resume")
    settings = settings_with(data=data)
    passphrase = _passphrase(lambda: passphrase_of(settings, lambda: typer.prompt("Passphrase", hide_input=True)))
    with bars(err) as told:
        work = try_out(settings, file, passphrase, told) if drill else bring_back(settings, file, passphrase, told, resume=resume)
        report = run(work)
    for line in report.lines:
        _say(line)
    _show(report.findings)


def _passphrase(ask: Callable[[], str]) -> str:
    try:
        return ask()
    except SettingsError as error:
        fail(error.detail)


@app.command()
def mirror(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="An empty or new folder, or that of an earlier copy.")],
    every: Annotated[float | None, typer.Option(metavar="SECONDS", help="Go on, with a fresh copy every so many seconds.")] = None,
    url: Annotated[str | None, typer.Option("--url", help="How people reach the hub itself (TOCSIN_PUBLIC_URL).")] = None,
    data: Data = None,
) -> None:
    """Copy the public site as plain files, for a CDN or a disk: alerts, feeds and CAP, readable without the hub and without JavaScript."""
    from hub.commands import mirror as mirroring

    run(mirroring.mirror(settings_with(data=data, public_url=url), folder, every=every, say=_say))


@staff_app.command("add")
def staff_add(
    name: Annotated[str, typer.Argument()],
    agency: Annotated[str, typer.Option()],
    role: Annotated[str, typer.Option(help="author, publisher, approver, admin, partner or auditor.")],
    data: Data = None,
) -> None:
    """Add a log-in; the password is asked for, or read from standard input."""
    password = (
        typer.prompt("Password", hide_input=True, confirmation_prompt=True) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    )

    async def work() -> None:
        async with staff_of(settings_with(data=data), new=True) as staff:
            account = await staff.add(name, password, agency=agency, role=role)
            _say(f"added {account.name} ({account.role}, {account.agency})")

    run(work())


@staff_app.command("list")
def staff_list(data: Data = None) -> None:
    """All log-ins."""

    async def work() -> None:
        async with staff_of(settings_with(data=data)) as staff:
            table = Table("name", "role", "agency", "state", box=None, pad_edge=False)
            for account in await staff.list():
                state = "disabled" if account.disabled else "active"
                table.add_row(Text(account.name), account.role, Text(account.agency), state)
            out.print(table)

    run(work())


@staff_app.command("disable")
def staff_disable(name: Annotated[str, typer.Argument()], data: Data = None) -> None:
    """End a log-in and its sessions."""

    async def work() -> None:
        async with staff_of(settings_with(data=data)) as staff:
            await staff.disable(name)
            _say(f"disabled {name}")

    run(work())


@token_app.command("add")
def token_add(agency: Annotated[str, typer.Option()], role: Annotated[str, typer.Option()], data: Data = None) -> None:
    """Make a token; it stands alone on standard output and is shown only now."""

    async def work() -> None:
        async with staff_of(settings_with(data=data), new=True) as staff:
            print(await staff.add_token(agency, role))

    run(work())


@token_app.command("list")
def token_list(data: Data = None) -> None:
    """All tokens, without the tokens themselves."""

    async def work() -> None:
        async with staff_of(settings_with(data=data)) as staff:
            table = Table("number", "role", "agency", "state", box=None, pad_edge=False)
            for token in await staff.list_tokens():
                table.add_row(str(token.id), token.role, Text(token.agency), "disabled" if token.disabled else "active")
            out.print(table)

    run(work())


@token_app.command("disable")
def token_disable(number: Annotated[int, typer.Argument()], data: Data = None) -> None:
    """Void a token."""

    async def work() -> None:
        async with staff_of(settings_with(data=data)) as staff:
            await staff.disable_token(number)
            _say(f"disabled token {number}")

    run(work())


@subscribers_app.command("import")
def subscribers_import(
    file: Annotated[str, typer.Argument(metavar="CSV", help="- for standard input.")],
    source: Annotated[str, typer.Option("--source", help="Where consent was given, for rows without consent_source.")] = "",
    data: Data = None,
) -> None:
    """Bring in people who consented elsewhere; the source of each consent is kept."""
    from hub.commands.import_subscribers import import_file

    report = run(import_file(settings_with(data=data), _read(file), source, err))
    for refused in report.refused[:20]:
        err.print(f"line {refused.line}: {refused.why}", markup=False, highlight=False, soft_wrap=True)
    _say(f"{report.rows} rows, {report.people} people taken, {len(report.refused)} rows refused")
    if report.refused:
        raise typer.Exit(1)


def main() -> None:
    """Entry point of the `tocsin` command."""
    app()


if __name__ == "__main__":
    main()
