"""The clock: frames in a ring or a queue, their bits, and the hand."""

from __future__ import annotations

import random
import re
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vmwidgets as vm
from tests.captions import says, whole
from tests.engine.watch import Watch
from tests.views.test_past_lives import families, recorded
from tests.views.wholes import inside, rings
from vmwidgets.engine.memory.replacement import POLICIES
from vmwidgets.events import HandLooked, PageOut, PageWritten, ReferenceCleared, TlbFlushed

PAGE = vm.PAGE


def turned(policy="clock", frames=4):
    """A task with few frames that used more pages than that."""
    m = vm.boot("x86-64")
    m.swap_on("1 MiB")
    m.replacement = policy
    t = m.task("init")
    t.limit("rss", frames * PAGE)
    a = t.mmap(64 * PAGE)
    for page in (7, 0, 1, 2, 0, 3, 0, 4):
        t.read(a + page * PAGE)
    return m, t, a


def asked(scene, a):
    """The pages in the order in which they are asked, as the table has them, with R."""
    addresses = [int(row[2].split()[1].replace("_", ""), 16) for row in scene.table.rows]
    return [((address - a) // PAGE, int(row[4])) for address, row in zip(addresses, scene.table.rows, strict=True)]


def pointed(scene):
    """The frame that the hand points at."""
    return next(link.target for link in scene.links if link.id == "clock/hand")


def test_the_hand_points_at_the_page_that_is_asked_next():
    _m, t, a = turned()
    scene = vm.Clock(t).scene()
    first = scene.table.rows[0]
    assert pointed(scene) == f"clock/{int(first[1], 16)}"
    # by hand: 7 0 1 2 came; 3 took the place of 7 after one round; 0 was used again; 4 passed that and took 1's
    assert asked(scene, a) == [(2, 0), (3, 1), (0, 0), (4, 1)]


def test_what_came_and_what_went_in_an_operation_is_marked_also_in_a_frame_that_is_used_again():
    _m, t, a = turned()  # by hand: 4 came last, and took the place of 1
    view = vm.Clock(t)

    def marked(scene):
        new = [int(node.id.rpartition("/")[2]) for node in scene.nodes if "new" in node.state]
        gone = [node.text[0].text for node in scene.nodes if node.id.startswith("clock/gone/")]
        return [t.walk(a + 4 * PAGE).pa >> 12 == frame for frame in new], gone

    page = a + PAGE - t.map.entries()[0].start >> 12
    assert marked(view.scene()) == ([True], [f"evicted: page {page} of memory 1"])
    t.read(a + 4 * PAGE)
    assert marked(vm.Clock(t).scene()) == ([], [])
    view.step = 0
    assert marked(view.scene()) == ([], [])


@pytest.mark.parametrize("policy", ["clock", "fifo"])
def test_cards_say_in_which_order_they_are_asked_and_the_hand_moves_to_the_second(policy):
    _m, t, _a = turned(policy)
    scene = vm.Clock(t).scene()
    turns = {f"clock/{int(row[1], 16)}": row[0] for row in scene.table.rows}
    assert {node.id: node.text[1].text for node in scene.nodes if node.id in turns} == turns
    order = sorted(turns, key=lambda one: int(turns[one]))
    onwards = [(link.source, link.target) for link in scene.links if link.id == "clock/onwards"]
    assert onwards == [(order[0], order[1])] * (policy == "clock")


def test_a_step_back_has_the_bits_and_the_hand_as_they_were():
    _m, t, a = turned()
    view = vm.Clock(t)
    after = pointed(view.scene())
    view.step = 0
    assert asked(view.scene(), a) == [(0, 1), (1, 0), (2, 0), (3, 1)]
    assert pointed(view.scene()) != after


def test_frames_keep_their_seats_while_pages_leave_and_vacant_seats_are_where_pages_were():
    """By hand: a page is evicted for another, which has its seat; then two are freed."""
    _m, t, a = turned(frames=5)
    for change, most in ((lambda: t.read(a + 30 * PAGE), 1), (lambda: t.munmap(a + 2 * PAGE, 2 * PAGE), 2)):
        change()
        view, seats, vacant = vm.Clock(t), {}, set()
        for step in range(view.steps):
            view.step = step
            cards, empty = {}, set()
            for node in (node for node in view.scene().nodes if node.lane == "clock"):
                if node.kind == "ring-page":
                    cards[node.id] = node.x, node.y
                else:
                    empty.add((node.x, node.y))
            assert all(seats.setdefault(card, place) == place for card, place in cards.items())
            assert empty == {*seats.values()} - {*cards.values()}
            vacant.add(len(empty))
        assert vacant == {*range(most + 1)}


def test_a_ring_too_large_for_a_circle_is_drawn_from_the_hand_on():
    _m, t, a = turned(frames=30)
    for page in range(40):
        t.read(a + page * PAGE)
    scene = vm.Clock(t).scene()
    cards = [node for node in scene.nodes if node.lane == "clock"]
    assert len(cards) == 12
    assert pointed(scene) == cards[0].id
    assert any("18 more" in text.text for node in scene.nodes for text in node.text)
    assert len(scene.table.rows) == 30


def test_a_queue_has_no_hand():
    _m, t, _a = turned("fifo")
    assert not vm.Clock(t).scene().links


def test_where_each_task_has_its_ring_the_largest_is_drawn():
    m, _t, _a = turned(vm.Replacement("clock", local=True))
    other = m.task("other")
    other.read(other.mmap("8 KiB"))
    assert vm.Clock(m).scene().subtitle == "clock, local · pages of init · 1 other ring · 4 frames"
    assert vm.Clock(other).scene().subtitle == "clock, local · pages of other · 1 other ring · 1 frame"
    third = m.task("third")
    assert vm.Clock(third).scene().subtitle == "clock, local · pages of third · 2 other rings · 0 frames"


def test_nothing_in_memory_is_drawn_too():
    scene = vm.Clock(vm.boot()).scene()
    assert scene.subtitle == "FIFO · pages of all tasks · 0 frames"


def machine_with(policy, string, frames=3):
    """A task that made references, with so many frames; `policy` may be made of its first address."""
    m = vm.boot("x86-64")
    m.swap_on("1 MiB")
    t = m.task("init")
    a = t.mmap(64 * PAGE)
    m.replacement = policy(a) if callable(policy) else policy
    t.limit("rss", frames * PAGE)
    for page in string:
        t.read(a + page * PAGE)
    return m, t, a


def future_of(string):
    return lambda a: vm.Replacement("opt", future=tuple(a // PAGE + page for page in string))


@pytest.mark.parametrize("policy", [*(name for name in POLICIES if name != "opt"), future_of([0, 1, 2, 3, 1, 0, 4, 2])])
@pytest.mark.parametrize("string", [[0, 1, 2], [0, 1, 2, 3, 1], [0, 1, 2, 3, 1, 0], [2, 0, 1, 3, 2, 1]])
def test_the_page_that_is_asked_first_goes_unless_its_bit_is_set(policy, string):
    m, t, a = machine_with(policy, string)
    view = vm.Clock(t)
    before = asked(view.scene(), a)
    t.read(a + 4 * PAGE)
    gone = {page for page, _ in before} - {page for page, _ in asked(vm.Clock(t).scene(), a)}
    has_bits = m.replacement.policy in ("clock", "second chance")
    expected = next((page for page, bit in before if not bit), before[0][0]) if has_bits else before[0][0]
    assert gone == {expected}
    view.step = 0
    assert asked(view.scene(), a) == before, "the picture of before has the order of before"


def test_opt_says_when_each_page_is_used_next():
    _m, t, a = machine_with(future_of([0, 1, 2, 3, 0, 1]), [0, 1, 2])
    scene = vm.Clock(t).scene()
    assert asked(scene, a) == [(2, 1), (1, 1), (0, 1)]
    assert [row[6] for row in scene.table.rows] == ["never", "5", "4"]
    assert scene.table.header[6] == "next use"


def test_a_function_is_said_to_decide():
    _m, t, a = machine_with(lambda _: lambda pages: pages[-1], [2, 0, 1])
    scene = vm.Clock(t).scene()
    assert scene.subtitle == "a function decides · pages of init · 3 frames"
    assert scene.table.header[0] == "brought in"
    assert asked(scene, a) == [(2, 1), (0, 1), (1, 1)]


def test_a_tick_is_stepped_through_with_bits_and_counters():
    m, t, a = machine_with("aging", [0, 1])
    m.tick()
    t.read(a + PAGE)
    m.tick()
    view = vm.Clock(t)
    after = view.scene()
    assert [row[6] for row in after.table.rows] == ["01000000", "11000000"]
    assert after.table.header[6] == "counter"
    assert asked(after, a) == [(0, 0), (1, 0)]
    cards = [node for node in after.nodes if node.lane == "clock"]
    assert [card.text[-1].text for card in cards] == ["01000000", "11000000"]
    assert any(says("object events: PagesAged", str(said)) for said in after.steps.said)
    view.step = 0
    assert asked(view.scene(), a) == [(0, 0), (1, 1)]
    assert [row[6] for row in view.scene().table.rows] == ["10000000", "10000000"]


def bits(scene):
    """R and D of the first page."""
    return [int(cell) for cell in scene.table.rows[0][4:6]]


@pytest.mark.parametrize("architecture", ["x86-64", "riscv-sv39"])
def test_the_moment_in_which_a_bit_is_set_can_be_stepped_over(architecture):
    m = vm.boot(architecture)
    t = m.task("init")
    a = t.mmap("4 KiB")
    t.read(a)
    t.write(a, b"x")
    view = vm.Clock(t)
    steps = view.scene().steps
    (at,) = [number for number, said in enumerate(steps.said, 1) if says("cpus: PageMarked/dirty", str(said))]
    found = []
    for place in (at - 1, at):
        view.step = place
        found.append(bits(view.scene()))
    assert found == [[1, 0], [1, 1]]


def dirty_of(m):
    """The column D of the picture, by frame."""
    return {int(row[1], 16): row[5] == "1" for row in vm.Clock(m).scene().table.rows}


def untouched():
    """A machine with a page of zeroes that was read, and is mapped by nobody: the page, and its frame."""
    m = vm.boot("x86-64")
    m.swap_on("64 KiB")
    t = m.task("init")
    a = t.mmap(PAGE)
    t.read(a)
    frame = t.walk(a).pa >> 12
    t.mprotect(a, PAGE, "none")
    return m, a, frame


def test_a_page_of_zeroes_that_nobody_maps_and_nobody_wrote_is_clean(tmp_path):
    m, a, frame = untouched()
    then = m.journal.last.number
    assert dirty_of(m) == {frame: False}
    m.journal.save(tmp_path / "journal.jsonl.gz")
    assert dirty_of(vm.load_journal(tmp_path / "journal.jsonl.gz")) == {frame: False}
    m.tasks["init"].mprotect(a, PAGE, "rw")
    m.tasks["init"].write(a, b"x")
    m.tasks["init"].mprotect(a, PAGE, "none")
    assert dirty_of(m) == {frame: True}
    assert dirty_of(m.at(then)) == dirty_of(m.branch(then)) == {frame: False}
    m.undo(3)
    assert dirty_of(m) == {frame: False}
    m.redo(3)
    assert dirty_of(m) == {frame: True}


def test_a_step_before_the_first_write_the_page_is_still_clean():
    m, a, frame = untouched()
    t = m.tasks["init"]
    t.mprotect(a, PAGE, "rw")
    t.page_out(a)
    assert [(one.to, one.has) for one in m.journal.last.events if isinstance(one, PageOut)] == [("nowhere", "zeroes")]
    t.read(a)
    frame = t.walk(a).pa >> 12
    t.mprotect(a, PAGE, "none")
    t.mprotect(a, PAGE, "rw")
    t.write(a, b"x")
    events = m.journal.last.events
    (at,) = [number for number, one in enumerate(events) if isinstance(one, PageWritten)]
    before, after = (inside(m, done, rings)[""].pages for done in (at, at + 1))
    assert [(one.frame, one.dirty) for one in (*before, *after)] == [(frame, False), (frame, True)]


def test_before_the_page_left_it_a_frame_had_what_that_page_had():
    m, a, _ = untouched()
    t = m.tasks["init"]
    t.limit("rss", PAGE)
    t.mprotect(a, PAGE, "rw")
    t.write(a, b"x")
    t.mprotect(a, PAGE, "none")
    frame, b = m.replacement.value().rings["init"].pages[0].frame, t.mmap(PAGE)
    t.read(b)  # a page of zeroes comes, in the frame of the one that has to go
    assert [(page.frame, page.dirty) for page in m.replacement.value().rings["init"].pages] == [(frame, False)]
    before = inside(m, 0, rings)["init"].pages
    assert [(page.frame, page.dirty) for page in before] == [(frame, True)]


@pytest.mark.parametrize("writes", [False, True])
def test_what_a_task_wrote_that_has_ended_since_was_dirty(writes):
    m = vm.boot("x86-64")
    m.swap_on("64 KiB")
    t = m.task("init")
    a = t.mmap(PAGE, flags="shared")
    child = t.fork()
    child.read(a)
    if writes:  # by the translation that is there: only its dirty bit tells
        child.write(a, b"x")
    child.exit()
    before = inside(m, 0, rings)[""].pages
    assert [page.dirty for page in before] == [writes]


@pytest.mark.parametrize("architecture", ["x86-64", "riscv-sv39"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_at_every_event_a_page_is_dirty_where_the_kernel_would_write_it(architecture, seed):
    draws, life = random.Random(seed), families(architecture, seed)
    watches, compared = {}, Counter()

    def kernel(m):
        """What the kernel would do with each page at this event, unless it is just on its way to another object."""
        memory = m.system.task_memory
        pages = memory.pages.items()
        return {frame: memory.dirty(one) for frame, one in pages if one.owner.pages.get(one.index) == frame}

    def begin(m):
        if id(m) not in watches:
            watches[id(m)] = Watch(m.system.recorder, lambda: kernel(m), lambda: draws.random() < 0.2)
        watches[id(m)].begin()

    for m in recorded(life, 100, begin):
        moments = m.history.moments(m.journal.last.number, rings)
        for done, then in [*watches[id(m)].seen, (len(moments) - 1, kernel(m))]:
            for ring in moments[done].values():
                for page in ring.pages:
                    if page.frame in then:
                        assert page.dirty == then[page.frame], (page, done, m.journal.last)
                        compared[page.dirty] += 1
    assert min(compared[False], compared[True]) > 200


def test_a_reference_bit_that_the_kernel_sets_is_a_step_too():
    m = vm.boot("aarch64")
    t = m.task("init")
    a = t.mmap("4 KiB")
    m.replacement = "aging"
    t.read(a)
    m.tick()
    t.read(a)
    said = [str(one) for one in vm.Clock(t).scene().steps.said]
    assert any(says("cpus: PageMarked/referenced", one) for one in said)


def test_a_ring_without_pages_says_so() -> None:
    machine = vm.boot("x86-64")
    task = machine.task("init")
    for thing, whose in ((machine, "a task"), (task, "task init")):
        scene = vm.Clock(thing).scene()
        assert whole(scene.caption).startswith(f"No page of {whose} is in memory.")
        assert not scene.nodes
    task.write(task.mmap("4 KiB"), b"x")
    assert "No page" not in whole(vm.Clock(machine).scene().caption)


@pytest.mark.parametrize("policy", ["clock", "nru", "aging", "lru"])
@pytest.mark.parametrize("architecture", ["x86-64", "aarch64", "riscv-sv39"])
@pytest.mark.parametrize("seed", [6, 7, 8])
def test_the_first_pages_of_a_ring_are_those_of_the_whole_ring(architecture, policy, seed):
    compared = 0
    for m in recorded(families(architecture, seed), 60, lambda m: None):
        if m.replacement.setting.policy != policy:
            m.replacement = policy
        whole = m.replacement.value().rings
        for name, ring in m.replacement.value(3).rings.items():
            assert ring == replace(whole[name], pages=whole[name].pages[:3])
            compared += len(ring.pages)
    assert compared > 100


def test_a_table_of_a_large_ring_has_the_pages_that_are_asked_first():
    m = vm.boot("x86-64")
    t = m.task("init")
    t.mmap(250 * PAGE, flags="private|populate")
    rows = vm.Clock(m).scene().table.rows
    assert (len(rows), rows[0][0], rows[-2][0], rows[-1][:2]) == (201, "1", "200", ("…", "50 more"))


def test_the_arrow_onwards_is_explained_where_it_is_drawn():
    m, *_ = turned()
    for policy, is_drawn in (("clock", True), ("fifo", False)):
        m.replacement = policy
        scene = vm.Clock(m).scene()
        said = [run.text for node in scene.nodes for run in node.text]
        assert ("arrow between cards: where the hand moves next" in said) == is_drawn
        assert any(link.id == "clock/onwards" for link in scene.links) == is_drawn


def test_a_page_on_its_way_in_is_mapped_nowhere_and_its_number_is_said_once():
    _m, t, _a = turned()
    view, waiting = vm.Clock(t), []
    for step in range(view.steps):
        view.step = step
        cards = [[line.text for line in node.text] for node in view.scene().nodes if node.id.startswith("clock/")]
        waiting += [card for card in cards if "mapped nowhere" in card]
    assert waiting
    for card in waiting:
        assert sum(text.startswith("page ") for text in card) == 1, card


def test_a_card_says_whether_its_page_was_used_and_written() -> None:
    m, t, a = turned()

    def said() -> list[str]:
        scene = vm.Clock(m).scene()
        bits = {f"frame:{int(row[1], 16)}": (row[4] == "1", row[5] == "1") for row in scene.table.rows}
        cards = [node for node in scene.nodes if node.kind == "ring-page"]
        for card in cards:
            used, written = bits[card.thing]
            assert card.text[-1].text == f"R is {used:d}" + ", written" * written
        return [card.text[-1].text for card in cards]

    assert not any("written" in one for one in said())  # the pages have only been read
    assert any("R is 0" in one for one in said())
    t.write(a, b"x")
    assert sum("written" in one for one in said()) == 1


@pytest.mark.parametrize("width", [420, 900])
def test_what_the_hand_did_is_said_page_by_page(width: int) -> None:
    m, t, _a = turned()  # by hand: 4 passed 0, which was used again, and took 1's place
    scene = vm.Clock(t, width=width).scene()
    looked = [event for event in m.journal.last.events if isinstance(event, HandLooked)]
    said = [node for node in scene.nodes if node.id.startswith("clock/looked/")]
    assert [node.thing for node in said] == [f"frame:{event.frame}" for event in looked]
    for number, (node, event) in enumerate(zip(said, looked, strict=True), 1):
        words = [run.text for run in node.text]
        assert words[:2] == [str(number), f"frame {event.frame:#x}: R is {event.found == 'used':d}"]
        assert ("stays" in words[2]) == (event.found == "used")
    assert len(looked) > 1
    links = {link.id: link for link in scene.links}
    boxes = {node.id: node for node in scene.nodes}
    ends = links["clock/way"].points[0], links["clock/way"].points[-1]
    for event, (x, y) in zip((looked[0], looked[-1]), ends, strict=True):  # along the ring, from the first to the last
        box = boxes[f"clock/{event.frame}"]
        assert (box.x + box.w / 2, box.y + box.h / 2) == pytest.approx((x, y), abs=8)
    assert (said[0].x > max(node.x for node in scene.nodes if node.kind == "ring-page")) == (width == 900)


def test_the_headline_says_what_was_evicted_or_where_the_hand_is_and_what_was_noted_there() -> None:
    _m, t, a = turned()
    for referenced in (0, 1):
        scene = vm.Clock(t).scene()
        first = scene.table.rows[0]
        assert first[4] == str(referenced)
        gone = [run.text for node in scene.nodes if node.id.startswith("clock/gone/") for run in node.text]
        caption = scene.caption
        assert bool(gone) == (not referenced)
        if gone:
            assert caption.text.partition(" was ")[0].casefold() == gone[0].removeprefix("evicted: ")
        assert f"The hand is at {first[3].partition(' of ')[0]} of memory 1." in whole(caption)
        assert (f"Next in turn for eviction: {first[3]}." in whole(caption)) == (not referenced)
        at_the_hand = next(node for node in scene.nodes if node.id == pointed(scene))
        assert (at_the_hand.text[-1].text == "R is 1") == bool(referenced)
        t.read(a + 2 * PAGE)  # by hand: the page at the hand


@pytest.mark.parametrize("policy", ["fifo", "lru", "second chance", "clock", "aging", "nru"])
@given(made=st.lists(st.tuples(st.integers(0, 11), st.sampled_from("rwt")), min_size=6, max_size=24))
def test_the_page_that_is_next_in_turn_is_evicted(policy: str, made: list[tuple[int, str]]) -> None:
    m, t, a = turned(policy)
    for page, what in made:
        if what == "t":
            m.tick()
        elif what == "w":
            t.write(a + page * PAGE, b"x")
        else:
            t.read(a + page * PAGE)
    scene = vm.Clock(t).scene()
    said = r"(Next in turn for eviction:|after one round,) (page \d+ of memory 1)\b"
    ((how, page),) = re.findall(said, whole(scene.caption))
    if policy in ("clock", "second chance"):
        used = {row[3]: row[4] for row in scene.table.rows}
        assert (how == "after one round,") == (used[page] == "1"), "a used page is spared once"
    (dashed,) = (node for node in scene.nodes if "ghost" in node.state)
    assert page in dashed.title
    t.write(a + 40 * PAGE, b"x")
    assert vm.Clock(t).scene().caption.text == f"{page[:1].upper()}{page[1:]} was evicted."


@pytest.mark.parametrize("policy", ["clock", "fifo"])
def test_what_is_freed_is_not_evicted(policy: str) -> None:
    _m, t, a = turned(policy)
    for free in (lambda: t.munmap(a + 3 * PAGE, PAGE), t.exit):
        free()
        scene = vm.Clock(t).scene()
        gone = [run.text for node in scene.nodes if node.id.startswith("clock/gone/") for run in node.text]
        assert all(one.startswith(("freed: ", "… and ")) for one in gone), gone
        assert "was evicted" not in scene.caption.text


def test_a_hand_that_goes_all_around_has_cleared_the_page_that_it_takes() -> None:
    _m, t, a = turned()
    for page, _ in asked(vm.Clock(t).scene(), a):
        t.read(a + page * PAGE)
    t.write(a + 40 * PAGE, b"x")
    assert "the hand cleared R of all 4 pages." in vm.Clock(t).scene().caption.reason


@pytest.mark.parametrize("policy", ["clock", "second chance"])
def test_the_reference_bits_are_counted_and_those_that_were_cleared(policy: str) -> None:
    m, t, a = turned(policy)
    scene = vm.ReferenceBits(m).scene()
    total = sum(int(one) for row in scene.table.rows for one in row[1:])
    seen = sum(int(row[1]) + int(row[2]) for row in scene.table.rows)
    written = sum(int(row[1]) + int(row[3]) for row in scene.table.rows)
    first, _, rest = scene.caption.text.partition("; ")
    assert first == f"{seen} of {total} pages {'was' if seen == 1 else 'were'} used"
    assert rest.startswith(f"{written} must be saved" if written else "none has to be saved")
    for page in range(20, 30):
        t.write(a + page * PAGE, b"x")
        events = m.journal.last.events
        cleared = sum(isinstance(event, vm.events.ReferenceCleared) for event in events)
        cleared += sum(isinstance(event, vm.events.HandLooked) and event.found == "used" for event in events)
        said = whole(vm.ReferenceBits(m).scene().caption)
        assert (f"{cleared} reference bit" in said) == bool(cleared)
        if cleared:
            return
    raise AssertionError("no bit was cleared")


def test_a_bit_that_a_policy_clears_is_one_step_with_its_tables() -> None:
    """The bit changes before the TLB drops the translation, and the policy reports it after that: all is one step."""
    m, t, a = turned("second chance")
    for page in (3, 5, 6):
        t.read(a + page * PAGE)
    view = vm.Clock(t)
    own, events = view.scene().steps.places, m.journal.last.events
    story = view.at().moment.story.steps
    for cleared in (place for place, event in enumerate(events) if isinstance(event, ReferenceCleared)):
        flushed = max(place for place, event in enumerate(events[:cleared]) if isinstance(event, TlbFlushed))
        ends = [step.index + 1 for step in story if flushed <= step.index <= cleared]
        assert len({*ends} & {*own}) == 1
