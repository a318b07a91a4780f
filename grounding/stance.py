"""What a sentence takes a stand on: one finding, there or not, on which side. Words for the same stand are equal.

It is what a confidence is about: a nodule and a mass are one stand, "unchanged" and "larger" are one stand, and so are
"no nodule" and "the nodule described before is not seen". Whether the stand is right is no question here.
"""

from __future__ import annotations

from dataclasses import dataclass

from grounding.context import Mention, read
from grounding.findings import Finding, vocabulary
from grounding.report import Laterality, Polarity


@dataclass(frozen=True, slots=True)
class Stance:
    """One finding as a sentence puts it.

    Attributes:
        group: of the vocabulary ("lesion" for nodule and mass).
        polarity: "the lungs are clear" is ABSENT of the group "no_finding".
        laterality: of what is there; NOT_STATED for what is not.
    """

    group: str
    polarity: Polarity
    laterality: Laterality

    @property
    def kind(self) -> str:
        """What is calibrated together: finding and polarity, whatever the side.

        >>> Stance("lesion", Polarity.PRESENT, Laterality.LEFT).kind
        'lesion present'
        """
        return f"{self.group} {self.polarity.value}"

    def contradicts(self, other: Stance) -> bool:
        """Whether both cannot be right: there and not there, or there on opposite sides only.

        >>> left = Stance("lesion", Polarity.PRESENT, Laterality.LEFT)
        >>> left.contradicts(Stance("lesion", Polarity.ABSENT, Laterality.NOT_STATED)), left.contradicts(left)
        (True, False)
        """
        nothing = Finding.NO_FINDING.value
        if self.group != other.group and nothing not in (self.group, other.group):
            return False
        if {self.polarity, other.polarity} == {Polarity.PRESENT, Polarity.ABSENT}:
            return True
        sides = {self.laterality, other.laterality}
        return Polarity.ABSENT not in (self.polarity, other.polarity) and sides == {Laterality.LEFT, Laterality.RIGHT}


def stance_of(text: str) -> Stance | None:
    """The stand of a sentence on the image; None for history, for the family, and for words without a finding.

    >>> stance_of("No focal nodule or mass.").kind, stance_of("Current smoker.")
    ('lesion absent', None)
    """
    about = read(text).primary
    return None if about is None else stance_of_mention(about)


def stance_of_mention(about: Mention) -> Stance | None:
    """The stand of one mention; None where it is history, the family's, or nothing that an image shows."""
    entry = vocabulary()[about.finding]
    nothing = about.finding is Finding.NO_FINDING
    if about.historical or about.family or not (entry.groundable or nothing):
        return None
    polarity = Polarity.ABSENT if nothing and about.polarity is Polarity.PRESENT else about.polarity
    side = Laterality.NOT_STATED if polarity is Polarity.ABSENT else about.laterality
    return Stance(entry.group, polarity, side)
