"""A pytest plugin (``-p tests.exact_integers``): ONNX Runtime sums integers exactly, anywhere.

Its kernels for x86 processors without VNNI saturate where two products are added in 16 bits, unless
a session is told otherwise. So on such a machine the tests run with both kinds of integers; on one
with VNNI, and on others, the setting changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import onnxruntime
import pytest

_SETTING = "session.x64quantprecision"


@pytest.fixture(scope="session", autouse=True)
def _exact_integers() -> Iterator[None]:
    plain = onnxruntime.InferenceSession.__init__

    def exact(self: Any, model: Any, sess_options: Any = None, *args: Any, **named: Any) -> None:
        options = onnxruntime.SessionOptions() if sess_options is None else sess_options
        options.add_session_config_entry(_SETTING, "1")
        plain(self, model, options, *args, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(onnxruntime.InferenceSession, "__init__", exact)
        yield
