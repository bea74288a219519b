"""The picture: frames in a ring, what is in them, and the hand."""

from pathlib import Path

from tests.views.clock import events
from tests.views.clock.model import MachineClock
from tests.views.clock.value import ClockValue
from vmwidgets.pictures.at import At
from vmwidgets.pictures.registry import picture_of
from vmwidgets.views.scene.kit import arrow, card, center, label, ring, scene
from vmwidgets.views.scene.model import Scene, Table
from vmwidgets.views.story.stages import wrote
from vmwidgets.views.story.words.headlines import Facts
from vmwidgets.views.story.words.registry import fact, read

read(Path(__file__).with_name("clock.say"), vars(events))


@fact(Facts)
def _found_no_page(facts: Facts, _: None) -> bool:
    return bool(facts.of(events.PageReplaced))


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
