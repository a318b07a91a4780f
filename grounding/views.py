"""Other views and examinations that a sentence speaks of as if it had them: a lateral view, a CT.

A case has frontal radiographs and nothing else. A sentence that advises a CT speaks of one that is yet to be made; that
is no claim. "Lateral" alone is a place, not a view.
"""

from __future__ import annotations

import re
from typing import Final

_FILM: Final = r"(?:views?|projections?|films?|images?|radiographs?|x[- ]?rays?)"
VIEWS: Final = {
    "lateral view": re.compile(
        rf"\b(?:lateral\s+(?:chest\s+)?{_FILM}|(?:pa|ap|frontal)\s+and\s+lateral\b|(?:on|in)\s+(?:the\s+)?lateral(?=[\s,.;]*"
        rf"(?:$|[,.;]|there\b|it\b|only\b))|(?:two|2)[- ]views?\b)",
        re.IGNORECASE,
    ),
    "decubitus or oblique view": re.compile(
        rf"\b(?:decubitus|oblique|lordotic|expiratory)\s+(?:chest\s+)?{_FILM}\b", re.IGNORECASE
    ),
    "CT": re.compile(r"\b(?:CTs?|HRCT|CTPA|(?i:computed\s+tomograph(?:y|ic)|cat\s+scans?))\b"),
    "MRI": re.compile(r"\b(?:MRI|MR\s+(?i:imaging)|(?i:magnetic\s+resonance))\b"),
    "ultrasound": re.compile(r"\b(?:ultrasound|sonograph(?:y|ic)|echocardiogra(?:m|phy))\b", re.IGNORECASE),
    "PET": re.compile(r"\bPET\b"),
    "fluoroscopy": re.compile(r"\bfluoroscop(?:y|ic)\b", re.IGNORECASE),
}
_ADVISED: Final = re.compile(
    r"\b(?:advis|recommend|suggest|consider|could be|may be (?:useful|helpful)|would|should|if |needed|necessary"
    r"|require|correlat|for further|to (?:exclude|confirm|assess|clarify|evaluate|characteri[sz]e)"
    r"|no (?:lateral|CT|MRI|PET)|not (?:available|given|included|sent|obtained|performed|acquired)"
    r"|without (?:a )?(?:lateral|CT))",
    re.IGNORECASE,
)


def views_named(text: str) -> frozenset[str]:
    """The other views and examinations that a text names at all, as a note may.

    >>> sorted(views_named("CT of May: 8 mm nodule. PA and lateral views."))
    ['CT', 'lateral view']
    """
    return frozenset(name for name, pattern in VIEWS.items() if pattern.search(text))


def views_in(text: str) -> frozenset[str]:
    """Those that a sentence speaks of as if they were there; none where it advises one, or says that there is none.

    >>> views_in("Nodule, seen on the lateral view only."), views_in("Nodule; CT is advised.")
    (frozenset({'lateral view'}), frozenset())
    """
    return frozenset() if _ADVISED.search(text) else views_named(text)
