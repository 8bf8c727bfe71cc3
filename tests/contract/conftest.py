"""Pictures that several suites ask about."""

import numpy as np
import pytest

from tests.unit.drawing import LABELS, drawn


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A red circle and a blue square."""
    folder = tmp_path_factory.mktemp("files")
    for number, label in enumerate(LABELS):
        drawn(label, np.random.default_rng(number)).save(folder / f"{number}.png")
    return [folder / "0.png", folder / "1.png"]
