"""Trainings that have much to lose: shuffling, dropout, random transforms, BatchNorm, momenta, averages, schedules."""

from __future__ import annotations

NETWORK = """\
specbuild: 1
name: torture
input: [1, 8, 8]
layers:
  - {type: Conv2d, out_channels: 8, kernel_size: 3, padding: 1}
  - BatchNorm2d
  - ReLU
  - {type: Dropout, p: 0.2}
  - Flatten
  - {name: head, type: Linear, out_features: 10}
loss: CrossEntropyLoss
metrics: [accuracy]
"""
TRAIN = """\
data:
  train:
    dataset: Digits
    transforms: [{type: RandomCrop, size: 8, padding: 1}, RandomHorizontalFlip, ToTensor]
    loader: {batch_size: 128}
"""
VAL = "  val: {split: 0.2, transforms: [ToTensor]}\n"

INTERVAL = 3
"""Steps from one checkpoint to the next."""

AVERAGED = f"""{NETWORK}\
optimizer: {{type: SGD, lr: 0.1, momentum: 0.9}}
scheduler: {{type: OneCycleLR, max_lr: 0.1}}
{TRAIN}{VAL}\
train: {{epochs: 3, precision: float32, ema: {{decay: 0.9}}, checkpoint: {{steps: {INTERVAL}, epochs: 1}}}}
"""
"""27 steps in 3 epochs; the average of the weights is what is judged."""

ACCUMULATED = f"""{NETWORK}\
optimizer: {{type: AdamW, lr: 0.003, amsgrad: true}}
scheduler: {{type: StepLR, step_size: 1, gamma: 0.7}}
{TRAIN}\
train: {{epochs: 4, precision: float32, accumulate: 2, clip_grad_norm: 1.0, checkpoint: {{steps: {INTERVAL}}}}}
"""
"""24 steps of two batches, without val: the best epoch is that of the lowest train_loss."""

PLATEAU = f"""{NETWORK}\
optimizer: {{type: Adam, lr: 0.05}}
scheduler: {{type: ReduceLROnPlateau, patience: 0, factor: 0.5}}
{TRAIN}{VAL}\
train:
  epochs: 12
  precision: float32
  early_stopping: {{metric: train_loss, patience: 1, min_delta: 0.15}}
  checkpoint: {{steps: {INTERVAL}, last: 1}}
"""
"""Ends before its twelve epochs."""

WORKERS = f"""{NETWORK}\
optimizer: {{type: RMSprop, lr: 0.003, momentum: 0.5, centered: true}}
scheduler: {{type: CosineAnnealingLR, interval: step}}
data:
  train:
    dataset: {{type: Noise, samples: 96}}
    transforms: [RandomHorizontalFlip, {{type: GaussianNoise, sigma: 0.2}}]
    loader: {{batch_size: 12, num_workers: 2}}
  val: {{split: 0.25}}
train: {{epochs: 3, precision: float32, checkpoint: {{steps: {INTERVAL}}}}}
"""
"""A data set of one's own, read by two processes."""

SHORT = AVERAGED.replace("epochs: 3", "epochs: 2").replace("batch_size: 128", "batch_size: 256")
"""10 steps in 2 epochs: short enough to be killed at each of its operations."""

HOLDING = f"""{NETWORK.replace("  - BatchNorm2d", "  - Holding")}\
optimizer: {{type: SGD, lr: 0.1, momentum: 0.9}}
data:
  train:
    dataset: {{type: Noise, samples: 48}}
    transforms: [RandomHorizontalFlip]
    loader: {{batch_size: 12}}
  val: {{split: 0.25}}
train: {{epochs: 2, precision: float32}}
"""
"""6 steps; what may be long in it is said by the environment."""

DOCUMENTS = {"averaged": AVERAGED, "accumulated": ACCUMULATED, "plateau": PLATEAU, "workers": WORKERS}

WARMING = AVERAGED.replace("epochs: 3", "epochs: 1")
"""What a nursery trains before it forks."""
