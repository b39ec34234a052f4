from __future__ import annotations

import pytest
import torch
from torch import nn

from specbuild.catalogue.losses import Loss
from specbuild.catalogue.losses.binary import BCELoss, BCEWithLogitsLoss, MultiLabelSoftMarginLoss
from specbuild.catalogue.losses.cross_entropy import CrossEntropyLoss, NLLLoss
from specbuild.catalogue.losses.likelihood import KLDivLoss
from specbuild.catalogue.losses.margin import MultiMarginLoss, SoftMarginLoss
from specbuild.catalogue.losses.regression import MSELoss
from specbuild.catalogue.metrics.accuracy import Accuracy
from specbuild.training.measuring import Meter

CPU = torch.device("cpu")


def results(loss: Loss, metrics: list[Accuracy], batches: list[tuple[torch.Tensor, torch.Tensor]]) -> dict[str, float]:
    criterion = loss.build(nn, torch.tensor)
    meter = Meter({"head": loss}, metrics, CPU)
    for output, target in batches:
        meter.add([criterion(output, target)], output, target)
    assert meter.loss() == pytest.approx(meter.results()["loss"])
    return meter.results()


def drawn(*shape: int, sizes: tuple[int, ...] = (8, 8, 3)) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(size, *shape, generator=generator) for size in sizes]


def test_batches_of_different_sizes_give_the_mean_over_samples() -> None:
    outputs = drawn(5)
    targets = [output.argmax(1).roll(1) for output in outputs]
    found = results(CrossEntropyLoss(), [Accuracy(), Accuracy(top_k=3)], list(zip(outputs, targets, strict=True)))
    output, target = torch.cat(outputs), torch.cat(targets)
    ranks = output.argsort(1, descending=True)
    assert found == pytest.approx(
        {
            "loss": nn.functional.cross_entropy(output, target).item(),
            "accuracy": (ranks[:, 0] == target).double().mean().item(),
            "accuracy_top3": (ranks[:, :3] == target[:, None]).any(1).double().mean().item(),
        }
    )


def test_a_sum_is_reported_by_the_sample() -> None:
    outputs = drawn(4)
    targets = [torch.zeros_like(output) for output in outputs]
    found = results(MSELoss(reduction="sum"), [], list(zip(outputs, targets, strict=True)))
    assert found == pytest.approx({"loss": torch.cat(outputs).square().sum(1).mean().item()})


@pytest.mark.parametrize("ignored", [-100, 2])
def test_ignored_labels_do_not_count(ignored: int) -> None:
    outputs = drawn(5, 6)
    targets = [output.argmax(1) for output in outputs]
    for target in targets:
        target[:, ::2] = ignored
        target[:, 1] = 0
    found = results(CrossEntropyLoss(ignore_index=ignored), [Accuracy()], list(zip(outputs, targets, strict=True)))
    output, target = torch.cat(outputs), torch.cat(targets)
    kept = target != ignored
    assert found["accuracy"] == pytest.approx((output.argmax(1) == target)[kept].double().mean().item())


def test_classes_last() -> None:
    outputs = drawn(6, 5)
    targets = [output.argmax(-1) for output in outputs]
    batches = list(zip(outputs, targets, strict=True))
    found = results(CrossEntropyLoss(class_dim=-1), [Accuracy(), Accuracy(top_k=2)], batches)
    assert (found["accuracy"], found["accuracy_top2"]) == (1.0, 1.0)


def test_class_probabilities_answer_by_their_highest() -> None:
    outputs = drawn(5)
    targets = [output.roll(1, 0).softmax(1) for output in outputs]
    found = results(CrossEntropyLoss(), [Accuracy()], list(zip(outputs, targets, strict=True)))
    output, target = torch.cat(outputs), torch.cat(targets)
    assert found["accuracy"] == pytest.approx((output.argmax(1) == target.argmax(1)).double().mean().item())


def test_a_mean_over_the_batch_is_one_over_the_samples() -> None:
    outputs = [output.log_softmax(1) for output in drawn(4)]
    targets = [output.roll(1, 0).exp() for output in outputs]
    found = results(KLDivLoss(reduction="batchmean"), [], list(zip(outputs, targets, strict=True)))
    output, target = torch.cat(outputs), torch.cat(targets)
    assert found == pytest.approx({"loss": nn.functional.kl_div(output, target, reduction="batchmean").item()})


@pytest.mark.parametrize("loss", [NLLLoss(), MultiMarginLoss()])
def test_the_highest_output_is_the_answer_of_every_loss_of_labels(loss: Loss) -> None:
    outputs = [output.log_softmax(1) for output in drawn(5)]
    targets = [output.argmax(1) for output in outputs]
    targets[0] = targets[0].roll(1)
    found = results(loss, [Accuracy()], list(zip(outputs, targets, strict=True)))
    right = torch.cat(outputs).argmax(1) == torch.cat(targets)
    assert found["accuracy"] == pytest.approx(right.double().mean().item())


def test_a_sign_is_judged_at_0() -> None:
    outputs = drawn(1)
    targets = [torch.where(output[:, 0] + 0.3 > 0, 1, -1) for output in outputs]
    found = results(SoftMarginLoss(), [Accuracy()], list(zip(outputs, targets, strict=True)))
    right = (torch.cat(outputs)[:, 0] > 0) == (torch.cat(targets) > 0)
    assert found["accuracy"] == pytest.approx(right.double().mean().item())


@pytest.mark.parametrize("loss", [BCELoss(), BCEWithLogitsLoss(), MultiLabelSoftMarginLoss()])
@pytest.mark.parametrize("flat", [True, False])
def test_yes_or_no_is_judged_at_a_half(loss: Loss, flat: bool) -> None:
    logits = drawn(1)
    yes = [(logit + 0.3 > 0).long() for logit in logits]
    outputs = [logit.sigmoid() for logit in logits] if isinstance(loss, BCELoss) else logits
    batches = [(output, y[:, 0] if flat else y) for output, y in zip(outputs, yes, strict=True)]
    found = results(loss, [Accuracy()], batches)
    expected = ((torch.cat(logits) > 0) == (torch.cat(yes) > 0)).double().mean().item()
    assert found["accuracy"] == pytest.approx(expected)


def test_nothing_measured_is_zero() -> None:
    assert Meter({"head": CrossEntropyLoss()}, [Accuracy()], CPU).results("val_") == {
        "val_loss": 0.0,
        "val_accuracy": 0.0,
    }
