"""One run of `vectordb migrate`: settings, files, values and login, ready to plan or to apply."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from vectordb.database import access, data_api, migrate, sqlfiles, values
from vectordb.database.comparison import Comparison
from vectordb.database.connection import Login
from vectordb.database.secret import MasterLogin
from vectordb.database.session import Session
from vectordb.database.settings import TRANSPORT, Settings
from vectordb.database.sqlfiles import SqlFile
from vectordb.database.talk import Deadline, Say, to_stderr


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a run works with. `values` holds nothing secret."""

    settings: Settings
    login: Login
    files: list[SqlFile]
    values: dict[str, str]
    timeout: float
    say: Say

    @classmethod
    def prepare(cls, settings: Settings, folder: Path, *, timeout: float, say: Say = to_stderr) -> "Run":
        """Find the files and read the master's secret; nothing is connected yet.

        Raises:
            VectordbError: something is wrong with the files, or the secret cannot be read.
        """
        files = sqlfiles.discover(folder)
        if settings.sql_sha256 and settings.sql_sha256 != sqlfiles.digest(folder):
            say(f"warning: {folder} has changed since the program looked at it; what is there now is applied")
        login = MasterLogin(settings.secret_arn, settings.region)
        return cls(
            settings=settings,
            login=login,
            files=files,
            values=values.from_settings(settings, master=login.user),
            timeout=timeout,
            say=say,
        )

    def connect(self) -> AbstractContextManager[Session]:
        """A session as the master, by the chosen transport.

        The Data API goes to AWS's endpoint, whatever address the database has.
        """
        deadline = Deadline(self.timeout)
        if self.settings.transport == "data-api":
            self.say(f"transport: data-api ({TRANSPORT} says so)")
            return data_api.opened(self.settings, deadline=deadline, say=self.say)
        return access.opened(self.settings, self.login, deadline=deadline, say=self.say)

    def apply(self) -> migrate.Summary:
        """Bring the database to what the files say."""
        return migrate.apply(self.connect, self.files, self.values, timeout=self.timeout, say=self.say)

    def plan(self) -> tuple[Comparison, list[str]]:
        """What `apply` would do, and the differences in versioned files that were edited after they had been applied."""
        with self.connect() as session:
            compared = migrate.plan(session, self.files, self.values)
            return compared, migrate.edits(session, compared.edited)
