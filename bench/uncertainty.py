"""Measures replicates of an index beside a loop that computes one replicate at a time. Ratios, no limits.

10,000 replicates of 50 sites and 12 indicators in five groups: three ways to normalise, two to aggregate, noise on all
weights, and a range for every single value. The loop is the same index computed with the table, weights and choices
of one replicate; it is given a few hundred and its time is scaled up.
"""

import argparse
import json
import platform
from collections.abc import Callable
from itertools import pairwise
from statistics import median
from time import perf_counter

import numpy as np
import polars as pl

from suanheng.transforms.analysis.experiment import Experiment
from suanheng.transforms.analysis.index import Index, Indicator
from suanheng.transforms.analysis.input_uncertainty import Choice, InputUncertainty
from suanheng.transforms.analysis.measurement import COLUMNS
from suanheng.transforms.scoring.aggregate import Aggregation, Group
from suanheng.transforms.scoring.normalise import Normalisation, Yardstick

MEMBERS = (3, 2, 2, 2, 3)


def experiment(sites: int, seed: int) -> Experiment:
    """An index like that of the default methodology, of random sites."""
    names = [f"i{number:02}" for number in range(sum(MEMBERS))]
    ends = np.cumsum((0, *MEMBERS))
    dimensions = [
        Group(f"d{number}", dict.fromkeys(names[start:end], 1.0)) for number, (start, end) in enumerate(pairwise(ends))
    ]
    top = Group("composite", {dimension.name: 1.0 for dimension in dimensions})
    index = Index(tuple(Indicator(name, Yardstick("higher", 0, 1)) for name in names), (*dimensions, top))
    values = np.random.default_rng(seed).uniform(0.2, 0.8, (sites, len(names)))
    units = [f"site{number:03}" for number in range(sites)]
    table = pl.DataFrame({"unit": units, **{name: values[:, at] for at, name in enumerate(names)}})
    measurement = pl.DataFrame(
        [
            (unit, name, "meter class", f"{unit}/{name}", "uniform", value * 0.98, value * 1.02)
            for unit, row in zip(units, values, strict=True)
            for name, value in zip(names, row, strict=True)
        ],
        schema=COLUMNS,
        orient="row",
    )
    choices = (
        Choice("normalisation", (Normalisation(), Normalisation("min_max", (1, 100)), Normalisation("percentile"))),
        Choice("aggregation", (Aggregation(), Aggregation("geometric", lowest=1))),
    )
    return Experiment(index, table, InputUncertainty(choices, {1: 0.25, 2: 0.25}, measurement))


def seconds(work: Callable[[], object], repetitions: int) -> list[float]:
    """How long some work takes, each time."""
    taken = []
    for _ in range(repetitions):
        start = perf_counter()
        work()
        taken.append(perf_counter() - start)
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replicates", type=int, default=10_000)
    parser.add_argument("--sites", type=int, default=50)
    parser.add_argument("--looped", type=int, default=200, help="replicates that the loop computes")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--seed", type=int, default=20230101)
    arguments = parser.parse_args()
    subject = experiment(arguments.sites, arguments.seed)
    draws = np.random.default_rng(arguments.seed).random((arguments.replicates, subject.dimensions))
    together = seconds(lambda: subject.run(draws), arguments.repetitions)
    one_by_one = seconds(
        lambda: [subject.run(draws[number : number + 1]) for number in range(arguments.looped)], arguments.repetitions
    )
    scaled = median(one_by_one) * arguments.replicates / arguments.looped
    print(
        json.dumps(
            {
                "python": platform.python_version(),
                "replicates": arguments.replicates,
                "sites": arguments.sites,
                "indicators": sum(MEMBERS),
                "numbers_drawn_per_replicate": subject.dimensions,
                "together_s": round(median(together), 3),
                "one_by_one_s": round(scaled, 3),
                "times_faster": round(scaled / median(together), 1),
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
