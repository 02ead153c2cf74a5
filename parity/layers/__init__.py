"""Where two networks diverge: one table of layers, from the image to the op that is to blame.

Six rooms, each of which may use those before it: ``numbers`` (arithmetic of tensors), ``graph``
(what ops mean), ``subjects`` (networks open for looking), ``align`` (which tensor is which),
``expected`` (what quantisation must cost), ``verdict`` (the table). Begin with
``verdict/comparing.py``, which goes through them image after image; files of models are read in
``subjects/``.
"""
