"""The table of grids of a string of references says what the values say, and shows Belady's anomaly at one glance."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest

import vmwidgets as vm
from tests.captions import fields_of, saying, whole
from tests.views.test_kmem_layout import sound
from vmwidgets.engine.base.errors import Refused
from vmwidgets.views.scene.model import Node, Scene
from vmwidgets.views.story.words.names import policy_name

BELADY = "1 2 3 4 1 2 5 1 2 3 4 5"
TEXTBOOK = "7 0 1 2 0 3 0 4 2 3 0 3 2 1 2 0 1 7 0 1"


def string_of(scene: Scene) -> list[str]:
    """The pages that are written once, above the first column of grids."""
    lines = [node for node in scene.nodes if node.id.startswith("references/string/") and node.id.endswith("/0")]
    bold = [(line.y, run.x, run.text) for line in lines for run in line.text if run.style == "mono strong body"]
    return [text for _, _, text in sorted(bold)]


def all_whole(picture: vm.References) -> Scene:
    """The scene after a press on the name of each run that is not drawn."""
    while folded := [one for one in picture.scene().nodes if one.kind == "press"]:
        picture.opened(folded[0].id)
    return picture.scene()


def columns(scene: Scene, block: int) -> list[Node]:
    """The references of a block, in the order of the string."""
    found = [node for node in scene.nodes if node.kind == "reference" and node.id.startswith(f"references/{block}/")]
    return sorted(found, key=lambda node: int(node.thing.partition(":")[2]))


@pytest.mark.parametrize("width", [420, 900, 1600])
@pytest.mark.parametrize("policy", ["fifo", "clock", "second chance", "working set", "lru", "opt"])
def test_each_column_is_its_step(width, policy):
    found = vm.reference_string(TEXTBOOK, 3, vm.Replacement(policy, window=3, future=(0,)))
    picture = vm.References(found, width=width)
    scene = picture.scene()
    sound(scene)
    drawn = columns(scene, 0)
    steps = found.runs[0].steps
    assert len(drawn) == len(steps)
    assert string_of(scene) == [str(step.page) for step in steps]
    for node, step in zip(drawn, steps, strict=True):
        said = [run.text for run in node.text]
        gone = ",".join(map(str, step.gone))
        expected = ["●"] * step.fault + [str(page) for page in step.pages if page is not None]
        assert said == expected + ([gone] if gone else [])
        assert [run.text for run in node.text if "strong" in run.style] == [str(step.page)], "bold: the page itself"
        assert node.state == (("miss",) if step.fault else ("hit",))
        looks = [bar.style for bar in node.bars]
        assert looks.count("mark") == (len(step.referenced) if found.runs[0].uses_bits else 0)
        assert looks.count("next") == (policy == "clock")


def test_the_hand_and_the_bits_are_at_their_frames():
    found = vm.reference_string(TEXTBOOK, 3, "clock")
    for node, step in zip(columns(vm.picture(found).scene(), 0), found.runs[0].steps, strict=True):
        hand = next(bar.y + bar.h / 2 for bar in node.bars if bar.style == "next")
        bold = next(run.y for run in node.text if "strong" in run.style)
        frames = sorted({run.y for run in node.text if "body" in run.style})
        high = 22.0
        assert round((hand + 3 - bold) / high) == step.hand - step.frame
        lines = [bar.y for bar in node.bars if bar.style == "mark"]
        assert {round((y - bold) / high) + step.frame for y in lines} == step.referenced
        assert len(frames) == sum(page is not None for page in step.pages)
        assert f"hand at frame {step.hand}" in node.title


def test_one_reference_is_one_thing_in_all_blocks():
    picture = vm.References(vm.reference_string(TEXTBOOK, (3, 4), ("fifo", "opt")))
    best = saying(
        "strings of references: alone", policy="FIFO", faults="15 faults with 3 frames and 10 faults with 4 frames"
    )
    limit = saying(
        "strings of references: limit", policy="OPT", faults="9 faults with 3 frames and 8 faults with 4 frames"
    )
    assert (picture.scene().caption.text, picture.scene().caption.reason) == (best, limit)
    assert sum(node.thing == "reference:7" for node in picture.scene().nodes) == 4
    picture.selection = "reference:7"
    assert whole(picture.scene().caption) == (
        saying(
            "strings of references: reference",
            number="8",
            page="4",
            what="FIFO with 3 frames: fault, 2 is evicted; FIFO with 4 frames: fault, 0 is evicted; "
            "OPT with 3 frames: fault, 0 is evicted; OPT with 4 frames: fault, 1 is evicted",
        )
    )
    picture.selection = "reference:99"
    assert picture.scene().caption.text == best
    alone = whole(vm.References(vm.reference_string(TEXTBOOK, (1, 2, 3, 4), "fifo")).scene().caption)
    assert alone == saying(
        "strings of references: alone", policy="FIFO", faults="20 faults with 1 frame and 10 faults with 4 frames"
    )


def test_a_w_is_explained_where_it_stands():
    for string, is_there in (("A Bw C", True), ("A B C", False)):
        scene = vm.picture(vm.reference_string(string, 2, "fifo")).scene()
        key = " ".join(run.text for node in scene.nodes if node.id == "references/legend" for run in node.text)
        assert ("w: " in key) == is_there


def test_the_caption_names_the_best_where_policies_differ_most() -> None:
    found = vm.reference_string(BELADY, (2, 3, 4, 5), ("fifo", "lru", "opt"))
    apart = {size: abs(found.faults("fifo", size) - found.faults("lru", size)) for size in found.frames}
    assert max(apart.values()) == apart[4] > apart[3]
    assert whole(vm.References(found).scene().caption).startswith(
        saying("strings of references: best/limit", 1, policies="LRU", times="8 times with 4 frames")
        + " "
        + saying("strings of references: limit", policy="OPT", faults="6 faults with 4 frames")
    )


def test_belady_is_in_the_caption():
    scene = vm.picture(vm.reference_string(BELADY, (3, 4), ("fifo", "lru"))).scene()
    assert scene.caption.reason.endswith("Belady's anomaly: FIFO has 9 faults with 3 frames, and 10 with 4.")


def test_the_numbers_of_the_anomaly_are_said_once() -> None:
    said = whole(vm.picture(vm.reference_string(BELADY, (3, 4), "fifo")).scene().caption)
    assert "Belady" in said
    assert (said.count("9 faults"), said.count("10")) == (1, 1)


@pytest.mark.parametrize("width", [420, 1600])
def test_a_long_string_is_drawn_in_parts_that_miss_nothing(width):
    string = [number % 7 for number in range(1000)]
    picture = vm.References(vm.reference_string(string, 3, ("fifo", "lru")), width=width)
    seen: list[int] = []
    for _ in range(20):
        scene = picture.scene()
        assert len(scene.nodes) < 300
        seen += [int(node.thing.partition(":")[2]) for node in columns(scene, 1)]
        later = [node for node in scene.nodes if node.kind == "fold" and "later" in node.title]
        if not later:
            break
        picture.opened(later[0].id)
    assert seen == list(range(1000))
    assert picture.first == seen[-len(columns(picture.scene(), 1))], "the last part begins where it was asked to"
    earlier = next(node for node in picture.scene().nodes if node.kind == "fold")
    before = picture.first
    picture.opened(earlier.id)
    assert picture.first < before


def test_the_table_has_every_reference():
    found = vm.reference_string("1 2w 1 3", 2, "clock")
    ((_, table),) = vm.picture(found).scene().table.more
    assert table.header == ("reference", "page", "frame 0", "frame 1", "bits", "hand", "fault", "evicted")
    assert table.rows[1] == ("2", "2w", "1", "2", "0 1", "0", "fault", "")
    assert table.rows[3] == ("4", "3", "3", "2", "0", "1", "fault", "1")


def test_other_things_are_refused():
    with pytest.raises(Refused, match=r"the result of vm.reference_string\(\.\.\.\), not 701"):
        vm.References(701)
    with pytest.raises(Refused, match=r"reference 1, 'text', is not a page"):
        vm.References("text")


def test_a_string_is_drawn_as_the_function_reads_it() -> None:
    found = vm.References(vm.reference_string(TEXTBOOK)).to_text()
    assert vm.References(TEXTBOOK).to_text() == found
    assert vm.References([int(page) for page in TEXTBOOK.split()]).to_text() == found


@pytest.mark.parametrize("width", [900, 1600])
def test_policies_are_rows_and_numbers_of_frames_are_columns_where_there_is_room(width: int) -> None:
    found = vm.reference_string(BELADY, (3, 4), ("fifo", "opt"))
    view = vm.References(found)
    view.width = width
    scene = view.scene()
    sound(scene)
    fifo, fifo_more, opt, opt_more = (columns(scene, block) for block in range(4))
    assert fifo[0].y == fifo_more[0].y < opt[0].y == opt_more[0].y
    for here, above in ((opt, fifo), (opt_more, fifo_more)):
        assert [node.x for node in here] == [node.x for node in above], "a reference is below itself"
    assert fifo[-1].x < fifo_more[0].x
    view.width = 420
    narrow = view.scene()
    sound(narrow)
    assert [columns(narrow, block)[0].x for block in range(4)] == [columns(narrow, 0)[0].x] * 4
    assert len({columns(narrow, block)[0].y for block in range(4)}) == 4


@pytest.mark.parametrize("width", [560, 600, 840, 860])
def test_each_of_two_grids_beside_each_other_has_its_name_and_count(width: int) -> None:
    found = vm.reference_string(BELADY, (3, 4), ("fifo", "clock"))
    scene = vm.References(found, width=width).scene()
    sound(scene)
    texts = [run.text for node in scene.nodes for run in node.text]
    for block, run in enumerate(found.runs):
        assert f"{policy_name(run.policy)}, {run.frames} frames" in texts
        assert any(text.removeprefix("▲ ").startswith(f"{run.faults} faults") for text in texts), block
    is_beside = columns(scene, 0)[0].y == columns(scene, 1)[0].y
    assert is_beside == (width >= 840)


def margin(scene: Scene, block: int) -> Node:
    return next(node for node in scene.nodes if node.id == f"references/{block}/faults")


def test_belady_is_in_the_margin_and_the_fewest_faults_too() -> None:
    found = vm.reference_string(BELADY, (3, 4), ("fifo", "lru", "opt"))
    scene = all_whole(vm.References(found))
    for block, run in enumerate(found.runs):
        said = [one.text for one in margin(scene, block).text]
        assert said[0] == str(run.faults)
        assert ("▲ 1 more" in said) == ((run.policy, run.frames) == ("fifo", 4))
        best = {3: "fifo", 4: "lru"}[run.frames]
        assert ("the limit" in said) == (run.policy == "opt")
        assert ("fewest" in said) == (run.policy == best)
    narrow = all_whole(vm.References(found, width=420))
    for block, run in enumerate(found.runs):
        name = next(node for node in narrow.nodes if node.id == f"references/run/{block}/0")
        rank = {("lru", 4): "fewest", ("fifo", 3): "fewest"}.get((run.policy, run.frames), "")
        rank = "the limit" if run.policy == "opt" else rank
        wanted = ", 1 more" if (run.policy, run.frames) == ("fifo", 4) else f", {rank}" * bool(rank)
        assert name.text[1].text == f"{'▲ ' * ('more' in wanted)}{run.faults} faults{wanted}"


def test_no_policy_is_the_best_of_equals() -> None:
    scene = vm.References(vm.reference_string("1 2 3", 2, ("fifo", "lru"))).scene()
    assert not any(run.text == "fewest" for node in scene.nodes for run in node.text)


def test_of_many_runs_the_best_one_is_drawn_and_the_others_when_their_names_are_pressed() -> None:
    found = vm.reference_string(TEXTBOOK, (1, 2, 3, 4, 5, 6), ("fifo", "lru", "opt"))
    picture = vm.References(found)
    scene = picture.scene()
    sound(scene)

    def whole() -> set[int]:
        return {block for block in range(len(found.runs)) if columns(picture.scene(), block)}

    apart = {size: found.faults("fifo", size) - found.faults("lru", size) for size in found.frames}
    size = max(apart, key=lambda one: abs(apart[one]))
    decide = {found.runs.index(found.run("lru" if apart[size] > 0 else "fifo", size))}
    assert whole() == decide
    pressed = {node.id for node in scene.nodes if node.kind == "press"}
    assert pressed == {f"references/switch/{one}" for one in range(len(found.runs)) if one not in decide}
    chosen = found.runs.index(found.run("lru", 3 if size != 3 else 4))
    picture.opened(f"references/switch/{chosen}")
    assert whole() == decide | {chosen}
    sound(picture.scene())
    picture.opened(f"references/run/{chosen}/0")
    picture.opened(f"references/run/{min(decide)}/0")
    assert whole() == decide - {min(decide)}, "a grid that decides can be folded too"


def test_each_press_on_a_row_opens_or_folds_it_at_each_width() -> None:
    found = vm.reference_string(TEXTBOOK, (3, 4), ("fifo", "lru", "clock", "opt"))
    picture = vm.References(found, width=420)

    def drawn() -> list[int]:
        return [len(columns(picture.scene(), block)) for block in range(len(found.runs))]

    picture.opened("references/run/1/0")  # alone at this width
    picture.width = 1_600
    for _ in range(2):
        before = drawn()
        ways = "references/switch/0", "references/run/0/"
        picture.opened(next(node.id for node in picture.scene().nodes if node.id.startswith(ways)))
        assert drawn() != before


def test_the_faults_of_many_runs_are_bars_with_the_fewest_first_and_the_limit_last() -> None:
    found = vm.reference_string(TEXTBOOK, (3, 4), ("fifo", "opt", "lru"))
    scene = vm.References(found).scene()
    bars = {node.id.split("/")[2]: node for node in scene.nodes if node.id.startswith("references/bar/")}
    size = 3 if abs(found.faults("fifo", 3) - found.faults("lru", 3)) >= abs(
        found.faults("fifo", 4) - found.faults("lru", 4)) else 4  # fmt: skip
    wide = {policy: sum(bar.w for bar in node.bars) for policy, node in bars.items()}
    for policy, node in bars.items():
        faults = found.faults(policy, size)
        assert wide[policy] / wide["fifo"] == pytest.approx(faults / found.faults("fifo", size))
        assert str(faults) in [run.text for run in node.text]
    assert sorted(bars, key=lambda one: bars[one].y) == [
        *sorted(("fifo", "lru"), key=lambda one: found.faults(one, size)), "opt",
    ]  # fmt: skip  # a list


def test_a_string_that_just_fits_beside_another_is_in_one_line() -> None:
    view = vm.References(vm.reference_string(TEXTBOOK, (3, 4), ("fifo", "lru", "opt")))
    view.width = 1600
    scene = all_whole(view)
    for policy in range(3):
        assert columns(scene, 2 * policy)[0].y == columns(scene, 2 * policy + 1)[0].y
    assert len({node.y for node in columns(scene, 0)}) == 1


def test_no_line_of_a_string_is_much_shorter_than_the_others() -> None:
    scene = vm.picture(vm.References(vm.reference_string(TEXTBOOK, 3, "clock"), width=420)).scene()
    lines = [[node for node in columns(scene, 0) if node.lane == lane] for lane in ("references/0/0", "references/0/1")]
    assert [len(line) for line in lines] == [10, 10]


@pytest.mark.parametrize("width", [420, 900, 1600])
@pytest.mark.parametrize("index", [0, 3, 5, 19])
def test_a_number_above_the_string_is_the_titles_number(index: int, width: int) -> None:
    picture = vm.References(vm.reference_string(TEXTBOOK, 3, ("second chance", "clock")), width=width)
    picture.selection = f"reference:{index}"
    scene = picture.scene()
    node = next(node for node in columns(scene, 0) if node.thing == picture.selection)
    numbers = {
        (line.id.split("/")[2], round(line.x + run.x)): run
        for line in scene.nodes
        if line.id.startswith("references/string/")
        for run in line.text
        if run.text.isdecimal() and "mono" not in run.style
    }
    (bold,) = [run.text for run in numbers.values() if run.style == "strong"]
    assert bold == fields_of("strings of references: reference", scene.caption)["number"] == f"{index + 1}"
    assert f"reference {bold}:" in node.title
    found = [numbers.get((one.id.split("/")[2], round(one.x + one.w / 2))) for one in columns(scene, 0)]
    for one, said in zip(columns(scene, 0), found, strict=True):
        assert said is None or one.title.startswith(f"reference {said.text}:")
    assert sum(run is not None for run in found) == len(numbers)


@pytest.mark.parametrize("form", ["svg", "snapshot", "html"])
def test_a_file_marks_the_selected_reference_in_all_grids(form: str) -> None:
    picture = vm.picture(vm.References(vm.reference_string(TEXTBOOK, (3, 4), ("fifo", "opt"))))

    def made() -> str:
        return unquote(
            {"svg": picture.to_svg, "snapshot": picture.snapshot().to_svg, "html": picture.to_html}[form]()
        ).replace("'", '"')

    marked = re.compile(r'<g class="node reference (?:hit|miss) selected"')
    assert not marked.search(made())
    picture.selection = "reference:7"
    assert len(marked.findall(made())) == made().count('<path class="shade"') == 4
    assert ".node.selected" in made(), "the mark is in the style sheet of the file"


@pytest.mark.parametrize("width", [420, 900])
@pytest.mark.parametrize("page", [10_995_116_277_760, (1 << 52) - 8])
def test_a_long_page_number_is_written_whole(page: int, width: int) -> None:
    string = " ".join(f"{page + number}w |" for number in (1, 2, 3, 4, 1, 2, 5))
    picture = vm.picture(vm.References(vm.reference_string(string, 3, "clock"), width=width))
    runs = [run for node in picture.scene().nodes for run in node.text if str(page)[:8] in run.text]
    assert len(runs) > 7
    assert not [run.text for run in runs if run.room]


@pytest.mark.parametrize("width", [420, 900])
def test_grids_of_many_frames_fit_a_few_screens_and_folds_lead_to_the_rest(width: int) -> None:
    numbers = [at * 7 % 40 for at in range(200)]
    picture = vm.References(vm.reference_string(numbers, 40, ("lru", "clock")), width=width)
    seen: list[str] = []
    while True:
        scene = picture.scene()
        assert scene.height < 2000
        seen += string_of(scene)
        later = [node for node in scene.nodes if node.kind == "fold" and "later" in node.text[0].text]
        if not later:
            break
        picture.opened(later[0].id)
    assert seen == list(map(str, numbers))
