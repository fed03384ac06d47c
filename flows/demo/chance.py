"""Chance from a seed: every topic has its own stream, so that a change in one leaves the others as they were."""

import zlib

import numpy as np


def stream(seed: int, *topic: str) -> np.random.Generator:
    """Random generator of one topic, e.g. ``stream(2024, "qinglan", "runs")``."""
    return np.random.default_rng([seed, *(zlib.crc32(word.encode()) for word in topic)])
