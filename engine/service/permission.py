"""What the people at a page may do to this machine: which paths they may name, and whose code they let run.

Trust in a model's authors comes from one place: a tick by the person at a page. It holds for that model in that
session, and no run file, old run, link or preset carries it. A base that such a tick has loaded serves no other
session; but a run answers all of them while it trains, since its model's code is at work then.
"""

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from engine.config.accelerate_file import read_accelerate_file
from engine.config.run import RunConfig
from engine.config.training import TRUST, TrainingSettings
from engine.core.confine import Confinement, lies_within, named_path
from engine.core.errors import DataError, ModelError, RunError, SettingError
from engine.data.readers.hub_name import HUB, HubName
from engine.data.settings import DataSettings
from engine.data.shipped import shipped
from engine.models.hub_size import check_size
from engine.models.resolve import locate, ships
from engine.runs.folder import RunFolder
from engine.service.limits import UNLIMITED, Limits
from engine.service.visitor import Visitor, operator

Trust = Mapping[str, bool]
"""Arguments of `load_base` that trust a model's authors; those that are not given are missing."""
NO_TRUST: Trust = MappingProxyType({})

SESSIONS_KEPT = 256
"""Sessions whose ticks are remembered; the oldest tick again."""
HUB_ID = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?", re.ASCII)


class Permission:
    """Checks every config before a workbench acts on it. Safe from any thread.

    Args:
        confinement: The folders that may be named, and whether trust can be given at all.
        who: Returns the visitor that the present thread answers.
        limits: How much a run may take.
    """

    def __init__(
        self, confinement: Confinement, who: Callable[[], Visitor] = operator, limits: Limits = UNLIMITED
    ) -> None:
        self.confinement, self.limits = confinement, limits
        self._who = who
        self._given: OrderedDict[str, tuple[str, frozenset[str]]] = OrderedDict()
        self._uploaded: dict[Path, set[str]] = {}
        self._lock = threading.Lock()

    def trust(self, session: str, model: str, names: Iterable[str]) -> None:
        """Remember what the person at a page ticked for a model, in place of all that was ticked there before.

        Args:
            session: The page's.
            model: Name, folder or hub id.
            names: Settings of `TRUST` that are ticked; none takes the trust back.

        Raises:
            SettingError: Nobody can give it here.
        """
        ticked = frozenset(names) & frozenset(TRUST)
        if ticked and not self.confinement.may_trust:
            raise _no_trust_here(sorted(ticked)[0])
        with self._lock:
            self._given.pop(session, None)
            if ticked and session and model.strip():
                self._given[session] = (_identity(model), ticked)
            while len(self._given) > SESSIONS_KEPT:
                self._given.popitem(last=False)

    def given(self, session: str, model: str) -> Trust:
        """The trust that a session has in a model; none without a session."""
        with self._lock:
            identity, ticked = self._given.get(session, ("", frozenset()))
        if not ticked or not self.confinement.may_trust or identity != _identity(model):
            return NO_TRUST
        return dict.fromkeys(sorted(ticked), True)

    def uploaded(self, session: str, path: Path) -> None:
        """Remember in which session a file or folder was uploaded; there it may be named."""
        with self._lock:
            self._uploaded.setdefault(path.resolve(), set()).add(session)

    def _uploaded_by(self, session: str, path: Path) -> bool:
        """Whether a path may be named as far as uploads go: it is none, or this visitor's, or of this session."""
        uploads, real, visitor = self.confinement.uploads, path.resolve(), self._who()
        if uploads is None or not real.is_relative_to(uploads.resolve()):
            return True
        if visitor.id:
            return real.is_relative_to(visitor.uploads(uploads).resolve())
        with self._lock:
            return any(session in self._uploaded.get(each, ()) for each in (real, *real.parents))

    def check(self, config: RunConfig, session: str) -> None:
        """See that a run may be set up as its form says.

        Raises:
            WorkbenchError: It names a path that is not free here, claims trust that this session did not give, or is
                larger than a run may be here.
        """
        self.check_paths(config, session)
        self.limits.check(config.of_training())
        self.check_rows(config.dataset, config.of_data())
        given = self.given(session, config.model)
        for name in TRUST:
            if getattr(config.of_training(), name) and name not in given:
                if not self.confinement.may_trust:
                    raise _no_trust_here(name)
                raise SettingError(
                    "trust_not_given",
                    f"{name} was not ticked for the model {config.model!r} in this session: choose the model and tick "
                    "it yourself, if you trust its authors.",
                    field=name,
                    name=config.model,
                )

    def check_launch(self, settings: TrainingSettings) -> None:
        """See that the Accelerate config of a run that begins may be named here, and starts no more than is allowed.

        Raises:
            WorkbenchError: It may not, or it cannot be used.
        """
        name = settings.accelerate_config
        if not name:
            return
        folders, path = self.confinement.data, named_path(name)
        if folders is not None and not self._declared(path, folders):
            raise SettingError(
                "accelerate_of_server",
                f"accelerate_config is {name!r}, which lies in none of the folders that this server's operator has "
                "declared: leave it empty.",
                field="accelerate_config",
                value=name,
            )
        self.limits.check(replace(settings, processes=read_accelerate_file(name).processes))

    def _declared(self, path: Path, folders: Iterable[Path]) -> bool:
        """Whether a path lies where only the operator writes."""
        uploads = self.confinement.uploads
        return lies_within(path, folders) and not (uploads is not None and lies_within(path, [uploads]))

    def check_paths(self, config: RunConfig, session: str | None = None) -> None:
        """See that a run's model and data may be named here.

        Args:
            config: The run's.
            session: Of the page that names them; None for a run that has been started already.

        Raises:
            WorkbenchError: One of them may not.
        """
        self._check_model(config.model)
        if config.vision:
            self._check_model(config.vision)
        data = config.of_data()
        self.check_data(config.dataset, (data.validation, data.test), session)

    def of_run(self, folder: RunFolder, session: str) -> Trust:
        """The trust with which a run's base may be loaded.

        Raises:
            WorkbenchError: Its model or data may not be named here.
        """
        config = folder.config
        self.check_paths(config)
        return self.given(session, config.model)

    def to_resume(self, folder: RunFolder, session: str) -> Trust:
        """The same for a run that shall go on.

        Raises:
            WorkbenchError: As `of_run`; or the run was made with trust that this session did not give.
        """
        given = self.of_run(folder, session)
        for name in folder.trust_asked:
            if name not in given:
                if not self.confinement.may_trust:
                    raise _no_trust_here(name)
                raise RunError(
                    "run_needs_trust",
                    f"The run {folder.id!r} was made with {name}: choose the model {folder.config.model!r} and tick it "
                    "again, if you still trust its authors; then resume.",
                    run=folder.id,
                    field=name,
                    name=folder.config.model,
                )
        return given

    def _check_model(self, name: str) -> None:
        named_path(name)
        folders, path = self.confinement.models, Path(locate(name))
        if folders is None or ships(name):
            return
        if HUB_ID.fullmatch(name) and not path.exists():
            check_size(name, "model", self.limits.hub_bytes)
            return
        if not any(lies_within(path, [folder]) for folder in folders):
            raise ModelError(
                "model_of_server",
                f"The model {name!r} may not be read here, since others share this server: choose one of the list, or "
                "a hub id.",
                name=name,
            )

    def check_data(self, dataset: str, others: Iterable[str] = (), session: str | None = None) -> None:
        """See that a dataset may be named here.

        Args:
            dataset: Its name.
            others: Files for validation and scoring, or splits of a hub dataset, or empty.
            session: See `check_paths`.

        Raises:
            WorkbenchError: It, or one of the others, may not.
        """
        on_hub = dataset.startswith(HUB)
        files = [other.strip() for other in others if other.strip()]
        for file in files if not on_hub else ():
            named_path(file)
        if self.confinement.data is None:
            return
        from engine.data.readers.dispatch import is_source  # noqa: PLC0415 - it loads pyarrow

        names = [] if dataset in shipped() else [dataset]
        for name in [*names, *(file for file in files if not on_hub or is_source(file))]:
            self._check_file(name, self.confinement.data, session)

    def check_rows(self, dataset: str, settings: DataSettings) -> None:
        """See that no more rows of a dataset are read than may be.

        Raises:
            WorkbenchError: The settings ask for more; or it is a folder with a description, of which all are read.
        """
        if self.limits.row_limit is None or dataset in shipped():
            return
        from engine.data.readers.dispatch import is_source  # noqa: PLC0415 - it loads pyarrow

        if not is_source(dataset):
            text = f"The folder {dataset!r} has a description of its own, which is not read here: give its files."
            raise DataError("described_folder", text, name=dataset)
        self.limits.check(settings)

    def _check_file(self, name: str, folders: Iterable[Path], session: str | None) -> None:
        if name.startswith(HUB):
            hub = HubName.of(name).path
            free = HUB_ID.fullmatch(hub) is not None and not Path(hub).exists()
            if free:
                check_size(hub, "dataset", self.limits.hub_bytes)
        else:
            path = named_path(name)
            free = any(lies_within(path, [folder]) for folder in folders)
            free = free and (session is None or self._uploaded_by(session, path))
        if not free:
            raise DataError(
                "file_of_server",
                f"The file {name!r} lies on the server that everybody shares: upload yours, or name a hub dataset.",
                name=name,
            )


def _identity(model: str) -> str:
    """A model's resolved folder, or its hub id: another folder behind the same name is another model."""
    path = Path(locate(model.strip()))
    return str(path.resolve()) if path.exists() else model.strip()


def _no_trust_here(name: str) -> SettingError:
    return SettingError(
        "no_trust_here",
        f"{name} cannot be switched on here, since others can reach this workbench: choose a model with safetensors "
        "and without code of its own.",
        field=name,
    )
