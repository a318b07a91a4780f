"""The image with its boxes: draws a PNG and SVG boxes, lights up the selected sentence's, and says which was pressed.

A Streamlit component of the second kind (no frame, no build step): `image_panel.js` and `image_panel.css` beside this
file. No string from outside becomes markup: the script builds every node and sets text as text.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import streamlit as st

from cases.study import Image
from grounding.box import Box, clipped_box

NAME = "overread.image_panel"
HERE = Path(__file__).parent
# Registered once, when the module is imported; Streamlit repeats it on each new runtime.
_mount = st.components.v2.component(
    NAME, js=HERE.joinpath("image_panel.js").read_text("utf-8"), css=HERE.joinpath("image_panel.css").read_text("utf-8")
)


@dataclass(frozen=True, slots=True)
class ShownBox:
    """A box on the panel.

    Attributes:
        sentence: index of the sentence it belongs to; -1 for a box that was drawn and not used yet.
        box: where.
        author: "ai" or "human".
    """

    sentence: int
    box: Box
    author: str

    def as_data(self) -> dict[str, object]:
        """As the component's script reads it."""
        return {"sentence": self.sentence, "author": self.author, **self.box.as_dict()}


@dataclass(frozen=True, slots=True)
class Picked:
    """What the reader can do on the panel.

    Attributes:
        on_pick: takes the sentence of a pressed box.
        on_draw: takes a drawn box; None where nothing can be drawn (a signed report).
    """

    on_pick: Callable[[int], None]
    on_draw: Callable[[Box], None] | None


def image_panel(
    png: bytes, *, image: Image, boxes: Sequence[ShownBox], selected: int | None, picked: Picked, key: str
) -> None:
    """Draw the panel.

    Args:
        png: the windowed image.
        image: for its shape.
        boxes: in the original frame.
        selected: index of the selected sentence.
        picked: what happens when a box is pressed or drawn.
        key: of the component; zoom is kept under it by the browser.
    """
    data = {
        "png": base64.b64encode(png).decode("ascii"),
        "columns": image.columns,
        "rows": image.rows,
        "boxes": [box.as_data() for box in boxes],
        "selected": selected,
        "drawable": picked.on_draw is not None,
    }
    _mount(
        key=key,
        data=data,
        on_picked_change=partial(_picked, key, picked),
        on_drawn_change=partial(_drawn, key, picked),
    )


def drawn_box(value: object) -> Box | None:
    """The box in what the browser sent, None for anything that is not one (the browser is not trusted).

    >>> drawn_box([0.1, 0.2, 0.3, 0.4])
    Box(x_min=0.1, y_min=0.2, x_max=0.3, y_max=0.4)
    >>> drawn_box(["a"]) is None and drawn_box([0.3, 0.2, 0.1, 0.4]) is None
    True
    """
    if not isinstance(value, list) or len(value) != 4:
        return None
    if not all(isinstance(edge, int | float) for edge in value):
        return None
    x_min, y_min, x_max, y_max = (float(edge) for edge in value)
    return clipped_box(x_min, y_min, x_max, y_max)


def _picked(key: str, picked: Picked) -> None:
    index = st.session_state[key].get("picked")
    if isinstance(index, int | float) and index >= 0:
        picked.on_pick(int(index))


def _drawn(key: str, picked: Picked) -> None:
    box = drawn_box(st.session_state[key].get("drawn"))
    if box is not None and picked.on_draw is not None:
        picked.on_draw(box)
