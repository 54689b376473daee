"""RISE is its formula: masks as in the paper, and the mean score of what they leave visible."""

import pytest
import torch

from core.explain.attribution import attribute
from core.explain.methods.rise import rise_masks
from tests.explain.test_attribution import network, picture


def test_masks_are_coarse_soft_and_open_by_their_share() -> None:
    masks = rise_masks(4000, (8, 12), 4, 0.3, torch.Generator().manual_seed(1))
    assert masks.shape == (4000, 1, 8, 12)
    assert masks.min() >= 0 and masks.max() <= 1 and ((masks > 0) & (masks < 1)).any()
    assert torch.allclose(masks.mean(0), torch.tensor(0.3), atol=0.04)  # five standard errors
    assert len(masks.unique(dim=0)) > 3000
    assert torch.equal(masks, rise_masks(4000, (8, 12), 4, 0.3, torch.Generator().manual_seed(1)))


@pytest.mark.parametrize("sides", [(1, 1), (13, 5), (7, 30)])
def test_masks_cover_pictures_whose_sides_are_no_multiple_of_the_grid(sides: tuple[int, int]) -> None:
    masks = rise_masks(200, sides, 7, 0.5, torch.Generator().manual_seed(1))
    assert masks.shape == (200, 1, *sides)
    assert masks.std(0).min() > 0


@pytest.mark.parametrize("cover", ["mean", "blur"])
def test_rise_is_the_mean_score_where_a_pixel_is_visible_less_the_mean_of_all(cover: str) -> None:
    from core.explain.request import baseline

    net, image = network().eval(), picture()
    options = {"samples": 100, "grid": 3, "share": 0.4, "baseline": cover}
    found = attribute(net, image, 2, "rise", **options)
    random = torch.Generator().manual_seed(0)
    masks = torch.cat([rise_masks(count, (8, 8), 3, 0.4, random) for count in (64, 36)])  # by batches
    hidden = baseline(image[None], cover)
    with torch.no_grad():
        scores = net(hidden + (image - hidden) * masks)[:, 2]
    expected = ((scores - scores.mean())[:, None, None] * masks[:, 0]).sum(0) / (100 * 0.4)
    assert torch.allclose(found.values, expected, atol=1e-6)
    assert expected.std() > 1e-4
    paper = (scores[:, None, None] * masks[:, 0]).sum(0) / (100 * 0.4)
    assert torch.allclose(paper - found.values, scores.mean() * masks[:, 0].mean(0) / 0.4, atol=1e-6)
    assert not torch.allclose(attribute(net, image, 2, "rise", **options | {"samples": 64}).values, found.values)


def test_rise_finds_the_corner_that_alone_matters() -> None:
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(256, 2, bias=False)).eval()
    with torch.no_grad():
        weight = net[1].weight.zero_().view(2, 16, 16)
        weight[0, :4, :4] = 1
    found = attribute(net, torch.ones(1, 16, 16), 0, "rise", grid=4, samples=2000).values
    assert found[:4, :4].mean() > 5 * found[8:, 8:].abs().mean()
