"""What is wrong with a platform on one machine, part by part, and what to do: `parcours doctor`.

Looks only: nothing is made, changed or started.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from services.alerts.engine_status import SILENT_S, EngineStatus
from services.wiring.folder import DataFolder, read_json
from services.wiring.registry import registry_in
from services.wiring.rules import site_rules
from services.wiring.streams import EVENTS, INGEST_REJECTS, LOAD_REJECTS, POINTS
from shared.errors import LogError, ParcoursError, RegistryError, StoreDamaged
from shared.ingest.published_rules import PublishedRulesFile
from shared.log.local import LocalLogReader
from shared.log.positions import StreamPosition, lag, read_positions
from shared.registry.registry import Registry
from shared.registry.upgrade import latest_revision
from shared.settings import Settings
from shared.store.client import Store
from shared.store.damage import SET_ASIDE_ADVICE, set_aside, set_aside_text
from shared.store.recount import recount

REGISTRY: Final = "registry"
ALERT_ROUNDS: Final = "alert rounds"
_ALERT_SERIES: Final = "alert series"
_MB: Final = 1_000_000
_STREAMS: Final = (EVENTS, INGEST_REJECTS, LOAD_REJECTS, POINTS)
_SILENT_S: Final = 10.0
_CLOSE_BEHIND: Final = 100
"""Heartbeats in the log are items too: on an idle system one or two of them are always under way."""
_FAR_BEHIND: Final = 100_000
_LOCKS: Final = ("", "ingest", "detector", "analytics")


class Part(Struct):
    """One part: how it is, what was found, and what to do if it is not well."""

    name: str
    status: Literal["ok", "warning", "error"]
    message: str
    advice: str = ""


def report(parts: Iterable[Part]) -> dict[str, Any]:
    """The answer of `/api/v1/doctor` and of `parcours doctor --json`: JSON values only."""
    return {"parts": [msgspec.to_builtins(part) for part in parts]}


def examine(settings: Settings, now_us: Callable[[], int]) -> list[Part]:
    """Everything that can be told from the data folder, whether the platform runs or not."""
    folder = DataFolder(settings.data)
    if not folder.root.is_dir():
        advice = "`parcours run` makes it; PARCOURS_DATA names another one"
        return [Part("data folder", "error", f"there is no folder {folder.root}", advice)]
    return [
        _space(folder, settings.min_free_mb),
        _modes(folder),
        rule_settings(settings),
        *(_stream(folder, name) for name in _STREAMS),
        *_positions(folder),
        _registry(settings, folder),
        _detector(folder, now_us()),
        _alerts(settings, folder, now_us()),
    ]


_RULES_OF_POINTS: Final = "rules of the points"
_OTHER_VERSIONS: Final = "SELECT count() FROM points_in_force WHERE version != {version:UInt32}"
_ADVICE: Final = "keep a copy of the data folder, then restore it from a backup or ask for help with this line"
_RECOUNT_ADVICE: Final = {
    "events_once": "a source used one id for two events that differ: have its owner give every event an id of its own",
}


def examine_store(store: Store, settings: Settings) -> list[Part]:
    """What the rows of ClickHouse tell: whether the rules in force judged all points, and a recount of every table.

    Reads every row. What a damaged table cannot tell is a finding. Raises `StoreError` for other failures.
    """
    parts = [damaged_tables(store)]
    try:
        parts.append(_judged_by_rules_in_force(store, DataFolder(settings.data)))
        parts += recounted(store)
    except StoreDamaged as error:
        parts.append(Part("recount", "error", str(error), "docs/operations.md, “Damaged tables”"))
    return parts


def damaged_tables(store: Store) -> Part:
    """Whether ClickHouse goes on without parts that it found damaged. Raises `StoreError`."""
    found = set_aside(store.query)
    if not found:
        return Part("damaged tables", "ok", "ClickHouse has set no part aside")
    return Part("damaged tables", "error", set_aside_text(found), SET_ASIDE_ADVICE)


def _judged_by_rules_in_force(store: Store, folder: DataFolder) -> Part:
    reader = LocalLogReader(folder.stream(EVENTS), EVENTS)
    try:
        log_id = reader.log_id()
        published = PublishedRulesFile(folder.published_rules, reader).latest(log_id) if log_id else None
    except LogError as error:
        return Part(_RULES_OF_POINTS, "error", str(error), "restore the data folder from one backup")
    finally:
        reader.close()
    return judged_by(store, published.version if published else None)


def judged_by(store: Store, version: int | None) -> Part:
    """Points keep the verdict of the settings that were in force when they were judged, until a redetection.

    `version` is that of the settings in force, `None` while none are published. Raises `StoreError`.
    """
    if version is None:
        return Part(_RULES_OF_POINTS, "ok", "no settings are published yet")
    others = int(store.query(_OTHER_VERSIONS, {"version": version}).rows[0][0])
    if not others:
        return Part(_RULES_OF_POINTS, "ok", f"all were judged by the settings in force (version {version})")
    points = "1 point was" if others == 1 else f"{others:,} points were"
    text = f"{points} judged under another version of the settings than that in force ({version})"
    return Part(_RULES_OF_POINTS, "warning", text, "run `parcours redetect` if what changed concerns them")


def recounted(store: Store) -> list[Part]:
    """The checks of `shared.store.recount`, as parts. Raises `StoreError`."""
    findings = recount(store)
    advice = dict(_RECOUNT_ADVICE)
    if any(each.check == "events_once" and not each.ok for each in findings):
        advice["points_signs"] = "this comes of the events that `events_once` names, if they are of the same journeys"
    return [
        Part(
            f"recount {each.check}",
            "ok" if each.ok else "error",
            "agrees" if each.ok else f"found {each.found}, expected {each.expected} ({', '.join(each.examples)})",
            "" if each.ok else advice.get(each.check, _ADVICE),
        )
        for each in findings
    ]


def _space(folder: DataFolder, min_free_mb: int) -> Part:
    free_mb = shutil.disk_usage(folder.root).free // _MB
    if free_mb >= min_free_mb:
        return Part("free space", "ok", f"{free_mb} MB below {folder.root}")
    text = f"{free_mb} MB below {folder.root}, less than PARCOURS_MIN_FREE_MB={min_free_mb}: gateways answer 503"
    return Part("free space", "error", text, "free some space; ingest goes on by itself")


def _modes(folder: DataFolder) -> Part:
    """Nobody but the owner may read the data, least of all the keys."""
    open_paths = [path for path in (folder.root, folder.keys, *_files(folder.keys)) if path.exists() and _is_open(path)]
    if not open_paths:
        return Part("permissions", "ok", "the data folder and its keys are their owner's only")
    names = ", ".join(str(path) for path in open_paths)
    return Part("permissions", "error", f"others may read {names}", f"chmod -R go-rwx {folder.root}")


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from sorted(folder.iterdir())


def _is_open(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o077)


def rule_settings(settings: Settings) -> Part:
    """Whether the rule file of the site can be used."""
    try:
        site_rules(settings.rules)
    except ParcoursError as error:
        return Part(
            "rule settings", "error", str(error), "correct the file; the rules in force stay until the next start"
        )
    return Part("rule settings", "ok", f"of {settings.rules}" if settings.rules else "the defaults of the definitions")


def _stream(folder: DataFolder, name: str) -> Part:
    reader = LocalLogReader(folder.stream(name), name)
    try:
        log_id, ends = reader.log_id(), reader.ends()
    except ParcoursError as error:
        return Part(f"log {name}", "error", str(error), "restore the data folder from one backup")
    finally:
        reader.close()
    if log_id is None:
        return Part(f"log {name}", "ok", "not made yet")
    return Part(f"log {name}", "ok", f"{len(ends)} partition(s), next offset {max(ends.values())}")


def _positions(folder: DataFolder) -> Iterator[Part]:
    try:
        consumers = read_positions(folder.positions)
    except LogError as error:
        yield Part("positions", "error", str(error), "delete the file named; its consumer writes it again")
        return
    for consumer, positions in consumers.items():
        for stream, position in positions.items():
            yield _position(folder, consumer, stream, position)


def _position(folder: DataFolder, consumer: str, stream: str, position: StreamPosition) -> Part:
    part = f"{consumer} in {stream}"
    reader = LocalLogReader(folder.stream(stream), stream)
    try:
        behind = lag(reader, position)
    except ParcoursError as error:
        return Part(part, "error", str(error), "restore the data folder from one backup")
    finally:
        reader.close()
    if behind <= _CLOSE_BEHIND:
        return Part(part, "ok", "up to date")
    text = f"{behind:,} items behind"
    if behind <= _FAR_BEHIND:
        return Part(part, "ok", text)
    return Part(part, "warning", text, f"wait while an import runs; else see {folder.service_logs}")


def _registry(settings: Settings, folder: DataFolder) -> Part:
    if not settings.registry and not folder.registry.exists():
        return Part(REGISTRY, "ok", "not made yet")
    with registry_in(settings, folder) as registry:
        return registry_tables(registry)


def registry_tables(registry: Registry) -> Part:
    """Whether the database of what people write down answers, and its tables are those that this program needs."""
    try:
        found = registry.revision()
    except RegistryError as error:
        return Part(
            REGISTRY, "error", str(error), "see PARCOURS_REGISTRY and the database's own log, or the data folder"
        )
    if found == latest_revision():
        return Part(REGISTRY, "ok", f"its tables are those of this program (revision {found})")
    text = f"its tables are of revision {found}, this program needs {latest_revision()}"
    return Part(REGISTRY, "error", text, "restart the platform; on a cluster run `parcours service setup`")


def alert_gaps(status: EngineStatus) -> Part:
    """What the engine of this process does not look at, though it looks."""
    if status.trouble():
        return Part(_ALERT_SERIES, "error", status.trouble(), "see the log of the process that watches for alerts")
    if status.gaps():
        return Part(_ALERT_SERIES, "warning", status.gaps(), "docs/operations.md, “ParcoursAlertsIncomplete”")
    text = f"{status.series:,} are watched, {status.unknown:,} of them have too little past to be judged"
    return Part(_ALERT_SERIES, "ok", text)


def alert_rounds(registry: Registry, now_us: int, *, running: bool = True) -> Part:
    """Whether anybody looks: every minute a round is kept in the registry."""
    try:
        round_us = registry.alerts.round_us()
    except RegistryError as error:
        return Part(
            ALERT_ROUNDS, "error", str(error), "see PARCOURS_REGISTRY and the database's own log, or the data folder"
        )
    if not running:
        return Part(
            ALERT_ROUNDS, "warning", "nobody looks, since the platform does not run", "start it with `make run`"
        )
    if round_us is None:
        return Part(
            ALERT_ROUNDS, "warning", "no round has been judged yet", "wait while the platform starts; else see its log"
        )
    age_s = (now_us - round_us) / 1_000_000
    if abs(age_s) <= SILENT_S:
        return Part(ALERT_ROUNDS, "ok", f"the last round is {max(age_s, 0.0):.0f} s old")
    text = f"nobody looks: the last round is {age_s:.0f} s old"
    return Part(ALERT_ROUNDS, "error", text, "docs/operations.md, “ParcoursAlertsNotLooking”")


def _alerts(settings: Settings, folder: DataFolder, now_us: int) -> Part:
    if not settings.registry and not folder.registry.exists():
        return Part(ALERT_ROUNDS, "ok", "nothing has been judged yet")
    with registry_in(settings, folder) as registry:
        return alert_rounds(registry, now_us, running=any(folder.is_held(name) for name in _LOCKS))


def _detector(folder: DataFolder, now_us: int) -> Part:
    """A heartbeat that stands still while the platform runs means a detector that does."""
    if not any(folder.is_held(name) for name in _LOCKS):
        return Part("detector", "warning", "the platform does not run", "start it with `make run`")
    log = folder.service_logs / "detector.log"
    heartbeat = read_json(folder.heartbeat("detector"))
    at_us = heartbeat.get("at_us") if heartbeat is not None else None
    if not isinstance(at_us, int):
        return Part(
            "detector", "warning", "it has given no sign yet", f"wait while the platform starts; else see {log}"
        )
    age_s = (now_us - at_us) / 1_000_000
    if age_s <= _SILENT_S:
        return Part("detector", "ok", f"its last sign is {max(age_s, 0.0):.0f} s old")
    return Part("detector", "error", f"its last sign is {age_s:.0f} s old", f"see {log}")
