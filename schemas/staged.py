"""The datasets: contracts of the staged tables, by name. Every contract of a family's module is a dataset."""

from suanheng.schemas.contract import Contract
from suanheng.schemas.datasets import energy, supply_chain, telemetry

_FAMILIES = {
    module.__name__.rpartition(".")[2]: [member for member in vars(module).values() if isinstance(member, Contract)]
    for module in (telemetry, energy, supply_chain)
}

DATASETS: dict[str, Contract] = {dataset.name: dataset for family in _FAMILIES.values() for dataset in family}


def family(dataset: str) -> str:
    """Module of ``schemas/datasets`` that holds the contract of a dataset."""
    return next(module for module, family in _FAMILIES.items() if dataset in {contract.name for contract in family})
