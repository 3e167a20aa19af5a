import os
import signal
import time
from functools import partial
from pathlib import Path

import pytest

from inkread.batch.process_limits import ProcessLimits
from inkread.batch.processes import map_in_order, num_cores
from inkread.errors import ConfigError


def _nothing():
    return partial(_read, None)


def _by_pid():
    return partial(_read, os.getpid())


def _wrong():
    raise ConfigError("expected something else")


def _dies():
    os.kill(os.getpid(), signal.SIGKILL)


def _fail():
    raise PermissionError(13, "not yours", "x")


def _compute():
    while True:
        pass


def _fill():
    try:
        return bytes(1_000_000_000)
    except MemoryError:
        return "no memory"


_DEEDS = {
    "die": _dies,
    "fail": _fail,
    "break": lambda: sum("not a number"),
    "compute": _compute,
    "fill": _fill,
}


def _read(kept, given):
    """Do as the input says: a list of what to do for each result."""
    for each in given:
        done = _DEEDS[each]() if isinstance(each, str) and each in _DEEDS else None
        if isinstance(each, float):
            time.sleep(each)
        elif isinstance(each, Path):
            with each.open("a") as file:
                file.write("x")
        yield kept if each == "kept" else done or each


def results(inputs, prepare=_nothing, num_processes=2, limits=None):
    return map_in_order(
        prepare,
        inputs,
        is_last=lambda result: result == "last",
        on_crash=lambda *what: what,
        num_processes=num_processes,
        limits=limits,
    )


@pytest.mark.parametrize("num_processes", [1, 2, 3])
def test_results_are_in_the_order_of_the_inputs(num_processes):
    inputs = [[0.3, 1, 2], [], *([number] for number in range(3, 100)), [None, [], 0.1]]
    expected = [each for given in inputs for each in given]
    assert list(results(iter(inputs), num_processes=num_processes)) == expected


@pytest.mark.parametrize("num_processes", [1, 2])
def test_no_inputs_give_no_results(num_processes):
    assert list(results([], num_processes=num_processes)) == []


def test_each_process_prepares_once():
    kept = list(results([["kept", 0.1]] * 20, _by_pid))[::2]
    assert len(set(kept)) == 2
    assert os.getpid() not in kept


def test_a_process_is_started_for_an_input_alone():
    assert len(set(results([["kept"]] * 2, _by_pid, num_processes=5))) <= 2


@pytest.mark.parametrize("num_processes", [1, 2])
def test_a_result_comes_before_the_next_is_known(num_processes):
    found = results([[1, 600.0]], num_processes=num_processes)
    assert next(found) == 1
    found.close()


def test_inputs_are_taken_a_few_ahead():
    taken = []

    def inputs():
        for number in range(1000):
            taken.append(number)
            yield [number] if number else [1.5]

    found = results(inputs())
    assert next(found) == 1.5
    assert 16 < len(taken) <= 33
    found.close()


def test_a_process_far_ahead_has_to_wait(tmp_path):
    counted, large = tmp_path / "counted", b" " * 100_000  # more than a pipe takes
    found = results([[3.0, 1], [counted, large] * 500])
    assert next(found) == 3.0
    assert 32 <= counted.stat().st_size <= 40
    assert list(found) == [1, *[counted, large] * 500]


@pytest.mark.parametrize(
    ("what", "how"), [("die", "ended by signal 9"), ("break", "ended with exit code 1")]
)
def test_a_process_that_crashes_loses_one_input(what, how, capfd):
    inputs = [[1], [2, what, 3], *([number] for number in range(4, 40)), [what], [40]]
    found = list(results(inputs))
    (given, reason), (last, _) = lost = [each for each in found if isinstance(each, tuple)]
    assert (given, last) == (inputs[1], [what])
    assert how in reason
    assert [each for each in found if each not in lost] == [1, 2, *range(4, 41)]
    assert found.index(lost[0]) == 2
    assert ("TypeError" in capfd.readouterr().err) is (what == "break")


@pytest.mark.parametrize("num_processes", [1, 2])
def test_an_inkread_or_os_error_of_a_process_is_raised(num_processes):
    with pytest.raises(ConfigError, match="something else"):
        list(results([[1], [2]], _wrong, num_processes))
    with pytest.raises(PermissionError, match="not yours"):
        list(results([[1], ["fail"]], num_processes=num_processes))


def test_a_process_that_crashes_after_its_last_result_loses_nothing():
    inputs = [[1, "last", "die"], *([number] for number in range(2, 30)), ["last", "die"]]
    assert list(results(inputs)) == [1, "last", *range(2, 30), "last"]


def test_a_process_that_exceeds_its_limits_loses_one_input():
    inputs = [["compute"], [1, "fill"], [2, "last"]]
    limits = ProcessLimits(max_bytes=200_000_000, max_cpu_s=1)
    late, one, full, *rest = results(inputs, num_processes=1, limits=limits)
    assert "took more than 1 s" in late[1]
    assert (one, full, rest) == (1, "no memory", [2, "last"])


def test_a_process_that_crashes_at_its_start_is_not_started_again():
    with pytest.raises(ChildProcessError, match="by signal 9 at its start"):
        list(results([[1], [2]], _dies))


def test_a_process_that_crashes_while_idle_loses_no_input():
    def inputs():
        yield ["kept"]
        yield ["kept", 2.0]
        os.kill(processes[0], signal.SIGKILL)
        time.sleep(0.2)
        yield from (["kept"] for _ in range(10))

    processes = []
    for result in results(inputs(), _by_pid):
        assert not isinstance(result, tuple)
        processes.append(result)


def test_an_interrupt_reaches_only_the_parent_process(capfd):
    """Ctrl-C goes to all processes of a terminal; those that read go on until they are ended."""
    found = results([["kept", 0.5, "end"]] * 2, _by_pid)
    os.kill(next(found), signal.SIGINT)
    assert list(found)[:2] == [0.5, "end"]
    assert capfd.readouterr().err == ""


def test_an_error_among_the_inputs_ends_the_processes():
    def inputs():
        yield ["kept"]
        yield ["kept", 2.0]
        raise ValueError("no more")

    found = results(inputs(), _by_pid)
    process = next(found)
    with pytest.raises(ValueError, match="no more"):
        list(found)
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_cores_are_those_that_the_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2, 5}, raising=False)
    assert num_cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    assert num_cores() == os.cpu_count()
