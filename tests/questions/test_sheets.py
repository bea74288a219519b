"""Exams as files: Markdown, a page, a package; what is refused, and that nothing half written stays."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.questions.cartridge import QTI, check_assessment, fields
from vmwidgets.cli import main
from vmwidgets.questions import TOPICS, make_exam
from vmwidgets.questions.files import save
from vmwidgets.questions.markup import to_html
from vmwidgets.questions.qti import ASSESSMENT, CARTRIDGE, package
from vmwidgets.questions.sheets import html, markdown

LINKS = re.compile(r"!\[[^\]]*\]\(<([^>]*)>\)")


def run(capsys, *arguments):
    status = main(["questions", *map(str, arguments)])
    out, err = capsys.readouterr()
    return status, out, err


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def plain_bytes(path: Path) -> bytes:
    """A file's bytes without its own name, which Markdown has in its links."""
    return path.read_bytes().replace(f"{path.stem}_files".encode(), b"")


SEVERAL = "gaps,tables"


@cache
def exam_of(topic):
    return make_exam(tuple(topic.split(",")), 11)


@pytest.fixture(params=[*TOPICS, SEVERAL])
def exam(request):
    return exam_of(request.param)


@cache
def made(topic, make, **options):
    """Each kind of document of an exam is made once."""
    return make(exam_of(topic), **options)


def sheet(exam, *, key):
    return made(exam.topic, markdown, folder="exam_files", key=key)


def page_of(exam, *, key):
    return made(exam.topic, html, key=key)


class TestMarkdown:
    def test_it_has_the_questions_their_figures_and_the_key(self, exam):
        text, figures = sheet(exam, key=True)
        asked, key = text.split(f"# Key: {exam.title}")
        for question in exam.questions:
            assert question.text in asked and question.why in key and question.why not in asked
            assert all(f"** {option}\n" in asked.replace(")**", "**") for option in question.options)
        assert {f"exam_files/{name}" for name in figures} == set(LINKS.findall(text))
        assert not [name for name in LINKS.findall(asked) if "key" in name]
        assert all(svg.startswith("<svg") and "prefers-color-scheme" not in svg for svg in figures.values())

    def test_the_key_says_of_each_wrong_option_why_it_is_wrong(self, exam):
        key = sheet(exam, key=True)[0].split(f"# Key: {exam.title}")[1]
        page = page_of(exam, key=True)
        for question in exam.questions:
            for letter, said in question.wrong:
                assert f"- {letter}: {said}.\n" in key and f"<li>{letter}: {to_html(said)[3:-4]}.</li>" in page

    def test_a_rule_stands_above_the_first_question_that_needs_it(self, exam):
        text = sheet(exam, key=True)[0]
        for question in exam.questions:
            for rule in question.rules:
                assert text.count(rule) == 1 and text.index(rule) < text.index(question.text)

    def test_a_sheet_without_key_says_neither_answers_nor_the_seed(self, exam):
        text, figures = sheet(exam, key=False)
        assert "# Key" not in text and "seed" not in text.lower()
        assert not any(question.why in text or question.id in text for question in exam.questions)
        assert not re.search(r"\b(easy|medium|hard)\b", text)
        assert all(name.startswith("question-") for name in figures)

    def test_several_topics_are_sections_numbered_through_with_one_name_and_one_key(self):
        text, figures = sheet(exam_of(SEVERAL), key=True)
        asked, key = text.split("# Key: Virtual memory")
        sections = ["## Gaps in an address space", "## The size of page tables"]
        for part in (asked, key):
            assert re.findall("^## .*", part, re.MULTILINE) == sections
            numbers = [int(number) for number in re.findall(r"^### (\d+)\b", part, re.MULTILINE)]
            assert numbers == list(range(1, 13))
            assert part.index("### 6") < part.index(sections[1]) < part.index("### 7")
        assert text.count("Name: ") == 1
        assert "Topics `gaps`, `tables`, seed 11, 6 questions of each." in key
        assert len(figures) == sum(len(sheet(exam_of(one), key=True)[1]) for one in ("gaps", "tables"))


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.seen, self.words = [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "html"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert tag == "html" or self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


class TestHtml:
    def test_it_is_one_page_that_needs_nothing_else(self, exam):
        page = Tags()
        page.feed(page_of(exam, key=True))
        assert not page.open
        images = [attrs for tag, attrs in page.seen if tag == "img"]
        drawn = [draw for one in exam.questions for draw in (one.figure, one.solution) if draw is not None]
        assert len(images) == len(drawn)
        assert all(attrs["src"].startswith("data:image/svg+xml") and attrs["alt"] for attrs in images)
        assert not [attrs for tag, attrs in page.seen if tag in ("script", "link")]

    def test_it_says_what_the_questions_say(self, exam):
        page = Tags()
        page.feed(page_of(exam, key=True))
        words = " ".join(" ".join(page.words).split())
        for question in exam.questions:
            for paragraph in question.text.split("\n\n"):
                if paragraph[0] != "|":
                    said = re.sub(r"`([^`]*)`", r" \1 ", re.sub("^- ", "", paragraph, flags=re.MULTILINE))
                    assert " ".join(said.split()) in words
        items = sum(tag == "li" for tag, _ in page.seen)
        listed = sum(len(re.findall("^- ", question.text, re.MULTILINE)) for question in exam.questions)
        options = sum(len(question.options) + len(question.wrong) for question in exam.questions)
        assert items == listed + options

    def test_the_key_can_be_left_out(self, exam):
        page = page_of(exam, key=False)
        assert 'class="key"' not in page and "Key:" not in page and "seed" not in page.lower()
        assert 'section class="key"' in page_of(exam, key=True)

    def test_a_question_says_its_points_and_the_key_how_hard_it_is(self, exam):
        asked, key = page_of(exam, key=True).split('<section class="key">')
        assert not re.search(r"\b(easy|medium|hard)\b", asked) and "(1 point)" in asked
        assert key.count("</code>, easy</p>") == sum(question.grade == 1 for question in exam.questions)

    def test_several_topics_are_sections(self):
        asked, key = page_of(exam_of(SEVERAL), key=True).split('<section class="key">')
        for part in (asked, key):
            titles = re.findall('<h2 class="topic">(.*?)</h2>', part)
            assert titles == ["Gaps in an address space", "The size of page tables"]
            assert [int(number) for number in re.findall(r"<h3>(\d+)", part)] == list(range(1, 13))
        assert asked.count("Name:") == 1

    def test_what_looks_like_tags_is_text(self):
        assert to_html("`<b>` & <i>") == "<p><code>&lt;b&gt;</code> &amp; &lt;i&gt;</p>"


class TestAPackage:
    def opened(self, exam):
        return zipfile.ZipFile(io.BytesIO(made(exam.topic, package)))

    def test_it_is_as_the_profile_says(self, exam):
        check_assessment(ET.fromstring(self.opened(exam).read("exam.xml")))

    def test_questions_and_answers_are_those_of_the_exam(self, exam):
        root = ET.fromstring(self.opened(exam).read("exam.xml"))
        items = root.findall(f".//{QTI}item")
        assert len(items) == len(exam.questions)
        for item, question in zip(items, exam.questions, strict=True):
            right = [one.text for one in item.iter(f"{QTI}varequal")]
            assert right == ([question.letter] if question.options else list(question.accepted))
            assert fields(item.find(f"{QTI}itemmetadata"))["cc_weighting"] == str(question.grade)
            asked = item.find(f"{QTI}presentation/{QTI}material/{QTI}mattext").text
            assert asked.startswith(to_html(question.whole))
            solved = item.find(f"{QTI}itemfeedback").find(f".//{QTI}mattext").text
            assert solved.startswith(to_html(question.why))
            labels = [label.find(f".//{QTI}mattext").text for label in item.iter(f"{QTI}response_label")]
            assert len(labels) == len(question.options)

    def test_a_title_names_the_topic_of_several(self):
        items = ET.fromstring(self.opened(exam_of(SEVERAL)).read("exam.xml")).findall(f".//{QTI}item")
        titles = [item.get("title") for item in items]
        assert titles[5:7] == ["Question 6: Gaps in an address space", "Question 7: The size of page tables"]
        assert "Question 6" in self.opened(exam_of("gaps")).read("exam.xml").decode()

    def test_the_manifest_names_each_file_and_texts_name_no_other(self, exam):
        opened = self.opened(exam)
        manifest = ET.fromstring(opened.read("imsmanifest.xml"))
        assert [child.tag.split("}")[1] for child in manifest] == ["metadata", "organizations", "resources"]
        assert manifest.find(f".//{{{CARTRIDGE}}}schemaversion").text == "1.1.0"
        resources = manifest.findall(f".//{{{CARTRIDGE}}}resource")
        assert [one.get("type") for one in resources] == [ASSESSMENT] + ["webcontent"] * (len(resources) - 1)
        idents = [one.get("identifier") for one in manifest.iter() if one.get("identifier")]
        assert len(set(idents)) == len(idents) and all(re.fullmatch(r"[A-Za-z_][\w.-]*", one) for one in idents)
        assert {one.get("identifierref") for one in manifest.iter() if one.get("identifierref")} == {
            one.get("identifier") for one in resources
        }
        hrefs = [one.get("href") for one in manifest.iter(f"{{{CARTRIDGE}}}file")]
        assert ["imsmanifest.xml", *hrefs] == opened.namelist()
        assert {entry.external_attr >> 16 for entry in opened.infolist()} == {0o644}
        named = re.findall(r"\$IMS-CC-FILEBASE\$/([\w./-]+)", opened.read("exam.xml").decode())
        assert sorted(named) == sorted(hrefs[1:])

    def test_the_same_exam_has_the_same_bytes(self, exam):
        assert made(exam.topic, package) == package(make_exam(exam.topic.split(","), exam.seed))


class TestTheCommand:
    def test_kinds_and_a_form_are_chosen(self, capsys, tmp_path):
        chosen = ("--kind", "tlb/stale,walk/index", "--seed", 2, "--form", "b", "-o", tmp_path / "after.md")
        status, out, err = run(capsys, *chosen)
        assert (status, err) == (0, "") and "2 questions, 3 points, form B" in out
        text = (tmp_path / "after.md").read_text()
        assert "# Virtual memory, form B" in text and "Kind: `tlb/stale`" in text and "Kind: `walk/index`" in text
        again = run(capsys, "--kind", "walk/inedx", "-o", tmp_path / "no.md")
        assert again[0] == 2 and "walk/inedx" in again[2] and again[1] == ""

    @pytest.mark.parametrize("name", ["exam.md", "exam.html", "exam.qti", "exam.imscc", "EXAM.HTML"])
    def test_it_writes_the_same_file_each_time(self, capsys, tmp_path, name):
        written = []
        for number in range(2):
            folder = tmp_path / str(number)
            folder.mkdir()
            status, out, err = run(capsys, "--topic", "walk", "--seed", 4, "--n", 3, "-o", folder / name)
            assert (status, err) == (0, "") and "3 questions, 6 points" in out
            written.append(everything(folder))
        assert written[0] == written[1] and name in written[0]
        assert ("exam_files/key-3.svg" in written[0]) == (name == "exam.md")

    @pytest.mark.parametrize(
        "topics", [("--topic", "gaps", "--topic", "tlb"), ("--topic", "gaps,tlb"), ("--topic", "gaps, tlb")]
    )
    @pytest.mark.parametrize("name", ["exam.md", "exam.html", "exam.imscc"])
    def test_several_topics_make_one_exam(self, capsys, tmp_path, topics, name):
        status, out, err = run(capsys, *topics, "--seed", 4, "--n", 2, "-o", tmp_path / name)
        assert (status, err) == (0, "") and "4 questions" in out and "topics gaps, tlb, seed 4" in out
        save(make_exam(("gaps", "tlb"), 4, 2), tmp_path / f"python-{name}")
        written = [(tmp_path / one).read_bytes() for one in (name, f"python-{name}")]
        assert written[1].replace(b"python-exam_files", b"exam_files") == written[0]

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("--topic", "walk,wlak", "-o", "exam.md"), "topic='wlak'"),
            (("--topic", "walk", "--topic", "walk", "-o", "exam.md"), "topic='walk' comes twice"),
            (("--topic", "walk,", "-o", "exam.md"), "topic=''"),
            (("--topic", "wlak", "-o", "exam.md"), "topic='wlak'"),
            (("--topic", "walk", "--n", "0", "-o", "exam.md"), "n=0"),
            (("--topic", "walk", "--n", "10000", "-o", "exam.md"), "n=10000"),
            (("--topic", "walk", "--n", "many", "-o", "exam.md"), "--n 'many'"),
            (("--topic", "walk", "--seed", "x", "-o", "exam.md"), "--seed 'x'"),
            (("--topic", "walk", "--seed", "9" * 5000, "-o", "exam.md"), "--seed '999"),
            (("--topic", "walk", "-o", "exam.pdf"), "ends in '.pdf'"),
            (("--topic", "walk", "-o", "exam"), "ends in ''"),
            (("--topic", "walk", "-o", "missing/exam.md"), "there is no folder"),
            (("--topic", "walk", "-o", "there.md"), "already exists"),
            (("--topic", "walk", "-o", "with.md"), "with_files' already exists"),
            (("--topic", "walk", "-o", "folder.html"), "is a folder"),
            (("--topic", "walk", "-o", "odd.md", "--force"), "is a file"),
            (("--topic", "walk", "-o", "exam.qti", "--no-key"), "contains the answers"),
            (("--topic", "walk", "-o", ""), "is not a path"),
        ],
    )
    def test_bad_input_is_one_sentence_and_changes_nothing(self, capsys, tmp_path, monkeypatch, arguments, words):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "there.md").write_text("mine")
        (tmp_path / "with_files").mkdir()
        (tmp_path / "folder.html").mkdir()
        (tmp_path / "odd_files").write_text("mine")
        before = sorted(tmp_path.rglob("*")), everything(tmp_path)
        status, out, err = run(capsys, *arguments)
        assert (status, out) == (2, "")
        assert words in err and len(err.splitlines()) == 1 and len(err) < 250
        assert (sorted(tmp_path.rglob("*")), everything(tmp_path)) == before

    def test_without_a_seed_each_exam_is_another_and_only_its_key_says_how_to_make_it_again(
        self, capsys, tmp_path, monkeypatch
    ):
        bits: list[int] = []

        def drawn(count):
            bits.append(count)
            return (1 << count) - 1 - len(bits)

        monkeypatch.setattr("secrets.randbits", drawn)
        for name in ("exam.md", "exam.html", "exam.qti", "other.html"):
            status, out, err = run(capsys, "--topic", "gaps", "--n", 2, "-o", tmp_path / name)
            assert (status, err, len(out.splitlines())) == (0, "", 1)
            seed = (1 << 60) - 1 - len(bits)
            assert out.endswith(f", seed {seed}\n")
            again = ("--topic", "gaps", "--n", 2, "--seed", seed, "-o", tmp_path / f"again-{name}")
            assert run(capsys, *again)[0] == 0
            assert plain_bytes(tmp_path / f"again-{name}") == plain_bytes(tmp_path / name)
            if name != "exam.qti":
                asked, key = (tmp_path / name).read_text().split("Key: Gaps in an address space")
                assert str(seed) not in asked and f"seed {seed}" in key
        assert bits == [60] * 4
        assert (tmp_path / "other.html").read_text() != (tmp_path / "exam.html").read_text()

    @pytest.mark.parametrize("name", ["exam.md", "exam.html", "exam.qti", "exam.imscc"])
    def test_what_students_get_is_the_same_whatever_seed_is_claimed(self, tmp_path, name):
        """A seed that left a trace in any byte, such as an identifier, could be found there by trying."""
        exam = make_exam(("gaps", "tlb"), 5, 2)
        key = name in ("exam.qti", "exam.imscc")
        of = [save(replace(exam, seed=seed), tmp_path / name, key=key, force=True).read_bytes() for seed in (5, 987654)]
        assert of[0] == of[1]

    @pytest.mark.parametrize(
        ("arguments", "warned"),
        [(("--seed", "7"), True), (("--seed", "-7"), True), (("--seed", 1 << 49), False), (("--seed", 1 << 59), False),
         (("--seed", "7", "--secret", "secret.key"), False), ((), False)],
    )  # fmt: skip
    def test_a_seed_that_can_be_found_by_trying_is_said(self, capsys, tmp_path, monkeypatch, arguments, warned):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "secret.key").write_text("s" * 64)
        status, out, err = run(capsys, "--topic", "gaps", "--n", 1, "-o", "exam.html", *arguments)
        assert (status, err) == (0, "")
        assert ("anyone can make this exam" in out) == warned

    def test_a_secret_makes_other_questions_which_only_its_owner_can_make(self, capsys, tmp_path):
        secret = "0123456789abcdef-secret"
        (tmp_path / "mine.key").write_text(f"{secret}\n")
        (tmp_path / "course.toml").write_text(f'course = "os"\nexercises = ["01/gaps"]\nkey = "{secret}"\n')
        (tmp_path / "other.key").write_text("another secret, quite long")
        made = {}
        for name in ("mine.key", "course.toml", "other.key"):
            of = "--seed", 7, "--n", 2, "--secret", tmp_path / name, "-o", tmp_path / f"{name}.html"
            status, out, err = run(capsys, "--topic", "tlb,gaps", *of)
            assert (status, err) == (0, "") and secret not in out
            made[name] = (tmp_path / f"{name}.html").read_text()
            assert secret not in made[name]
            assert "seed 7, 2 questions of each. The questions come from the secret as well." in made[name]
        assert made["mine.key"] == made["course.toml"] != made["other.key"]
        texts = {one: [question.text for question in make_exam(("tlb", "gaps"), 7, 2, one).questions]
                 for one in ("", secret, "another secret, quite long")}  # fmt: skip
        assert len({text for of in texts.values() for text in of}) == 12, "no question is any other's"

    @pytest.mark.parametrize(
        ("name", "content", "words"),
        [
            ("missing.key", None, "can't be read: No such file"),
            ("folder", "", "can't be read: Is a directory"),
            ("short.key", b"hunter2", "holds no secret"),
            ("two.key", b"0123456789abcdef\n0123456789abcdef", "holds no secret"),
            ("long.key", b"0123456789abcdef" * 1000, "holds no secret"),
            ("odd.key", b"\xff\xfe0123456789abcdef", "is not a text file"),
            ("open.toml", b'course = "os"\nexercises = ["01/gaps"]\n', 'run "python -m vmwidgets.tools roster key"'),
            ("short.toml", b'course = "os"\nexercises = ["01/gaps"]\nkey = "hunter2"\n', "at least 16"),
        ],
    )
    def test_what_is_no_secret_is_one_sentence_that_does_not_quote_it(self, capsys, tmp_path, name, content, words):
        path = tmp_path / name
        if content:
            path.write_bytes(content)
        elif content is not None:
            path.mkdir()
        status, out, err = run(capsys, "--topic", "gaps", "--secret", path, "-o", tmp_path / "exam.html")
        assert (status, out, len(err.splitlines())) == (2, "", 1)
        assert err.startswith("vmwidgets: ") and words in err
        assert "hunter2" not in err and "0123456789" not in err
        assert not (tmp_path / "exam.html").exists()

    def test_force_replaces_an_exam_and_leaves_other_files(self, capsys, tmp_path):
        target = tmp_path / "exam.md"
        assert run(capsys, "--topic", "walk", "--seed", 1, "-o", target)[0] == 0
        (tmp_path / "exam_files" / "notes.txt").write_text("mine")
        assert run(capsys, "--topic", "walk", "--seed", 2, "--n", 1, "-o", target, "--force")[0] == 0
        text = target.read_text()
        assert set(LINKS.findall(text)) == {f"exam_files/{one.name}" for one in (tmp_path / "exam_files").glob("*.svg")}
        assert (tmp_path / "exam_files" / "notes.txt").read_text() == "mine"

    def test_the_sheet_has_no_key_where_none_is_wanted(self, capsys, tmp_path):
        assert run(capsys, "--topic", "walk", "--no-key", "-o", tmp_path / "exam.html")[0] == 0
        assert "Key:" not in (tmp_path / "exam.html").read_text()

    @pytest.mark.parametrize("name", ["exam.md", "exam.html", "exam.qti"])
    def test_a_disk_that_is_full_leaves_nothing_behind(self, capsys, tmp_path, monkeypatch, name):
        def full(*_arguments):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "replace", full)
        status, _, err = run(capsys, "--topic", "walk", "-o", tmp_path / name)
        assert status == 2 and "No space left on device" in err
        assert everything(tmp_path) == {}


def test_what_is_there_stays_where_a_figure_cannot_be_written(tmp_path, monkeypatch):
    target = save(make_exam("walk", 1), tmp_path / "exam.md")
    before = everything(tmp_path)

    def broken(*_arguments, **_named):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.mkdtemp", broken)
    with pytest.raises(Exception, match="No space left"):
        save(make_exam("walk", 2), target, force=True)
    assert everything(tmp_path) == before


class TestTheProfileThatIsChecked:
    """A package that is not as the profile says is noticed."""

    def damaged(self, change):
        root = ET.fromstring(zipfile.ZipFile(io.BytesIO(made("walk", package))).read("exam.xml"))
        change(root, root.findall(f".//{QTI}item"))
        return root

    @pytest.mark.parametrize(
        "change",
        [
            lambda root, items: items[0].remove(items[0].find(f"{QTI}itemmetadata")),
            lambda root, items: items[0].insert(0, items[0][-1]),
            lambda root, items: items[0].set("ident", items[1].get("ident")),
            lambda root, items: items[0].set("maxattempts", "1"),
            lambda root, items: root[0].attrib.pop("title"),
            lambda root, items: items[0].remove(items[0].find(f"{QTI}itemfeedback")),
            lambda root, items: next(items[0].iter(f"{QTI}varequal")).set("respident", "other"),
            lambda root, items: next(items[0].iter(f"{QTI}fieldentry")).__setattr__("text", "cc.hotspot.v0p1"),
            lambda root, items: ET.SubElement(items[0], f"{QTI}duration"),
        ],
    )
    def test_each_of_these_is_wrong(self, change):
        with pytest.raises((AssertionError, AttributeError, KeyError)):
            check_assessment(self.damaged(change))
