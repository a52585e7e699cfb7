"""A registered model scores on Spark without jcml too, through MLflow's own door."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest
from on_spark import HERE, SMALL

from jcml.engines.spark import disconnect, session
from jcml.registry.mlflow import Registry

pytestmark = pytest.mark.skipif(not HERE, reason="needs the extra spark and Java 17")


def test_mlflows_spark_udf_gives_the_scores_of_the_list(office, jcml):
    import mlflow

    assert jcml("score", "example", "--as-of", "2025-01-01") == 0
    (folder,) = (office / "state").rglob("matrix.parquet")
    fitted = Registry(office / "state" / "mlflow").load("example", "champion").learned
    disconnect()
    spark = session("local[1]", SMALL, "1GB")
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{office / 'state' / 'mlflow' / 'mlflow.db'}")
    try:
        udf = mlflow.pyfunc.spark_udf(spark, "models:/example@champion", result_type="double", env_manager="local")
        frame = spark.read.parquet(str(folder))
        found = frame.select("place", udf(*(frame[f"`{name}`"] for name in fitted.features)).alias("p")).toArrow()
    finally:
        mlflow.set_tracking_uri(before)
        disconnect()
    scores = pq.read_table(folder.parent / "scores.parquet")
    margins = dict(zip(scores["place"].to_pylist(), scores["margin"].to_pylist(), strict=True))
    assert found.num_rows == len(margins) > 0
    for unit, p in zip(found["place"].to_pylist(), found["p"].to_pylist(), strict=True):
        assert p == pytest.approx(1 / (1 + np.exp(-margins[unit])), rel=1e-12)
