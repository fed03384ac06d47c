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

The loops are compiled by Numba when they are first run, and kept on disk for the next time.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from suanheng.schemas.checking.compiled import compiled

HOUR_US = 3_600_000_000
LONGEST_HOLD_US = 300_000_000
LONGEST_COUNT_US = 86_400_000_000

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Order:
    """Rows in the order of series and time, no two of one series at the same time.

    Attributes:
        rows: where each lies in the arrays.
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


@dataclass(frozen=True)
class Samples:
    """Samples as they lie; an array of a column that no row states is empty.

    Attributes:
        series: number of the series.
        at_us: instant, as microseconds since 1970 (UTC).
        interval_s: stated interval, not a number where there is none.
        device_count: equal devices a sample is the mean of, else one.
        utilisation: share of busy time, not a number where unknown.
        power_w: power, not a number where unknown.
        counter_j: energy counter, not a number where unknown.
        node: number of the node, -1 where unknown.
        sku: number of the model, -1 where unknown.
        rank: rank of the evidence.
        highest_w: the most power one device of a model can draw, by its number; last for an unknown one.
    """

    series: Integers
    at_us: Integers
    interval_s: Floats
    device_count: Integers
    utilisation: Floats
    power_w: Floats
    counter_j: Floats
    node: Codes
    sku: Codes
    rank: Integers
    highest_w: Floats


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

LABELS = ("node", "sku", "rank")


@dataclass(frozen=True)
class Sums:
    """Sums per series and hour, each a row of every matrix.

    Attributes:
        keys: number of the series, and of the hour since the origin.
        values: the ``SUMS``.
        labels: the greatest number of each of the ``LABELS``, -1 where none is known.
    """

    keys: Integers
    values: Integers
    labels: Integers


def sums(samples: Samples, order: Order, origin_us: int) -> Sums:
    """Sum the samples that count, each into the hours it reaches; by series and hour.

    Args:
        samples: the samples.
        order: in which they follow each other.
        origin_us: an instant at which an hour begins at the site.

    Raises:
        OverflowError: energies beyond what 64 bits hold.
    """
    given = [_to_read(values) for values in (*vars(order).values(), *vars(samples).values())]
    place, found, room = 0, 0, 1024
    made = tuple(np.empty((0, columns), np.int64) for columns in (2, len(SUMS), len(LABELS)))
    while place < len(order.rows):
        made = tuple(np.append(rows[:found], np.empty((room, rows.shape[1]), np.int64), axis=0) for rows in made)
        place, found = _sum(place, found, *made, *given, np.int64(origin_us))
        room *= 2
    return Sums(*(rows[:found] for rows in made))


def together(parts: Sequence[Sums]) -> Sums:
    """Sums of several parts as one, in the order given."""
    return Sums(*(np.concatenate(matrices) for matrices in zip(*(vars(part).values() for part in parts), strict=True)))


def _to_read(values: npt.NDArray) -> npt.NDArray:
    """The same array, not to be written to: loops are compiled once per kind of array, and this is a kind."""
    view = values.view()
    view.flags.writeable = False
    return view


(
    _SAMPLES,
    _HELD_US,
    _UTILISATION_US,
    _BUSY_US,
    _COUNTED_US,
    _COUNTED_UJ,
    _POWERED_US,
    _POWERED_UJ,
    _BRIDGED_US,
    _BRIDGED_UJ,
    _COMPARED_US,
    _COMPARED_POWERED_UJ,
    _COMPARED_COUNTED_UJ,
    _COUNTER_FALLS,
    _COUNTER_EXCESSES,
    _ZERO_POWER_SAMPLES,
) = range(len(SUMS))


@compiled
def _sum(  # noqa: PLR0912, PLR0915 - one pass, and what it carries along is all there is to it
    place, found, keys, sums, labels,
    rows, begins, counts,
    series, at_us, interval_s, device_count, utilisation, power_w, counter_j, node, sku, rank, highest_w,
    origin_us,
):  # fmt: skip
    """Sum from a place on until there is no room for more hours; the next place, and how many hours were found."""
    most = 2.0**63 / len(rows)
    highest_j_per_us = highest_w / 1e6
    hour, hour_began_us = 0, origin_us
    last_series, last_hour = (keys[found - 1, 0], keys[found - 1, 1]) if found else (-1, -(2**63))
    for this in range(place, len(rows)):
        if not counts[this]:
            continue
        # An index without a sign need not be looked at for whether it counts from the end.
        row = np.uintp(rows[this])
        has_next = this + 1 < len(rows) and not begins[this + 1]
        previous = row if begins[this] else np.uintp(rows[np.uintp(this - 1)])
        following = np.uintp(rows[np.uintp(this + 1)]) if has_next else row
        to_next_us = at_us[following] - at_us[row]
        since_previous_us = LONGEST_HOLD_US if begins[this] else at_us[row] - at_us[previous]

        interval = interval_s[row] if len(interval_s) else np.nan
        hold_us = _hold_us(interval, has_next, to_next_us, since_previous_us)
        devices = device_count[row] if len(device_count) else 1
        highest_j = to_next_us * highest_j_per_us[sku[row] if len(sku) else -1] * devices
        rise_j, is_counted = np.nan, False
        if len(counter_j) and has_next:
            rise_j = counter_j[following] - counter_j[row]
            recovers = counter_j[row] < counter_j[previous] <= counter_j[following]
            is_counted = 0 <= rise_j <= highest_j and to_next_us <= LONGEST_COUNT_US and not recovers
        busy = utilisation[row] if len(utilisation) else np.nan
        power = power_w[row] if len(power_w) else np.nan
        is_zero_for_unknown = power == 0 and not np.isnan(busy)
        if is_zero_for_unknown:
            power = np.nan

        if not 0 <= at_us[row] - hour_began_us < HOUR_US:
            hour = (at_us[row] - origin_us) // HOUR_US
            hour_began_us = origin_us + hour * HOUR_US
        begin_us = at_us[row] - hour_began_us
        span_us = max(hold_us, to_next_us) if is_counted else hold_us
        further = max(begin_us + span_us - 1, 0) // HOUR_US
        if found + 1 + further > len(keys):
            return this, found

        for number in range(1 + further):
            # Between the hour of a sample and the last hour found of its series each hour was found.
            if series[row] != last_series or last_hour < hour + number:
                last_series, last_hour = series[row], hour + number
                keys[found, 0], keys[found, 1] = last_series, last_hour
                sums[found], labels[found] = 0, -1
                found += 1
            at = np.uintp(found - 1 - (last_hour - hour - number))
            held_us = _within_the_hour(begin_us - number * HOUR_US, hold_us)
            counted_us = _within_the_hour(begin_us - number * HOUR_US, to_next_us)
            device_us = held_us * devices
            powered_uj = 0
            sums[at, _HELD_US] += device_us
            if not np.isnan(busy):
                sums[at, _UTILISATION_US] += device_us
                sums[at, _BUSY_US] += _whole(busy * device_us, most)
            if not np.isnan(power):
                powered_uj = _whole(power * device_us, most)
                sums[at, _POWERED_US] += device_us
                sums[at, _POWERED_UJ] += powered_uj
                if not is_counted:
                    sums[at, _BRIDGED_US] += device_us
                    sums[at, _BRIDGED_UJ] += powered_uj
            if is_counted:
                risen_uj = rise_j * 1e6
                if counted_us != to_next_us:
                    risen_uj *= counted_us / to_next_us
                counted_uj = _whole(risen_uj, most)
                sums[at, _COUNTED_US] += counted_us * devices
                sums[at, _COUNTED_UJ] += counted_uj
                if not np.isnan(power) and held_us == counted_us:
                    sums[at, _COMPARED_US] += device_us
                    sums[at, _COMPARED_POWERED_UJ] += powered_uj
                    sums[at, _COMPARED_COUNTED_UJ] += counted_uj
            if number == 0:
                sums[at, _SAMPLES] += 1
                sums[at, _COUNTER_FALLS] += rise_j < 0
                sums[at, _COUNTER_EXCESSES] += rise_j > highest_j
                sums[at, _ZERO_POWER_SAMPLES] += is_zero_for_unknown
            if len(node):
                labels[at, 0] = max(labels[at, 0], node[row])
            if len(sku):
                labels[at, 1] = max(labels[at, 1], sku[row])
            if len(rank):
                labels[at, 2] = max(labels[at, 2], rank[row])
    return len(rows), found


@compiled
def _hold_us(interval_s, has_next, to_next_us, since_previous_us):
    """How long a sample holds."""
    if interval_s > 0:
        interval_us = np.int64(np.rint(interval_s * 1e6))
        return min(interval_us, to_next_us) if has_next else interval_us
    if has_next and to_next_us <= LONGEST_HOLD_US:
        return to_next_us
    return min(since_previous_us, LONGEST_HOLD_US)


@compiled
def _within_the_hour(begin_us, length_us):
    """The part of a span that lies in an hour in which it begins at ``begin_us``, before it where that is negative."""
    return max(min(begin_us + length_us, HOUR_US) - max(begin_us, 0), 0)


@compiled
def _whole(amount, most):
    """The nearest whole number."""
    if amount >= most:
        raise OverflowError("energies sum to more than 64 bits hold: power or energy counter is not in W or J")
    return np.int64(np.rint(amount))
