"""Without the packages that can be left out, one thing each is refused in one sentence and the rest works."""

import io
import zipfile

import numpy as np
import pytest

from core.errors import MissingPackageError
from core.exchange.export_archive import export_run
from core.exchange.onnx import to_onnx
from core.extras import EXTRAS, why_missing
from core.model.presets import preset
from core.probe.embedding.layout import PROJECTIONS, project
from core.report.document import lab_report
from core.runs.store import RunStore
from core.train.config import TrainConfig
from tests.absent import make_absent


def test_each_is_here_and_named_where_it_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {module: why_missing(module) for module in EXTRAS} == dict.fromkeys(EXTRAS, "")
    make_absent(monkeypatch, *EXTRAS)
    assert why_missing("onnx") == "The package onnx is not installed here, and an ONNX file needs it: pip install onnx."
    assert all(why_missing(module) for module in EXTRAS)


def test_maps_are_laid_out_without_umap(monkeypatch: pytest.MonkeyPatch) -> None:
    make_absent(monkeypatch, "umap")
    rows = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32)
    with pytest.raises(MissingPackageError, match=r"^The package umap-learn is not installed here, and UMAP needs it"):
        project(rows, "umap")
    assert [project(rows, method).shape for method in PROJECTIONS if method != "umap"] == [(40, 2)] * 2


def test_archive_and_report_are_made_without_any_and_say_what_is_not_in_them(monkeypatch: pytest.MonkeyPatch) -> None:
    make_absent(monkeypatch, *EXTRAS)
    store, file = RunStore(), io.BytesIO()
    run_id = store.create(preset("tutorial", (3, 32, 32), 10), TrainConfig(), "cifar10")
    with pytest.raises(MissingPackageError, match="an ONNX file needs it"):
        to_onnx(store, run_id)
    export_run(store, run_id, file)
    archive = zipfile.ZipFile(file)
    readme = archive.read("README.txt").decode()
    assert "spec.json" in archive.namelist()
    assert "tensorboard/: The package tensorboard is not installed here" in readme
    assert "model.onnx: The package onnx is not installed here" in readme
    assert "The curves: The package vl-convert-python is not installed here" in lab_report(store, run_id)
    store.close()
