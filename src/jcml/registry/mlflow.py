"""Trained models in MLflow: runs, versions, the aliases `champion` and `challenger`; the only door to MLflow.

The default is an embedded SQLite store in the office's state; a server by URL serves a team. A version holds
LightGBM's own text in MLflow's Booster flavour, so any MLflow client loads it as a pyfunc, and `jcml.json` with
calibration, fingerprint and figures. jcml itself reads the text after checking its digest: loading runs no code.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import tempfile
import warnings
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jcml.durable import reached, undamaged
from jcml.errors import CheckFailed, InputMissing, NotPermitted, Unavailable, UsageError
from jcml.estimators.lightgbm import read_fitted
from jcml.metrics.calibration import Calibration
from jcml.registry.trained_model import SCHEMA, TrainedModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mlflow import MlflowClient

SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_ALLOW_MODEL_CODE_EXECUTION": "false",
    "MLFLOW_ENABLE_ASYNC_LOGGING": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_RECORD_ENV_VARS_IN_MODEL_LOGGING": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}
"""Set before MLflow is imported, where the environment does not say otherwise."""

CONTENTS: dict[str, dict[str, str]] = {
    "aliases": {
        "challenger": "the newest fit; set when it is registered, taken away when it is promoted",
        "champion": "the version in force; set by a named person, never by a score",
    },
    "tags of a version": {
        "jcml.digest": "SHA-256 of `jcml.json`, checked before anything is read",
        "jcml.gates": "every gate: kept or not, what was measured, and why it is there",
        "jcml.fingerprint": "SHA-256 of the question it was trained on; scoring refuses another one",
        "jcml.trained_until": "only labels known before this day were used",
        "jcml.labelled": "rows it learned from",
        "jcml.confirmed": "of these, confirmed",
        "jcml.promotions": "who promoted it, when and why; from the first promotion on",
    },
    "parameters of a run": {
        "until": "the day whose knowledge counts, exclusive",
        "as_of_dates": "as-of dates of the matrix",
        "rows": "rows of the matrix, labelled or not",
        "features": "number of features",
        "folds": "test periods",
        "trials": "settings that were tried",
        "trees": "trees of the registered model",
        "calibration": "method that turns margins into probabilities",
        "capacity": "clues per run at which it was measured",
        "fingerprint": "as in the tag",
        "data_digest": "of the imported data",
        "matrix_digest": "of the matrix",
        "jcml": "version of jcml",
        "setting.NAME": "LightGBM's own parameter",
    },
    "metrics of a run": {
        "NAME": "every metric that could be measured, on later time",
        "NAME_low": "the lower end of its 95 % interval",
    },
    "files": {
        "model/MLmodel": "MLflow's description: flavours `lightgbm` and `python_function`, signature",
        "model/model.lgb": "LightGBM's own text",
        "model/jcml.json": "calibration, fingerprint, digests, figures, bands",
        "model/requirements.txt": "libraries that a pyfunc needs",
        "model/python_env.yaml": "the same, for MLflow",
        "evidence/figures.json": "every figure that was measured",
        "evidence/model_card.zh.html": "the model card in Chinese, one page",
        "evidence/model_card.en.html": "the model card in English, one page",
        "evidence/precision_over_time.png": "precision at capacity per as-of date; with the extra `plots`, as are all pictures",
        "evidence/reliability.png": "stated probability against confirmed share; when there were enough rows to calibrate",
        "evidence/lift_over_rules.png": "model, rules and baselines on the same rows",
        "evidence/shap_beeswarm.png": "SHAP values of the test rows",
    },
}
"""Everything that is logged with a version, and what it is."""


@dataclass(frozen=True)
class Version:
    """One registered fit of a supervision model.

    Parameters
    ----------
    number : int
    aliases : tuple of str
        `champion`, `challenger`, or none.
    gates : mapping of gate to (kept, words)
    promotions : tuple of mapping
        Who promoted it, when and why.

    >>> gates = {"auc": {"kept": True, "says": "0.8 (0.7 – 0.9) ≥ 0.6"}}
    >>> Version("m", 1, ("challenger",), "2025-01-01", "f", 900, 300, gates, (), "run").kept
    True
    """

    model: str
    number: int
    aliases: tuple[str, ...]
    trained_until: str
    fingerprint: str
    labelled: int
    confirmed: int
    gates: Mapping[str, Any]
    promotions: tuple[Mapping[str, str], ...]
    run: str

    @property
    def kept(self) -> bool:
        """True when every gate was kept."""
        return all(g["kept"] for g in self.gates.values())


@dataclass(frozen=True)
class Evidence:
    """What is logged beside a trained model: parameters, figures over time, files.

    >>> Evidence({}, {}, {}, None).files
    """

    parameters: Mapping[str, Any]
    metrics: Mapping[str, float]
    gates: Mapping[str, Any]
    files: Path | None


class Registry:
    """The trained models of one office.

    Parameters
    ----------
    folder : Path
        Where the embedded store is, and the artifacts.
    uri : str
        MLflow's address; empty for the embedded store.

    Examples
    --------
    >>> Registry(Path("state/mlflow")).uri[:10]
    'sqlite:///'
    """

    def __init__(self, folder: Path, uri: str = "") -> None:
        self.folder = folder
        self.embedded = not uri
        self.uri = uri or f"sqlite:///{(folder / 'mlflow.db').resolve()}"

    @property
    def state(self) -> str:
        """A digest of everything an embedded store says, read without MLflow; empty for a server, and when nothing is certain."""
        path = self.folder / "mlflow.db"
        beside = [path.with_name(path.name + end) for end in ("-wal", "-journal")]
        if not self.embedded or not path.is_file() or any(p.exists() for p in beside):
            return ""
        return hashlib.sha256(path.read_bytes()).hexdigest()

    @contextmanager
    def client(self) -> Iterator[MlflowClient]:
        """A client of the store; made on first use.

        Raises
        ------
        Unavailable
            JC5008, if the store does not answer.
        """
        for name, value in SETTINGS.items():
            os.environ.setdefault(name, value)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MLflow's advice is for people who write models for it
            import mlflow
            from mlflow.exceptions import MlflowException
            from sqlalchemy.exc import SQLAlchemyError

            for logger in ("mlflow", "mlflow.store.db.utils", "alembic"):
                logging.getLogger(logger).setLevel(logging.ERROR)
            if self.embedded:
                self.folder.mkdir(parents=True, exist_ok=True)
            try:
                yield mlflow.MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)
            except (MlflowException, SQLAlchemyError, OSError) as error:
                raise Unavailable("JC5008", problem=str(error).splitlines()[0][:200]) from None

    # -- registering -------------------------------------------------------------------------------------------

    def register(self, trained: TrainedModel, evidence: Evidence) -> int:
        """Log a fit with all its evidence, register it as a new version, and make it the challenger.

        Returns
        -------
        int
            The version's number.
        """
        with self.client() as client:
            experiment = self._experiment(client, trained.name)
            run = client.create_run(experiment, run_name=f"{trained.name} {trained.trained_until}")
            identity = run.info.run_id
            for key, value in evidence.parameters.items():
                client.log_param(identity, key, str(value)[:500])
            for key, value in evidence.metrics.items():
                if value == value:
                    client.log_metric(identity, key, float(value))
            with tempfile.TemporaryDirectory() as scratch:
                folder = Path(scratch) / "model"
                self._save(trained, folder)
                client.log_artifacts(identity, str(folder), "model")
                digest = hashlib.sha256((folder / "jcml.json").read_bytes()).hexdigest()
            if evidence.files is not None:
                client.log_artifacts(identity, str(evidence.files), "evidence")
            client.set_terminated(identity)
            self._ensure_model(client, trained.name)
            version = client.create_model_version(
                trained.name, source=f"{run.info.artifact_uri}/model", run_id=identity,
                tags={
                    "jcml.digest": digest,
                    "jcml.gates": json.dumps(evidence.gates, ensure_ascii=False),
                    "jcml.fingerprint": trained.fingerprint,
                    "jcml.trained_until": trained.trained_until,
                    "jcml.labelled": str(trained.labelled),
                    "jcml.confirmed": str(trained.confirmed),
                },
            )
            reached("register.logged")
            client.set_registered_model_alias(trained.name, "challenger", str(version.version))
            return int(version.version)

    def _experiment(self, client: MlflowClient, name: str) -> str:
        place = (self.folder / "artifacts" / name).resolve().as_uri() if self.embedded else None
        moved = 0
        while (found := client.get_experiment_by_name(f"{name}{f' {moved}' if moved else ''}")) is not None:
            if place is None or found.artifact_location == place:
                return str(found.experiment_id)
            moved += 1  # the office was moved to another folder; its new runs belong there
        return str(client.create_experiment(f"{name}{f' {moved}' if moved else ''}", artifact_location=place))

    def _ensure_model(self, client: MlflowClient, name: str) -> None:
        from mlflow.exceptions import MlflowException

        try:
            client.get_registered_model(name)
        except MlflowException:
            client.create_registered_model(name)

    def _save(self, trained: TrainedModel, folder: Path) -> None:
        """Write what `mlflow.lightgbm` and `mlflow.pyfunc` load, without the search through every installed package that
        MLflow's own `save_model` makes for requirements that are read from the installation anyway."""
        import platform
        from importlib.metadata import version

        import mlflow.pyfunc
        import numpy as np
        from mlflow.models import Model, infer_signature

        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.lgb").write_text(trained.learned.text, encoding="utf-8")  # the text that was hashed, to the byte
        (folder / "jcml.json").write_text(trained.to_json(), encoding="utf-8")
        needs = [f"{p}=={version(p)}" for p in ("lightgbm", "numpy", "mlflow-skinny")]
        (folder / "requirements.txt").write_text("\n".join(needs) + "\n", encoding="utf-8")
        (folder / "python_env.yaml").write_text(f"python: {platform.python_version()}\ndependencies:\n- -r requirements.txt\n", encoding="utf-8")
        example = np.zeros((1, len(trained.fitted.features)))
        model = Model(
            signature=infer_signature(example, np.asarray(trained.learned.booster.predict(example))),
            metadata={"jcml": "calibration, fingerprint and figures are in jcml.json"},
        )
        model.add_flavor("lightgbm", lgb_version=version("lightgbm"), data="model.lgb", model_class="lightgbm.basic.Booster")
        mlflow.pyfunc.add_to_model(model, loader_module="mlflow.lightgbm", data="model.lgb", python_env="python_env.yaml")
        model.save(str(folder / "MLmodel"))

    # -- reading -----------------------------------------------------------------------------------------------

    def load(self, name: str, which: int | str) -> TrainedModel:
        """A trained model by version number or alias, its digests checked before anything is parsed.

        Raises
        ------
        InputMissing
            JC5001, if there is no champion; JC5002, if there is no such version.
        NotPermitted
            JC5003 or JC5004, if a file is not what was registered.
        """
        with self.client() as client:
            version = self._find(client, name, which)
            with tempfile.TemporaryDirectory() as scratch:
                folder = self._files(client, version, Path(scratch))
                raw = (folder / "jcml.json").read_bytes()
                text = (folder / "model.lgb").read_text(encoding="utf-8", errors="replace")  # replaced is changed: the digest tells
        return _read(raw, text, version.tags.get("jcml.digest", ""), int(version.version))

    def _find(self, client: MlflowClient, name: str, which: int | str) -> Any:
        from mlflow.exceptions import MlflowException

        try:
            if isinstance(which, str):
                return client.get_model_version_by_alias(name, which)
            return client.get_model_version(name, str(which))
        except MlflowException as error:
            if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                raise
            if which == "champion":
                raise InputMissing("JC5001", model=name) from None
            known = ", ".join(str(v.number) for v in self.versions(name))
            raise InputMissing("JC5002", model=name, version=which, versions=known or "-") from None

    def _files(self, client: MlflowClient, version: Any, scratch: Path) -> Path:
        folder = self._download(client, version, "model", scratch)
        if not (folder / "jcml.json").is_file() or not (folder / "model.lgb").is_file():
            raise NotPermitted("JC5003")
        return folder

    def _download(self, client: MlflowClient, version: Any, path: str, scratch: Path) -> Path:
        """A folder or file of a run; the embedded store is read where it lies, wherever the office was moved to."""
        if not self.embedded:
            return Path(client.download_artifacts(version.run_id, path, str(scratch)))
        run = "".join(c for c in version.run_id if c.isalnum())
        return self.folder / "artifacts" / _plain(version.name) / run / "artifacts" / path

    def versions(self, name: str) -> list[Version]:
        """Every version of a model, newest first."""
        with self.client() as client:
            found = client.search_model_versions(f"name = '{_plain(name)}'")
            aliases: dict[str, list[str]] = {}
            if found:
                for alias, number in client.get_registered_model(name).aliases.items():
                    aliases.setdefault(str(number), []).append(alias)
        try:
            made = [
                Version(
                    name, int(v.version), tuple(sorted(aliases.get(str(v.version), []))), v.tags.get("jcml.trained_until", ""),
                    v.tags.get("jcml.fingerprint", ""), int(v.tags.get("jcml.labelled", 0)), int(v.tags.get("jcml.confirmed", 0)),
                    json.loads(v.tags.get("jcml.gates", "{}")), tuple(json.loads(v.tags.get("jcml.promotions", "[]"))), v.run_id or "",
                )
                for v in found
            ]
        except (ValueError, TypeError):
            raise NotPermitted("JC5003") from None
        return sorted(made, key=lambda v: -v.number)

    def artifact(self, name: str, which: int | str, file: str) -> bytes:
        """One file of the evidence of a version, such as `model_card.html`."""
        with self.client() as client:
            version = self._find(client, name, which)
            with tempfile.TemporaryDirectory() as scratch:
                path = self._download(client, version, f"evidence/{file}", Path(scratch))
                with undamaged(path):
                    return path.read_bytes()

    # -- promoting ---------------------------------------------------------------------------------------------

    def promote(self, name: str, number: int, *, by: str, because: str, fingerprint: str) -> None:
        """Make a version the champion: a named person's act, with a reason.

        Raises
        ------
        UsageError
            JC5006, without name or reason.
        CheckFailed
            JC5005, if a gate was not kept; JC5009, if it was trained on another definition.
        """
        if not by.strip() or len(because.strip()) < 4:
            raise UsageError("JC5006")
        version = next((v for v in self.versions(name) if v.number == number), None)
        if version is None:
            raise InputMissing("JC5002", model=name, version=number, versions=", ".join(str(v.number) for v in self.versions(name)) or "-")
        if not version.kept:
            broken = "; ".join(f"{g}: {r['says']}" for g, r in version.gates.items() if not r["kept"])
            raise CheckFailed("JC5005", model=name, version=number, gates=broken)
        if version.fingerprint != fingerprint:
            raise CheckFailed("JC5009", model=name, version=number)
        self._make_champion(name, version, by, because)

    def rollback(self, name: str, *, by: str, because: str) -> int:
        """Make the champion before the present one the champion again; returns its number.

        Raises
        ------
        InputMissing
            JC5007, if there was none.
        """
        if not by.strip() or len(because.strip()) < 4:
            raise UsageError("JC5006")
        history = sorted((p["on"], v.number) for v in self.versions(name) for p in v.promotions)
        present = next((v.number for v in self.versions(name) if "champion" in v.aliases), None)
        earlier = [number for _, number in history if number != present]
        if not earlier:
            raise InputMissing("JC5007", model=name)
        version = next(v for v in self.versions(name) if v.number == earlier[-1])
        self._make_champion(name, version, by, because)
        return version.number

    def _make_champion(self, name: str, version: Version, by: str, because: str) -> None:
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        entry = {"by": by.strip(), "because": because.strip(), "on": now}
        with self.client() as client:
            client.set_model_version_tag(
                name, str(version.number), "jcml.promotions", json.dumps([*version.promotions, entry], ensure_ascii=False)
            )
            client.set_registered_model_alias(name, "champion", str(version.number))
            if "challenger" in version.aliases:
                client.delete_registered_model_alias(name, "challenger")

    def verify(self, name: str) -> list[tuple[int, str]]:
        """Check the digests of every version; returns (number, problem) for those that do not hold."""
        problems = []
        for version in self.versions(name):
            try:
                self.load(name, version.number)
            except (NotPermitted, InputMissing) as error:
                problems.append((version.number, error.code))
        return problems

    def remove(self) -> None:
        """Remove the embedded store; for tests and demonstrations."""
        if self.embedded:
            shutil.rmtree(self.folder, ignore_errors=True)


def _plain(name: str) -> str:
    return "".join(c for c in name if c.isalnum() or c == "_")


def _read(raw: bytes, text: str, digest: str, number: int) -> TrainedModel:
    if not digest or hashlib.sha256(raw).hexdigest() != digest:
        raise NotPermitted("JC5003")
    try:
        content = json.loads(raw)
        if content["schema"] != SCHEMA:
            raise NotPermitted("JC5004")
        fitted = read_fitted(text, content["features"], content["model_digest"])
        trained = TrainedModel(
            content["name"], fitted, Calibration.from_json(content["calibration"]), content["fingerprint"], content["capacity"],
            content["every"], content["trained_until"], content["data_digest"], content["labelled"], content["confirmed"],
            content["figures"], tuple((n, p) for n, p in content["bands"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NotPermitted("JC5004") from None
    return replace(trained, version=number)
