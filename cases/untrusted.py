"""The texts of a case that somebody outside wrote, by where they stand: what an instruction could hide in.

Not here: looking for instructions (`grounding.injection`), or text burned into the picture (`vlm.burnt_in`).
"""

from __future__ import annotations

from typing import Final

from cases.study import Case

INDICATION: Final = "indication"
VALUE: Final = "value"
HEADER: Final = "header"


def untrusted_texts(case: Case) -> dict[str, str]:
    """Source -> text: each note by its id, the indication, the values one a line, and what is kept of the header.

    An input that the case calls missing is read too: it may be shown to a person. Sources without a text are left out.
    """
    values = "\n".join(f"{one.name} {one.value}" for one in case.observations)
    header = "\n".join(text for text in (case.scanner, case.site, case.sex) if text)
    texts = {note.note_id: note.text for note in case.notes}
    texts |= {INDICATION: case.indication or "", VALUE: values, HEADER: header}
    return {source: text for source, text in texts.items() if text.strip()}
