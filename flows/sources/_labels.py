"""Which column of a contract a label of a source means: matched whole, because labels begin like one another."""

from suanheng.schemas.contract import Contract


def columns_by_label(contract: Contract) -> dict[str, str]:
    """Every label a column is accepted under, its own name included, to the column."""
    return {
        label: name
        for name, column in contract.columns.items()
        for label in (name, *(column.metadata or {}).get("spellings", ()))
    }
