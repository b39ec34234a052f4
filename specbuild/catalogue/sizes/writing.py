"""Sizes as a person writes them: `(H+1)//2`, `64*(H//4)*(W//4)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from specbuild.catalogue.sizes.expressions import Monomial, Number, Size


def sum_text(size: Size) -> str:
    """As a person writes it: `2*(H//2) + 1`."""
    from specbuild.catalogue.sizes.expressions import Floor, Size, rank

    terms = list(size.terms)
    constant = size.constant
    if constant:
        terms.pop()
        if len(terms) == 1:
            (monomial, number) = terms[0]
            if number == 1 and len(monomial) == 1 and isinstance(monomial[0], Floor):
                floor = monomial[0]
                inner = floor.of + constant * floor.by
                if abs(inner.constant if isinstance(inner, Size) else 0) <= floor.by:
                    return f"{factor_text(inner)}//{floor.by}"  # (H - 1)//2 for (H + 1)//2 - 1
    text = ""
    for monomial, number in sorted(terms, key=lambda term: (term[1] < 0, rank(term[0]))):
        sign = ("-" if number < 0 else "") if not text else (" - " if number < 0 else " + ")
        text += sign + product_text(monomial, abs(number), alone=not text and len(terms) == 1 and not constant)
    if constant:
        text += f" {'+' if constant > 0 else '-'} {abs(constant)}"
    return text


def product_text(monomial: Monomial, number: int, *, alone: bool) -> str:
    """`64*(H//4)*(W//4)`; the brackets are left out around a division that stands alone."""
    from specbuild.catalogue.sizes.expressions import Floor

    several = number != 1 or len(monomial) > 1
    parts = [f"({atom.text})" if several and isinstance(atom, Floor) else atom.text for atom in monomial]
    return "*".join([str(number), *parts] if number != 1 else parts)


def factor_text(size: Number) -> str:
    """The text of a size where a sum, a product or a division needs brackets."""
    from specbuild.catalogue.sizes.expressions import Floor, Size

    if not isinstance(size, Size):
        return str(size)
    if len(size.terms) == 1:
        ((monomial, number),) = size.terms
        if number == 1 and len(monomial) == 1 and not isinstance(monomial[0], Floor):
            return monomial[0].text
    return f"({sum_text(size).replace(' ', '')})"
