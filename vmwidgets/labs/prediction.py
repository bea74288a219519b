"""A prediction as data: a question, and its answers in order.  Nothing here depends on a page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

from vmwidgets.engine.base.calls import says_what_it_takes
from vmwidgets.engine.base.errors import Refused, ascii_text, shown
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.machine.arguments import is_empty
from vmwidgets.views.scene.twin import LOST
from vmwidgets.widgets.host.cells import NOWHERE

from .alike import ALIKE
from .answers import KINDS, UNSURE, base_asked, line, written
from .attempt import Failed
from .markup import framed, marked
from .outcome import WHY, Outcome
from .records import PREDICTION, record

SCHEMA = 1
"""The number of the data's format; it rises with each change that readers must know about."""

IDENTITY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")

FIRST_WORD = re.compile(r"^because\b[\s,:]*", re.IGNORECASE)
"""The first word of a reason, removed if a student typed it although the page shows it."""

TO_ANSWER = "answer below (if nothing is there, run this cell), or in code with answer=…"
"""The way to answer a prediction in a notebook; a page that is only read has other words."""

OTHER = "none of these answers"
"""The outcome if no option stands for what happened."""


@frozen
class Answer:
    """One answer: `answer` in its written form, `how` "code" or "control", `late` if it came after the outcome.

    `because` is the reason, if there is one.
    """

    answer: str
    how: str
    late: bool = False
    because: str = ""


class Prediction:
    """A question and its answers, made by :func:`vmwidgets.lab.predict`.

    `id` is permanent ("01/first-fit"), `kind` is the kind of answer, `options` are the choices, and `means` says which
    results each option stands for.  With `reasons`, the question also asks for a reason.  `in_text` means that the
    question is in the notebook's text, so that no output repeats it.  `by_id` means that the ID alone identifies the
    question, and `seed` is the seed of the variant for which it is asked, or "" if no lab has begun.  `cell` asked it.
    `wordings` are its words now and earlier, and `others` are the other questions with this ID in this kernel.

    The first answer counts; later answers are kept after it.  `happened` is the first result passed to :meth:`compare`,
    or None before; again, the first one counts.  `comes_after` says that another question with this ID had been
    compared before. `asks_why` says that the latest answer is kept, lacks its reason, and that the result, which the
    student has not seen, waits for it.  `missed` is the student's answer to "what did I miss?".  `has_control` means
    that the page has a control to answer with.  `listeners` are called after each change; `show` and
    `show_outcome` put the prediction and its outcome on a page.
    """

    def __init__(
        self,
        identity: str,
        question: str,
        kind: str,
        options: tuple[str, ...] = (),
        means: Mapping[str, Any] | None = None,
        reasons: bool = False,
        in_text: bool = False,
    ) -> None:
        self.id = identity
        self.question = question
        self.kind = kind
        self.options = options
        self.means = means or {}
        self.reasons = reasons
        self.in_text = in_text
        self.by_id = in_text
        self.seed = ""
        self.cell = NOWHERE
        self.wordings = {question}
        self.others: dict[str, Prediction] = {}
        self.answers: tuple[Answer, ...] = ()
        self.happened: str | None = None
        self.missed = ""
        self.asks_why = False
        self.is_passed = False
        self.comes_after = False
        self.has_control = False
        self.listeners: list[Callable[[], None]] = []
        self.show: Callable[[], None] | None = None
        self.show_outcome: Callable[[Outcome], None] | None = None

    @property
    def answer(self) -> str | None:
        """The first answer; None if there is none."""
        return self.answers[0].answer if self.answers else None

    @property
    def has_happened(self) -> bool:
        """Return whether answers are late from now on: a result was compared, perhaps before the question changed."""
        return self.comes_after or self.happened is not None

    @property
    def has_more(self) -> bool:
        """Return whether there are questions like it, which a control on the page offers."""
        return self.has_control and self.in_text and self.id in ALIKE

    @property
    def asked(self) -> tuple[str, str, tuple[str, ...]]:
        """The question in its words, with its kind and options."""
        return self.question, self.kind, self.options

    def is_asked_in(self, words: Any, seed: str) -> bool:
        """Return whether a question with this ID, in these words and for this variant's seed, is this one.

        Its words may be edited if `by_id`, and also if the ID was given and the variant is the same: for another
        variant, a course's own question may have other numbers.
        """
        is_given = self.id != identity_of("", self.question)
        return self.by_id or bool(words == self.question) or (is_given and seed == self.seed)

    def offers(self, text: str) -> bool:
        """Return whether `text` is an option, or says that no option is right; without options, any text is."""
        return not self.options or text in (*self.options, UNSURE, OTHER)

    def go_on_from(self, known: Prediction) -> None:
        """Take `known`'s place, and take over what was said if the kernel has asked this question, or in other words.

        Answers and an outcome that are no longer among the options are left out, and all answers if the first is.
        After an outcome, answers are late.
        """
        self.comes_after = known.has_happened
        self.others, known.others = known.others, {}
        same = known if known.is_reworded_by(self) else self.others.pop(self.question, None)
        if same is not known:
            self.others[known.question] = known
        if same is None or same.kind != self.kind:
            return
        self.wordings |= same.wordings
        if same.answer is not None and self.offers(same.answer):  # else a later answer would count as the first
            self.answers = tuple(one for one in same.answers if self.offers(one.answer))
        self.happened = same.happened if same.happened is not None and self.offers(same.happened) else None
        self.missed, self.is_passed = same.missed, same.is_passed
        self.asks_why = same.asks_why and self.lacks_reason

    def is_reworded_by(self, asked: Prediction) -> bool:
        """Return whether `asked` is this question: in the same words, or in the ones that its only cell has now.

        In another cell, or twice in one run of a cell, other words are another question of the notebook.
        """
        if self.by_id or self.question == asked.question:
            return True
        if asked.question in asked.others or not asked.is_asked_in(self.question, self.seed):
            return False
        is_edited = self.cell.lasts and self.cell.id == asked.cell.id and self.cell.number != asked.cell.number
        return is_edited and all(one.cell != self.cell for one in asked.others.values())

    @says_what_it_takes
    def say(self, value: Any, how: str = "code", because: str = "") -> None:
        """Answer the question, for the first time or again, with or without a reason.

        Repeating an answer adds nothing, except a reason if the answer had none.  Once a result was compared, the
        reason is kept as a late answer: a reason for a known result is not a prediction's.

        Raises :class:`Refused` for a value that is not an answer to this question; nothing has changed then.
        """
        text, reason = (
            written(value, self.kind, self.options, base_asked(self.question)),
            line(because, "because") if because else "",
        )
        last = self.answers[-1] if self.answers else None
        if last is not None and last.answer == text and reason in ("", last.because):
            return
        is_seen = self.outcome is not None and self.outcome.is_open
        if last is not None and last.answer == text and not last.because and last.late == self.has_happened:
            self.answers = (*self.answers[:-1], replace(last, because=reason))
        else:
            self.answers = (*self.answers, Answer(text, how, self.has_happened, reason))
        self.asks_why = self.lacks_reason and not is_seen
        self._tell()

    @property
    def lacks_reason(self) -> bool:
        """Return whether the latest answer should have a reason, and has none."""
        last = self.answers[-1] if self.answers else None
        return self.reasons and last is not None and not last.because and last.answer != UNSURE

    def said(self, when: str = "") -> list[str]:
        """Return the answers in words, each with its reasons; `when` follows the first answer.

        A reason that came after its answer was kept says so.
        """
        words: list[str] = []
        before = None
        for answer in self.answers:
            reason = FIRST_WORD.sub("", answer.because)
            if answer.answer != before:
                because = f", because {reason}" if reason else ""
                words.append(f"{answer.answer}{'' if words else when}{because}")
            elif reason:
                words[-1] += f", because (later) {reason}"
            before = answer.answer
        return words

    def give_no_reason(self) -> None:
        """Leave out the reason of the latest answer: the result waits no longer."""
        self.asks_why = False
        self._tell()

    def skip(self) -> None:
        """Open the outcome without an answer, as stepping on in a picture does."""
        self.is_passed = True
        self._tell()

    @says_what_it_takes
    def miss(self, text: str) -> None:
        """Keep the student's answer to "what did I miss?", after a wrong answer."""
        self.missed = line(text, "missed")
        self._tell()

    def _tell(self) -> None:
        for listener in list(self.listeners):
            listener()

    @says_what_it_takes
    def compare(self, actual: Any) -> Outcome:
        """Return the outcome: what happened, next to the prediction.

        It is closed until there is an answer, even "I don't know".  An answer without its reason opens it too.

        `actual` is an answer of the question's kind, or a result that one of the options stands for.  Answers after
        this are marked as late.  The first outcome counts: a second call returns it, and notes any difference.
        """
        happened = self._written(actual)
        if self.happened is None or self.asks_why:
            self.happened = self.happened or happened
            self.asks_why = False
            self._tell()
        outcome = self._outcome(self.happened)
        if happened == self.happened:
            return outcome
        return replace(outcome, again=happened)

    def _written(self, actual: Any) -> str:
        """Return what happened in an answer's written form."""
        for option, meant in self.means.items():
            if _stands_for(meant, actual):
                return option
        try:
            return written(actual, self.kind, self.options)
        except Refused:  # the result is not an answer of this kind: that is an outcome too
            return OTHER if self.options else shown(actual)

    @property
    def outcome(self) -> Outcome | None:
        """The first outcome next to the prediction; None before :meth:`compare`."""
        return None if self.happened is None else self._outcome(self.happened)

    def _outcome(self, happened: str) -> Outcome:
        late = bool(self.answers) and self.answers[0].late
        return Outcome(
            self.id,
            self.question,
            self.answer,
            happened,
            late,
            is_passed=self.is_passed,
            waits=self.asks_why,
            in_text=self.in_text,
            has_more=self.has_more,
            show=self.show_outcome,
        )

    def data(self) -> dict[str, Any]:
        """Return the prediction as the notebook keeps it; docs/formats.md says what it means."""
        return {
            "schema": SCHEMA,
            "id": self.id,
            "question": self.question,
            "kind": self.kind,
            "options": list(self.options),
            "answer": self.answer,
            "answers": [asdict(answer) for answer in self.answers],
            "happened": self.happened,
            "missed": self.missed,
        }

    def bundle(self) -> dict[str, Any]:
        """Return the prediction in all forms of an output."""
        asked = self.id if self.in_text else f"{self.id}: {self.question}"
        return record(PREDICTION, self.data(), html=self._html(), plain=self._plain(asked))

    def _ipython_display_(self) -> None:
        """Show the prediction as a cell's value, unless the cell showed it when it asked."""
        if self.show is not None:
            self.show()

    def _lines(self) -> Iterator[tuple[str, str]]:
        if self.answer is None:
            yield "not answered yet:", TO_ANSWER
        else:
            first, *later = self.said()
            yield "you said:", first
            if later:
                yield "and later:", ", then ".join(later)
        if self.asks_why:
            yield WHY, "(in code: because=…)"
        if self.missed:
            yield "what you missed:", self.missed

    def _html(self) -> str:
        rows = "".join(f"<div>{marked(word, 'em')} {marked(text)}</div>" for word, text in self._lines())
        card = f'[data-vmwidgets-prediction="{self.id}"]'
        alone = f"<style>.jp-OutputArea-child:has({card}) + {LOST} {{ display: none }}</style>"  # the control's place
        question = "" if self.in_text else f"<div>{marked(self.question, 'strong')}</div>"
        shown = framed(f"{question}{rows}", f"prediction {self.id}")
        return f'<div data-vmwidgets-prediction="{self.id}">{shown}{alone}</div>'

    def __repr__(self) -> str:
        return self._plain(f"{self.id}: {self.question}")

    def _plain(self, asked: str) -> str:
        said = "; ".join(f"{word} {text}" for word, text in self._lines() if self.answers)
        wanted = " | ".join(self.options) or KINDS[self.kind]
        return ascii_text(f"<prediction {asked} ({said or f'not answered yet: {wanted}'})>")


def _stands_for(meant: Any, actual: Any) -> bool:
    """Return whether an option that stands for `meant` matches; a range and a set match each of their members.

    >>> _stands_for(range(10, 61), 41), _stands_for({"FAULT", "ACCES"}, Failed("KernelError: FAULT: no"))
    (True, True)
    """
    found = actual.name if isinstance(actual, Failed) else actual
    if isinstance(meant, range):
        return isinstance(found, int) and found in meant
    if isinstance(meant, (set, frozenset)):
        return any(_stands_for(one, actual) for one in meant)
    return isinstance(found, bool) == isinstance(meant, bool) and bool(meant == found)


def identity_of(identity: Any, question: str) -> str:
    """Return a permanent ID: the given one, or one made from the question.

    >>> identity_of("", "Where will it land?")
    'where-will-it-land'
    """
    if is_empty(identity):
        return re.sub(r"[^a-z0-9]+", "-", question.lower()).strip("-")[:100] or "question"
    if not isinstance(identity, str) or len(identity) > 100 or not IDENTITY.fullmatch(identity):
        raise Refused(f"id={shown(identity)}: write letters, digits and dashes, such as '01/first-fit'")
    return identity
