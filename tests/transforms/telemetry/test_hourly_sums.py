"""Sums per series and hour are those of a hand calculation, however the fields of their arrays are ordered."""

import ast
import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numba
import numpy as np
import pytest

from suanheng.transforms.telemetry import hourly_sums

Reorder = Callable[[list[ast.stmt]], list[ast.stmt]]

MINUTE_US = 60_000_000


def sums_of_two_samples(module: ModuleType) -> dict[str, int]:
    """Two samples of one device a minute apart, each 600 W, 75 % busy; the counter rises by 30 kJ from 5 MJ on.

    The first holds until the second, the second as long as the first: 120 s.
    """
    samples = module.Samples(
        series=np.zeros(2, np.int64),
        at_us=np.array([0, MINUTE_US]),
        interval_s=np.empty(0),
        device_count=np.empty(0, np.int64),
        utilisation_ratio=np.full(2, 0.75),
        power_w=np.full(2, 600.0),
        energy_counter_j=np.array([5_000_000.0, 5_030_000.0]),
        node=np.array([4, 3], np.int32),
        sku=np.zeros(2, np.int32),
        evidence_rank=np.array([7, 7]),
    )
    order = module.Order(rows=np.arange(2), begins=np.array([True, False]), counts=np.ones(2, np.bool_))
    # The first model can draw 840 W, an unknown one 20 kW.
    (found,) = module.sums(samples, order, np.array([840.0, 20_000.0]), origin_us=0)
    return {name: int(found[name]) for name in found.dtype.names}


BY_HAND = {
    "series": 0,
    "hour": 0,
    "samples": 2,
    "held_us": 120_000_000,
    "utilisation_us": 120_000_000,
    "busy_us": 90_000_000,  # 0.75 x 120 s
    "off_us": 0,
    "counted_us": 60_000_000,
    "counted_uj": 30_000_000_000,  # 30 kJ
    "powered_us": 120_000_000,
    "powered_uj": 72_000_000_000,  # 600 W x 120 s = 72,000 J
    "bridged_us": 60_000_000,  # after the second sample there is no counter
    "bridged_uj": 36_000_000_000,  # 600 W x 60 s
    "compared_us": 60_000_000,
    "compared_powered_uj": 36_000_000_000,
    "compared_counted_uj": 30_000_000_000,
    "counter_falls": 0,
    "counter_excesses": 0,
    "zero_power_samples": 0,
    "node": 4,
    "sku": 0,
    "evidence_rank": 7,
}


def test_two_samples_by_hand() -> None:
    assert sums_of_two_samples(hourly_sums) == BY_HAND


def test_what_is_compiled_is_kept_by_types_that_every_version_has() -> None:
    # Numba looks such a class up again in the next process; where a new version has renamed it, nothing could be read.
    sums_of_two_samples(hourly_sums)
    (types, *_) = hourly_sums._sum.signatures
    assert not [given for given in types if isinstance(given, numba.types.BaseNamedTuple)]


def reverse(fields: list[ast.stmt]) -> list[ast.stmt]:
    return fields[::-1]


def swap_each_with_the_next(fields: list[ast.stmt]) -> list[ast.stmt]:
    return [field for pair in zip(fields[1::2], fields[::2], strict=False) for field in pair] + (
        fields[-1:] if len(fields) % 2 else []
    )


@pytest.fixture
def redefined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Reorder], ModuleType]:
    """The module with the fields of all its named tuples, and of the sums, in another order; its loops not compiled."""
    monkeypatch.setattr(numba.config, "DISABLE_JIT", True)

    def redefine(reorder: Reorder) -> ModuleType:
        source = ast.parse(Path(str(hourly_sums.__file__)).read_text(encoding="utf-8"))
        classes = [node for node in source.body if isinstance(node, ast.ClassDef)]
        assert len(classes) > 3
        for each in classes:
            fields = [node for node in each.body if isinstance(node, ast.AnnAssign)]
            each.body = reorder(list(fields)) + [node for node in each.body if node not in fields]
        of_sums = next(n for n in source.body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "SUMS")
        of_sums.value.elts = reorder(of_sums.value.elts)
        path = tmp_path / "redefined.py"
        path.write_text(ast.unparse(source), encoding="utf-8")
        spec = importlib.util.spec_from_file_location("redefined", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return redefine


@pytest.mark.parametrize("reorder", [reverse, swap_each_with_the_next])
def test_the_order_in_which_fields_are_defined_means_nothing(redefined, reorder: Reorder) -> None:
    module = redefined(reorder)
    assert sorted(module.Samples._fields) == sorted(hourly_sums.Samples._fields)
    assert module.Samples._fields != hourly_sums.Samples._fields
    assert module.SUMS != hourly_sums.SUMS
    assert sums_of_two_samples(module) == BY_HAND
