from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils.data import TensorDataset

from specbuild.data import Split, open_data
from specbuild.data.parts import largest_remainders
from specbuild.language.document import Spec
from specbuild.network.scheduling import steps_per_epoch
from tests.data.documents import document, problems

torch.set_num_threads(1)
COUNTS = (60, 30, 9, 1)
LABELS = torch.repeat_interleave(torch.arange(4), torch.tensor(COUNTS))


def labelled() -> TensorDataset:
    """A hundred images, each of its own number, in four classes of different sizes."""
    images = torch.arange(100.0).view(-1, 1, 1, 1).expand(100, 1, 8, 8).contiguous()
    return TensorDataset(images, LABELS)


def sampled(seed: int = 0, **sampler: Any) -> Split:
    loader = {"batch_size": 32, "sampler": {"type": "WeightedRandomSampler", **sampler}}
    spec = document({"train": {"dataset": "Digits", "loader": loader}}, train={"seed": seed})
    return open_data(spec, train=labelled())["train"]


def test_balanced_classes_come_equally_often() -> None:
    split = sampled(num_samples=40_000)
    assert (len(split), split.steps) == (40_000, 1250)
    drawn = torch.bincount(LABELS[split.order(1)], minlength=4)
    assert (drawn - 10_000).abs().max() < 400  # four deviations of a binomial count are 346
    batch = next(split.batches(1, "cpu"))
    assert torch.equal(batch["target"], LABELS[split.order(1)[:32]])


def test_weights_are_of_classes() -> None:
    split = sampled(weights=[1.0, 3.0, 0.0, 0.0], num_samples=30_000)
    drawn = torch.bincount(LABELS[split.order(1)], minlength=4).tolist()
    assert drawn[2:] == [0, 0]
    assert abs(drawn[1] / 30_000 - 30 * 3 / (60 + 90)) < 0.012  # four deviations


def test_without_replacement_no_sample_comes_twice() -> None:
    split = sampled(weights=[1.0, 5.0, 0.0, 0.0], num_samples=45, replacement=False)
    firsts = torch.zeros(4)
    for epoch in range(1, 201):
        drawn = split.order(epoch)
        assert len(drawn.unique()) == 45
        firsts += torch.bincount(LABELS[drawn[:1]], minlength=4)
    assert abs(float(firsts[1]) / 200 - 150 / 210) < 0.13  # four deviations: the first is drawn by the weights


def test_draws_are_a_function_of_seed_and_epoch() -> None:
    state = torch.get_rng_state()
    assert torch.equal(sampled().order(3), sampled().order(3))
    assert not torch.equal(sampled().order(3), sampled().order(4))
    assert not torch.equal(sampled().order(3), sampled(seed=1).order(3))
    assert torch.equal(torch.get_rng_state(), state)


def test_a_sample_that_comes_twice_is_augmented_twice() -> None:
    loader = {"batch_size": 500, "sampler": {"type": "WeightedRandomSampler", "num_samples": 500}}
    crop = {"type": "RandomCrop", "size": 8, "padding": 3}
    spec = document({"train": {"dataset": {"type": "FakeData", "size": 2, "image_size": [1, 8, 8], "num_classes": 2},
                               "transforms": [crop], "loader": loader}})  # fmt: skip
    [batch] = open_data(spec)["train"].batches(1, "cpu")
    assert len(batch["input"].unique(dim=0)) > 40


def test_val_is_judged_on_each_sample_once() -> None:
    loader = {"batch_size": 32, "sampler": "WeightedRandomSampler"}
    opened = open_data(document({"train": {"dataset": "Digits", "loader": loader}, "val": {"split": 0.1}}))
    assert opened["val"].loader.sampler is None
    assert len(opened["val"].order(1).unique()) == 144


def test_steps_are_those_of_what_is_drawn() -> None:
    def steps(**sampler: Any) -> int | None:
        loader = {"batch_size": 100, "sampler": {"type": "WeightedRandomSampler", **sampler}}
        spec: Spec = document({"train": {"dataset": "Digits", "loader": loader}, "val": {"split": 0.1}})
        return steps_per_epoch(spec)

    assert (steps(), steps(num_samples=250)) == (13, 3)


@pytest.mark.parametrize(
    ("sampler", "message"),
    [
        ({"weights": [1, 1]}, "weights has 2 numbers, but train has 4 classes"),
        ({"weights": [0, 0, 0, 0, 1]}, "weights is 0 for each class that train has"),
        (
            {"num_samples": 92, "weights": [1, 1, 0, 1], "replacement": False},
            "an epoch draws 92 samples, none twice, but 91 have a weight",
        ),
    ],
)
def test_samplers_that_cannot_draw(sampler: dict[str, Any], message: str) -> None:
    [(code, path, found)] = problems(lambda: sampled(**sampler))
    assert (code, path.split(".")[:4], found) == ("SB410", ["data", "train", "loader", "sampler"], message)


def divided(**changes: Any) -> dict[str, Split]:
    data = {"train": {"dataset": "Digits"}, **changes}
    return open_data(document(data), splits=("train", "val", "test"), train=labelled())


def test_each_class_has_its_share() -> None:
    opened = divided(val={"split": 0.25, "stratify": True, "seed": 3}, test={"split": 0.1, "stratify": True})
    parts = {name: split.indices for name, split in opened.items()}
    assert sorted(torch.cat([*parts.values()]).tolist()) == list(range(100))
    counts = {name: torch.bincount(LABELS[part], minlength=4).tolist() for name, part in parts.items()}
    assert counts["test"] == [6, 3, 1, 0]
    assert counts["val"] == [15, 8, 2, 0]  # of 54, 27, 8 and 1 left: 15, 7.5, 2.2 and 0.3


def test_seats_by_largest_remainders() -> None:
    assert largest_remainders(torch.tensor([53, 24, 23]), 7).tolist() == [4, 2, 1]  # quotas 3.71, 1.68, 1.61
    assert largest_remainders(torch.tensor([5, 5]), 10).tolist() == [5, 5]


def test_test_stays_whatever_val_is() -> None:
    one = divided(val={"split": 0.25}, test={"split": 0.2})
    other = divided(val={"split": 0.1, "seed": 5}, test={"split": 0.2})
    assert torch.equal(one["test"].indices, other["test"].indices)
    together = torch.cat([split.indices for split in one.values()])
    assert len(together) == len(together.unique()) == 100


def test_stratify_needs_labels() -> None:
    data = TensorDataset(torch.zeros(10, 1, 8, 8), torch.zeros(10, 3))
    spec = document({"train": {"dataset": "Digits"}, "val": {"split": 0.5, "stratify": True}})
    assert problems(lambda: open_data(spec, train=data)) == [
        (
            "SB410",
            "data.val.stratify",
            "stratify goes by the label of each sample, but `target` is [3] float32, no integer",
        )
    ]


def test_a_set_that_knows_its_classes_has_a_weight_for_each() -> None:
    """FakeData of one sample has a label of one of ten classes: the weights are of all ten."""
    loader = {"sampler": {"type": "WeightedRandomSampler", "weights": [1] * 11}}
    spec = document({"train": {"dataset": {"type": "FakeData", "size": 1, "image_size": [1, 8, 8]}, "loader": loader}})
    [(code, path, message)] = problems(lambda: open_data(spec))
    assert (code, path) == ("SB410", "data.train.loader.sampler.weights")
    assert message == "weights has 11 numbers, but train has 10 classes"
