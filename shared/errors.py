"""The errors of Parcours: one small hierarchy.

Every error that may reach a person derives from `ParcoursError`, carries one line that says what is wrong and what to
do, and is shown without a traceback. Anything else that escapes is a defect.
"""


class ParcoursError(Exception):
    """The base: its text is one line for a person."""

    exit_status = 1


class ConfigurationError(ParcoursError):
    """A setting, a rule file or a mapping is wrong: nothing was started or sent."""

    exit_status = 2


class FolderInUse(ParcoursError):
    """Another process holds the data folder."""


class PortInUse(ParcoursError):
    """Another process listens on the port."""


class Unreachable(ParcoursError):
    """A service that a command needs does not answer."""


class LogError(ParcoursError):
    """The event log cannot do what was asked."""


class LogOverloaded(LogError):
    """The bounded queue before the log is full: try again after `retry_after_s`."""

    def __init__(self, message: str, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class LogUnavailable(LogError):
    """The log cannot be reached now (disk full, permission, I/O error, no broker); what was appended is not acknowledged."""


class LogMismatch(LogError):
    """A consumer's position belongs to another log, or lies beyond the end of this one."""


class StoreError(ParcoursError):
    """ClickHouse refuses or fails."""


class QueryLimitExceeded(StoreError):
    """A query went over its time or memory limit: ask for less."""


class StoreBusy(StoreError):
    """Too many questions at once: the same one can be asked again after `retry_after_s`."""

    def __init__(self, message: str, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class RegistryError(ParcoursError):
    """The registry (the database that processes share) does not answer, or refuses."""


class StoreDamaged(StoreError):
    """A part of ClickHouse's tables cannot be read any more: trying again does not help, people must."""


class DetectionError(ParcoursError):
    """A record of the log that no detector can read: the worker stops by name rather than skip it."""


class RedetectionRefused(ParcoursError):
    """The past cannot be detected again now: a run is under way, or a part it needs is missing."""


class ReshardRefused(ParcoursError):
    """Journeys cannot be moved to other partitions now: something still runs, or is not folded or not loaded."""


class RecordRefused(ParcoursError):
    """What somebody wants to write down cannot be kept as it is: a value is missing, too long or out of its range."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class RecordConflict(ParcoursError):
    """The record was changed or removed by another since it was read."""


class NotDelivered(ParcoursError):
    """A receiver of notifications was not reached, or refused. Its text is for those who look after it, and holds no secret.

    permanent: trying again cannot help. retry_after_s: when the receiver wants to be tried again, if it said so.
    """

    def __init__(self, message: str, *, permanent: bool = False, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after_s = retry_after_s
