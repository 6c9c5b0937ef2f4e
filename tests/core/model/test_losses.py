import math

import pytest
import torch
import torch.nn.functional as F

from napari_leukocyte.core.model.losses import segmentation_loss


def log_of(*p):
    """Logits (1, C, 1, 1) that softmax to the given probabilities."""
    return torch.log(torch.tensor(p)).reshape(1, -1, 1, 1)


def target_of(background, cytoplasm, nucleus, either=0.0):
    return torch.tensor((background, cytoplasm, nucleus, either)).reshape(1, 4, 1, 1)


def one_hot(classes):
    """Target (N, 4, Y, X) of class maps (N, Y, X): 0 background, 1 cytoplasm, 2 nucleus, 3 cell."""
    return F.one_hot(classes, 4).permute(0, 3, 1, 2).float()


def whole(target):
    """The same cells as a mask has them that knows no parts."""
    background, cell = target[:, :1], target[:, 1:].sum(dim=1, keepdim=True)
    return torch.cat([background, torch.zeros_like(target[:, :2]), cell], dim=1)


def test_three_class_cross_entropy_by_hand():
    loss = segmentation_loss(log_of(0.2, 0.3, 0.5), target_of(0.0, 1.0, 0.0), dice=False)
    assert float(loss) == pytest.approx(-math.log(0.3))


def test_soft_target_by_hand():
    loss = segmentation_loss(log_of(0.2, 0.3, 0.5), target_of(0.25, 0.75, 0.0), dice=False)
    assert float(loss) == pytest.approx(-(0.25 * math.log(0.2) + 0.75 * math.log(0.3)))


def test_whole_cell_cross_entropy_by_hand():
    loss = segmentation_loss(log_of(0.2, 0.3, 0.5), target_of(0.25, 0.0, 0.0, 0.75), dice=False)
    assert float(loss) == pytest.approx(-(0.25 * math.log(0.2) + 0.75 * math.log(0.8)))


def test_binary_cross_entropy_by_hand():
    logit = torch.full((1, 1, 1, 1), math.log(0.8 / 0.2))
    for target in (target_of(0.0, 1.0, 0.0), target_of(0.0, 0.0, 1.0), target_of(0.0, 0.0, 0.0, 1.0)):
        assert float(segmentation_loss(logit, target, dice=False)) == pytest.approx(-math.log(0.8))
    loss = segmentation_loss(logit, target_of(1.0, 0.0, 0.0), dice=False)
    assert float(loss) == pytest.approx(-math.log(0.2))


def test_dice_by_hand():
    # cell p 0.8 of 1; cytoplasm 0.3 of 1; nucleus 0.5 of 0; each (2 overlap + 1) / (sum + 1)
    loss = segmentation_loss(log_of(0.2, 0.3, 0.5), target_of(0.0, 1.0, 0.0), dice=True)
    dice = [1 - 2.6 / 2.8, 1 - 1.6 / 2.3, 1 - 1.0 / 1.5]
    assert float(loss) == pytest.approx(-math.log(0.3) + sum(dice) / 3, rel=1e-5)
    whole = segmentation_loss(log_of(0.2, 0.3, 0.5), target_of(0.0, 0.0, 0.0, 1.0), dice=True)
    assert float(whole) == pytest.approx(-math.log(0.8) + dice[0], rel=1e-5)


@pytest.mark.parametrize("dice", [False, True])
def test_whole_cell_masks_leave_the_split_free(dice):
    torch.manual_seed(0)
    share = torch.rand(2, 1, 6, 6)
    target = torch.cat([1 - share, torch.zeros(2, 2, 6, 6), share], dim=1)
    background = torch.rand(2, 1, 6, 6) * 0.8 + 0.1
    cell = 1 - background
    losses = []
    for split in (0.02, 0.5, 0.9):
        p = torch.cat([background, split * cell, (1 - split) * cell], dim=1)
        losses.append(float(segmentation_loss(p.log(), target, dice=dice)))
    assert losses == pytest.approx([losses[0]] * 3, rel=1e-5)

    # moving probability from cytoplasm to nucleus: d p1 = e, d p2 = -e, so d logit1 = e / p1, d logit2 = -e / p2
    logits = torch.randn(2, 3, 6, 6, requires_grad=True)
    segmentation_loss(logits, target, dice=dice).backward()
    p = logits.detach().softmax(dim=1)
    along = logits.grad[:, 1] / p[:, 1] - logits.grad[:, 2] / p[:, 2]
    across = logits.grad[:, 0].abs().max()
    assert float(along.abs().max()) < 1e-4 * float(across)


def test_three_class_masks_do_not_leave_it_free():
    logits = torch.zeros(1, 3, 1, 1, requires_grad=True)
    segmentation_loss(logits, target_of(0.0, 1.0, 0.0), dice=True).backward()
    assert float(logits.grad[0, 1]) < 0 < float(logits.grad[0, 2])


@pytest.mark.parametrize("channels", [1, 3])
def test_perfect_prediction_costs_nothing(channels):
    torch.manual_seed(1)
    target = one_hot(torch.randint(3, (2, 8, 8)))
    logits = 60 * (target[:, :3] - 0.5) if channels == 3 else 60 * (1 - target[:, :1] - 0.5)
    for known in (target, torch.cat([target[:1], whole(target[1:])]), whole(target)):
        assert float(segmentation_loss(logits, known, dice=True)) == pytest.approx(0, abs=1e-5)
        assert float(segmentation_loss(-logits, known, dice=True)) > 1


def test_a_batch_mixes_both_kinds_of_mask():
    torch.manual_seed(2)
    logits = torch.randn(2, 3, 4, 4)
    target = torch.cat([torch.rand(2, 3, 4, 4).softmax(dim=1), torch.zeros(2, 1, 4, 4)], dim=1)
    target[1:] = whole(target[1:])
    mixed = segmentation_loss(logits, target, dice=False)
    parts = [segmentation_loss(logits[i : i + 1], target[i : i + 1], dice=False) for i in (0, 1)]
    torch.testing.assert_close(mixed, (parts[0] + parts[1]) / 2)


def quarters():
    """Target (1, 4, 6, 8): glass, two columns of it; then two each of cytoplasm, nucleus, cytoplasm."""
    return one_hot(torch.tensor([0, 0, 1, 1, 2, 2, 1, 1]).repeat(1, 6, 1))


@pytest.mark.parametrize(
    ("target", "columns"), [(quarters(), [1, 2, 3, 4, 5, 6]), (whole(quarters()), [1, 2])], ids=["parts", "whole"]
)
def test_pixels_beside_a_border_weigh_more(target, columns):
    logits = torch.randn(1, 3, 6, 8, generator=torch.Generator().manual_seed(3)).requires_grad_()
    gradients = []
    for weight in (1.0, 4.0):
        logits.grad = None
        segmentation_loss(logits, target, dice=False, border_weight=weight).backward()
        gradients.append(logits.grad.clone())
    expected = torch.ones(8)
    expected[columns] = 4
    torch.testing.assert_close(gradients[1], gradients[0] * expected)


def test_a_binary_network_knows_no_border_of_the_nucleus():
    logits = torch.randn(1, 1, 6, 8, generator=torch.Generator().manual_seed(3))
    target = quarters()
    heavy, plain = (segmentation_loss(logits, target, dice=False, border_weight=w) for w in (4.0, 1.0))
    beside = segmentation_loss(logits[..., 1:3], target[..., 1:3], dice=False)
    torch.testing.assert_close(heavy, plain + 3 * beside * 2 / 8)


def test_a_soft_border_weighs_as_much_as_it_is_steep():
    target = torch.zeros(1, 4, 3, 3)
    target[:, 0], target[:, 1] = 1.0, 0.0
    target[..., 2] = torch.tensor([0.5, 0.5, 0.0, 0.0])[:, None]
    logits = torch.zeros(1, 3, 3, 3)
    loss = segmentation_loss(logits, target, dice=False, border_weight=3.0)
    # every pixel costs log 3; the two columns that see a change of one half weigh 1 + 2 * 0.5
    assert float(loss) == pytest.approx(math.log(3) * (3 * 1 + 6 * 2) / 9)


def test_extreme_logits_stay_finite():
    logits = torch.tensor([[500.0, -500.0, 0.0]]).reshape(1, 3, 1, 1).requires_grad_()
    loss = segmentation_loss(logits, target_of(0.0, 0.0, 0.0, 1.0), dice=True)
    loss.backward()
    assert math.isfinite(loss.item())
    assert bool(torch.isfinite(logits.grad).all())


def open_masks():
    """Target (2, 4, 8, 8) with a block where nothing is known and one where a cell's part is not; where each lies."""
    torch.manual_seed(4)
    target = one_hot(torch.randint(3, (2, 8, 8)))
    unknown, either = torch.zeros(2, 8, 8, dtype=torch.bool), torch.zeros(2, 8, 8, dtype=torch.bool)
    unknown[:, 2:5, 1:4], either[0, 4:7, 5:8] = True, True
    target = target * ~unknown[:, None]
    target = torch.where(either[:, None], torch.tensor([0.0, 0, 0, 1])[:, None, None], target)
    return target, unknown, either


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("weight", [1.0, 4.0])
@pytest.mark.parametrize("dice", [False, True])
def test_pixels_of_which_nothing_is_known_change_nothing(channels, weight, dice):
    target, unknown, _ = open_masks()
    logits = torch.randn(2, channels, 8, 8, requires_grad=True)
    loss = segmentation_loss(logits, target, dice=dice, border_weight=weight)
    loss.backward()
    moved = logits.grad.abs().amax(dim=1)
    assert (moved[unknown] == 0).all()
    assert (moved[~unknown] > 0).all()
    other = torch.where(unknown[:, None], torch.randn(2, channels, 8, 8), logits.detach())
    assert torch.equal(segmentation_loss(other, target, dice=dice, border_weight=weight), loss.detach())


@pytest.mark.parametrize("dice", [False, True])
def test_the_split_is_free_exactly_where_the_part_is_not_known(dice):
    target, _, either = open_masks()
    logits = torch.randn(2, 3, 8, 8, requires_grad=True)
    segmentation_loss(logits, target, dice=dice).backward()
    p = logits.detach().softmax(dim=1)
    along = (logits.grad[:, 1] / p[:, 1] - logits.grad[:, 2] / p[:, 2]).abs()
    known_parts = target[:, 1:3].sum(dim=1) > 0
    assert float(along[either].max()) < 1e-4 * float(along[known_parts].min())
    assert (logits.grad[:, 0][either] > 0).all()  # but a cell it is
    assert known_parts.any()


@pytest.mark.parametrize("weight", [1.0, 3.0])
def test_where_all_is_known_it_is_the_plain_loss(weight):
    torch.manual_seed(5)
    classes = torch.randint(3, (2, 6, 6))
    logits = torch.randn(2, 3, 6, 6)
    padded = F.pad(classes[:, None].float(), (1, 1, 1, 1), mode="replicate")
    near = F.unfold(padded, 3).reshape(2, 9, 6, 6)
    heavy = torch.where((near != classes[:, None]).any(dim=1), weight, 1.0)
    expected = (F.cross_entropy(logits, classes, reduction="none") * heavy).mean()
    p, true = logits.softmax(dim=1), one_hot(classes)
    pairs = [(1 - p[:, 0], 1 - true[:, 0]), (p[:, 1], true[:, 1]), (p[:, 2], true[:, 2])]
    dice = [1 - (2 * (a * b).sum() + 1) / (a.sum() + b.sum() + 1) for a, b in pairs]
    loss = segmentation_loss(logits, true, dice=True, border_weight=weight)
    torch.testing.assert_close(loss, expected + sum(dice) / 3)


@pytest.mark.parametrize("share", [[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]], ids=["nothing", "part"])
def test_no_border_is_made_up_beside_what_is_not_known(share):
    target = one_hot(torch.tensor([1, 1, 1, 1, 2, 2, 2, 2]).repeat(1, 6, 1))
    target[..., 3:5] = torch.tensor(share)[:, None, None]  # the border lies somewhere in these columns
    logits = torch.randn(1, 3, 6, 8, generator=torch.Generator().manual_seed(3))
    heavy, plain = (segmentation_loss(logits, target, dice=False, border_weight=w) for w in (4.0, 1.0))
    torch.testing.assert_close(heavy, plain)


def test_a_cell_of_unknown_part_has_a_border_with_the_glass():
    target = one_hot(torch.tensor([0, 0, 0, 0, 3, 3, 3, 3]).repeat(1, 6, 1))
    logits = torch.randn(1, 3, 6, 8, generator=torch.Generator().manual_seed(3))
    heavy, plain = (segmentation_loss(logits, target, dice=False, border_weight=w) for w in (4.0, 1.0))
    beside = segmentation_loss(logits[..., 3:5], target[..., 3:5], dice=False)
    torch.testing.assert_close(heavy, plain + 3 * beside * 2 / 8)
