"""What a walk came to, and what page tables hold, in sentences."""

from __future__ import annotations

from vmwidgets.engine.base.values.tables import Permission, Walk

from .names import address
from .registry import sentences

say = sentences(
    "walks",
    {
        "reached": "{address} is at physical {physical}, in a page of {size}.",
        "fault": "{exception}: {why}.",
        "may/both": "The page tables let user code and supervisor {supervisor} here.",
        "may/supervisor": "The page tables let only the supervisor {supervisor} here.",
        "may/each": "The page tables let user code {user} here, and the supervisor {supervisor}.",
        "earlier/reached": "When the cell ran, the access reached physical {physical}.",
        "earlier/fault": "When the cell ran, the access ended in {kind}.",
        "edited": (
            "1 descriptor was edited by hand; the access comes out as before.",
            "{count} descriptors were edited by hand; the access comes out as before.",
        ),
        "edited/reached": (
            "1 descriptor was edited by hand; before that, the access reached physical {physical}.",
            "{count} descriptors were edited by hand; before that, the access reached physical {physical}.",
        ),
        "edited/fault": (
            "1 descriptor was edited by hand; before that, the access raised {exception} ({kind}).",
            "{count} descriptors were edited by hand; before that, the access raised {exception} ({kind}).",
        ),
        "tables": (
            "1 descriptor of the {root} is in use: {what}.",
            "{count} descriptors of the {root} are in use: {what}.",
        ),
        "tables/open": (
            "1 table is open. Gaps show only their size.",
            "{count} tables are open. Gaps show only their size.",
        ),
        "tables/folded": (
            "1 table is open, and {folds} with more. Gaps show only their size.",
            "{count} tables are open, and {folds} with more. Gaps show only their size.",
        ),
    },
)


def rights(walk: Walk) -> str:
    """What each side may do with the page, the processor set as it was for the walk."""
    may = walk.permissions
    if may is None:
        return ""
    case = "both" if may.user == may.supervisor else "each" if any(may.user) else "supervisor"
    return say(f"may/{case}", user=_listed(may.user), supervisor=_listed(may.supervisor))


def _listed(may: Permission) -> str:
    """Such as "read, write and execute", or "do nothing"."""
    what = [word for word, allowed in zip(("read", "write", "execute"), may, strict=True) if allowed]
    return " and ".join(filter(None, [", ".join(what[:-1]), what[-1]])) if what else "do nothing"


def earlier(walk: Walk) -> str:
    """What an earlier walk of the same address had said."""
    if walk.fault is not None:
        return say("earlier/fault", kind=walk.fault.kind)
    return say("earlier/reached", physical=address(walk.pa or 0))


def edited(count: int, before: Walk | None) -> str:
    """That so many descriptors were edited, and what the access was `before` (none: the same)."""
    if before is None:
        return say("edited", count)
    if before.fault is not None:
        return say("edited/fault", count, exception=before.fault.exception, kind=before.fault.kind)
    return say("edited/reached", count, physical=address(before.pa or 0))
