"""The clock: frames in a ring or a queue, their bits, and the hand."""

from __future__ import annotations

import vmwidgets as vm

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


def test_a_step_back_has_the_bits_and_the_hand_as_they_were():
    _m, t, a = turned()
    view = vm.Clock(t)
    after = pointed(view.scene())
    view.step = 0
    assert asked(view.scene(), a) == [(0, 1), (1, 0), (2, 0), (3, 1)]
    assert pointed(view.scene()) != after


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
    assert scene.subtitle == "fifo · pages of all tasks · 0 frames"
