"""Common Cartridge 1.1's profile of QTI 1.2.1, as data: which elements, in what order, how often, with what attributes.

Written down from the published schema (1EdTech, ccv1p1_qtiasiv1p2p1_v1p0.xsd, 31 October 2010) and its rules in words,
as far as exams use it: an element that is not listed is an error.  The schema itself may not be copied into a
repository without its owner's leave, and no package has it.
"""

from __future__ import annotations

import re
from collections import Counter
from xml.etree.ElementTree import Element

QTI = "{http://www.imsglobal.org/xsd/ims_qtiasiv1p2}"

CHILDREN = {
    "questestinterop": "assessment",
    "assessment": "qtimetadata section",
    "qtimetadata": "(qtimetadatafield )+",
    "qtimetadatafield": "fieldlabel fieldentry",
    "fieldlabel": "",
    "fieldentry": "",
    "section": "(item )+",
    "item": "(itemmetadata )?(presentation )?(resprocessing )*(itemfeedback )*",
    "itemmetadata": "(qtimetadata )+",
    "presentation": "((material|response_lid|response_str) )+",
    "material": "(mattext )+",
    "mattext": "",
    "response_lid": "(material )?(render_choice|render_fib)( material)?",
    "response_str": "(material )?(render_choice|render_fib)( material)?",
    "render_choice": "((material|response_label) )*",
    "render_fib": "((material|response_label) )*",
    "response_label": "((material|flow_mat) )*",
    "resprocessing": "outcomes (respcondition )+",
    "outcomes": "decvar",
    "decvar": "",
    "respcondition": "conditionvar (setvar )*(displayfeedback )*",
    "conditionvar": "((and|other|varequal|varsubstring) )+",
    "other": "",
    "varequal": "",
    "setvar": "",
    "displayfeedback": "",
    "itemfeedback": "((flow_mat|material|solution|hint) )+",
    "flow_mat": "((flow_mat|material) )+",
}
"""A pattern of the names of an element's children, each with a space behind it."""

YES_OR_NO = "Yes|No"
ATTRIBUTES = {
    "assessment": {"ident!": ".+", "title!": ".*"},
    "section": {"ident!": ".+", "title": ".*"},
    "item": {"ident!": ".+", "title": ".*"},
    "mattext": {"texttype": "text/(plain|html)"},
    "response_lid": {"ident!": ".+", "rcardinality": "Single|Multiple|Ordered", "rtiming": YES_OR_NO},
    "response_str": {"ident!": ".+", "rcardinality": "Single|Multiple|Ordered", "rtiming": YES_OR_NO},
    "render_choice": {"shuffle": YES_OR_NO},
    "render_fib": {"prompt": "Asterisk|Box|Dashline|Underline", "fibtype": "Decimal|Integer|Scientific|String"},
    "response_label": {"ident!": ".+", "rshuffle": YES_OR_NO},
    "decvar": {"varname!": "SCORE", "vartype": "Decimal|Integer", "minvalue": ".*", "maxvalue": ".*"},
    "respcondition": {"title": ".*", "continue": YES_OR_NO},
    "varequal": {"respident!": ".+", "case": YES_OR_NO},
    "setvar": {"varname": ".*", "action": "Set"},
    "displayfeedback": {"feedbacktype!": "Response|Solution|Hint", "linkrefid!": ".+"},
    "itemfeedback": {"ident!": ".+", "title": ".*"},
    "flow_mat": {"class": ".*"},
}
"""What each attribute may be; those with ! must be there."""

ASSESSMENT_FIELDS = {
    "cc_profile": "cc.exam.v0p1",
    "qmd_assessmenttype": "Examination",
    "qmd_scoretype": "Percentage",
    "qmd_feedbackpermitted": YES_OR_NO,
    "qmd_hintspermitted": YES_OR_NO,
    "qmd_solutionspermitted": YES_OR_NO,
    "cc_maxattempts": "Examination|[1-5]|unlimited",
}
ITEM_FIELDS = {
    "cc_profile": r"cc\.(multiple_choice|multiple_response|true_false|fib|pattern_match|essay)\.v0p1",
    "cc_weighting": "[1-9][0-9]?",
    "qmd_scoringpermitted": "Yes",
    "qmd_computerscored": YES_OR_NO,
}


def name_of(element: Element) -> str:
    assert element.tag.startswith(QTI), f"{element.tag} is of another namespace"
    return element.tag.removeprefix(QTI)


def check_elements(element: Element) -> None:
    """Order, number and attributes of it and of all below."""
    name = name_of(element)
    children = "".join(f"{name_of(child)} " for child in element)
    pattern = CHILDREN[name].rstrip()
    assert re.fullmatch(pattern, children) or re.fullmatch(pattern, children.rstrip()), f"{name} has {children!r}"
    allowed = ATTRIBUTES.get(name, {})
    for attribute, value in element.attrib.items():
        rule = allowed.get(attribute) or allowed.get(f"{attribute}!")
        assert rule and re.fullmatch(rule, value), f"{name}/@{attribute} is {value!r}"
    missing = [one for one in allowed if one.endswith("!") and one[:-1] not in element.attrib]
    assert not missing, f"{name} lacks {missing}"
    assert len(element) == 0 or not (element.text or "").strip(), f"{name} has text between its elements"
    for child in element:
        check_elements(child)


def fields(parent: Element) -> dict[str, str]:
    found = [(one[0].text, one[1].text) for one in parent.findall(f"{QTI}qtimetadata/{QTI}qtimetadatafield")]
    assert len(dict(found)) == len(found), "no field is there twice"
    return dict(found)


def check_fields(found: dict[str, str], rules: dict[str, str]) -> None:
    for label, entry in found.items():
        assert label in rules and re.fullmatch(rules[label], entry), f"field {label} is {entry!r}"


def check_item(item: Element) -> None:
    """Rule sets 2, 4, 6, 9 to 12 of the profile."""
    about = fields(item.find(f"{QTI}itemmetadata"))
    check_fields(about, ITEM_FIELDS)
    lids, strs = (item.findall(f"{QTI}presentation/{QTI}response_{kind}") for kind in ("lid", "str"))
    equal = list(item.iter(f"{QTI}varequal"))
    assert equal and not list(item.iter(f"{QTI}varsubstring"))
    if about["cc_profile"] == "cc.multiple_choice.v0p1":
        assert [lid.get("rcardinality") for lid in lids] == ["Single"] and not strs
        assert not list(item.iter(f"{QTI}render_fib"))
        labels = [label.get("ident") for label in item.iter(f"{QTI}response_label")]
        assert len(labels) > 2 and len(set(labels)) == len(labels)
        assert all(one.text in labels for one in equal)
    else:
        assert about["cc_profile"] == "cc.fib.v0p1" and len(strs) == 1 and not lids
        assert not list(item.iter(f"{QTI}render_choice"))
    assert {one.get("respident") for one in equal} == {one.get("ident") for one in (*lids, *strs)}
    shown = {one.get("linkrefid") for one in item.iter(f"{QTI}displayfeedback")}
    given = Counter(one.get("ident") for one in item.findall(f"{QTI}itemfeedback"))
    assert shown == set(given) and max(given.values(), default=1) == 1
    assert not shown & {"hint", "solution"}, "these names are for hints and solutions"


def check_assessment(root: Element) -> None:
    """All of it."""
    check_elements(root)
    check_fields(fields(root[0]), ASSESSMENT_FIELDS)
    items = root.findall(f"{QTI}assessment/{QTI}section/{QTI}item")
    assert len({item.get("ident") for item in items}) == len(items)
    for item in items:
        check_item(item)
