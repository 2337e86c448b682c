"""What an expression consists of, and the numbers in it, before anything is evaluated."""

import ast
import math

from spikemeta.language.equations import names_in

LARGEST_WHOLE = 2**31 - 1
#: What an expression may consist of; the rest of Python has no meaning in synapse equations.
_NODES = (
    ast.Expression,
    ast.BinOp,
    ast.UnaryOp,
    ast.BoolOp,
    ast.Compare,
    ast.Call,
    ast.Name,
    ast.Constant,
    ast.Load,
    ast.Add,
    ast.Sub,
    ast.Mult,
    ast.Div,
    ast.FloorDiv,
    ast.Mod,
    ast.Pow,
    ast.USub,
    ast.UAdd,
    ast.Not,
    ast.And,
    ast.Or,
    ast.Lt,
    ast.LtE,
    ast.Gt,
    ast.GtE,
    ast.Eq,
    ast.NotEq,
)


def names_in_or_empty(expression):
    """As `names_in`, but empty for what is not an expression."""
    try:
        return names_in(expression)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()


def foreign(tree):
    """Whether a parsed expression holds more than numbers, names, arithmetic, comparisons and calls of functions."""
    return any(
        not isinstance(node, _NODES)
        or isinstance(node, ast.Constant)
        and type(node.value) not in (int, float)
        or isinstance(node, ast.Call)
        and (not isinstance(node.func, ast.Name) or bool(node.keywords))
        for node in ast.walk(tree)
    )


def number(node):
    """Value of a part of an expression that holds numbers only, as a float; None if it holds names.

    Raises
    ------
    ArithmeticError
        If it has no finite value (computed as whole numbers, such powers would take forever), or if it is made of whole
        numbers and is too large for one in C++, where it would wrap around.
    """
    value = _value(node)
    if value is not None:
        if isinstance(value, complex) or not math.isfinite(value):
            raise ArithmeticError("numbers without a finite value")
        numbers = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)]
        if abs(value) > LARGEST_WHOLE and all(isinstance(number, int) for number in numbers):
            raise ArithmeticError(f"whole numbers above {LARGEST_WHOLE}; write them with a decimal point, as 1.0 or 1e3")
    return value


def _value(node):
    """As `number`, but only the parts of ``node`` are checked."""
    if isinstance(node, ast.Constant):
        return float(node.value)
    if isinstance(node, ast.UnaryOp):
        value = number(node.operand)
        return value if value is None or not isinstance(node.op, ast.USub) else -value
    parts = [number(part) for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr)]
    if not isinstance(node, ast.BinOp) or None in parts:
        return None
    left, right = parts
    if isinstance(node.op, ast.Pow):
        return left**right
    if isinstance(node.op, (ast.Div, ast.FloorDiv, ast.Mod)):
        return left / right
    if isinstance(node.op, ast.Mult):
        return left * right
    return left - right if isinstance(node.op, ast.Sub) else left + right
