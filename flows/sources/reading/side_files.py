"""Side files of a source: tables an operator keeps beside the data, which say what the data does not."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from suanheng.flows.sources.reading.spreadsheet import find_table
from suanheng.schemas.checking.records import UnreadableFile, check
from suanheng.schemas.contract import Contract

Row = dict[str, Any]


def side_file(path: Path, options: Mapping[str, Any], option: str, contract: Contract) -> list[Row]:
    """Rows of the CSV or XLSX file that an option names, seen from the folder of the data file.

    Args:
        path: the data file.
        options: options of the source.
        option: the one that names the side file.
        contract: what every row of it must hold. A row that does not holds up the data file: a wrong dictionary
            would make every reading under it wrong.

    Raises:
        UnreadableFile: the option is not set, there is no such file, or a row of it breaks the contract.
    """
    stated = options.get(option)
    place = path.parent / str(stated)
    columns = ", ".join(contract.columns)
    if stated is None or not place.is_file():
        raise UnreadableFile(
            f"{path.name} cannot be read without its {contract.name}",
            expected=f"option {option} with the path of a CSV or XLSX file, from the folder of {path.name}",
            got="no such option" if stated is None else f"{stated}, where no file is",
            do=f"Write a table with the columns {columns} and name it in the source.",
        )
    required = [label for label, column in contract.columns.items() if column.required]
    do = f"One row is {contract.one_row_is}; the columns are {columns}."
    rows: list[Row] = []
    for chunk in find_table(place, required, do, options.get("encoding", "utf-8")).chunks():
        checked = check(chunk, contract)
        if checked.rejected.height:
            row, message = checked.rejected.sort("row_number").select("row_number", "message").row(0)
            raise UnreadableFile(
                f"{place.name} cannot be used, row {row}: {message}",
                expected=f"every row to be {contract.one_row_is}",
                got=f"{checked.rejected.height} rows that break this",
                do="Repair the row; what is under it is then read again by itself.",
            )
        rows.extend(checked.accepted.drop("row_number").to_dicts())
    return rows


def as_cells(row: Row, labels: tuple[str, ...]) -> tuple[str | None, ...]:
    """Values of a row as the texts of cells."""
    return tuple(None if row[label] is None else str(row[label]) for label in labels)
