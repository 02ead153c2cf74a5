"""One small torch network of each family, as its source lays out the heads. Copied into suites.

Every network takes (1, 3, 64, 96); what is random about it is its weights.
"""

import itertools

import torch
from torch import nn

CLASSES = 2
HEIGHT, WIDTH = 64, 96
STRIDES = (8, 16, 32)


def steps(*channels):
    """Convolutions that halve the map each."""
    layers = []
    for before, after in itertools.pairwise(channels):
        layers += [nn.Conv2d(before, after, 3, 2, 1), nn.BatchNorm2d(after), nn.SiLU()]
    return nn.Sequential(*layers)


def cells(stride):
    """Column and row of every cell (A, 2), rows first."""
    rows, columns = HEIGHT // stride, WIDTH // stride
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    return torch.stack([x.reshape(-1), y.reshape(-1)], 1).float()


class Maps(nn.Module):
    """Three maps of strides 8, 16 and 32, each with a head of some channels: rows (1, A, N)."""

    def __init__(self, channels):
        super().__init__()
        self.stem = steps(3, 8, 16, 16)
        self.down = nn.ModuleList([steps(16, 16), steps(16, 16)])
        self.heads = nn.ModuleList([nn.Conv2d(16, channels, 1) for _ in STRIDES])
        grid = torch.cat([cells(stride) for stride in STRIDES])
        lengths = [torch.full((len(cells(stride)), 1), float(stride)) for stride in STRIDES]
        self.register_buffer("grid", grid, persistent=False)
        self.register_buffer("lengths", torch.cat(lengths), persistent=False)

    def rows(self, image):
        maps = [self.stem(image)]
        for down in self.down:
            maps.append(down(maps[-1]))
        raw = [head(one).flatten(2) for head, one in zip(self.heads, maps, strict=True)]
        return torch.cat(raw, 2).transpose(1, 2)


class YoloV5(Maps):
    """Centres within -0.5..1.5 of a cell, sizes up to four anchors, all from sigmoids."""

    def __init__(self):
        super().__init__(5 + CLASSES)

    def forward(self, image):
        rows = self.rows(image).sigmoid()
        centres = (rows[..., :2] * 2 - 0.5 + self.grid) * self.lengths
        sizes = (rows[..., 2:4] * 2) ** 2 * self.lengths * 1.5
        return {"output0": torch.cat([centres, sizes, rows[..., 4:]], 2)}


class YoloV8(Maps):
    """Distances to the four sides of a box."""

    def __init__(self):
        super().__init__(4 + CLASSES)

    def forward(self, image):
        rows = self.rows(image)
        near, far = nn.functional.softplus(rows[..., :4]).split(2, 2)
        centres = (self.grid + 0.5 + (far - near) / 2) * self.lengths
        sizes = (near + far) * self.lengths
        found = torch.cat([centres, sizes, rows[..., 4:].sigmoid()], 2)
        return {"output0": found.transpose(1, 2)}


class Yolox(Maps):
    """Grids and strides are left to whoever runs it."""

    def __init__(self):
        super().__init__(5 + CLASSES)

    def forward(self, image):
        rows = self.rows(image)
        return {"output": torch.cat([rows[..., :4], rows[..., 4:].sigmoid()], 2)}


class Queries(nn.Module):
    """Twelve learned queries that attend to a map."""

    def __init__(self, columns):
        super().__init__()
        self.body = steps(3, 8, 16, 32)
        self.queries = nn.Parameter(torch.randn(1, 12, 32))
        self.attention = nn.MultiheadAttention(32, 2, batch_first=True)
        self.norm = nn.LayerNorm(32)
        self.logits = nn.Linear(32, columns)
        self.boxes = nn.Linear(32, 4)

    def forward(self, image):
        tokens = self.body(image).flatten(2).transpose(1, 2)
        found, _ = self.attention(self.queries, tokens, tokens, need_weights=False)
        found = self.norm(self.queries + found)
        return {"logits": self.logits(found), "boxes": self.boxes(found).sigmoid()}


class Detr(Queries):
    """One logit more, for "no object"."""

    def __init__(self):
        super().__init__(CLASSES + 1)


class RtDetr(Queries):
    """Logits that each stand for themselves."""

    def __init__(self):
        super().__init__(CLASSES)


class CenterNet(nn.Module):
    """Three heads on a map of stride 4."""

    def __init__(self):
        super().__init__()
        self.body = steps(3, 16, 16)
        self.heatmap = nn.Conv2d(16, CLASSES, 3, padding=1)
        self.size = nn.Conv2d(16, 2, 1)
        self.offset = nn.Conv2d(16, 2, 1)

    def forward(self, image):
        x = self.body(image)
        return {
            "heatmap": self.heatmap(x),
            "size": nn.functional.softplus(self.size(x)) * 3,
            "offset": self.offset(x).sigmoid(),
        }


class Transposed(nn.Module):
    """Another network with its heads laid out as TensorFlow has them."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, image):
        heads = self.inner(image)
        return {
            name: head.permute(0, 2, 3, 1) if head.ndim == 4 else head.transpose(1, 2)
            for name, head in heads.items()
        }


class Rolled(nn.Module):
    """Another network whose last columns (or channels) of classes come in another order."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, image):
        heads = self.inner(image)
        if "heatmap" in heads:
            return {**heads, "heatmap": heads["heatmap"].flip(1)}
        if "logits" in heads:
            return {**heads, "logits": heads["logits"].roll(1, 2)}
        ((name, rows),) = heads.items()
        axis = 1 if isinstance(self.inner, YoloV8) else 2
        boxes, scores = rows.split([rows.shape[axis] - CLASSES, CLASSES], axis)
        return {name: torch.cat([boxes, scores.flip(axis)], axis)}
