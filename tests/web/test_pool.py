import asyncio
import threading

import pytest

from inkread.web.pool import Pool, PoolFullError, WorkTimeoutError

LONG_S = 30


def run(steps, workers=1, queue=1):
    """Run ``steps(pool, gate)``; work that waits for the gate is let go at the end."""
    pool, gate = Pool(workers, queue), threading.Event()

    async def main():
        try:
            return await steps(pool, gate)
        finally:
            gate.set()

    try:
        return asyncio.run(main())
    finally:
        pool.close()


async def begun(pool, work, *arguments, timeout_s=LONG_S):
    """Work that has been handed in, as a task."""
    task = asyncio.create_task(pool.run(work, *arguments, timeout_s=timeout_s))
    await asyncio.sleep(0)
    return task


def test_work_is_done_in_another_thread_with_its_arguments():
    async def steps(pool, _):
        thread = await pool.run(threading.get_ident, timeout_s=LONG_S)
        return thread, await pool.run(divmod, 17, 5, timeout_s=LONG_S)

    thread, result = run(steps)
    assert thread != threading.get_ident()
    assert result == (3, 2)


def test_work_that_fails_fails_for_who_asked():
    async def steps(pool, _):
        with pytest.raises(ZeroDivisionError):
            await pool.run(divmod, 1, 0, timeout_s=LONG_S)
        return pool.taken

    assert run(steps) == 0


def test_an_own_timeout_of_the_work_is_not_the_pools():
    def work():
        raise TimeoutError("mine")

    async def steps(pool, _):
        with pytest.raises(TimeoutError, match="mine"):
            await pool.run(work, timeout_s=LONG_S)

    run(steps)


def test_what_finds_no_place_is_refused_at_once_and_places_come_back():
    async def steps(pool, gate):
        tasks = [await begun(pool, gate.wait) for _ in range(3)]
        full = pool.is_full, pool.taken
        with pytest.raises(PoolFullError):
            await pool.run(gate.wait, timeout_s=LONG_S)
        gate.set()
        done = await asyncio.gather(*tasks)
        return full, done, await pool.run(int, "7", timeout_s=LONG_S)

    assert run(steps, workers=2, queue=1) == ((True, 3), [True] * 3, 7)


def test_work_that_waits_too_long_is_never_begun():
    did = []

    async def steps(pool, gate):
        first = await begun(pool, gate.wait)
        with pytest.raises(WorkTimeoutError):
            await pool.run(did.append, 1, timeout_s=0.01)
        taken = pool.taken
        gate.set()
        await first
        return taken

    assert run(steps) == 1
    assert did == []


def test_work_that_takes_too_long_keeps_its_place_to_its_end():
    async def steps(pool, gate):
        with pytest.raises(WorkTimeoutError):
            await pool.run(gate.wait, timeout_s=0.01)
        with pytest.raises(PoolFullError):
            await pool.run(int, timeout_s=LONG_S)
        gate.set()
        while pool.taken:
            await asyncio.sleep(0.001)
        return await pool.run(int, "7", timeout_s=LONG_S)

    assert run(steps, queue=0) == 7
