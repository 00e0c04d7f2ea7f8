"""The supervisor with real processes: small scripts that live, die and speak as told."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from services.supervisor import demo
from services.supervisor.child import CannotStart, Child, RestartBudget, ServiceLog
from services.supervisor.liveness import Heartbeats
from services.supervisor.supervise import ServiceFailed, StopRequest, Supervisor
from services.wiring.folder import read_json

LIVE = "import time; open({mark!r}, 'a').write('x'); time.sleep(60)"


class Stage:
    """A folder, the lines shown to the person, and children made of scripts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shown: list[str] = []
        self.stop = StopRequest()
        self.short_of_space = False

    def child(self, name: str, script: str) -> Child:
        """A child that runs the script."""
        log = ServiceLog(name, self.folder / f"{name}.log", self.shown.append)
        return Child(name, [sys.executable, "-c", textwrap.dedent(script)], dict(os.environ), log)

    def mark(self, name: str) -> Path:
        """The file to which a child adds a letter each time it starts."""
        return self.folder / f"{name}.mark"

    def live(self, name: str) -> Child:
        """A child that marks its start, then lives."""
        return self.child(name, LIVE.format(mark=str(self.mark(name))))

    def supervisor(self, *children: Child, needs: dict[str, tuple[str, ...]] | None = None) -> Supervisor:
        """A supervisor for which a child is ready once it has marked its start."""
        needs = needs or {child.name: () for child in children}
        return Supervisor(
            children, needs, lambda child: self.mark(child.name).exists(), self.stop, lambda: self.short_of_space
        )


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A folder of its own for each test."""
    return Stage(tmp_path)


def step_until(supervisor: Supervisor, condition, limit_s: float = 10.0) -> None:
    """Let the supervisor work until the condition holds."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline
        supervisor.step()


def test_children_start_once_what_they_need_is_ready(stage: Stage) -> None:
    """A child that needs another starts after that one is ready; all run when `start` returns."""
    first, second = stage.live("first"), stage.live("second")
    supervisor = stage.supervisor(second, first, needs={"second": ("first",), "first": ()})
    try:
        assert supervisor.start()
        assert stage.mark("first").stat().st_mtime_ns <= stage.mark("second").stat().st_mtime_ns
        assert first.ended() is None
        assert second.ended() is None
    finally:
        supervisor.stop()
    assert first.ended() == -signal.SIGTERM


def test_a_dead_child_is_started_again(stage: Stage) -> None:
    """A child that is killed comes back as another process, and the person is told once."""
    child = stage.live("worker")
    supervisor = stage.supervisor(child)
    try:
        assert supervisor.start()
        before = child.pid
        os.kill(before, signal.SIGKILL)
        step_until(supervisor, lambda: stage.mark("worker").read_text() == "xx")
        assert child.pid != before
        assert stage.shown == ["worker: killed by SIGKILL; starting it again"]
    finally:
        supervisor.stop()


def test_a_child_that_dies_for_ever_stops_the_whole_by_name(stage: Stage) -> None:
    """After five restarts within a minute the failure names the child, its last error line and its log."""
    line = json.dumps(
        {"level": "error", "message": "cannot go on", "error": {"type": "StoreError", "text": "no table"}}
    )
    mark = stage.mark("loader")
    child = stage.child("loader", f"open({str(mark)!r}, 'a').write('x'); print({line!r}); raise SystemExit(3)")
    child.budget = RestartBudget(limit=2)
    other = stage.live("other")
    supervisor = stage.supervisor(child, other)
    with pytest.raises(ServiceFailed, match=r"^loader was .*exit status 3.*cannot go on: no table; see .*loader\.log$"):
        step_until(supervisor, lambda: not supervisor.start() or not supervisor.step())
    supervisor.stop()
    assert mark.read_text() == "xxx"
    assert other.ended() is not None


def test_a_full_disk_is_no_reason_to_stop_the_others(stage: Stage) -> None:
    """While there is no space, a child that has used its starts up is started again later; the others go on."""
    mark = stage.mark("loader")
    child = stage.child("loader", f"open({str(mark)!r}, 'a').write('x'); raise SystemExit(3)")
    child.budget = RestartBudget(limit=1)
    other = stage.live("other")
    stage.short_of_space = True
    supervisor = stage.supervisor(child, other)
    assert supervisor.start()
    step_until(supervisor, lambda: mark.read_text() == "xx" and child.start_at_s > time.monotonic() + 5)
    assert other.ended() is None
    supervisor.stop()


def test_a_status_that_says_for_good_is_not_tried_again(stage: Stage) -> None:
    """A child that ends with status 78 stops the whole at once, with its own line."""
    mark = stage.mark("detector")
    line = json.dumps({"level": "error", "message": "the service stops", "error": {"text": "the log is older"}})
    child = stage.child("detector", f"open({str(mark)!r}, 'a').write('x'); print({line!r}); raise SystemExit(78)")
    supervisor = stage.supervisor(child, stage.live("other"))
    with pytest.raises(ServiceFailed, match=r"^detector: the service stops: the log is older$"):
        step_until(supervisor, lambda: not supervisor.start() or not supervisor.step())
    supervisor.stop()
    assert mark.read_text() == "x"
    assert stage.shown == []


def test_last_words_are_said_once_with_what_follows(stage: Stage) -> None:
    """Why a child that is started again has ended stands in the same line."""
    mark = stage.mark("loader")
    line = json.dumps({"level": "error", "message": "the service stops", "error": {"text": "no table"}})
    script = f"""
    import time
    open({str(mark)!r}, "a").write("x")
    if len(open({str(mark)!r}).read()) == 1:
        print({line!r})
        raise SystemExit(1)
    time.sleep(60)
    """
    supervisor = stage.supervisor(stage.child("loader", script))
    try:
        supervisor.start()
        step_until(supervisor, lambda: mark.read_text() == "xx")
        assert stage.shown == ["loader: the service stops: no table; starting it again"]
    finally:
        supervisor.stop()


def test_a_child_that_ignores_sigterm_is_killed_in_time(stage: Stage) -> None:
    """Stopping takes less than five seconds whatever a child does."""
    mark = stage.mark("deaf")
    child = stage.child(
        "deaf",
        f"""
        import signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        open({str(mark)!r}, "a").write("x")
        time.sleep(60)
        """,
    )
    supervisor = stage.supervisor(child)
    assert supervisor.start()
    start_s = time.monotonic()
    supervisor.stop()
    assert time.monotonic() - start_s < 5
    assert child.ended() == -signal.SIGKILL


def test_asking_twice_kills_at_once(stage: Stage) -> None:
    """A second Ctrl-C does not wait for the children."""
    mark = stage.mark("deaf")
    script = f"import signal, time; signal.signal(15, signal.SIG_IGN); open({str(mark)!r}, 'a'); time.sleep(60)"
    supervisor = stage.supervisor(stage.child("deaf", script))
    assert supervisor.start()
    stage.stop.times = 2
    start_s = time.monotonic()
    supervisor.stop()
    assert time.monotonic() - start_s < 1


def test_a_stop_during_the_start_is_heard(stage: Stage) -> None:
    """Ctrl-C while a child is not ready yet ends the start without an error."""
    supervisor = stage.supervisor(stage.child("slow", "import time; time.sleep(60)"))
    stage.stop.times = 1
    assert not supervisor.start()
    supervisor.stop()


def test_signals_are_counted_while_listening() -> None:
    """SIGINT, SIGTERM and SIGHUP each ask to stop; afterwards the handlers are as they were."""
    before = signal.getsignal(signal.SIGTERM)
    stop = StopRequest()
    with stop.listening():
        assert not stop
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.raise_signal(number)
    assert stop.times == 3
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_defect_is_said_once(stage: Stage) -> None:
    """The line of a service that ends on a defect and what follows from it are one line."""
    mark = stage.mark("loader")
    line = json.dumps({"level": "error", "message": "the service stops on a defect", "error": {"type": "KeyError"}})
    script = f"""
    import time
    open({str(mark)!r}, "a").write("x")
    if len(open({str(mark)!r}).read()) == 1:
        print({line!r})
        raise SystemExit(70)
    time.sleep(60)
    """
    supervisor = stage.supervisor(stage.child("loader", script))
    try:
        supervisor.start()
        step_until(supervisor, lambda: mark.read_text() == "xx")
        assert stage.shown == ["loader: the service stops on a defect: KeyError; starting it again"]
    finally:
        supervisor.stop()


def test_noise_after_the_last_words_hides_no_reason(stage: Stage) -> None:
    """What a library says while the process dies does not take the place of why it ends."""
    line = json.dumps({"level": "error", "message": "the service stops", "error": {"text": "the log is older"}})
    child = stage.child("detector", f"print({line!r}); print('free(): invalid pointer'); raise SystemExit(78)")
    supervisor = stage.supervisor(child)
    with pytest.raises(ServiceFailed, match=r"^detector: the service stops: the log is older$"):
        step_until(supervisor, lambda: not supervisor.start())
    supervisor.stop()


def test_a_process_that_cannot_be_started_is_one_line(stage: Stage) -> None:
    """Without the interpreter nothing starts, and the line names child, program and reason."""
    log = ServiceLog("ingest", stage.folder / "ingest.log", stage.shown.append)
    child = Child("ingest", [str(stage.folder / "no-python")], dict(os.environ), log)
    supervisor = stage.supervisor(child)
    with pytest.raises(CannotStart, match=r"^ingest cannot be started with .*no-python: No such file or directory$"):
        supervisor.start()
    supervisor.stop()


def test_a_start_again_that_is_refused_uses_up_the_starts(stage: Stage) -> None:
    """An interpreter that vanishes while the platform runs is said with each try, and at last stops the whole by name."""
    python = stage.folder / "python"
    python.symlink_to(sys.executable)
    log = ServiceLog("worker", stage.folder / "worker.log", stage.shown.append)
    script = LIVE.format(mark=str(stage.mark("worker")))
    child = Child("worker", [str(python), "-c", script], dict(os.environ), log)
    child.budget = RestartBudget(limit=2)
    supervisor = stage.supervisor(child)
    assert supervisor.start()
    python.unlink()
    os.kill(child.pid, signal.SIGKILL)
    with pytest.raises(ServiceFailed, match=r"worker cannot be started with .*No such file or directory; see "):
        step_until(supervisor, lambda: False)
    supervisor.stop()
    assert stage.shown[0] == "worker: killed by SIGKILL; starting it again"
    assert stage.shown[1].startswith("worker: worker cannot be started with ")
    assert len(stage.shown) == 2


def test_a_child_that_hangs_is_killed_and_started_again(stage: Stage) -> None:
    """A stopped process that gives no sign is replaced; one line says why."""
    child = stage.live("worker")
    stopped: list[int] = []
    supervisor = Supervisor(
        [child], {"worker": ()}, lambda _child: True, stage.stop, silent=lambda each: each.pid in stopped
    )
    assert supervisor.start()
    step_until(supervisor, stage.mark("worker").exists)
    os.kill(child.pid, signal.SIGSTOP)
    stopped.append(child.pid)
    try:
        step_until(supervisor, lambda: stage.mark("worker").read_text() == "xx")
        assert stage.shown == ["worker: it lives but gave no sign for too long, and was killed; starting it again"]
    finally:
        supervisor.stop()


def test_only_a_heartbeat_that_stands_still_is_silence(stage: Stage) -> None:
    """A heartbeat counts once it is this process'; each change begins anew, whatever time it tells."""
    child = stage.live("worker")
    child.start()
    beats: list[dict[str, object] | None] = [None]
    now_s = [0.0]
    heartbeats = Heartbeats(lambda _name: beats[0], limit_s=30.0, clock_s=lambda: now_s[0])

    def silent_after(seconds: float) -> bool:
        now_s[0] += seconds
        return heartbeats.is_silent(child)

    try:
        assert not any(silent_after(31.0) for _ in range(3))
        beats[0] = {"pid": 1, "at_us": 5}
        assert not any(silent_after(31.0) for _ in range(3))
        beats[0] = {"pid": child.pid, "at_us": 5}
        assert [silent_after(seconds) for seconds in (40.0, 29.0, 2.0)] == [False, False, True]
        beats[0] = {"pid": child.pid, "at_us": 4}
        assert [silent_after(seconds) for seconds in (2.0, 29.0, 0.5, 3.0)] == [False, False, False, True]
    finally:
        child.kill()


def test_the_budget_of_restarts_is_per_minute() -> None:
    """Five restarts within a minute, with growing pauses; the sixth is refused, and allowed again when time has passed."""
    budget = RestartBudget()
    assert [budget.take(now_s) for now_s in (0, 1, 2, 3, 4, 5)] == [0.0, 0.5, 1.0, 2.0, 4.0, None]
    assert budget.take(60.5) == 4.0
    assert budget.take(200.0) == 0.0


def test_a_child_sees_the_end_of_its_supervisor(stage: Stage) -> None:
    """When the supervisor is killed, its end of the child's standard input closes."""
    mark = stage.mark("orphan")
    child = f"import sys, pathlib; sys.stdin.read(); pathlib.Path({str(mark)!r}).touch()"
    parent = f"""
    import os, sys
    from pathlib import Path
    from services.supervisor.child import Child, ServiceLog
    log = ServiceLog("orphan", Path({str(stage.folder)!r}, "orphan.log"), print)
    Child("orphan", [sys.executable, "-c", {child!r}], dict(os.environ), log).start()
    os.kill(os.getpid(), 9)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(parent)], check=False)
    assert done.returncode == -signal.SIGKILL
    deadline = time.monotonic() + 5
    while not mark.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_demonstration_is_declined_for_good(tmp_path: Path) -> None:
    """A first start without the data keeps them out of that folder, also when a later start would take them."""
    marker = tmp_path / "demo.json"
    assert not demo.is_due(marker, wanted=False)
    assert not demo.is_due(marker, wanted=True)


def test_the_demonstration_is_marked_once_complete(tmp_path: Path) -> None:
    """The marker is written when the import ends well; an import that fails or is cut is due again."""
    marker = tmp_path / "demo.json"
    assert demo.is_due(marker, wanted=True)
    outcomes = []
    for script in ("import time; time.sleep(60)", "raise SystemExit(1)", "pass"):
        load = demo.DemoLoad([sys.executable, "-c", script], dict(os.environ), marker)
        deadline = time.monotonic() + 1.0
        while load.outcome() == "running" and time.monotonic() < deadline:
            time.sleep(0.02)
        outcomes.append((load.outcome(), demo.is_due(marker, wanted=True)))
        load.stop()
    assert outcomes == [("running", True), ("failed", True), ("loaded", False)]
    assert read_json(marker) == {"data": demo.NAME, "state": "loaded"}
