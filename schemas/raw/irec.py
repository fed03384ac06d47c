"""Contract of I-REC redemptions: the table of certificates of a redemption statement."""

import polars as pl

from suanheng.schemas.columns import IDENTIFIER, ISO_DATES
from suanheng.schemas.contract import Column, Contract, rule

TITLE = "I-REC redemption statement (CSV, XLSX)"
FEEDS = ("energy_certificates",)
OPTIONS = {
    "redeemed_on": "day of the redemption, where the table does not state it",
    "beneficiary": "for whom certificates must be redeemed to count for the site; anyone where absent",
    "end_date": "'inclusive' or 'exclusive': whether the end of a production period is its last day or the day after "
    "it; found by comparing periods of a device where absent",
}
TIMES = "days"
HOLDS = "document"
SAMPLE = "data/irec_redemption.csv"
SAMPLE_SOURCE: dict[str, object] = {}
REFUSES = (
    "A table without certificate numbers, a period of production and a number of certificates.",
    "A table without days of redemption, unless sources.toml states the day: what is not redeemed is no claim.",
    "Periods that do not show whether the end is the last day, unless sources.toml says so.",
)
LIMITS = (
    "The statement itself is a PDF, which is not read; its table has to be exported or copied to a sheet.",
    "A row is one claim: a range of certificates of one device and period is not split into single ones.",
)


def _text(meaning: str, *names: str) -> Column:
    return Column(pl.String, meaning, spellings=names)


CONTRACT = Contract(
    "irec",
    "redeemed certificates of one range of numbers, of one device and one period of production",
    happened=("Production Start", "Production End"),
    columns={
        "From Certificate ID": Column(
            pl.String,
            "First certificate.",
            spellings=("Certificate ID From", "Start Certificate ID", "Certificate Start", "Certificate ID", "From"),
            matches=IDENTIFIER,
            required=True,
        ),
        "To Certificate ID": Column(
            pl.String,
            "Last certificate.",
            spellings=("Certificate ID To", "End Certificate ID", "Certificate End", "To"),
            matches=IDENTIFIER,
        ),
        "Number of Certificates": Column(
            pl.Float64,
            "Certificates; one is 1 MWh, to six decimals.",
            unit="MWh",
            spellings=("Certificates", "Volume", "Volume (MWh)", "Quantity", "Quantity (MWh)"),
            at_least=0,
            required=True,
        ),
        "Production Device": _text("Device that generated.", "Device", "Device Name", "Facility", "Facility Name"),
        "Country": _text("Country of generation.", "Country of Origin", "Device Country"),
        "Energy Source": _text("What it ran on.", "Fuel", "Fuel Type"),
        "Technology": _text("How it generated.", "Technology Type"),
        "Period of Production": _text("Period as the file writes it.", "Production Period", "Vintage"),
        "Production Start": Column(
            pl.Date,
            "First day of generation.",
            spellings=("Period Start", "Production Start Date", "Start of Production"),
            time_formats=ISO_DATES,
            required=True,
        ),
        "Production End": Column(
            pl.Date,
            "Last day of generation, or the day after it: see end_date_convention.",
            spellings=("Period End", "Production End Date", "End of Production"),
            time_formats=ISO_DATES,
            required=True,
        ),
        "Redemption Date": Column(
            pl.Date,
            "Day of the redemption.",
            spellings=("Transaction Date", "Date of Redemption", "Redeemed On"),
            time_formats=ISO_DATES,
            required=True,
        ),
        "Beneficiary": _text("For whom they were redeemed.", "Beneficiary Name", "Redeemed For"),
        "Redemption Purpose": _text("What they were redeemed for.", "Purpose"),
        "Issuer": _text("Who issued them."),
        "end_date_convention": Column(
            pl.String,
            "Whether Production End is the last day; stated in sources.toml or found by the reader.",
            one_of=("inclusive", "exclusive"),
            required=True,
        ),
        "declared_beneficiary": Column(pl.String, "For whom they must be redeemed, from sources.toml."),
    },
    rules=[
        rule(
            "redeemed_for_the_beneficiary",
            pl.col("declared_beneficiary").is_null()
            | (pl.col("Beneficiary").fill_null("") == pl.col("declared_beneficiary")),
            "it was redeemed for another than the beneficiary sources.toml names",
        )
    ],
)
