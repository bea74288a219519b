"""The picture: frames in a ring, what is in them, and the hand."""

from tests.views.clock.events import HandMoved, PageReplaced, ReferenceSet
from tests.views.clock.model import MachineClock
from tests.views.clock.value import ClockValue
from vmwidgets.pictures.at import At
from vmwidgets.pictures.registry import picture_of
from vmwidgets.views.scene.kit import arrow, card, center, label, ring, scene
from vmwidgets.views.scene.model import Scene, Table
from vmwidgets.views.story.stages import wrote
from vmwidgets.views.story.words.headlines import Facts
from vmwidgets.views.story.words.names import Names
from vmwidgets.views.story.words.registry import Headline, headline_of, says, sentences

say = sentences(
    "clock",
    {
        "touch/hit": "touch found page {page} in frame {frame}.",
        "touch/miss": "touch put page {page} in frame {frame}.",
        "HandMoved": "The hand goes on to frame {frame}.",
        "ReferenceSet/set": "Frame {frame} is used: its reference bit is set.",
        "ReferenceSet/cleared": "Frame {frame} was used: it loses its reference bit and gets a second chance.",
        "PageReplaced/free": "Page {page} is put in the free frame {frame}.",
        "PageReplaced": "Page {before} was not used since the last round: page {page} takes frame {frame}.",
    },
)


@says(HandMoved, about="clock")
def _moved(event: HandMoved, _names: Names) -> str:
    return say("HandMoved", frame=event.after)


@says(ReferenceSet, about="clock")
def _marked(event: ReferenceSet, _names: Names) -> str:
    return say(f"ReferenceSet/{'set' if event.after else 'cleared'}", frame=event.frame)


@says(PageReplaced, about="clock")
def _replaced(event: PageReplaced, _names: Names) -> str:
    name = "PageReplaced/free" if event.before is None else "PageReplaced"
    return say(name, frame=event.frame, page=event.after, before=event.before)


@headline_of("touch", part=("clock",))
def _touched(facts: Facts) -> Headline:
    name = "touch/miss" if facts.of(PageReplaced) else "touch/hit"
    return Headline(say(name, page=facts.given["page"], frame=facts.result))


@picture_of(first_for=MachineClock, name="Dial")
def draw(at: At) -> Scene:
    """Page replacement: the frames in a ring, their reference bits, and the hand."""
    moment = at.moment
    value: ClockValue = at.value(at.target)
    places = ring(len(value.pages), 128, 48)
    new, changed = moment.marks("page", "clock").changed, moment.marks("referenced", "clock").changed
    cards = [
        card(
            f"clock/{frame}", place, ["free" if page is None else f"page {page}", f"frame {frame} {'· R' * used}"],
            thing=f"frame:{frame}", lane="clock",
            state=["new"] * (frame in new) + ["changed"] * (frame in changed - new),
        )
        for frame, (place, page, used) in enumerate(zip(places, value.pages, value.referenced, strict=True))
    ]  # fmt: skip
    x, y = center(places)
    hub = label("clock/hub", "hand", x - 14, y - 9, style="strong")
    rows = tuple(
        (str(frame), str(page), "R" * used)
        for frame, (page, used) in enumerate(zip(value.pages, value.referenced, strict=True))
    )
    return scene(
        "clock", "clock", f"{value.pages.count(None)} frames free", [*cards, hub],
        links=[arrow("clock/hand", hub, cards[value.hand], kind="walk", state=["path"])],
        caption=moment.caption, steps=moment.steps(wrote("page", "referenced", "hand", of="clock")),
        table=Table(("frame", "page", "used"), rows), machine=at.whole.name,
    )  # fmt: skip
