"""What pictures of comparisons claim: maps, formats, a task beside a domain, a task beside a system; references."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from vmwidgets.engine.base.units import grouped_size
from vmwidgets.views.scene.text import visible

from .claiming import Said, claim
from .claims_domains import vnodes
from .pictured import Pictured
from .reading import PAGE, bytes_of, counted, number

# ---- maps ----------------------------------------------------------------------------------------


def outcomes(seen: Pictured) -> list[list[str]]:
    """What each map answered to each operation."""
    return [[one.result + " failed" * one.failed for one in row.outcomes] for row in seen.subject.rows]


SYSTEMS = {"x15": "X15", "freebsd": "FreeBSD"}


def called(label: str) -> str:
    """How people call the map that a program calls `label`."""
    system, _, fit = label.rpartition(" ")
    return SYSTEMS[label] if label in SYSTEMS else f"{fit} fit" + f" of {SYSTEMS.get(system)}" * bool(system)


@claim("comparisons: maps/one")
def one_map(seen: Pictured, said: Said) -> None:
    assert [called(one.label) for one in seen.subject.maps] == [said["map"]]
    assert len(outcomes(seen)) == number(said["count"])


@claim("comparisons: maps/agree")
def maps_agree(seen: Pictured, said: Said) -> None:
    assert all(len(set(row)) == 1 for row in outcomes(seen))


@claim("comparisons: maps/disagree")
def maps_disagree(seen: Pictured, said: Said) -> None:
    assert len([row for row in outcomes(seen) if len(set(row)) > 1]) == number(said["differing"])
    assert len(outcomes(seen)) == number(said["count"])


@claim("comparisons: maps/first")
def first_difference(seen: Pictured, said: Said) -> None:
    place = next(place for place, row in enumerate(outcomes(seen)) if len(set(row)) > 1)
    row = seen.subject.rows[place]
    assert said["operation"] == visible(str(row.operation))
    answers = dict.fromkeys(one.result for one in row.outcomes)
    parts = said["answers"].split("; ")
    assert len(parts) == len(answers)
    for part, answer in zip(parts, answers, strict=True):
        labels = [
            called(one.label) for one, it in zip(seen.subject.maps, row.outcomes, strict=True) if it.result == answer
        ]
        assert part == f"{', '.join(labels)}: {visible(answer)}"


@claim("comparisons: maps/apart")
def maps_apart(seen: Pictured, said: Said) -> None:
    place = next(place for place, row in enumerate(outcomes(seen)) if len(set(row)) > 1)
    assert seen.subject.rows[place].number == number(said["operation"])
    ends = [[(entry.start, entry.end) for entry in one.map.entries] for one in seen.subject.maps]
    assert all(one == ends[0] for one in ends)


def work(seen: Pictured) -> dict[str, int]:
    """The nodes and gaps that each map looked at, in all operations."""
    rows, maps = seen.subject.rows, seen.subject.maps
    return {called(one.label): sum(row.outcomes[place].steps for row in rows) for place, one in enumerate(maps)}


@claim("comparisons: maps/equal work")
def equal_work(seen: Pictured, said: Said) -> None:
    assert {*work(seen).values()} == {number(said["least"])}


@claim("comparisons: maps/work")
def unequal_work(seen: Pictured, said: Said) -> None:
    found = work(seen)
    for names, count, steps in (
        (said["fewest"], said["least"], min(found.values())),
        (said["most"], said["more"], max(found.values())),
    ):
        assert number(count) == steps
        assert names == " and ".join(label for label in found if found[label] == steps), "one of several is not the one"


# ---- a task beside the system --------------------------------------------------------------------


@claim("comparisons: diff/agree")
def diff_agrees(seen: Pictured, said: Said) -> None:
    assert seen.subject == 0, "so many ranges of the text were made to differ"


@claim("comparisons: diff/disagree")
def diff_disagrees(seen: Pictured, said: Said) -> None:
    assert seen.subject == number(said["count"])
    assert len([row for row in seen.rows() if "≠" in "".join(row.values())]) == number(said["count"])


def missing(seen: Pictured) -> list[dict[str, str]]:
    """The ranges that should agree, if all of them are missing in the model."""
    wrong = [row for row in seen.rows() if "≠" in row["verdict"]]
    assert {(row["verdict"], row["model"], row["why"]) for row in wrong} == {
        ("≠ only in the system", "–", "no call accounts for it")
    }
    return wrong


@claim("comparisons: diff/missing")
def diff_misses(seen: Pictured, said: Said) -> None:
    assert seen.subject == number(said["count"]) == len(missing(seen)), "so many ranges of the text have no call"


@claim("comparisons: diff/of")
def diff_of_all(seen: Pictured, said: Said) -> None:
    rows = seen.rows()
    agree = [row for row in rows if row["verdict"] == "agrees"]
    assert [number(said["agree"]), number(said["count"])] == [len(agree), len(rows)]
    for words, some in ((said["size"], agree), (said["all"], rows)):
        assert ([words] == ["0"]) == (not some)
        assert not some or bytes_of(words) == sum(bytes_of(row["size"]) for row in some)


@claim("comparisons: diff/no call")
def diff_misses_calls(seen: Pictured, said: Said) -> None:
    assert len(missing(seen)) == seen.subject


# ---- formats -------------------------------------------------------------------------------------

FORMATS: dict[str, tuple[tuple[int, ...], int, int, int]] = {
    "x86": ((22, 12), 22, 1 << 32, 4096),
    "x86-64": ((39, 30, 21, 12), 30, 1 << 47, 4096),
    "x86-64-la57": ((48, 39, 30, 21, 12), 30, 1 << 56, 4096),
    "riscv-sv39": ((30, 21, 12), 30, 1 << 38, 4096),
}
"""By name: where the index of each level begins, the largest page, the end of low addresses, bytes of a table.

Intel SDM 3A, 4.3 and 4.5; RISC-V privileged, 4.4.
"""


def pages_of(name: str, ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The pages that map these ranges, the largest that fit: address, and the shift of its size."""
    shifts, largest, _, _ = FORMATS[name]
    found = []
    for first, end in ranges:
        at = first
        while at < end:
            fits = [one for one in shifts if one <= largest and at % (1 << one) == 0 and at + (1 << one) <= end]
            found.append((at, max(fits)))
            at += 1 << max(fits)
    return found


def reached(name: str, ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The ranges that the format's addresses reach."""
    return [one for one in ranges if one[1] <= FORMATS[name][2]]


def cost(name: str, ranges: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Bytes of tables, and TLB entries for all pages."""
    shifts, _, _, size = FORMATS[name]
    pages = pages_of(name, reached(name, ranges))
    tables = {(shift, at >> above) for at, leaf in pages
              for shift, above in zip(shifts, (64, *shifts), strict=False) if shift >= leaf}  # fmt: skip
    return max(1, len(tables)) * size, len(pages)


def costs(seen: Pictured) -> dict[str, tuple[int, int]]:
    """Of the formats that reach all, what they take."""
    names, ranges = seen.subject
    return {name: cost(name, ranges) for name in names if len(reached(name, ranges)) == len(ranges)}


def listed(text: str) -> set[str]:
    """The names in such as "a, b and c take"."""
    return {*re.split(r", | and ", re.sub(r" takes?$", "", text))}


@claim("comparisons: formats/only")
def only_one(seen: Pictured, said: Said) -> None:
    assert [*costs(seen)] == [said["format"]]


@claim("comparisons: formats/none")
def no_format(seen: Pictured, said: Said) -> None:
    assert costs(seen) == {}


@claim("comparisons: formats/nothing")
def nothing_to_compare(seen: Pictured, said: Said) -> None:
    names, ranges = seen.subject
    assert len(names) == len(costs(seen)) == 1 or not ranges


@claim("comparisons: formats/equal")
def equal_tables(seen: Pictured, said: Said) -> None:
    assert {grouped_size(size) for size, _ in costs(seen).values()} == {said["size"]}


@claim("comparisons: formats/tables")
def tables_of_each(seen: Pictured, said: Said) -> None:
    found = {name: size for name, (size, _) in costs(seen).items()}
    least, most = min(found.values()), max(found.values())
    assert (grouped_size(least), grouped_size(most)) == (said["least"], said["more"])
    assert listed(said["fewest"]) == {name for name, size in found.items() if size == least}
    assert listed(said["most"]) == {name for name, size in found.items() if size == most}


@claim("comparisons: formats/entries")
def equal_entries(seen: Pictured, said: Said) -> None:
    assert {entries for _, entries in costs(seen).values()} == {number(said["count"])}


@claim("comparisons: formats/more entries")
def more_entries(seen: Pictured, said: Said) -> None:
    found = {name: entries for name, (_, entries) in costs(seen).items()}
    assert (min(found.values()), max(found.values())) == (number(said["count"]), number(said["more"]))
    assert listed(said["fewest"]) == {name for name, one in found.items() if one == min(found.values())}
    assert listed(said["most"]) == {name for name, one in found.items() if one == max(found.values())}


@claim("comparisons: formats/out")
def out_of_reach(seen: Pictured, said: Said) -> None:
    _, ranges = seen.subject
    out = [one for one in ranges if one not in reached(said["format"], ranges)]
    assert len(out) == number(said["count"])
    assert grouped_size(sum(end - first for first, end in out)) == said["size"]


# ---- a task beside a domain ----------------------------------------------------------------------


@claim("comparisons: paging")
def paging(seen: Pictured, said: Said) -> None:
    assert paged(seen) == (counted(said["faults"]), counted(said["calls"]))


@claim("comparisons: paging/at least")
def paging_at_least(seen: Pictured, said: Said) -> None:
    """The events of older calls are gone, so that fewer are counted."""
    faults, calls = paged(seen)
    assert counted(said["faults"]) <= faults
    assert counted(said["calls"]) <= calls
    assert (counted(said["faults"]), counted(said["calls"])) != (faults, calls)


def paged(seen: Pictured) -> tuple[int, int]:
    """The faults and the calls that the lives counted that made it."""
    _, domain, faults = seen.subject
    tree = vnodes(domain.domain.snapshot().root)
    tables = sum(one.is_table for one in tree) - 1  # but the root
    return faults, 2 * tables + sum(not one.is_table for one in tree)  # a table is made and mapped


@claim("comparisons: paging/present")
def paging_present(seen: Pictured, said: Said) -> None:
    """What walks lead to is as the sentence says."""
    task, domain, _ = seen.subject
    mapped = sum(task.walk(page).pa is not None for one in task.map.entries()
                 for page in range(int(one.start), int(one.end), PAGE))  # fmt: skip
    assert said["task"] == grouped_size(mapped * PAGE) or said["task"] == str(vm_size(mapped * PAGE))
    value = domain.domain.snapshot()
    regions = [(int(one.base), int(one.size)) for one in value.regions if one.base != value.meta_start]
    there = sum(domain.walk(base + at).pa is not None for base, size in regions for at in range(0, size, PAGE))
    assert said["domain"] == str(vm_size(there * PAGE))


def vm_size(size: int) -> Any:
    """A size as values have it."""
    from vmwidgets.engine.base.units import Size

    return Size(size)


@claim("comparisons: paging/lost")
def paging_lost(seen: Pictured, said: Said) -> None:
    task, domain, _ = seen.subject
    lost = [one for one in task.machine.journal if not one.events and one.target in (task.path, domain.path)]
    assert len(lost) >= number(said["count"]) > 0


# ---- strings of references -----------------------------------------------------------------------


def faults_of(policy: str, pages: Sequence[Any], frames: int) -> list[bool]:
    """Which references of a string are faults, by the policy's definition."""
    held: list[Any] = []
    found = []
    for place, page in enumerate(pages):
        found.append(page not in held)
        if page in held:
            if policy == "lru":
                held.remove(page)
                held.append(page)
            continue
        if len(held) == frames:
            rest = pages[place + 1 :]
            last = {one: rest.index(one) if one in rest else len(rest) for one in held}
            held.remove(max(held, key=lambda one: last[one]) if policy == "opt" else held[0])
        held.append(page)
    return found


def counts_in(seen: Pictured, said: str) -> dict[int, int]:
    """The faults that a sentence gives, by the number of frames."""
    found = re.findall(r"([\d,]+) (?:faults?|times?) with ([\d,]+) frames?", said)
    assert found
    return {number(frames): number(faults) for faults, frames in found}


@claim("strings of references: alone")
def alone(seen: Pictured, said: Said) -> None:
    pages, policies = seen.subject
    assert [policy for policy in policies if policy != "opt" or len(policies) == 1] == [said["policy"].lower()]
    for frames, faults in counts_in(seen, said["faults"]).items():
        assert faults == sum(faults_of(said["policy"].lower(), pages, frames))


@claim("strings of references: best/limit")
def best_but_the_limit(seen: Pictured, said: Said) -> None:
    assert "opt" in seen.subject[1]
    best_of(seen, said)


@claim("strings of references: best")
def best(seen: Pictured, said: Said) -> None:
    assert "opt" not in seen.subject[1]
    assert number(said["compared"]) == len(seen.subject[1])
    best_of(seen, said)


def best_of(seen: Pictured, said: Said) -> None:
    pages, policies = seen.subject
    by_size = {
        size: {one: sum(faults_of(one, pages, size)) for one in policies if one != "opt"}
        for size in seen.picture.target.frames
    }
    ((frames, faults),) = counts_in(seen, said["times"]).items()
    apart = {size: max(counts.values()) - min(counts.values()) for size, counts in by_size.items()}
    assert apart[frames] == max(apart.values()) > 0
    assert faults == min(by_size[frames].values())
    assert {one for one, count in by_size[frames].items() if count == faults} == set(
        said["policies"].lower().split(" and ")
    )


@claim("strings of references: more")
def more_faults_with_more_frames(seen: Pictured, said: Said) -> None:
    pages, policies = seen.subject
    (policy,) = (one for one in policies if one != "opt" or len(policies) == 1)
    few, many = sorted(seen.picture.target.frames)
    assert said["policy"].lower() == policy
    assert sum(faults_of(policy, pages, few)) < sum(faults_of(policy, pages, many))


@claim("strings of references: alike")
def alike(seen: Pictured, said: Said) -> None:
    pages, policies = seen.subject
    assert set(re.split(", | and ", said["policies"].lower())) == {one for one in policies if one != "opt"}
    for frames, faults in counts_in(seen, said["faults"]).items():
        assert {sum(faults_of(one, pages, frames)) for one in policies if one != "opt"} == {faults}


@claim("strings of references: limit")
def limit(seen: Pictured, said: Said) -> None:
    assert said["policy"] == "OPT"
    for frames, faults in counts_in(seen, said["faults"]).items():
        assert faults == sum(faults_of("opt", seen.subject[0], frames))


@claim("strings of references: reference")
def reference(seen: Pictured, said: Said) -> None:
    pages, policies = seen.subject
    place = number(said["number"]) - 1
    assert str(pages[place]) == said["page"]
    parts = said["what"].split("; ")
    frames = len(seen.picture.target.frames) if hasattr(seen.picture.target, "frames") else 1
    assert len(parts) == len(policies) * frames
    for part in parts:
        match = re.match(r"(\w+)(?: with (\d+) frames)?: (fault|hit)", part)
        assert match is not None
        count = int(match[2]) if match[2] else seen.picture.target.runs[0].frames
        assert (match[3] == "fault") == faults_of(match[1].lower(), pages, count)[place]


# ---- traces ----------------------------------------------------------------------------------------


def in_use(pages: list[int], *, whole: bool = False) -> list[int]:
    """The numbers of pages in use in each of up to ten groups of the parts of time, fewest first.

    The last group may be shorter; then it does not count if `whole`.
    """
    parts = min(120, len(pages))
    together = -(-parts // 10)
    groups: dict[int, set[int]] = {}
    for place, page in enumerate(pages):
        groups.setdefault(place * parts // len(pages) // together, set()).add(page)
    if whole and parts % together:
        groups.pop(max(groups))
    return sorted(map(len, groups.values()))


@claim("traces: one")
def one_page(seen: Pictured, _said: Said) -> None:
    assert len(set(seen.subject)) == 1


@claim("traces: once")
def once(seen: Pictured, said: Said) -> None:
    assert said["references"] == f"{len(seen.subject):,} references"
    assert len(seen.subject) < 2 * counted(said["count"]) == 2 * len(set(seen.subject))


@claim("traces: hot")
def hot(seen: Pictured, said: Said) -> None:
    often = sorted((seen.subject.count(page) for page in set(seen.subject)), reverse=True)
    assert counted(said["pages"]) == len(often)
    count = counted(said["count"])
    assert sum(often[:count]) >= 0.9 * len(seen.subject) > sum(often[: count - 1])
    assert 2 * count <= len(often)


@claim("traces: few")
def few(seen: Pictured, said: Said) -> None:
    used, usual = in_use(seen.subject), counted(said["usual"])
    assert sum(one <= usual for one in used) > len(used) // 2 and usual in used
    assert 2 * usual <= counted(said["pages"]) == len(set(seen.subject))


@claim("traces: little")
def little(seen: Pictured, said: Said) -> None:
    used, pages = in_use(seen.subject), len(set(seen.subject))
    assert (max(used), pages) == (counted(said["most"]), counted(said["pages"]))
    assert min(in_use(seen.subject, whole=True)) < 0.8 * pages
    assert 2 * used[len(used) // 2] > min(pages, len(seen.subject) // len(used))


@claim("traces: short")
def short(seen: Pictured, said: Said) -> None:
    pages, parts, each = seen.subject, counted(said["parts"]), counted(said["each"])
    assert counted(said["count"]) == len(set(pages))
    assert each == -(-len(pages) // parts) < min(10, len(set(pages)))


@claim("traces: none")
def no_locality(seen: Pictured, said: Said) -> None:
    assert counted(said["count"]) == len(set(seen.subject))
    used = in_use(seen.subject)
    assert len(used) == (10 if said["part"] == "Each tenth" else number(said["part"].split()[2]))
    assert min(in_use(seen.subject, whole=True)) >= 0.8 * len(set(seen.subject))


def times_of(pages: list[int]) -> list[int]:
    """How long ago the page of each reference was referenced, but of first ones."""
    return [
        next(back for back in range(1, at + 1) if pages[at - back] == page)
        for at, page in enumerate(pages)
        if page in pages[:at]
    ]


@claim("traces: interval")
def interval(seen: Pictured, said: Said) -> None:
    times, most = times_of(seen.subject), counted(said["times"])
    assert sum(time <= most for time in times) == counted(said["count"]) >= len(times) / 2
    assert sum(time <= most // 2 for time in times) < len(times) / 2, "in half of the time it is less than half"
    assert counted(said["all"]) == len(times)


@claim("traces: first")
def first_references(seen: Pictured, said: Said) -> None:
    assert counted(said["count"]) == len(set(seen.subject))


@claim("traces: no interval")
def no_interval(seen: Pictured, said: Said) -> None:
    assert len(set(seen.subject)) == len(seen.subject) == counted(said["count"])


@claim("traces: part")
def part(seen: Pictured, said: Said) -> None:
    first, last = number(said["first"]), number(said["last"])
    picture: Any = seen.picture
    assert (picture.first, picture.last) == (first, last)
    assert len(picture.target.part(first, last)) == len(seen.subject) < len(picture.target)


@claim("traces: enough")
def enough(seen: Pictured, said: Said) -> None:
    frames = counted(said["count"])
    sizes = [size for size in seen.picture.target.sizes if size <= frames]
    counts = {size: sum(faults_of(said["policy"].lower(), seen.subject, size)) for size in sizes}
    assert [size for size in sizes if counts[size] * 1000 < len(seen.subject)] == [frames]
    assert counted(said["cold"]) == len(set(seen.subject))


@claim("traces: never enough")
def never_enough(seen: Pictured, said: Said) -> None:
    frames = counted(said["count"])
    assert frames == max(seen.picture.target.sizes)
    assert counted(said["faults"]) == sum(faults_of(said["policy"].lower(), seen.subject, frames))
    assert counted(said["faults"]) * 1000 >= len(seen.subject)
    assert counted(said["cold"]) == len(set(seen.subject))


@claim("traces: first only")
def first_only(seen: Pictured, said: Said) -> None:
    frames = counted(said["count"])
    assert frames == max(seen.picture.target.sizes)
    assert (
        sum(faults_of(said["policy"].lower(), seen.subject, frames))
        == counted(said["faults"])
        == len(set(seen.subject))
    )


@claim("traces: knee")
def knee(seen: Pictured, said: Said) -> None:
    sizes = seen.picture.target.sizes
    products = {size: size * sum(faults_of(said["policy"].lower(), seen.subject, size)) for size in sizes}
    assert counted(said["count"]) == min(size for size in sizes if products[size] == min(products.values()))


@claim("traces: least")
def least(seen: Pictured, said: Said) -> None:
    """For the size at which they differ most: all policies, or those but the optimal one."""
    policies, sizes = seen.picture.target.policies, seen.picture.target.sizes
    real = [policy for policy in policies if policy != "opt"]
    among = real if len(real) > 1 else policies
    found = {size: {policy: sum(faults_of(policy, seen.subject, size)) for policy in among} for size in sizes}
    at = found[counted(said["count"])]
    assert (counted(said["few"]), counted(said["many"])) == (min(at.values()), max(at.values()))
    for name, count in (("least", min(at.values())), ("most", max(at.values()))):
        assert said[name].lower().replace(" and ", ", ").split(", ") == [
            policy for policy in among if at[policy] == count
        ]
    apart = {size: max(one.values()) - min(one.values()) for size, one in found.items()}
    assert apart[counted(said["count"])] == max(apart.values()) > 0


@claim("traces: possible/least")
def nobody_has_fewer(seen: Pictured, said: Said) -> None:
    """What is possible is what the best of the others has: the sentence before says how much, and where."""
    assert said["policy"] == "OPT"
    at = re.search(r"With (\d+) frames?, the fewest faults are ([\d,]+)", seen.words)
    assert at is not None
    assert counted(at[2]) == sum(faults_of("opt", seen.subject, int(at[1])))


@claim("traces: possible")
def possible(seen: Pictured, said: Said) -> None:
    assert said["policy"] == "OPT"
    assert counted(said["faults"]) == sum(faults_of("opt", seen.subject, counted(said["count"])))


@claim("traces: anomaly")
def anomaly(seen: Pictured, said: Said) -> None:
    few, many = counted(said["few"]), counted(said["many"])
    counts = [sum(faults_of(said["policy"].lower(), seen.subject, size)) for size in (few, many)]
    assert counts == [counted(said["before"]), counted(said["after"])]
    assert few < many and counts[0] < counts[1]
    assert counted(said["count"]) == len(seen.picture.target.anomalies)
