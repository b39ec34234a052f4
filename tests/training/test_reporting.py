from __future__ import annotations

import io

from specbuild.training.reporting import Lines, Start, figures

RECORD = {
    "epoch": 3, "train_loss": 0.5, "train_accuracy": 0.75, "val_loss": 0.25, "samples_per_second": 12345.6,
    "seconds": 1.26, "best": True,
}  # fmt: skip


def test_one_line_an_epoch() -> None:
    stream = io.StringIO()
    lines = Lines(stream)
    lines.start(Start("net", "cpu", 10, 145578, {"train": 45000, "val": 5000}, "val_loss"))
    lines.batch(3, 100, 45000, 0.5)
    lines.epoch(RECORD)
    lines.epoch({**RECORD, "epoch": 10, "best": False})
    lines.end(None)
    measured = "train_loss 0.5000  train_accuracy 0.7500  val_loss 0.2500  1.3 s  12,346 samples/s"
    assert stream.getvalue().splitlines() == [
        "net: 145,578 parameters on cpu; samples: 45,000 train, 5,000 val",
        f"epoch  3/10  {measured} *",
        f"epoch 10/10  {measured}",
    ]


def test_a_loss_beyond_all_bounds_stays_short() -> None:
    assert figures({"loss": 2.5e30, "accuracy": 0.5}) == "loss 2.500e+30  accuracy 0.5000"
