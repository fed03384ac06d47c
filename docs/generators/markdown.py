"""Markdown as the generated pages use it."""

from collections.abc import Iterable, Sequence

MADE_FROM = "<!-- Made by docs/generate.py. Change what it reads, then: make docs -->"


def page(title: str, *sections: str) -> str:
    """A page that says what it is made by."""
    return "\n\n".join([MADE_FROM, f"# {title}", *sections]) + "\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells as they should be read."""
    lines = [header, ["---"] * len(header), *([escaped(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def as_code(text: str, language: str = "text") -> str:
    """A block of code."""
    return f"```{language}\n{text}\n```"


def escaped(text: str | None) -> str:
    """Text as Markdown shows it: no cell ends early, no < begins a tag, no * begins emphasis."""
    parts = (text or "").replace("|", "\\|").split("`")
    outside = [part.replace("<", "&lt;").replace("*", "\\*") for part in parts[::2]]
    return "`".join(
        part for pair in zip(outside, [*parts[1::2], None], strict=False) for part in pair if part is not None
    )


def lower_first(sentence: str | None) -> str:
    """A meaning that goes on a sentence: no full stop, and a small letter first, except in an abbreviation."""
    text = (sentence or "").rstrip(".")
    return text if text[:2].isupper() or text.startswith("SHA") else text[:1].lower() + text[1:]
