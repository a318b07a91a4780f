"""Where the parts of a pilot lie on disk: all beside the store's file, so moving the pilot is moving its folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class StorePaths:
    """The files that belong to a store.

    The keys and the crosswalk lie apart from the store on purpose: a copy of the store (for the committee, for the
    statistician) is then pseudonymous as it stands.

    >>> StorePaths(Path("pilot/overread.duckdb")).images.as_posix()
    'pilot/overread.duckdb.images'

    Attributes:
        store: the DuckDB file.
    """

    store: Path

    @property
    def images(self) -> Path:
        """Folder of the rendered pixels, named by their hash (`cases.images`)."""
        return self._beside("images")

    @property
    def keys(self) -> Path:
        """Folder of the keys, readable by their owner only (`cases.crosswalk`)."""
        return self._beside("keys")

    @property
    def crosswalk(self) -> Path:
        """File of the encrypted crosswalk to the real identifiers (`cases.crosswalk`)."""
        return self._beside("crosswalk")

    @property
    def models(self) -> Path:
        """File in which the site lists its own models (`vlm.registry`); without it there are none."""
        return self._beside("models.json")

    @property
    def self_tests(self) -> Path:
        """File of the models' coordinate self-tests (`vlm.self_test_record`)."""
        return self._beside("selftests.json")

    @property
    def protocol(self) -> Path:
        """File of the site's own written rules (`cases.protocol`); without it the shipped ones hold."""
        return self._beside("protocol.yaml")

    @property
    def calibration(self) -> Path:
        """File of the site's own calibration (`vlm.calibration_file`); without it the one beside the weights holds."""
        return self._beside("calibration.json")

    def _beside(self, part: str) -> Path:
        return self.store.with_name(f"{self.store.name}.{part}")
