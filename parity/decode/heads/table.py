"""The table of a family in ``parity.toml``."""

from __future__ import annotations

from pydantic import ConfigDict

from parity.fields import Table


class FamilyTable(Table):
    """The keys of ``[decode.FAMILY]``; every number is finite."""

    model_config = ConfigDict(allow_inf_nan=False)
