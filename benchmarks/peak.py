"""Measure the peak of float32 matrix multiplication in NumPy, to compare other speeds with."""

import time

import numpy as np
from threadpoolctl import threadpool_limits

MATRIX_SIDE = 2048
ROUNDS = 12


def measure_peak_multiply_adds(threads: int) -> float:
    """Print and return the most multiply-adds per second of several rounds on so many threads."""
    left, right = np.random.default_rng(0).random((2, MATRIX_SIDE, MATRIX_SIDE), np.float32)
    fastest = float("inf")
    with threadpool_limits(threads, user_api="blas"):
        for _ in range(ROUNDS):
            start = time.perf_counter()
            left @ right
            fastest = min(fastest, time.perf_counter() - start)
    peak = MATRIX_SIDE**3 / fastest
    print(f"matrix multiplication, threads {threads}: {2 * peak / 1e9:.0f} GFLOP/s at best")
    return peak
