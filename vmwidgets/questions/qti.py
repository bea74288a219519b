"""An exam for Canvas, Moodle, Blackboard and others: QTI 1.2.1 in a Common Cartridge 1.1.

1EdTech, Common Cartridge 1.1: its profile of QTI 1.2.1 (`ccv1p1_qtiasiv1p2p1_v1p0.xsd`, with the rules that the profile
states in words) and its manifest (`ccv1p1_imscp_v1p2_v1p0.xsd`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from html import escape
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from vmwidgets.archive import zipped
from vmwidgets.views.scene.model import Scene
from vmwidgets.views.scene.twin import alternative_text

from .exam import Exam
from .markup import inline_html, plain, to_html
from .question import LETTERS, Question
from .sheets import svg_of

QTI = "http://www.imsglobal.org/xsd/ims_qtiasiv1p2"
CARTRIDGE = "http://www.imsglobal.org/xsd/imsccv1p1/imscp_v1p1"
LOM = "http://ltsc.ieee.org/xsd/imsccv1p1/LOM/manifest"

CHOICE_PROFILE, TYPED_PROFILE = "cc.multiple_choice.v0p1", "cc.fib.v0p1"
ASSESSMENT = "imsqti_xmlv1p2/imscc_xmlv1p1/assessment"


def package(exam: Exam) -> bytes:
    """Return the cartridge: its manifest, the questions, and their figures."""
    figures: dict[str, str] = {}
    questions = _questions(exam, figures)
    files = {"imsmanifest.xml": _xml(_manifest(exam, figures)), "exam.xml": _xml(questions), **figures}
    return zipped({name: text.encode() for name, text in files.items()})


def _xml(root: Element) -> str:
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _ident(exam: Exam, *parts: object) -> str:
    """Return a unique name for an exam, not made from the seed, since students could find the seed by trying."""
    words = "|".join(map(str, ("vmwidgets", exam.digest, *parts)))
    return f"i{sha256(words.encode()).hexdigest()[:24]}"


# ---- the manifest ----------------------------------------------------------------------------------


def _manifest(exam: Exam, figures: Iterable[str]) -> Element:
    names = {"xmlns": CARTRIDGE, "xmlns:lomimscc": LOM}
    root = Element("manifest", names, identifier=_ident(exam, "manifest"))
    about = SubElement(root, "metadata")
    SubElement(about, "schema").text = "IMS Common Cartridge"
    SubElement(about, "schemaversion").text = "1.1.0"
    title = SubElement(SubElement(SubElement(about, "lomimscc:lom"), "lomimscc:general"), "lomimscc:title")
    SubElement(title, "lomimscc:string", language="en").text = exam.title
    organization = SubElement(
        SubElement(root, "organizations"),
        "organization",
        identifier=_ident(exam, "organization"),
        structure="rooted-hierarchy",
    )
    top = SubElement(organization, "item", identifier=_ident(exam, "top"))
    entry = SubElement(top, "item", identifier=_ident(exam, "entry"), identifierref=_ident(exam, "exam"))
    SubElement(entry, "title").text = exam.title
    resources = SubElement(root, "resources")
    assessment = SubElement(resources, "resource", identifier=_ident(exam, "exam"), type=ASSESSMENT)
    SubElement(assessment, "file", href="exam.xml")
    for name in figures:
        SubElement(assessment, "dependency", identifierref=_ident(exam, name))
        figure = SubElement(resources, "resource", identifier=_ident(exam, name), type="webcontent", href=name)
        SubElement(figure, "file", href=name)
    return root


# ---- the questions ---------------------------------------------------------------------------------


def _questions(exam: Exam, figures: dict[str, str]) -> Element:
    """Return the assessment; its figures are put into `figures`, by file name."""
    root = Element("questestinterop", xmlns=QTI)
    assessment = SubElement(root, "assessment", ident=_ident(exam, "assessment"), title=exam.title)
    _fields(
        assessment,
        cc_profile="cc.exam.v0p1",
        qmd_assessmenttype="Examination",
        qmd_scoretype="Percentage",
        qmd_feedbackpermitted="Yes",
        cc_maxattempts="1",
    )
    section = SubElement(assessment, "section", ident=_ident(exam, "section"))
    for number, question, title in _titled(exam):

        def image(draw: Callable[[], Scene] | None, name: str) -> str:
            if draw is None:
                return ""
            scene = draw()
            figures[name] = svg_of(scene)
            return f'\n<p><img src="$IMS-CC-FILEBASE$/{name}" alt="{escape(alternative_text(scene))}" /></p>'

        asked = to_html(question.whole) + image(question.figure, f"figures/question-{number}.svg")
        wrong = "".join(f"<li>{letter}: {inline_html(said)}.</li>" for letter, said in question.wrong)
        solved = (
            to_html(question.why)
            + f"<ul>{wrong}</ul>" * bool(wrong)
            + image(question.solution, f"figures/key-{number}.svg")
        )
        _item(section, question, (_ident(exam, "item", number), title), asked, solved)
    return root


def _titled(exam: Exam) -> Iterator[tuple[int, Question, str]]:
    """Yield each question, its number and its title, which names the topic if the exam has several."""
    for section in exam.sections:
        for number, question in section.numbered:
            yield number, question, f"Question {number}" + f": {section.title}" * exam.several


def _item(section: Element, question: Question, names: tuple[str, str], asked: str, solved: str) -> None:
    item = SubElement(section, "item", ident=names[0], title=names[1])
    profile = CHOICE_PROFILE if question.options else TYPED_PROFILE
    _fields(SubElement(item, "itemmetadata"), cc_profile=profile, cc_weighting=str(question.grade))
    presentation = SubElement(item, "presentation")
    _material(presentation, asked)
    if question.options:
        response = SubElement(presentation, "response_lid", ident="answer", rcardinality="Single")
        choices = SubElement(response, "render_choice")
        for letter, option in zip(LETTERS, question.options, strict=False):
            _material(SubElement(choices, "response_label", ident=letter), inline_html(option))
    else:
        response = SubElement(presentation, "response_str", ident="answer", rcardinality="Single")
        SubElement(response, "render_fib", prompt="Dashline")
    processing = SubElement(item, "resprocessing")
    SubElement(
        SubElement(processing, "outcomes"), "decvar", varname="SCORE", vartype="Decimal", minvalue="0", maxvalue="100"
    )
    always = SubElement(processing, "respcondition", {"continue": "Yes"})
    SubElement(SubElement(always, "conditionvar"), "other")
    SubElement(always, "displayfeedback", feedbacktype="Response", linkrefid="general_fb")
    right = SubElement(processing, "respcondition", {"continue": "No"})
    condition = SubElement(right, "conditionvar")
    for accepted in [question.letter] if question.options else question.accepted:
        SubElement(condition, "varequal", respident="answer", case="No").text = plain(accepted)
    SubElement(right, "setvar", varname="SCORE", action="Set").text = "100"
    _material(SubElement(SubElement(item, "itemfeedback", ident="general_fb"), "flow_mat"), solved)


def _material(parent: Element, html: str) -> None:
    """Return HTML as text in an element."""
    SubElement(SubElement(parent, "material"), "mattext", texttype="text/html").text = html


def _fields(parent: Element, **fields: str) -> None:
    about = SubElement(parent, "qtimetadata")
    for label, entry in fields.items():
        one = SubElement(about, "qtimetadatafield")
        SubElement(one, "fieldlabel").text = label
        SubElement(one, "fieldentry").text = entry
