"""Sums the samples of accelerators per series and hour, in one pass over rows in the order of time.

A series is a device, or an instance of a partitioned one. What a sample stands for depends on the samples right before
and after it in its series. Where both are beside it, it is summed; the first and the last sample of a run of rows are
boundary samples, which are summed together with those of other runs and files.

A sample holds over its stated interval; without one until the next sample of its series, at most 300 s, and where none
follows so soon, as long as the sample before it did. It never holds beyond the next one. Pieces are cut at hours.
Energy is the rise of the counter from sample to sample: over at most a day, and no more than the highest power allows
(the counter is that of all ``device_count`` devices). Where the counter falls, recovers from a fall, is missing or
rises too much, energy is power x held time instead. Power is only ever held, never differenced. A device that answers,
so that its utilisation is known, draws power: 0 W from it says that it cannot measure, which is unknown. One that
states 0 W and no utilisation, while its counter does not rise, is off: that is known, and it is not busy. Times are
summed as whole microseconds and energies as whole microjoules, so that sums are exact in any order.

The loops are compiled by Numba when they are first run, and kept on disk for the next time. What they read and write
they read and write by name: arrays as the fields of a ``NamedTuple``, sums as the fields of a row.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from suanheng.schemas.checking.compiled import compiled, inlined

HOUR_US = 3_600_000_000
LONGEST_HOLD_US = 300_000_000
LONGEST_COUNT_US = 86_400_000_000

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]
SeriesHours = npt.NDArray[np.void]
"""Rows of ``SERIES_HOUR``."""


class Order(NamedTuple):
    """Rows in the order of series and time, no two of one series at the same time.

    Attributes:
        rows: where each is in the arrays.
        begins: whether it is the first of its series.
        counts: whether it is summed; the others only are neighbours.
    """

    rows: Integers
    begins: Flags
    counts: Flags

    @property
    def ends(self) -> Flags:
        """Whether each is the last of its series."""
        return np.append(self.begins[1:], np.ones(min(1, len(self.begins)), np.bool_))


class Samples(NamedTuple):
    """Samples as they are, one value per row in every array; an array of a column that no row states is empty.

    Attributes:
        series: number of the series.
        at_us: instant, as microseconds since 1970 (UTC); 0 where there is none.
        interval_s: stated interval, not a number where there is none.
        device_count: equal devices a sample is the mean of, else one.
        utilisation_ratio: share of busy time, not a number where unknown.
        power_w: power, not a number where unknown.
        energy_counter_j: energy counter, not a number where unknown.
        node: number of the node, -1 where unknown.
        sku: number of the model, -1 where unknown.
        evidence_rank: rank of the evidence; empty also where all rows have the same.
    """

    series: Integers
    at_us: Integers
    interval_s: Floats
    device_count: Integers
    utilisation_ratio: Floats
    power_w: Floats
    energy_counter_j: Floats
    node: Codes
    sku: Codes
    evidence_rank: Integers


SUMS = (
    "samples",
    "held_us",
    "utilisation_us",
    "busy_us",
    "off_us",
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
"""What is summed, all in whole numbers: samples; device time held, with known utilisation, of that busy and off; time
and energy by counter, by power, by power where no counter counts, by both where both are known; falls and excesses of
the counter; samples of 0 W that cannot be."""

SERIES_HOUR = np.dtype([(name, np.int64) for name in ("series", "hour", *SUMS, "node", "sku", "evidence_rank")])
"""One row is a series and an hour, counted from the origin. The last three are the greatest of its samples, -1 where
none is known."""


class _Reached(NamedTuple):
    """How far summing has come: the next place in the order, and how many hours were found."""

    place: int
    found: int


class _Sample(NamedTuple):
    """A sample between its neighbours; of a number that is unknown, or has no neighbour, NaN.

    Attributes:
        at_us: instant, as microseconds since 1970 (UTC).
        to_next_us: time to the next sample, 0 where there is none.
        since_previous_us: time since the sample before it, the longest hold where there is none.
        has_next: whether there is a next sample.
        interval_s: stated interval.
        devices: equal devices it is the mean of.
        utilisation_ratio: share of busy time.
        power_w: power.
        counter_j: energy counter.
        previous_counter_j: that of the sample before it; its own where there is none.
        next_counter_j: that of the next sample; its own where there is none.
        highest_j_per_us: the most one of the devices can draw.
    """

    at_us: int
    to_next_us: int
    since_previous_us: int
    has_next: bool
    interval_s: float
    devices: int
    utilisation_ratio: float
    power_w: float
    counter_j: float
    previous_counter_j: float
    next_counter_j: float
    highest_j_per_us: float


class _Held(NamedTuple):
    """What a sample stands for.

    Attributes:
        hold_us: how long it holds.
        to_next_us: how long the rise of its counter takes.
        devices: equal devices it is the mean of.
        utilisation_ratio: share of busy time, not a number where unknown.
        power_w: power, not a number where unknown.
        rise_j: rise of the counter to the next sample, not a number where unknown.
        is_counted: whether its energy is that rise.
        is_excess: whether the counter rises by more than it can.
        is_zero_for_unknown: whether it states 0 W, which cannot be.
        is_off: whether it is switched off, which is known.
    """

    hold_us: int
    to_next_us: int
    devices: int
    utilisation_ratio: float
    power_w: float
    rise_j: float
    is_counted: bool
    is_excess: bool
    is_zero_for_unknown: bool
    is_off: bool


def sums(samples: Samples, order: Order, highest_w: Floats, origin_us: int) -> SeriesHours:
    """Sum the samples that count, each into the hours it reaches; by series and hour.

    Args:
        samples: the samples.
        order: in which they follow each other.
        highest_w: the most power one device of a model can draw, by its number; last for an unknown one.
        origin_us: an instant at which an hour begins at the site.

    Raises:
        OverflowError: energies beyond what 64 bits hold.
    """
    given = _to_read(samples), _to_read(order), *_to_read([highest_w]), np.int64(origin_us)
    reached, room = _Reached(place=0, found=0), 1024
    hours = np.empty(0, SERIES_HOUR)
    while reached.place < len(order.rows):
        hours = np.append(hours[: reached.found], np.zeros(room, SERIES_HOUR))
        reached = _sum(hours, tuple(reached), *given)
        room *= 2
    return hours[: reached.found]


def _to_read(arrays: Iterable[npt.NDArray]) -> tuple[npt.NDArray, ...]:
    """The same arrays, not to be written to: loops are compiled once per kind of array, and this is a kind.

    They come as a plain tuple: what is compiled is kept by the types it was compiled for, and a class that another
    version of this module does not have would make it unreadable.
    """
    views = tuple(values.view() for values in arrays)
    for view in views:
        view.flags.writeable = False
    return views


@compiled
def _sum(hours, reached, samples, order, highest_w, origin_us):
    """Sum from a place on until there is no room for more hours."""
    reached, samples, order = _Reached(*reached), Samples(*samples), Order(*order)
    # Arrays are taken out by name before the loop: within it, each look into a tuple would count a reference.
    rows, begins, counts = order.rows, order.begins, order.counts
    series, at_us, interval_s, device_count = samples.series, samples.at_us, samples.interval_s, samples.device_count
    utilisation_ratio, power_w, counter_j = samples.utilisation_ratio, samples.power_w, samples.energy_counter_j
    node, sku, evidence_rank = samples.node, samples.sku, samples.evidence_rank
    most = 2.0**63 / len(rows)
    highest_j_per_us = highest_w / 1e6
    hour, hour_began_us = 0, origin_us
    found = reached.found
    last_series, last_hour = (hours[found - 1]["series"], hours[found - 1]["hour"]) if found else (-1, -(2**63))
    for place in range(reached.place, len(rows)):
        if not counts[place]:
            continue
        # An index without a sign need not be looked at for whether it counts from the end.
        row = np.uintp(rows[place])
        has_next = place + 1 < len(rows) and not begins[place + 1]
        previous = row if begins[place] else np.uintp(rows[np.uintp(place - 1)])
        following = np.uintp(rows[np.uintp(place + 1)]) if has_next else row
        sample = _Sample(
            at_us=at_us[row],
            to_next_us=at_us[following] - at_us[row],
            since_previous_us=LONGEST_HOLD_US if begins[place] else at_us[row] - at_us[previous],
            has_next=has_next,
            interval_s=interval_s[row] if len(interval_s) else np.nan,
            devices=device_count[row] if len(device_count) else 1,
            utilisation_ratio=utilisation_ratio[row] if len(utilisation_ratio) else np.nan,
            power_w=power_w[row] if len(power_w) else np.nan,
            counter_j=counter_j[row] if len(counter_j) else np.nan,
            previous_counter_j=counter_j[previous] if len(counter_j) else np.nan,
            next_counter_j=counter_j[following] if len(counter_j) else np.nan,
            highest_j_per_us=highest_j_per_us[sku[row] if len(sku) else -1],
        )
        held = _held(sample)
        if not 0 <= sample.at_us - hour_began_us < HOUR_US:
            hour = (sample.at_us - origin_us) // HOUR_US
            hour_began_us = origin_us + hour * HOUR_US
        begin_us = sample.at_us - hour_began_us
        last = hour + _hours_after_the_first(held, begin_us)
        if found + 1 + last - hour > len(hours):
            return _Reached(place=place, found=found)
        for this in range(hour, last + 1):
            # Between the hour of a sample and the last hour found of its series each hour was found.
            if series[row] != last_series or last_hour < this:
                last_series, last_hour = series[row], this
                _begin(hours[found], last_series, last_hour)
                found += 1
            series_hour = hours[np.uintp(found - 1 - (last_hour - this))]
            if this == hour:
                _add_occurrences(series_hour, held)
            _add_shares(series_hour, held, begin_us - (this - hour) * HOUR_US, most)
            _keep_greatest(series_hour, "node", node, row)
            _keep_greatest(series_hour, "sku", sku, row)
            _keep_greatest(series_hour, "evidence_rank", evidence_rank, row)
    return _Reached(place=len(rows), found=found)


@inlined
def _held(sample):
    """What a sample stands for."""
    highest_rise_j = sample.to_next_us * sample.highest_j_per_us * sample.devices
    rise_j = sample.next_counter_j - sample.counter_j if sample.has_next else np.nan
    recovers = sample.counter_j < sample.previous_counter_j <= sample.next_counter_j
    is_within = 0 <= rise_j <= highest_rise_j and sample.to_next_us <= LONGEST_COUNT_US
    is_zero_for_unknown = sample.power_w == 0 and not np.isnan(sample.utilisation_ratio)
    return _Held(
        hold_us=_hold_us(sample),
        to_next_us=sample.to_next_us,
        devices=sample.devices,
        utilisation_ratio=sample.utilisation_ratio,
        power_w=np.nan if is_zero_for_unknown else sample.power_w,
        rise_j=rise_j,
        is_counted=is_within and not recovers,
        is_excess=rise_j > highest_rise_j,
        is_zero_for_unknown=is_zero_for_unknown,
        is_off=sample.power_w == 0 and np.isnan(sample.utilisation_ratio) and not rise_j > 0,
    )


@inlined
def _hold_us(sample):
    """How long a sample holds."""
    if sample.interval_s > 0:
        interval_us = np.int64(np.rint(sample.interval_s * 1e6))
        return min(interval_us, sample.to_next_us) if sample.has_next else interval_us
    if sample.has_next and sample.to_next_us <= LONGEST_HOLD_US:
        return sample.to_next_us
    return min(sample.since_previous_us, LONGEST_HOLD_US)


@inlined
def _hours_after_the_first(held, begin_us):
    """Hours that a sample reaches beyond that in which it begins."""
    span_us = max(held.hold_us, held.to_next_us) if held.is_counted else held.hold_us
    return max(begin_us + span_us - 1, 0) // HOUR_US


@inlined
def _begin(series_hour, series, hour):
    """Name a row whose sums are zero."""
    series_hour["series"] = series
    series_hour["hour"] = hour
    series_hour["node"] = -1
    series_hour["sku"] = -1
    series_hour["evidence_rank"] = -1


@inlined
def _add_occurrences(series_hour, held):
    """Count a sample in its own hour."""
    series_hour["samples"] += 1
    series_hour["counter_falls"] += held.rise_j < 0
    series_hour["counter_excesses"] += held.is_excess
    series_hour["zero_power_samples"] += held.is_zero_for_unknown


@inlined
def _add_shares(series_hour, held, begin_us, most):
    """Add the time and energy of a sample that fall into an hour.

    Args:
        series_hour: the sums of the hour.
        sample: the held.
        begin_us: where in the hour it begins, before it where that is negative.
        most: the most one sample may add.
    """
    held_us = _within_the_hour(begin_us, held.hold_us)
    device_us = held_us * held.devices
    powered_uj = 0
    series_hour["held_us"] += device_us
    if not np.isnan(held.utilisation_ratio):
        series_hour["utilisation_us"] += device_us
        series_hour["busy_us"] += _whole(held.utilisation_ratio * device_us, most)
    if held.is_off:
        series_hour["utilisation_us"] += device_us
        series_hour["off_us"] += device_us
    if not np.isnan(held.power_w):
        powered_uj = _whole(held.power_w * device_us, most)
        series_hour["powered_us"] += device_us
        series_hour["powered_uj"] += powered_uj
        if not held.is_counted:
            series_hour["bridged_us"] += device_us
            series_hour["bridged_uj"] += powered_uj
    if held.is_counted:
        counted_us = _within_the_hour(begin_us, held.to_next_us)
        risen_uj = held.rise_j * 1e6
        if counted_us != held.to_next_us:
            risen_uj *= counted_us / held.to_next_us
        counted_uj = _whole(risen_uj, most)
        series_hour["counted_us"] += counted_us * held.devices
        series_hour["counted_uj"] += counted_uj
        if not np.isnan(held.power_w) and held_us == counted_us:
            series_hour["compared_us"] += device_us
            series_hour["compared_powered_uj"] += powered_uj
            series_hour["compared_counted_uj"] += counted_uj


@inlined
def _keep_greatest(series_hour, name, values, row):
    """Keep the greater of a label's number and that of a row, where rows have one."""
    if len(values):
        series_hour[name] = max(series_hour[name], values[row])


@inlined
def _within_the_hour(begin_us, length_us):
    """The part of a span that is in an hour in which it begins at ``begin_us``, before it where that is negative."""
    return max(min(begin_us + length_us, HOUR_US) - max(begin_us, 0), 0)


@inlined
def _whole(amount, most):
    """The nearest whole number."""
    if amount >= most:
        raise OverflowError("energies sum to more than 64 bits hold: power or energy counter is not in W or J")
    return np.int64(np.rint(amount))
