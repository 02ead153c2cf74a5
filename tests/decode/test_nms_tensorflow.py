"""Greedy suppression against TensorFlow's."""

from __future__ import annotations

import numpy as np
import pytest

from parity.boxes import iou
from parity.decode import suppress
from parity.runtimes.shared import tf_common

pytest.importorskip("tensorflow")
tf = tf_common.start(1)  # the first to start TensorFlow sets its threads for every later test


def test_agnostic_is_tensorflows_nms() -> None:
    """300 random sets, the same rows in the same order, with its own limit of detections."""
    compared = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        count = int(rng.integers(1, 100))
        centres = rng.uniform(0, 150, (count, 2))
        sides = rng.uniform(4, 60, (count, 2))
        # Multiples of 1/8 are exact in TensorFlow's float32.
        boxes = np.round(np.concatenate([centres - sides / 2, centres + sides / 2], 1) * 8) / 8
        scores = rng.permutation(np.linspace(0.05, 0.95, count)).astype(np.float32)
        limit, most = float(np.float32(rng.uniform(0.1, 0.7))), int(rng.integers(1, 60))
        if np.abs(iou(boxes, boxes) - limit).min() < 1e-5:
            continue  # float32 may decide otherwise
        expected = tf.image.non_max_suppression(
            boxes[:, [1, 0, 3, 2]].astype(np.float32), scores, most, limit
        )
        found = suppress(
            boxes, scores.astype(float), np.zeros(count, np.int64), limit, "agnostic", most
        )
        assert found.kept.tolist() == expected.numpy().tolist(), seed
        compared += 1
    assert compared > 200
