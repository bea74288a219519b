"""The story of a handout as data: its steps with their pictures, its chapters, questions and branches."""

from __future__ import annotations

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.views.scene.model import Caption, Scene


@frozen(slots=False)
class Drawn:
    """One picture at one step, laid out for a page, for half of a page or sheet, and for a telephone."""

    wide: Scene
    narrow: Scene
    slim: Scene
    scale: float = 1.0


@frozen(slots=False)
class Question:
    """A question of a handout: its answer is one of the options; `why` may be empty."""

    text: str
    options: tuple[str, ...]
    answer: str
    why: str = ""


@frozen(slots=False)
class ToldStep:
    """One step: after `done` events of operation `number` (None for all of it).

    `code` is the call as one might type it; `chapter` is the bookmark at this moment, or ""; `notes` are for the
    presenter.  On the slider's strip, the step's mark has the letters `kind` and `end`, and the name `name`.
    """

    number: int
    done: int | None
    caption: Caption
    code: str
    pictures: tuple[Drawn, ...]
    chapter: str = ""
    question: Question | None = None
    notes: str = ""
    name: str = ""
    kind: str = "c"
    end: str = "."


@frozen(slots=False)
class Branch:
    """A branch of the story after step `after`, in which something else is done; `name` says what is done."""

    name: str
    after: int
    steps: tuple[ToldStep, ...]


@frozen(slots=False)
class ToldStory:
    """The contents of a handout; `left_out` says in sentences what is missing, `journal` is a machine's journal file.

    `opens_at` is the index of the step that the player shows first; `selected` is the thing that is marked.
    """

    title: str
    steps: tuple[ToldStep, ...]
    branches: tuple[Branch, ...] = ()
    left_out: tuple[str, ...] = ()
    journal: bytes = b""
    opens_at: int = 0
    selected: str = ""
