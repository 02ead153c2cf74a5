"""An anchor-free detector of machine parts in plain PyTorch.

Input (N, 3, 320, 320) float32 RGB in [0, 1], letterboxed with grey 114.  Outputs, in this order:
`scores` (N, 2100, 5) after the sigmoid, one column per class and none for background, and
`boxes` (N, 2100, 4) cx, cy, w, h in pixels of the 320x320 input.

Points are ordered stride 8, 16, 32, and row by row within a stride.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

SIZE: Final = 320
STRIDES: Final = (8, 16, 32)
CLASSES: Final = 5
BASE: Final = 3.0  # a raw extent of 0 means a box of this many strides


def conv(inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> nn.Module:
    """Convolution, batch norm and SiLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.03),
        nn.SiLU(inplace=True),
    )


class Bottleneck(nn.Module):
    """1x1 to half the channels, 3x3 back, added to the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = conv(channels, channels // 2)
        self.spread = conv(channels // 2, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.spread(self.squeeze(x))


class Tower(nn.Module):
    """Two depthwise-separable convolutions and a pointwise prediction, shared by all strides."""

    def __init__(self, channels: int, outputs: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv(channels, channels, 3, groups=channels),
            conv(channels, channels),
            conv(channels, channels, 3, groups=channels),
            conv(channels, channels),
        )
        self.predict = nn.Conv2d(channels, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, h, w) to (N, h * w, outputs)."""
        return self.predict(self.body(x)).flatten(2).transpose(1, 2)


def points() -> tuple[Tensor, Tensor]:
    """Centres (2100, 2) x, y in pixels and strides (2100, 1)."""
    centres, strides = [], []
    for stride in STRIDES:
        line = (torch.arange(SIZE // stride, dtype=torch.float32) + 0.5) * stride
        y, x = torch.meshgrid(line, line, indexing="ij")
        centres.append(torch.stack([x.flatten(), y.flatten()], dim=1))
        strides.append(torch.full((len(line) ** 2, 1), float(stride)))
    return torch.cat(centres), torch.cat(strides)


class PartsFree(nn.Module):
    """Backbone, a top-down pyramid of 64 channels and shared heads."""

    centres: Tensor
    strides: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(conv(3, 16, 3, 2), conv(16, 32, 3, 2), Bottleneck(32))
        self.stage8 = nn.Sequential(conv(32, 64, 3, 2), Bottleneck(64), Bottleneck(64))
        self.stage16 = nn.Sequential(conv(64, 96, 3, 2), Bottleneck(96), Bottleneck(96))
        self.stage32 = nn.Sequential(conv(96, 128, 3, 2), Bottleneck(128), Bottleneck(128))
        self.lateral = nn.ModuleList([nn.Conv2d(c, 64, 1) for c in (64, 96, 128)])
        self.smooth = nn.ModuleList(
            [nn.Sequential(conv(64, 64, 3, groups=64), conv(64, 64)) for _ in STRIDES]
        )
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.classify = Tower(64, CLASSES)
        self.regress = Tower(64, 4)
        nn.init.constant_(self.classify.predict.bias, -4.0)  # parts are rare among the points
        centres, strides = points()
        self.register_buffer("centres", centres, persistent=False)
        self.register_buffer("strides", strides, persistent=False)

    def raw(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (N, 2100, 5) and boxes (N, 2100, 4)."""
        c8 = self.stage8(self.stem(x))
        c16 = self.stage16(c8)
        c32 = self.stage32(c16)
        p32 = self.lateral[2](c32)
        p16 = self.lateral[1](c16) + self.up(p32)
        p8 = self.lateral[0](c8) + self.up(p16)
        maps = [s(p) for s, p in zip(self.smooth, (p8, p16, p32), strict=True)]
        logits = torch.cat([self.classify(m) for m in maps], dim=1)
        raw = torch.cat([self.regress(m) for m in maps], dim=1)
        centre = self.centres + raw[..., :2] * self.strides
        extent = torch.exp(torch.clamp(raw[..., 2:], max=3.0)) * (BASE * self.strides)
        return logits, torch.cat([centre, extent], dim=-1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        logits, boxes = self.raw(x)
        return torch.sigmoid(logits), boxes


def build() -> nn.Module:
    """The untrained network."""
    return PartsFree()
