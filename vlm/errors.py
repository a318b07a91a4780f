"""What goes wrong between a case and its draft, typed; each text says the rule, the value and the way out.

No message quotes a note or a model's answer: those may hold what should not be in a log. The answer travels in
`raw_text`, for the failed draft.
"""

from __future__ import annotations

from cases.draft import Failure, FailureKind


class ModelLoadError(RuntimeError):
    """A model that must not, or cannot, be loaded: wrong weights, missing files, parameters that were not in them."""


class ModelLostError(ModelLoadError):
    """The model's process ended, or ran out of time, while it loaded: another one may get there."""


class SiteModelsError(ModelLoadError):
    """The site's list of models cannot be used, or does not list the model that was asked for."""


class NotOfferedError(ModelLoadError):
    """A model that must not draft: its coordinate self-test failed, or was never run."""


class BackendError(RuntimeError):
    """A model that was loaded and then gave no usable answer.

    Attributes:
        kind: how it failed, as it will be counted.
        raw_text: what it had answered until then, "" when nothing.
    """

    def __init__(self, kind: FailureKind, message: str, *, raw_text: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.raw_text = raw_text

    def __reduce__(self) -> tuple[object, ...]:
        """Survive the way out of a child process whole."""
        return _rebuilt, (type(self), self.kind, str(self), self.raw_text)

    @property
    def failure(self) -> Failure:
        """The failure that a draft records."""
        return Failure(self.kind, str(self))


class AnswerError(BackendError):
    """An answer that is no report: empty, cut off, unreadable, or repeating itself."""

    @classmethod
    def unreadable(cls, raw_text: str) -> AnswerError:
        """An answer that parses, but makes a statement that cannot stand (an absence with a box, say)."""
        msg = "the answer makes a statement that no report can hold: read its raw text, or draft again"
        return cls(FailureKind.PARSE, msg, raw_text=raw_text)


def _rebuilt(cls: type[BackendError], kind: FailureKind, message: str, raw_text: str) -> BackendError:
    return cls(kind, message, raw_text=raw_text)
