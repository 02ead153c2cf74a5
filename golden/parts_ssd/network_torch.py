"""The same SSDLite as `network_keras.py`, as a plain PyTorch module.

Input (N, 3, 240, 320) float32 RGB, `(x - 127) / 128`.  Outputs, in this order:
`boxes` (N, 4200, 4) SSD offsets cx, cy, w, h (variances 0.1 and 0.2) to the priors, and
`scores` (N, 4200, 6) softmax probabilities, column 0 being background.

Keras pads a convolution of stride 2 unevenly (more at the bottom and right) where PyTorch's own
`padding=1` would shift the picture by a pixel; hence the explicit padding here.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

HEIGHT: Final = 240
WIDTH: Final = 320
CLASSES: Final = 5
PRIORS_PER_CELL: Final = (2, 4, 6, 6)

# MobileNetV2 at alpha 0.35: expansion, output channels, blocks, stride of the first block.
STAGES: Final = (
    (1, 8, 1, 1),
    (6, 8, 2, 2),
    (6, 16, 3, 2),
    (6, 24, 4, 2),
    (6, 32, 3, 1),
    (6, 56, 3, 2),
    (6, 112, 1, 1),
)
STRIDE_8: Final = 6  # the blocks whose expanded features feed the heads
STRIDE_16: Final = 13


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """TensorFlow's "same" padding before and after a side of `size` cells."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class ConvBn(nn.Module):
    """Padded convolution, batch norm (Keras' epsilon) and, unless linear, ReLU6.

    `size` is the (height, width) of the input; `self.size` that of the output.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        size: tuple[int, int],
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        linear: bool = False,
    ) -> None:
        super().__init__()
        top, bottom = same_padding(size[0], kernel, stride)
        left, right = same_padding(size[1], kernel, stride)
        self.size = (-(-size[0] // stride), -(-size[1] // stride))
        self.pad = nn.ZeroPad2d((left, right, top, bottom)) if kernel > 1 else nn.Identity()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=1e-3)
        self.act = nn.Identity() if linear else nn.ReLU6()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.bn(self.conv(self.pad(x))))


class Block(nn.Module):
    """Inverted residual: expand, depthwise, project."""

    def __init__(
        self, inputs: int, outputs: int, size: tuple[int, int], stride: int, expansion: int
    ) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.expand = ConvBn(inputs, hidden, size) if expansion > 1 else nn.Identity()
        self.depthwise = ConvBn(hidden, hidden, size, 3, stride, hidden)
        self.size = self.depthwise.size
        self.project = ConvBn(hidden, outputs, self.size, linear=True)
        self.residual = inputs == outputs and stride == 1
        self.hidden = hidden

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The block's output and its expanded features."""
        expanded = self.expand(x)
        y = self.project(self.depthwise(expanded))
        return (x + y if self.residual else y), expanded


class Separable(nn.Module):
    """Depthwise 3x3 and pointwise convolution, both with batch norm and ReLU6."""

    def __init__(self, inputs: int, outputs: int, size: tuple[int, int], stride: int = 1) -> None:
        super().__init__()
        self.depthwise = ConvBn(inputs, inputs, size, 3, stride, inputs)
        self.size = self.depthwise.size
        self.pointwise = ConvBn(inputs, outputs, self.size)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.pointwise(self.depthwise(x))
        return y


class Head(nn.Module):
    """SSDLite head: depthwise 3x3 + BN + ReLU6 + pointwise, to (N, cells * count, values)."""

    def __init__(self, inputs: int, size: tuple[int, int], count: int, values: int) -> None:
        super().__init__()
        self.depthwise = ConvBn(inputs, inputs, size, 3, 1, inputs)
        self.pointwise = nn.Conv2d(inputs, count * values, 1)
        self.values = values

    def forward(self, x: Tensor) -> Tensor:
        y = self.pointwise(self.depthwise(x))
        return y.permute(0, 2, 3, 1).reshape(y.shape[0], -1, self.values)


class PartsSsd(nn.Module):
    """The whole detector."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = ConvBn(3, 16, (HEIGHT, WIDTH), 3, 2)
        size, channels = self.stem.size, 16
        blocks: list[Block] = []
        for expansion, outputs, repeats, stride in STAGES:
            for i in range(repeats):
                block = Block(channels, outputs, size, stride if i == 0 else 1, expansion)
                blocks.append(block)
                size, channels = block.size, outputs
        self.blocks = nn.ModuleList(blocks)
        self.last = ConvBn(channels, 1280, size)
        size_8, size_16 = blocks[STRIDE_8 - 1].size, blocks[STRIDE_16 - 1].size
        self.neck_8 = Separable(blocks[STRIDE_8].hidden, 96, size_8)
        self.extra_in = ConvBn(1280, 96, size)
        self.extra = Separable(96, 192, size, 2)
        inputs = (96, blocks[STRIDE_16].hidden, 1280, 192)
        sizes = (size_8, size_16, size, self.extra.size)
        self.box_heads = nn.ModuleList(
            [Head(c, s, n, 4) for c, s, n in zip(inputs, sizes, PRIORS_PER_CELL, strict=True)]
        )
        self.score_heads = nn.ModuleList(
            [
                Head(c, s, n, CLASSES + 1)
                for c, s, n in zip(inputs, sizes, PRIORS_PER_CELL, strict=True)
            ]
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.stem(x)
        expanded = []
        for block in self.blocks:
            x, wide = block(x)
            expanded.append(wide)
        last = self.last(x)
        maps = (
            self.neck_8(expanded[STRIDE_8]),
            expanded[STRIDE_16],
            last,
            self.extra(self.extra_in(last)),
        )
        boxes = torch.cat([h(m) for h, m in zip(self.box_heads, maps, strict=True)], dim=1)
        logits = torch.cat([h(m) for h, m in zip(self.score_heads, maps, strict=True)], dim=1)
        return boxes, torch.softmax(logits, dim=-1)


def build() -> nn.Module:
    """The network without trained weights."""
    return PartsSsd()
