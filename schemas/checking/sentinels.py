"""What writers of files put where they have no reading: data, for the record checks and the contracts."""

NO_READING = (
    *("", "NaN", "nan", "<<<NULL>>>", "<<<NOT_FOUND>>>", "<<<NOT_SUPPORTED>>>", "<<<NOT_PERM>>>"),
    *(str(0x7FFFFFFFFFFFFFF0 + reason) for reason in range(4)),
    str(0xFFFFFFFFFFFFFFFF),
)
"""Texts that are unknown in every column: nothing, not a number, and what DCGM and NVML give where they cannot read."""

NO_READING_AS_FLOAT = (2.0**63, 2.0**64)
"""The same whole numbers in a column that is not text: as floating point they are these two."""
