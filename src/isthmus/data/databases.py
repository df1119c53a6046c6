"""Rows of a query: PostgreSQL and SQLite through ADBC, files and databases of DuckDB.

Our errors never repeat those of a driver: they may quote a cell, the query or where it connects to.
"""
# the drivers are of an extra, and pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportMissingImports=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import pyarrow as pa

from isthmus.core import extras
from isthmus.core.errors import SpecError
from isthmus.data.spec import Query

_CONNECT_S = "15"
_TYPED_BY = 2**20
"""Rows by which the driver of SQLite, whose columns have no types, tells what a column holds."""


def read(query: Query, folder: Path) -> Any:
    """Ask a database.

    Args:
        query: The `sql` table of a data set.
        folder: Paths in it are relative to this folder.

    Returns:
        All rows of the answer, as a `pyarrow.Table`.

    Raises:
        SpecError: There is no driver, no such database or password, or the query fails.
    """
    whole = query.anchored(folder)
    kind, _, file = whole.database.partition(":")
    if kind == "duckdb":
        return _duckdb(whole, file, folder)
    if kind == "sqlite":
        return _sqlite(whole, Path(file))
    return _postgresql(whole)


def _postgresql(query: Query) -> Any:
    extras.require_module("adbc_driver_postgresql", "a query of PostgreSQL")
    from adbc_driver_postgresql import dbapi  # noqa: PLC0415 - of an extra

    url = _with_password(query.database, _password(query))
    try:
        with dbapi.connect(url) as connection, connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
            cursor.execute(query.query)
            return cursor.fetch_arrow_table()
    except dbapi.Error as error:
        why = _why(error.sqlstate) if error.sqlstate else _why_unreached(str(error))
    except (pa.ArrowException, OSError):
        why = _why("")
    raise SpecError(f"{query.where}: {why}") from None


def _sqlite(query: Query, file: Path) -> Any:
    extras.require_module("adbc_driver_sqlite", "a query of SQLite")
    from adbc_driver_sqlite import dbapi  # noqa: PLC0415 - of an extra

    _check_file(query, file)
    options = {"adbc.sqlite.query.batch_rows": str(_TYPED_BY)}
    try:
        with (
            dbapi.connect(f"{file.as_uri()}?mode=ro") as connection,
            connection.cursor(adbc_stmt_kwargs=options) as cursor,
        ):
            cursor.execute(query.query)
            return cursor.fetch_arrow_table()
    except (dbapi.Error, pa.ArrowException, OSError):
        raise SpecError(
            f"{query.where}: the query fails. Try it with `sqlite3`: are its tables and columns "
            f"there, and does a column hold one type beyond its first {_TYPED_BY:,} rows?"
        ) from None


def _duckdb(query: Query, file: str, folder: Path) -> Any:
    if find_spec("duckdb") is None:
        raise SpecError(
            f"{query.where}: a query of DuckDB needs its module, which is not installed. Run "
            "`pip install duckdb`."
        )
    import duckdb  # noqa: PLC0415 - it need not be there

    if file:
        _check_file(query, Path(file))
    config: dict[str, Any] = {
        "file_search_path": str(folder.resolve()),
        "autoinstall_known_extensions": "false",
    }
    try:
        with duckdb.connect(file or ":memory:", read_only=bool(file), config=config) as connection:
            return connection.sql(query.query).to_arrow_table()
    except duckdb.Error as error:
        kind = type(error).__name__.removesuffix("Exception")
        raise SpecError(
            f"{query.where}: the query fails ({kind} error of DuckDB). Try it with `duckdb`; "
            "files in it are looked for in the folder of the party file."
        ) from None


def _check_file(query: Query, file: Path) -> None:
    if not file.is_file():
        raise SpecError(f"{query.where}: there is no such file. Correct `sql.database`.")


def _with_password(url: str, password: str | None) -> str:
    """An address for the driver: it may wait for so long, and it may carry a password."""
    parts = urlsplit(url)
    options = {"connect_timeout": _CONNECT_S} | dict(parse_qsl(parts.query))
    if password is not None:
        options["password"] = password
    return urlunsplit(parts._replace(query=urlencode(options, quote_via=quote)))


def _password(query: Query) -> str | None:
    """Take the password from where the party file says that it is.

    Args:
        query: What it says.

    Returns:
        The password; None where it names no place, and libpq looks for one by itself.

    Raises:
        SpecError: There is none, or others can read its file.
    """
    if query.password_variable is not None:
        if not (found := os.environ.get(query.password_variable)):
            raise SpecError(
                f"{query.where}: the environment variable {query.password_variable!r}, which "
                "`sql.password_variable` names, is not set. Set it, and start again."
            )
        return found
    return None if query.password_file is None else _first_line(Path(query.password_file))


def _first_line(file: Path) -> str:
    try:
        if file.stat().st_mode & 0o077:
            raise SpecError(f"{file}: others on this machine can read it. Run `chmod 600 {file}`.")
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise SpecError(f"{file}: cannot be read as text. Correct `sql.password_file`.") from None
    if not lines or not lines[0]:
        raise SpecError(f"{file}: its first line is empty, and should be the password.")
    return lines[0]


def _why(state: str) -> str:
    """What a code of PostgreSQL means for who wrote the query."""
    known = {
        "42P01": "the query names a table that is not there. Correct it, or give its schema.",
        "42703": "the query names a column that is not there. Correct it.",
        "42601": "the query is not one statement of SQL. Correct it.",
        "42501": "this user may not read what the query asks for. Ask for the right to SELECT it.",
        "25006": "the query would change the database, and it is opened to read alone. "
        "Give a SELECT.",
        "57014": "the server cancelled the query: it took too long. Ask for less, or more time.",
    }
    classes = {
        "22": "the query meets a value that it cannot convert. Correct its casts.",
        "42": "the query does not fit the tables. Correct it; `psql` says more.",
    }
    said = known.get(state) or classes.get(state[:2])
    return said or f"the query fails{state and f' with SQLSTATE {state}'}. Try it with `psql`."


def _why_unreached(message: str) -> str:
    """What the message of a failed connection means; some of it is in the server's language."""
    known = {
        "password": "the server does not let this user in. Correct the user or the password; "
        "`sql.password_file` or `sql.password_variable` says where that is.",
        "translate host name": "its host has no address. Correct the name of the host.",
        "refused": "no server listens there. Correct host and port, or start it.",
        "timeout": f"no server answers within {_CONNECT_S} s. Correct host and port, and see that "
        "no firewall is between.",
    }
    said = (advice for beginning, advice in known.items() if beginning in message)
    return next(said, "the server cannot be reached. Try the same with `psql`, which says more.")
