"""Sums the samples of accelerators per series and hour, in one pass over rows in the order of time.

A series is a device, or an instance of a partitioned one. What a sample stands for depends on the samples right before
and after it in its series. Where both lie beside it, it is settled; the first and the last sample of a run of rows are
loose ends, which are settled together with those of other runs and files.

A sample holds over its stated interval; without one until the next sample of its series, at most 300 s, and where none
follows so soon, as long as the sample before it did. It never holds beyond the next one. Pieces are cut at hours.
Energy is the rise of the counter from sample to sample: over at most a day, and no more than the highest power allows
(the counter is that of all ``device_count`` devices). Where the counter falls, recovers from a fall, is missing or
rises too much, energy is power x held time instead. Power is only ever held, never differenced. A device that answers,
so that its utilisation is known, draws power: 0 W from it says that it cannot measure, which is unknown. Times are
summed as whole microseconds and energies as whole microjoules, so that sums are exact in any order.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

HOUR_US = 3_600_000_000
LONGEST_HOLD_US = 300_000_000
LONGEST_COUNT_US = 86_400_000_000

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Samples:
    """Samples of one run of rows, by series and then time; no two of one series at the same time.

    Attributes:
        series: number of the series.
        at_us: instant, as microseconds since 1970 (UTC).
        interval_s: stated interval, not a number where there is none; ``None`` where no sample states one.
        device_count: equal devices a sample is the mean of; ``None`` where each is of one.
        utilisation: share of busy time, not a number where unknown.
        power_w: power, not a number where unknown.
        counter_j: energy counter, not a number where unknown.
        highest_w: the most power one device can draw; one number where it is the same for all.
        labels: numbers of what a sample is called besides, as its node; -1 where unknown.
    """

    series: Integers
    at_us: Integers
    interval_s: Floats | None
    device_count: Integers | None
    utilisation: Floats
    power_w: Floats
    counter_j: Floats
    highest_w: Floats | float
    labels: dict[str, Integers]

    def at(self, rows: Integers) -> "Samples":
        """Some of the samples, in the order given."""
        return replace(
            self,
            **{name: values[rows] for name, values in vars(self).items() if isinstance(values, np.ndarray)},
            labels={name: numbers[rows] for name, numbers in self.labels.items()},
        )


SUMS = (
    "samples",
    "held_us",
    "utilisation_us",
    "busy_us",
    "counted_us",
    "counted_uj",
    "powered_us",
    "powered_uj",
    "bridged_us",
    "bridged_uj",
    "compared_us",
    "compared_powered_uj",
    "compared_counted_uj",
    "counter_falls",
    "counter_excesses",
    "zero_power_samples",
)
"""What is summed, all in whole numbers: samples; device time held, with known utilisation, busy; time and energy by
counter, by power, by power where no counter counts, by both where both are known; falls and excesses of the counter;
samples of 0 W that cannot be."""


@dataclass(frozen=True)
class Sums:
    """Sums per series and hour.

    Attributes:
        series: number of the series.
        hour: number of the hour since the origin.
        values: the ``SUMS``, one array each.
        labels: the greatest number of each label.
    """

    series: Integers
    hour: Integers
    values: dict[str, Integers]
    labels: dict[str, Integers]


def sums(samples: Samples, settled: Flags, origin_us: int) -> Sums:
    """Sum the samples that are settled, each into the hours it reaches.

    Args:
        samples: a run of rows.
        settled: which of them count; the others only are neighbours.
        origin_us: an instant at which an hour begins at the site.

    Raises:
        OverflowError: energies beyond what 64 bits hold.
    """
    if not len(samples.series):
        return Sums(samples.series, samples.series, dict.fromkeys(SUMS, samples.series), samples.labels)
    with np.errstate(invalid="ignore", divide="ignore"):
        left_out = np.flatnonzero(~settled)
        spans = _spans(samples).without(left_out)
        # Exact: below 2**53 a quotient of whole numbers never rounds up to the next one.
        hour = np.floor((samples.at_us - origin_us) / float(HOUR_US)).astype(np.int64)
        begin_us = samples.at_us - origin_us - hour * HOUR_US
        own = _pieces(samples, spans, begin_us, is_own=True)
        summed = _summed(samples.series, hour, own, samples.labels, left_out)
        beyond = np.flatnonzero(settled & (begin_us + spans.span_us > HOUR_US))
        return _merged(summed, _beyond(samples, spans, beyond, hour, begin_us)) if len(beyond) else summed


@dataclass(frozen=True)
class _Spans:
    """How long each sample stands, and what the counter says of the time to the next one."""

    hold_us: Integers
    to_next_us: Integers
    span_us: Integers
    rise_j: Floats
    is_counted: Flags
    is_fall: Flags
    is_excess: Flags
    is_zero_for_unknown: Flags
    power_w: Floats

    def without(self, rows: Integers) -> "_Spans":
        """The same, where rows that nobody asks for are like all others: so most arrays are the same in all rows."""
        self.hold_us[rows] = self.to_next_us[rows]
        self.rise_j[rows] = 0
        self.is_counted[rows] = True
        return self

    def of(self, rows: Integers) -> "_Spans":
        return _Spans(*(values[rows] for values in vars(self).values()))


def _pairs(samples: Samples) -> tuple[Flags, Integers]:
    """For each sample but the last: whether the next row is of the same series, and the time to it."""
    return samples.series[1:] == samples.series[:-1], np.diff(samples.at_us)


def _spans(samples: Samples) -> _Spans:
    same, gap_us = _pairs(samples)
    has_next = np.append(same, False)
    to_next_us = np.append(gap_us, 0)
    hold_us = to_next_us.copy()
    lonely = np.flatnonzero(~has_next | (to_next_us > LONGEST_HOLD_US))
    has_previous = np.append(False, same)[lonely]
    since_previous_us = samples.at_us[lonely] - samples.at_us[lonely - 1]
    hold_us[lonely] = np.minimum(np.where(has_previous, since_previous_us, LONGEST_HOLD_US), LONGEST_HOLD_US)
    if samples.interval_s is not None:
        states = samples.interval_s > 0
        interval_us = np.rint(np.where(states, samples.interval_s, 0) * 1e6).astype(np.int64)
        hold_us = np.where(states, np.where(has_next, np.minimum(interval_us, to_next_us), interval_us), hold_us)
    rise_j = np.empty(len(has_next))
    rise_j[-1:] = np.nan
    np.subtract(samples.counter_j[1:], samples.counter_j[:-1], out=rise_j[:-1])
    rise_j[:-1][~same] = np.nan
    highest_j = to_next_us * (samples.highest_w / 1e6)
    if samples.device_count is not None:
        highest_j *= samples.device_count
    is_fall, is_excess = rise_j < 0, rise_j > highest_j
    is_counted = (rise_j >= 0) & ~is_excess
    is_counted[to_next_us > LONGEST_COUNT_US] = False
    recovering = np.flatnonzero(is_fall[:-1] & same) + 1
    recovers = samples.counter_j[recovering] + rise_j[recovering] >= samples.counter_j[recovering - 1]
    is_counted[recovering[recovers]] = False
    is_zero = (samples.power_w == 0) & ~np.isnan(samples.utilisation)
    power_w = np.where(is_zero, np.nan, samples.power_w) if is_zero.any() else samples.power_w
    span_us = np.where(is_counted, np.maximum(hold_us, to_next_us), hold_us)
    return _Spans(hold_us, to_next_us, span_us, rise_j, is_counted, is_fall, is_excess, is_zero, power_w)


def _pieces(samples: Samples, spans: _Spans, begin_us: Integers, is_own: bool) -> dict[str, Integers]:
    """What samples put into an hour in which they begin at ``begin_us``, before it where that is negative.

    Amounts that are the same in all rows are the same array, and are summed once.
    """
    held_us = _within_the_hour(begin_us, spans.hold_us)
    is_same = np.array_equal(spans.hold_us, spans.to_next_us)
    counted_us = held_us if is_same else _within_the_hour(begin_us, spans.to_next_us)
    device_us, counted_device_us = held_us, counted_us
    if samples.device_count is not None:
        device_us, counted_device_us = held_us * samples.device_count, counted_us * samples.device_count
    device_time_us = device_us.astype(np.float64)
    has_power = ~np.isnan(spans.power_w)
    powered_us = _where(has_power, device_us)
    powered_uj = _whole(spans.power_w * device_time_us, has_power)
    risen_uj = spans.rise_j * 1e6
    cut = np.flatnonzero(counted_us != spans.to_next_us)
    risen_uj[cut] *= counted_us[cut] / spans.to_next_us[cut]
    counted_uj = _whole(risen_uj, spans.is_counted)
    is_compared = spans.is_counted & has_power
    if not is_same:
        is_compared &= held_us == counted_us
    is_known = ~np.isnan(samples.utilisation)
    nothing = np.zeros(len(begin_us), np.int64)
    is_bridged = ~spans.is_counted
    return {
        "samples": nothing + 1 if is_own else nothing,
        "held_us": device_us,
        "utilisation_us": _where(is_known, device_us),
        "busy_us": _whole(samples.utilisation * device_time_us, is_known),
        "counted_us": _where(spans.is_counted, counted_device_us),
        "counted_uj": counted_uj,
        "powered_us": powered_us,
        "powered_uj": powered_uj,
        "bridged_us": _where(is_bridged, powered_us, nothing),
        "bridged_uj": _where(is_bridged, powered_uj, nothing),
        "compared_us": _where(is_compared, device_us),
        "compared_powered_uj": _where(is_compared, powered_uj),
        "compared_counted_uj": _where(is_compared, counted_uj),
        "counter_falls": _where(spans.is_fall, nothing + 1, nothing) if is_own else nothing,
        "counter_excesses": _where(spans.is_excess, nothing + 1, nothing) if is_own else nothing,
        "zero_power_samples": _where(spans.is_zero_for_unknown, nothing + 1, nothing) if is_own else nothing,
    }


def _within_the_hour(begin_us: Integers, length_us: Integers) -> Integers:
    """The part of spans that lies in an hour in which they begin at ``begin_us``."""
    within_us = length_us.copy()
    across = np.flatnonzero((begin_us < 0) | (begin_us + length_us > HOUR_US))
    end_us = np.minimum(begin_us[across] + length_us[across], HOUR_US)
    within_us[across] = np.maximum(end_us - np.maximum(begin_us[across], 0), 0)
    return within_us


def _where(flags: Flags, amounts: Integers, nothing: Integers | None = None) -> Integers:
    """Amounts where a flag is set, else 0; the same array where it is set everywhere, ``nothing`` where nowhere."""
    if nothing is not None and not flags.any():
        return nothing
    return amounts if flags.all() else amounts * flags


def _whole(amounts: Floats, is_known: Flags) -> Integers:
    """Amounts as whole numbers, 0 where unknown: what is unknown is counted in none of the times."""
    if not is_known.all():
        amounts = np.where(is_known, amounts, 0.0)
    np.rint(amounts, out=amounts)
    if len(amounts) and amounts.max() * len(amounts) >= 2.0**63:
        raise OverflowError("energies sum to more than 64 bits hold: power or energy counter is not in W or J")
    return amounts.astype(np.int64)


def _beyond(samples: Samples, spans: _Spans, rows: Integers, hour: Integers, begin_us: Integers) -> Sums:
    """Pieces of samples that reach beyond the hour they begin in, one for each further hour."""
    further = -(-(begin_us[rows] + spans.span_us[rows]) // HOUR_US) - 1
    repeated = np.repeat(rows, further)
    number = np.arange(len(repeated)) - np.repeat(np.cumsum(further) - further, further) + 1
    chosen = samples.at(repeated)
    pieces = _pieces(chosen, spans.of(repeated), begin_us[repeated] - number * HOUR_US, is_own=False)
    return _grouped(chosen.series, hour[repeated] + number, pieces, chosen.labels)


def _merged(one: Sums, other: Sums) -> Sums:
    return _grouped(
        np.append(one.series, other.series),
        np.append(one.hour, other.hour),
        {name: np.append(one.values[name], other.values[name]) for name in SUMS},
        {name: np.append(numbers, other.labels[name]) for name, numbers in one.labels.items()},
    )


def _grouped(series: Integers, hour: Integers, pieces: dict[str, Integers], labels: dict[str, Integers]) -> Sums:
    order = np.lexsort((hour, series))
    pieces, labels = ({name: amounts[order] for name, amounts in columns.items()} for columns in (pieces, labels))
    return _summed(series[order], hour[order], pieces, labels, left_out=order[:0])


def _summed(
    series: Integers, hour: Integers, pieces: dict[str, Integers], labels: dict[str, Integers], left_out: Integers
) -> Sums:
    """Sum rows of one series and hour, which lie side by side; all but those that are left out."""
    changes = (series[1:] != series[:-1]) | (hour[1:] != hour[:-1])
    starts = np.concatenate(([0], np.flatnonzero(changes) + 1))
    reduced: dict[int, Integers] = {}
    for amounts in pieces.values():
        if id(amounts) not in reduced:
            amounts[left_out] = 0
            reduced[id(amounts)] = np.add.reduceat(amounts, starts)
    values = {name: reduced[id(amounts)] for name, amounts in pieces.items()}
    # Where neighbours alone lie in an hour, nothing is said of it.
    said = np.flatnonzero(values["samples"] + values["held_us"] + values["counted_us"])
    return Sums(
        series[starts][said],
        hour[starts][said],
        {name: amounts[said] for name, amounts in values.items()},
        {name: np.maximum.reduceat(numbers, starts)[said] for name, numbers in labels.items()},
    )
