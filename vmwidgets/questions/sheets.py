"""An exam on paper: Markdown with its figures next to it, or one page of HTML."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from vmwidgets.engine.base.units import counted
from vmwidgets.views.scene.model import Scene
from vmwidgets.views.scene.plain import plain_svg
from vmwidgets.views.scene.svg import to_svg
from vmwidgets.views.scene.twin import alternative_text, image_html

from .exam import UNDRAWN, Exam, Section
from .markup import inline_html, to_html
from .question import ADDRESS, GRADES, LETTERS, NUMBER, TEXT, Question

ASKED = {
    NUMBER: "Answer (a number):",
    ADDRESS: "Answer (an address, in hexadecimal):",
    TEXT: "Answer:",
}
"""The words before the line for an answer without options."""


def svg_of(scene: Scene) -> str:
    """Return a figure for paper, in the light theme, whatever the reader's screen prefers."""
    return plain_svg(to_svg(scene, bare=True))


def figure_html(draw: Callable[[], Scene], *, large: bool = False) -> str:
    """Return a figure as an image in the page; each SVG keeps its own style sheet.

    Students write into a `large` figure.
    """
    scene, look = draw(), ' class="large"' if large else ""
    return f"<figure{look}>{image_html(svg_of(scene), alternative_text(scene))}</figure>"


Draw = Callable[[], Scene] | None


def seen_first(section: Section, of: Callable[[Question], Draw]) -> list[Draw]:
    """Return the figure of each question; None if it is the previous question's, since a paper prints it once."""
    figures = [of(question) for _, question in section.numbered]
    return [None if at and one == figures[at - 1] else one for at, one in enumerate(figures)]


def points_of(question: Question) -> str:
    """Return a question's points, in words; the key also gives its difficulty."""
    return counted(question.grade, "point")


# ---- Markdown --------------------------------------------------------------------------------------


def markdown(exam: Exam, folder: str, *, key: bool) -> tuple[str, dict[str, str]]:
    """Return the text, with figures by their names in `folder`."""
    figures: dict[str, str] = {}

    def image(draw: Callable[[], Scene] | None, name: str) -> list[str]:
        if draw is None:
            return []
        scene = draw()
        figures[name] = svg_of(scene)
        alt = alternative_text(scene).replace("[", "(").replace("]", ")")
        return [f"![{alt}](<{folder}/{name}>)"]

    marks = "###" if exam.several else "##"

    def of_topic(section: Section) -> list[str]:
        return [f"## {section.title}"] if exam.several else []

    parts = [f"# {exam.title}", head(exam), "Name: ______________________________"]
    for section in exam.sections:
        parts += of_topic(section) + exam.new_rules(section)
        drawn = seen_first(section, lambda question: question.figure)
        for (number, question), figure in zip(section.numbered, drawn, strict=True):
            parts += [f"{marks} {number} ({points_of(question)})", question.text]
            parts += image(figure, f"question-{number}.svg")
            choices = zip(LETTERS, question.options, strict=False)
            options = "\n".join(f"- **{letter})** {option}" for letter, option in choices)
            parts.append(options or f"{ASKED[question.form]} ____________________")
    if key:
        parts += ["---", f"# Key: {exam.title}", source(exam)]
        for section in exam.sections:
            parts += of_topic(section)
            solutions = seen_first(section, lambda question: question.solution)
            for (number, question), solution in zip(section.numbered, solutions, strict=True):
                parts += [f"{marks} {number}: {answer_of(question)}", question.why]
                parts += ["\n".join(f"- {letter}: {said}." for letter, said in question.wrong)] * bool(question.options)
                parts += [kind_of(question)]
                parts += image(solution, f"key-{number}.svg")
    return "\n\n".join(parts) + "\n", figures


def head(exam: Exam) -> str:
    """Return the length of the exam."""
    return f"{counted(len(exam.questions), 'question')}, {counted(exam.points, 'point')}."


def source(exam: Exam) -> str:
    """Return how to make the same exam again, for the key only, since this reveals the answers."""
    if exam.seed == UNDRAWN:
        return f"From the picture: {exam.topic}."
    topics = ", ".join(f"`{section.topic}`" for section in exam.sections)
    count = f"{counted(len(exam.sections[0].questions), 'question')}{' of each' * exam.several}"
    if exam.kinds:
        count = f"{counted(len(exam.questions), 'question')} of the kinds {', '.join(f'`{one}`' for one in exam.kinds)}"
    count += f", form {exam.form}" if exam.form else ""
    secret = " The questions come from the secret as well." * exam.with_secret
    return f"Topic{'s' * exam.several} {topics}, seed {exam.seed}, {count}.{secret}"


def kind_of(question: Question) -> str:
    """Return a question's kind and difficulty, for the key."""
    return f"Kind: `{question.id}`, {GRADES[question.grade]}"


def answer_of(question: Question) -> str:
    """Return the answer as the key prints it."""
    if question.options:
        return f"{question.letter}) {question.answer}"
    return question.answer if question.form == TEXT else f"`{question.answer}`"


# ---- HTML ------------------------------------------------------------------------------------------

STYLE = """
body { font: 11pt/1.45 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; color: #111;
  background: #fff; color-scheme: light }
h1 { font-size: 1.5rem } h2, h3 { font-size: 1.1rem; margin: 1.6rem 0 .4rem; break-after: avoid }
h2.topic { font-size: 1.3rem } small { font-weight: normal; color: #555 }
code { font: .93em ui-monospace, Menlo, Consolas, monospace }
table { border-collapse: collapse; margin: .6rem 0 } th, td { border: 1px solid #999; padding: .1rem .7rem;
  text-align: left }
ol.options { list-style: upper-alpha; padding-left: 2rem } ol.options li { margin: .2rem 0 }
figure { margin: .8rem 0 } figure img { max-width: 100% }
.name, .answer { border-bottom: 1px solid #555; display: inline-block; min-width: 16rem }
section { break-inside: avoid } section.key { break-inside: auto; break-before: page }
aside.rule { border-left: 3px solid #999; padding-left: .7rem; margin: .5rem 0 } aside.rule p { margin: 0 }
ul.wrong { list-style: none; padding-left: 0; margin: .3rem 0 }
@page { margin: 12mm }
@media print {
  body { margin: 0; max-width: none; font-size: 9pt; line-height: 1.2 }
  h2, h3 { margin: .8rem 0 .15rem; font-size: 1rem } h2.topic { font-size: 1.15rem } p { margin: .25rem 0 }
  table { margin: .25rem 0 } th, td { padding: 0 .45rem } figure { margin: .3rem 0 }
  figure:not(.large) img { max-height: 2.6cm }
  ol.options { display: flex; flex-wrap: wrap; column-gap: 2.4rem; margin: .2rem 0; padding-left: 1.5rem }
  .key .answers { columns: 2; column-gap: 1.4rem }
  .key p, .key ul, .key figure { margin: .1rem 0 }
  .key { font-size: 8.5pt } .key section { break-inside: auto }
  .key h2, .key h3 { margin-top: .5rem } ul.wrong li { display: inline }
  .key h3 { font-size: .95rem } h1 { font-size: 1.2rem; margin: .3rem 0 }
  .key figure:not(.large) img { max-height: 1.9cm }
}
"""


def html(exam: Exam, *, key: bool) -> str:
    """Return one page that needs no other file; in print, the key begins on a new page."""
    tag, large = "h3" if exam.several else "h2", exam.seed == UNDRAWN

    def of_topic(section: Section) -> list[str]:
        return [f'<h2 class="topic">{escape(section.title)}</h2>'] if exam.several else []

    body = [f"<h1>{escape(exam.title)}</h1>", f'<p>{head(exam)}</p><p>Name: <span class="name">&nbsp;</span></p>']
    for section in exam.sections:
        body += of_topic(section) + [f'<aside class="rule">{to_html(rule)}</aside>' for rule in exam.new_rules(section)]
        figures = seen_first(section, lambda question: question.figure)
        for (number, question), figure in zip(section.numbered, figures, strict=True):
            head_of = f"{number} <small>({points_of(question)})</small>"
            body.append(f"<section><{tag}>{head_of}</{tag}>\n{to_html(question.text)}")
            body += [figure_html(figure, large=large)] if figure is not None else []
            body.append(f"{_answer_html(question)}</section>")
    if key:
        body.append(f'<section class="key"><h1>Key: {escape(exam.title)}</h1><p>{inline_html(source(exam))}</p>')
        body.append('<div class="answers">')
        for section in exam.sections:
            body += of_topic(section)
            solutions = seen_first(section, lambda question: question.solution)
            for (number, question), solution in zip(section.numbered, solutions, strict=True):
                head_of = f"{number}: {inline_html(answer_of(question))}"
                body.append(f"<section><{tag}>{head_of}</{tag}>\n{to_html(question.why)}")
                wrong = "".join(f"<li>{letter}: {inline_html(said)}.</li>" for letter, said in question.wrong)
                body += [f'<ul class="wrong">{wrong}</ul>'] * bool(wrong)
                body += [figure_html(solution, large=large)] if solution is not None else []
                body.append(f"<p>{inline_html(kind_of(question))}</p></section>")
        body.append("</div></section>")
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(exam.title)}</title><style>{STYLE}</style>\n" + "\n".join(body) + "\n</html>\n"
    )


def _answer_html(question: Question) -> str:
    if not question.options:
        return f'<p>{ASKED[question.form]} <span class="answer">&nbsp;</span></p>'
    return f'<ol class="options">{"".join(f"<li>{inline_html(one)}</li>" for one in question.options)}</ol>'
