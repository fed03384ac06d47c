"""The table of the scale job, as Markdown, from what was found."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

YARDSTICK = "bare DuckDB query, unchecked"
NIGHT = "suanheng, from file to scorecard"
NO_NEWS = "suanheng, a night without news"
ORDER_OF_TIME = "suanheng, file in order of time"
UNCHECKED = (YARDSTICK, NO_NEWS)

Runs = Sequence[Mapping[str, Any]]


def as_markdown(found: Mapping[str, Any]) -> str:
    """What was measured on what; the sides; what each of them found; how cost grows with days."""
    return (
        "\n\n".join(
            [
                "# The scale job on one machine",
                _job(found["job"], len(found["sides"][YARDSTICK])),
                _machine(found["machine"]),
                _sides(found["sides"]),
                *_problems(found),
                "## Wrong rows: planted and found",
                _rules(found["job"]["planted"], found["sides"]),
                "## How cost grows with days",
                _series(found["series"], found["exponent"]),
            ]
        )
        + "\n"
    )


def _job(job: Mapping[str, Any], rounds: int) -> str:
    return (
        f"{job['devices']:,} accelerators sampled every 15 s for a day: {job['rows']:,} rows, "
        f"{job['bytes'] / 1e6:,.0f} MB of Parquet, seed {job['seed']}. Medians of {rounds} alternating rounds, each "
        "side in a fresh process. Seconds are those from its imports to its last byte; to start is what its process "
        "took besides. The ratio is the median over the rounds of a side's seconds by those of the bare query in the "
        "same round. Memory is the highest resident memory of a process and its children."
    )


def _machine(machine: Mapping[str, Any]) -> str:
    def stated(versions: Mapping[str, str]) -> str:
        return ", ".join(f"{name} {version}" for name, version in versions.items())

    return (
        f"{machine['processors']} × {machine['processor']}, {machine['memory_gib']} GiB, {machine['system']}, "
        f"Python {machine['python']}, {stated(machine['versions'])}. "
        f"Peers: {stated(machine['versions_of_peers']) or 'not installed'}."
    )


def _sides(sides: Mapping[str, Runs]) -> str:
    yardstick = sides[YARDSTICK]
    rows = []
    for name, runs in sides.items():
        if _failed(runs):
            rows.append([name, "failed", "", "", "", "", ""])
            continue
        ratio = median(run["work_s"] / bare["work_s"] for run, bare in zip(runs, yardstick, strict=False))
        rows.append(
            [
                name,
                f"{_median(runs, 'work_s'):.2f}",
                f"{ratio:.2f}",
                str(len(runs)),
                f"{median(run['wall_s'] - run['work_s'] for run in runs):.1f}",
                f"{_median(runs, 'cpu_s'):.1f}",
                f"{_median(runs, 'peak_bytes') / 2**20:,.0f}",
            ]
        )
    return _table(["side", "seconds", "÷ bare query", "rounds", "to start, s", "CPU, s", "memory, MiB"], rows)


def _problems(found: Mapping[str, Any]) -> Iterable[str]:
    stated = {(name, run["problem"]) for name, runs in found["sides"].items() for run in runs if run["problem"]}
    stated |= {
        (f"{days} days", run["problem"]) for days, runs in found["series"].items() for run in runs if run["problem"]
    }
    if stated:
        yield "## Failed"
        yield "\n".join(f"- {name}: {problem}" for name, problem in sorted(stated))


def _rules(planted: Mapping[str, int], sides: Mapping[str, Runs]) -> str:
    checking = {name: runs for name, runs in sides.items() if name not in UNCHECKED}
    rules = dict.fromkeys([*planted, *(rule for runs in checking.values() for rule in runs[-1]["broken"])])
    rows = [
        [
            f"`{rule}`",
            f"{planted.get(rule, 0):,}",
            *(f"{runs[-1]['broken'].get(rule, 0):,}" for runs in checking.values()),
        ]
        for rule in rules
    ]
    return _table(["rule", "planted", *checking], rows)


def _series(series: Mapping[int, Runs], exponent: float | None) -> str:
    rows = [
        [
            str(days),
            f"{_median(runs, 'work_s'):.2f}",
            f"{_median(runs, 'work_s') / int(days):.2f}",
            f"{_median(runs, 'peak_bytes') / 2**20:,.0f}",
        ]
        for days, runs in series.items()
        if not _failed(runs)
    ]
    table = _table(["days", "seconds", "seconds per day", "memory, MiB"], rows)
    repeated = len(next(iter(series.values())))
    grows = (
        f"Seconds grow as days to the power of {exponent:.3f}." if exponent is not None else "Too few days for a fit."
    )
    return f"{grows} Medians of {repeated} alternating rounds, a new workspace each time.\n\n{table}"


def _failed(runs: Runs) -> bool:
    return any(run["problem"] for run in runs)


def _median(runs: Runs, name: str) -> float:
    return median(run[name] for run in runs)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---", *("---:" for _ in heads[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
