"""Every format that can be read, and the contract of the raw table its records land in."""

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from suanheng.schemas import raw
from suanheng.schemas.columns import provenance
from suanheng.schemas.contract import Contract
from suanheng.schemas.staged import DATASETS


@dataclass(frozen=True, eq=False)
class Format:
    """A format; there is one object of each.

    Attributes:
        name: its short code, the same in sources, schemas, transforms and tests.
        title: what people call it.
        feeds: datasets its records become.
        options: what a ``[[source]]`` may say about it, with the meaning.
        side_files: those of them that name a file beside the data, without which it cannot be understood.
        path_holds_columns: whether the path of a file says what the file does not, so that the same bytes at two places
            are two files: always, or where a source gives the option named here.
        times: ``local`` where its times are of the source's ``time_zone``, which is then required; ``stated`` where
            every time carries its zone; ``days`` where it knows no time of day.
        holds: what its reader holds in memory: ``chunks`` of at most 100,000 records, or the whole ``document``, which
            may then not be larger than ``flows.sources._files.WHOLE_FILE_BYTES``.
        sample: a small file of this format that a test reads, from the folder of the tests.
        sample_source: what a ``[[source]]`` must say besides format, files and site to read the sample.
        refuses: what makes the whole file refused, and why, in sentences.
        limits: what is known not to be read, in sentences.
        contract: what a record must hold, under the source's own labels.
    """

    name: str
    title: str
    feeds: tuple[str, ...]
    options: Mapping[str, str]
    side_files: tuple[str, ...]
    path_holds_columns: bool | str
    times: str
    holds: str
    sample: str
    sample_source: Mapping[str, Any]
    refuses: tuple[str, ...]
    limits: tuple[str, ...]
    contract: Contract


@cache
def formats() -> dict[str, Format]:
    """Formats other than our own templates, by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(raw.__path__))
    modules = [importlib.import_module(f"{raw.__name__}.{name}") for name in names]
    return {
        module.CONTRACT.name: Format(
            name=module.CONTRACT.name,
            title=module.TITLE,
            feeds=tuple(module.FEEDS),
            options=dict(module.OPTIONS),
            side_files=tuple(getattr(module, "SIDE_FILES", ())),
            path_holds_columns=getattr(module, "PATH_HOLDS_COLUMNS", False),
            times=module.TIMES,
            holds=module.HOLDS,
            sample=module.SAMPLE,
            sample_source=dict(module.SAMPLE_SOURCE),
            refuses=tuple(module.REFUSES),
            limits=tuple(module.LIMITS),
            contract=module.CONTRACT,
        )
        for module in modules
    }


_TEMPLATE_SERVES_AS = {
    "workload_runs": "It is the job table of any scheduler that has no format of its own, under English or Chinese "
    "headers; one run a row.",
    "model_evaluations": "It is the plain table of model evaluations; one model and benchmark a row.",
}
"""What people look for under another name, and find in the template of a dataset."""


@cache
def template(dataset: str) -> Format:
    """Our own template of a dataset: its columns, without where a row comes from."""
    staged = DATASETS[dataset]
    columns = {name: column for name, column in staged.columns.items() if name not in provenance()}
    own = Contract(
        f"template_{dataset}",
        staged.one_row_is,
        columns=columns,
        happened=staged.happened,
        rules=staged.rules,
    )
    return Format(
        name=own.name,
        title=f"suanheng template of {dataset}",
        feeds=(dataset,),
        options={},
        side_files=(),
        path_holds_columns=False,
        times="stated",
        holds="chunks",
        sample="",
        sample_source={"dataset": dataset},
        refuses=("A header with an unknown, repeated or missing column: nobody should guess what a column means.",),
        limits=("One file holds one dataset.", *filter(None, [_TEMPLATE_SERVES_AS.get(dataset)])),
        contract=own,
    )


@cache
def readable() -> dict[str, Format]:
    """Names that a source may give as its format; all templates are alike in what a source may say of them."""
    return {"template": template(next(iter(DATASETS))), **formats()}


@cache
def raw_tables() -> dict[str, Format]:
    """Every table of stage raw, by name: one per format, one per template."""
    return {**formats(), **{f"template_{dataset}": template(dataset) for dataset in DATASETS}}


@cache
def landed(form: Format) -> Contract:
    """The raw table of a format: its contract, and in front of it where each row comes from."""
    own = form.contract
    return Contract(own.name, own.one_row_is, columns={**provenance(), **own.columns}, happened=own.happened)
