"""Inference of a network whose input leaves sizes open: `input: [3, H, W]`.

The rules flow as they do for numbers. What they require of open sizes is noted, and decided for all promised sizes
when the walk is over. What fails is reported as the ordinary inference finds it at sizes where it fails.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, NamedTuple, cast

from specbuild.catalogue.layer import Layer
from specbuild.catalogue.rules import NOTES, Outcome, Storage, open_to
from specbuild.catalogue.sizes.columns import Endless, holds_at
from specbuild.catalogue.sizes.conditions import Condition, Limit, Several, all_of
from specbuild.catalogue.sizes.deciding import Answers, Failing
from specbuild.catalogue.sizes.describing import Good, described
from specbuild.catalogue.sizes.expressions import Size, TooLong
from specbuild.catalogue.sizes.patience import SUMMED, Spent
from specbuild.catalogue.sizes.promises import Promise, in_words
from specbuild.diagnostics.diagnostic import Diagnostic, Path
from specbuild.errors import SpecError
from specbuild.language.dims import nearest_size
from specbuild.language.document import Node, Spec
from specbuild.language.problems import Enough
from specbuild.network.inference import Judged, Value, Walk, plan_of
from specbuild.network.open_messages import of_open_size, too_long, too_much, undecided
from specbuild.network.plan import Plan, Step

MOST_TOLD = 100
"""How many questions without an answer are told, and how many layers that fail at some sizes."""
MOST_JOINED = 50
"""How many conditions in one symbol are told as one."""
MOST_TRIED = 4
"""At how many combinations of sizes a network that fails is looked at."""
MANY_LAYERS = 2000
"""From how many layers on it is looked at once, for a walk takes long."""
SHOWN = 10**6
"""The largest size that is shown where a smaller one fails too."""
TRIED_PROMISE = 256
"""The size near which a promise that is offered is tried, beside its smallest."""
COST = 100
"""How many numbers are computed in the time that a term of a formula takes."""


class Asked(NamedTuple):
    """A condition, and the layer whose rule asked it."""

    condition: Condition
    path: Path
    name: str


def open_plan(spec: Spec) -> Plan:
    """The plan, its shapes written over the symbols; raises `SpecError` where it fails at a promised size."""
    walk = OpenWalk(spec.dims)
    try:
        plan = plan_of(spec, walk)
    except SpecError as error:
        problems = list(error.diagnostics)
    else:
        problems = []
    problems += walk.judged(spec, [(problem.code, problem.path) for problem in problems])
    if problems:
        raise SpecError(spec.place(problems))
    return plan._replace(dims=spec.dims)


class OpenWalk(Walk):
    """One inference over open sizes: what was asked of them beside what was found wrong."""

    def __init__(self, promises: Mapping[str, Promise]) -> None:
        super().__init__()
        self.answers = Answers(promises)
        self.asked: dict[Condition, Asked] = {}
        """Each condition once, with the first layer that asked it."""
        self.lost: list[tuple[str, str, Path]] = []
        """Type, name and path of the layers whose rules branch on an open size, or whose message would."""
        self.late: list[Diagnostic] = []
        self.spent = False
        """Whether so much was asked that the walk ended early, which is said."""

    def summed(self, terms: int) -> None:
        """Take a sum of so many terms into account."""
        self.answers.patience.spend(COST * (terms + 1))

    def judge(self, node: Node, layer: Layer, name: str, inputs: Sequence[Value]) -> Judged | None:
        """The resolved layer and what its rule finds out; what it asks of open sizes is noted."""
        plain = len(inputs) == 1 and node.sources[0].keyword is None
        if plain and (id(layer), inputs[0].type) in self.known:
            return self.known[id(layer), inputs[0].type]
        counting = SUMMED.set(self.summed)
        try:
            judged = self.judged_open(node, layer, name, inputs)
        except Spent:
            self.spent = True
            self.problems.append(too_much(node.path, name, self.answers.promises))
            raise Enough from None
        finally:
            SUMMED.reset(counting)
        if plain and judged is not None:
            self.known[id(layer), inputs[0].type] = judged
        return judged

    def judged_open(self, node: Node, layer: Layer, name: str, inputs: Sequence[Value]) -> Judged | None:
        """The same of what is not known yet; raises `Spent`."""
        notes: list[Condition] = []
        token = NOTES.set(notes)
        try:
            judged = super().judge(node, layer, name, inputs)
        except TypeError:  # `Unsettled` among them: a rule that does more to a size than rules do
            self.lost.append((layer.type, name, node.path))
            return None
        except TooLong:
            self.late.append(too_long(node, layer, name, inputs))
            return None
        finally:
            NOTES.reset(token)
        if judged is None:
            return None
        settled, of_weights = self.settled(node, layer, *judged, name, inputs)
        if not of_weights:
            for condition in dict.fromkeys(notes):
                self.asked.setdefault(condition, Asked(condition, node.path, name))
        return settled

    def holds(self, condition: bool, step: Step) -> bool:
        """Whether a condition holds, or is decided when all are known."""
        if not open_to(condition):
            return condition
        asked = cast("Condition", condition)
        self.asked.setdefault(asked, Asked(asked, step.path, step.name))
        return True

    def settled(
        self, node: Node, written_layer: Layer, layer: Layer, outcome: Outcome, name: str, inputs: Sequence[Value]
    ) -> tuple[Judged, bool]:
        """The same with arguments and weights in numbers; whether a size of one was left open, and reported."""
        left: dict[str, Any] = {}
        written = {str(size): getattr(written_layer, key) for key, size in outcome.arguments.items()
                   if isinstance(size, Size) and getattr(written_layer, key) is not None}  # fmt: skip

        def number(size: Any, what: str, whole: Any) -> Any:
            found = size
            if isinstance(size, Size):
                found = written[str(size)] if str(size) in written else self.answers.settled(size)
            if found is None:
                left.setdefault(what, whole)
                return size
            return found

        def storages(given: Mapping[str, Storage]) -> Mapping[str, Storage]:
            return {
                key: storage._replace(shape=tuple([number(size, key, storage.shape) for size in storage.shape]))
                for key, storage in given.items()
            }

        if any(isinstance(size, Size) for storage in (*outcome.parameters.values(), *outcome.buffers.values())
               for size in storage.shape):  # fmt: skip
            outcome = replace(outcome, parameters=storages(outcome.parameters), buffers=storages(outcome.buffers))
        arguments = {key: closed(value, number, key) for key, value in outcome.arguments.items()}
        if arguments and not left:
            outcome = replace(outcome, arguments=arguments)
            layer = layer.model_copy(update=arguments)
        if left:
            self.late.append(of_open_size(node, layer, name, left, inputs))
        return (layer, outcome), bool(left)

    def judged(self, spec: Spec, told: Collection[tuple[str, Path]]) -> Iterator[Diagnostic]:
        """What is wrong with the sizes that are open; told: codes and paths of what was reported already."""
        yield from self.late
        if self.spent:
            return
        failing: dict[Condition, Failing] = {}
        left_open = 0
        for asked in self.asked.values():
            try:
                answer = self.answer(asked.condition)
            except Endless:
                left_open += 1
                if left_open <= MOST_TOLD:
                    yield undecided(*asked, self.answers.promises)
                continue
            except Spent:
                yield too_much(asked.path, asked.name, self.answers.promises)
                break
            if isinstance(answer, Failing):
                failing[asked.condition] = answer
        known = {*told, *((found.code, found.path) for found in self.late)}
        for found in islice(At(self, spec, failing, known).found(), MOST_TOLD):
            if (found.code, found.path) not in known:
                known.add((found.code, found.path))
                yield found

    def answer(self, condition: Condition) -> bool | Failing:
        """Whether a condition holds at each promised size."""
        if isinstance(condition, Limit):
            ends = ({name: promise.first for name, promise in self.answers.promises.items()},
                    {name: p.last or p.first for name, p in self.answers.promises.items()})  # fmt: skip
            broken = [sizes for sizes in ends if not holds_at(condition.condition, sizes)]
            return Failing(broken[0], None) if broken else True
        return self.answers.decide(condition)


class At:
    """The ordinary inference at sizes where the network fails."""

    def __init__(
        self, walk: OpenWalk, spec: Spec, failing: Mapping[Condition, Failing], told: Collection[tuple[str, Path]]
    ) -> None:
        self.walk, self.spec, self.failing = walk, spec, failing
        self.told = frozenset(told)
        self.promises = walk.answers.promises
        self.asked: dict[Path, list[Condition]] = {}
        """What fails, by the layer that asked it."""
        for condition in failing:
            self.asked.setdefault(walk.asked[condition].path, []).append(condition)
        self.good = dict(self.described())
        self.promised = {name: good.promise for name, good in self.good.items() if good.promise is not None}
        """What to promise of each symbol about which something fails; nothing where that does not suffice."""
        self.outsized: list[Diagnostic] = []
        """What is too large at sizes that were to show something else."""
        self.nowhere = False
        """Whether it fails there too."""

    def described(self) -> Iterator[tuple[str, Good]]:
        """Of each symbol about which something fails, where all that is asked of it alone holds."""
        for name, promise in self.promises.items():
            about = [
                condition
                for condition, found in self.failing.items()
                if found.holding and condition.symbols() == {name}
            ]
            if len(about) > MOST_JOINED:
                yield name, self.where(name, promise, about[:MOST_JOINED])._replace(words="", promise=None)
            elif about:
                yield name, self.where(name, promise, about)

    def where(self, name: str, promise: Promise, about: Sequence[Condition]) -> Good:
        """Where all of some conditions in one symbol hold; if nowhere, a size that shows what rules it out."""
        met: Condition | None = None
        for condition in sorted(about, key=lambda each: not any(self.holding(each, name))):
            both = condition if met is None else all_of(met, condition)
            try:
                holding = self.walk.answers.holding(both, name) if isinstance(both, Condition) else None
            except (Endless, Spent):
                break
            if holding is None or not any(holding.found):
                found = (promise.first,) if met is None else promise.sizes(len(self.holding(met, name)))
                good = (
                    found
                    if met is None
                    else [s for s, holds in zip(found, self.holding(met, name), strict=True) if holds]
                )
                return Good(f"no {name}", None, good[0])
            assert isinstance(both, Condition)
            met = both
        assert met is not None
        return described(name, self.walk.answers.holding(met, name), promise)

    def holding(self, condition: Condition, name: str) -> tuple[bool, ...]:
        """Where a condition in one symbol holds that was decided already."""
        return self.walk.answers.holding(condition, name).found

    def found(self) -> Iterator[Diagnostic]:
        """What is wrong at telling sizes, each with the sizes and where it holds."""
        telling = {name: good.failing for name, good in self.good.items() if good.failing is not None}
        tried: list[Mapping[str, int]] = [telling] if telling else []
        tried += [
            found.sizes
            for condition, found in self.failing.items()
            if len(condition.symbols()) > 1 or not found.holding
        ]
        tried.sort(key=lambda sizes: max(sizes.values(), default=0) > SHOWN)
        broken = self.broken() if self.promised and len(self.promised) == len(self.good) else []
        if broken:
            self.promised, self.nowhere = {}, True
        shown = False
        for sizes in tried[: 1 if len(self.spec.layers) > MANY_LAYERS else MOST_TRIED]:
            for found in self.tried(sizes):
                shown = True
                yield found
        yield from broken if shown or broken else self.outsized
        if self.walk.lost:
            places = [path for _, _, path in self.walk.lost]
            met = {name: promise.first for name, promise in self.promised.items()}
            yield from (found for found in self.tried(met) if any(found.path[: len(path)] == path for path in places))
        yield from self.unexplained()

    def broken(self) -> list[Diagnostic]:
        """What still fails where the sizes are those that would be promised."""
        offered = {**self.promises, **self.promised}
        lost = self.walk.lost
        for near in (TRIED_PROMISE, 0):
            found = list(self.tried({name: nearest_size(promise, near) for name, promise in offered.items()}))
            found = [each for each in found if (each.code, each.path) not in self.told]
            if found:
                return found
            self.walk.lost = lost
        return []

    def tried(self, sizes: Mapping[str, int]) -> Iterator[Diagnostic]:
        """What the ordinary inference says at sizes; a symbol without one takes another's, or its smallest."""
        whole = {}
        for name, promise in self.promises.items():
            whole[name] = sizes[name] if name in sizes else nearest_size(promise, max(sizes.values(), default=1))
        try:
            plan_of(self.spec.at(whole), Walk())
        except SpecError as error:
            for found in error.diagnostics:
                if found.code == "SB307" and self.failing and not self.limited(found.path):
                    self.outsized.append(self.explained(found, whole))
                    continue  # sizes that show something else, if anything does
                self.walk.lost = [lost for lost in self.walk.lost if lost[2] != found.path[: len(lost[2])]]
                yield self.explained(found, whole)

    def limited(self, path: Path) -> bool:
        """Whether a layer is too large at an end of what is promised."""
        return any(isinstance(each, Limit) for end in range(len(path) + 1) for each in self.asked.get(path[:end], ()))

    def explained(self, found: Diagnostic, sizes: Mapping[str, int]) -> Diagnostic:
        """A diagnostic of the ordinary inference, with the sizes, where it holds, and what to promise."""
        asked = [
            condition for end in range(len(found.path) + 1) for condition in self.asked.get(found.path[:end], ())
            if not holds_at(unlimited(condition), sizes)
        ]  # fmt: skip
        names = [name for name in sizes if any(name in condition.symbols() for condition in asked)] or [*sizes]
        at = in_words([f"{name} = {sizes[name]}" for name in names])
        good = {name: self.good[name] for name in names if name in self.good and asked}
        mixed = [str(condition)[1:-1] if isinstance(condition, Several) else str(condition) for condition in asked
                 if self.failing[condition].holding is None and not isinstance(condition, Limit)]  # fmt: skip
        told = [*together(good), *mixed]
        where = in_words(told) if told else None
        because = "; ".join(filter(None, (f"it holds when {where}" if where else None, found.because)))
        fix = None if any(map(str.isdigit, found.fix or "")) else found.fix  # a number is right at these sizes alone
        if good and len(self.promised) == len(self.good):
            whole = {**self.promises, **self.promised}
            said = ", ".join(f"{name}: {promise}" for name, promise in whole.items() if promise != Promise())
            fix = f"dims: {{{said}}}"
        elif mixed:
            fix = f"numbers in place of {in_words(names)}, or in `dims` sizes at which it holds"
            if len(names) == 2 and any(f"{names[0]} = {names[1]}" in condition for condition in mixed):
                fix = f"one name in place of {in_words(names)}"
        elif found.fix and not fix and told and not self.nowhere and not any(text.startswith("no ") for text in told):
            fix = f"numbers in place of {in_words(names)}, or in `dims` sizes at which it holds"
        return replace(
            found, message=f"at {at}, {found.message}", because=because or None, fix=fix, edit=None,
            file=None, span=None, snippet=None,
        )  # fmt: skip

    def unexplained(self) -> Iterator[Diagnostic]:
        """Rules that branch on an open size, and say nothing at the sizes that were tried."""
        for kind, name, path in self.walk.lost:
            names = [*self.promises]
            yield Diagnostic(
                "SB313", f"the rule of {kind} asks more of {in_words(names)} than can be told for every size", path,
                instance=name, fix=f"sizes in place of {in_words(names)}",
            )  # fmt: skip


def together(good: Mapping[str, Good]) -> list[str]:
    """Where it holds, in words; what is the same of several symbols is said once."""
    shared: dict[str, list[str]] = {}
    for name, each in good.items():
        if not each.words:
            continue
        shared.setdefault(each.words.replace(name, "\0"), []).append(name)
    return [
        words.replace("\0", names[0]) + (f", and {in_words(names[1:])} likewise" if len(names) > 1 else "")
        for words, names in shared.items()
    ]


def unlimited(condition: Condition) -> Condition:
    """What a limit asks."""
    return condition.condition if isinstance(condition, Limit) else condition


def closed(value: Any, number: Any, key: str) -> Any:
    """An argument with its sizes in numbers."""
    if isinstance(value, (tuple, list)):
        return tuple([number(size, key, value) for size in value])
    return number(value, key, value)
