"""Finds a learning rate without a page: a ladder of short runs, waited for."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from engine.config.run import RunConfig
from engine.core.paths import home
from engine.service.workbench import Workbench
from engine.tuning.store import LadderView

LOOK_S = 0.2


def find_rate(
    dataset: str = RunConfig.dataset,
    method: str = RunConfig.method,
    model: str = RunConfig.model,
    *,
    settings: Mapping[str, Any] | None = None,
    data: Mapping[str, Any] | None = None,
    steps: int | None = None,
    **training: Any,  # noqa: ANN401 - each setting has another type
) -> LadderView:
    """Find the learning rate of a run by a ladder: five rates, of which the better half goes on twice.

    Args:
        dataset: A shipped name, a file, a folder, or hub:owner/name.
        method: A name in `engine.methods.METHODS`.
        model: Embedded name, folder or hub id.
        settings: Settings of the method.
        data: How a file becomes rows, fields of `DataSettings`.
        steps: Of a rate that goes to the end; None for those of the run, at most `USUAL_STEPS`.
        **training: Fields of `TrainingSettings`.

    Returns:
        The ladder; `best` is the rate with the lowest validation loss.

    Raises:
        WorkbenchError: A setting, the model or the data cannot be used.
    """
    config = RunConfig(
        model=model,
        dataset=dataset,
        method=method,
        method_settings=dict(settings or {}),
        training=dict(training),
        data=dict(data or {}),
    )
    return climb(config, steps)


def climb(
    config: RunConfig,
    steps: int | None = None,
    stopped: threading.Event | None = None,
    tell: Callable[[LadderView], None] = lambda _: None,
) -> LadderView:
    """Run a ladder before all that waits in the queue of the home folder, and wait for its end.

    Where a page is open, that trains it.

    Args:
        config: The run whose rate is looked for.
        steps: Of a rate that goes to the end.
        stopped: Set to end it early.
        tell: Called now and then with how far it is.

    Raises:
        WorkbenchError: A setting, the model or the data cannot be used.
    """
    stopped = stopped or threading.Event()
    workbench = Workbench(home())
    try:
        tag = workbench.ladders.start(config, steps=steps, first=True)
        while True:
            view = workbench.ladders.view(tag)
            assert view is not None, "whoever is alone sees all ladders"
            tell(view)
            if view.state != "running":
                return view
            if stopped.wait(LOOK_S):
                workbench.ladders.stop(tag)
    finally:
        workbench.close()
