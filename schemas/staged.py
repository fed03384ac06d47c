"""The datasets: contracts of the staged tables, by name."""

from suanheng.schemas.contract import Contract
from suanheng.schemas.datasets import energy, supply_chain, telemetry

_FAMILIES = (telemetry, energy, supply_chain)

DATASETS: dict[str, Contract] = {
    dataset.name: dataset
    for dataset in (
        telemetry.ACCELERATOR_SAMPLES,
        telemetry.FACILITY_READINGS,
        telemetry.WORKLOAD_RUNS,
        telemetry.BENCHMARK_RESULTS,
        telemetry.MODEL_EVALUATIONS,
        telemetry.INCIDENTS,
        energy.UTILITY_BILLS,
        energy.ENERGY_CERTIFICATES,
        supply_chain.HARDWARE_ASSETS,
        supply_chain.PRODUCT_FOOTPRINTS,
        supply_chain.BOM_PARTS,
        supply_chain.PART_SUPPLIES,
        supply_chain.SOFTWARE_COMPONENTS,
        supply_chain.COMPATIBILITY_TESTS,
        supply_chain.SERVICE_OFFERS,
    )
}


def family(dataset: str) -> str:
    """Module of ``schemas/datasets`` that holds the contract of a dataset."""
    contract = DATASETS[dataset]
    holds = next(module for module in _FAMILIES if any(member is contract for member in vars(module).values()))
    return holds.__name__.rpartition(".")[2]
