"""The driver's errors as ours, in words for a person."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from clickhouse_connect.driver.exceptions import ClickHouseError, OperationalError
from urllib3.exceptions import HTTPError

from shared.errors import QueryLimitExceeded, StoreBusy, StoreError
from shared.store.damage import damaged_part

logger = logging.getLogger(__name__)

_TIME_CODES: Final = {159, 160, 394}
_MEMORY_CODES: Final = {241}
_SIZE_CODES: Final = {158, 307, 396}
_BUSY_CODES: Final = {202, 203, 745}
_OF_THE_WHOLE_SERVER: Final = "(total)"
"""In the text of error 241 when the memory of all queries together ran out, not that of this one."""


@contextmanager
def typed_errors(statement: str) -> Iterator[None]:
    """Turn the driver's errors into `QueryLimitExceeded`, `StoreBusy`, `StoreDamaged` and `StoreError`.

    ClickHouse's own text may quote rows, that is personal data: the log gets the statement (values are bound, so it has
    none), the error's number and its name.
    """
    try:
        yield
    except ClickHouseError as error:
        raise typed(error, statement) from error
    except HTTPError as error:
        raise _unanswered(type(error).__name__, statement) from error
    except OSError as error:
        raise StoreError(f"ClickHouse cannot be given rows: {error.strerror}") from error


def typed(error: ClickHouseError, statement: str) -> StoreError:
    """The error of ours for an error of the driver's; the rest of the story goes to the log."""
    code = getattr(error, "code", None)
    name = getattr(error, "name", None) or type(error).__name__
    if code in _TIME_CODES:
        return QueryLimitExceeded("The question takes too long: choose a shorter period or fewer groups")
    if code in _BUSY_CODES or (code in _MEMORY_CODES and _OF_THE_WHOLE_SERVER in str(error)):
        return StoreBusy("ClickHouse is busy with other questions: try again in a moment")
    if code in _MEMORY_CODES:
        return QueryLimitExceeded("The question needs too much memory: choose a shorter period or fewer groups")
    if code in _SIZE_CODES:
        return QueryLimitExceeded("The question reads too much: choose a shorter period or fewer groups")
    damage = damaged_part(error)
    if damage is not None:
        return damage
    if code is None and isinstance(error, OperationalError):
        return _unanswered(name, statement)
    logger.warning(
        "ClickHouse refused a statement", extra={"code": code, "error_name": name, "statement": statement[:500]}
    )
    return StoreError(f"ClickHouse refused a statement (error {code}, {name}); the log of this process names it")


def _unanswered(name: str, statement: str) -> StoreError:
    """The server is away, or was cut off: whether the statement ran is unknown."""
    logger.warning("ClickHouse did not answer", extra={"error_name": name, "statement": statement[:500]})
    return StoreError("ClickHouse does not answer: is it running, and is PARCOURS_CLICKHOUSE its address?")
