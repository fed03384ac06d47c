"""What is special about a dataset stands in its contract."""

from suanheng.schemas.staged import DATASETS


def _with(attribute: str) -> set[str]:
    return {name for name, contract in DATASETS.items() if getattr(contract, attribute)}


def test_what_is_special_about_which_dataset() -> None:
    assert _with("is_large") == {"accelerator_samples", "facility_readings"}
    assert _with("is_seen_by_all_sites") == {"energy_certificates"}
    assert _with("is_dated") == {
        *("accelerator_samples", "facility_readings", "workload_runs"),
        *("utility_bills", "energy_certificates"),
    }
    assert {name: contract.span_rank for name, contract in DATASETS.items() if contract.span_rank is not None} == {
        "accelerator_samples": 1,
        "facility_readings": 1,
        "workload_runs": 2,
        "utility_bills": 3,
    }


def test_dated_datasets_say_on_which_days() -> None:
    assert all(DATASETS[name].happened for name in _with("is_dated"))
    assert all(contract.happened for contract in DATASETS.values() if contract.span_rank is not None)
