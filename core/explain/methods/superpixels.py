"""Superpixels for the perturbation methods."""

import torch
from skimage.segmentation import slic
from torch import Tensor


def superpixels(image: Tensor, count: int) -> Tensor:
    """Return the superpixel of each pixel of an image (1, C, H, W), about `count` in all: int64 (1, 1, H, W) from 0 on.

    SLIC of scikit-image (Achanta et al. 2012, doi:10.1109/TPAMI.2012.120), on values scaled to 0..1.
    """
    pixels = image.detach()[0].permute(1, 2, 0).cpu().double()
    pixels = (pixels - pixels.amin()) / (float(pixels.amax() - pixels.amin()) or 1.0)
    colour = pixels.shape[2] == 3
    channels = pixels if colour else pixels.mean(dim=2)
    # How much nearness counts against likeness: colours are compared in Lab, where they lie much farther apart.
    compactness = 20.0 if colour else 0.3
    channel = 2 if colour else None
    labels = slic(channels.numpy(), count, compactness, sigma=1, start_label=0, channel_axis=channel)
    dense = torch.unique(torch.from_numpy(labels.astype("int64")), return_inverse=True)[1]
    return dense[None, None].to(image.device)
