"""Pages from templates: escaping on, unknown names refused, words and numbers written one way everywhere."""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from suanheng.flows.reports import charts, figures, layout
from suanheng.flows.reports.texts import LANGUAGES, Texts


def render(template: str, words: Texts, **context: object) -> str:
    """Render ``templates/<template>.html.jinja`` in one language.

    Raises:
        jinja2.UndefinedError: the template names something the context does not have.
        KeyError: the template asks for a text the language does not have.
    """
    return _environment().get_template(f"{template}.html.jinja").render(t=words, **context)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates", encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for written in (figures.number, figures.score, figures.bound, figures.share, figures.day):
        environment.filters[written.__name__] = written
    environment.globals.update(
        interval=figures.interval,
        interval_bar=charts.interval_bar,
        quantity_bar=charts.quantity_bar,
        scorecard_link=layout.scorecard_link,
        comparison_link=layout.comparison_link,
        languages=LANGUAGES,
    )
    return environment
